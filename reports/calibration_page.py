"""`calibration.html`: a page of one calibration by itself."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup
from pydantic import ValidationError

from bench.contract.calibration import Calibration
from bench.contract.errors import UsageError
from bench.contract.files import whole_file
from reports.calibration import calibration_section, calibration_style
from reports.render import render, template
from reports.words import plural, printable


def build_calibration(calibration: Path, out: Path) -> Path:
    """Write out/calibration.html from a calibration.json; returns its path. UsageError for a file that is no calibration."""
    try:
        record = Calibration.load(calibration)
    except (OSError, ValidationError) as error:
        raise UsageError(f"{calibration}: not a calibration ({str(error)[:200]}); run `emotalk calibrate`") from None
    d = record.dataset
    place = " · ".join(filter(None, (d.name, d.profile, d.part, f"protocol {record.protocol}")))
    text = render(
        "calibration_page.html.j2",
        place=printable(place),
        size=f"{plural(record.n_clips, 'clip')} of {plural(record.n_speakers, 'speaker')}",
        facts=_facts(record),
        section=calibration_section(record),
        style=Markup(f"{template('report.css')}\n{calibration_style()}"),
    )
    out.mkdir(parents=True, exist_ok=True)
    with whole_file(out / "calibration.html") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return out / "calibration.html"


def _facts(record: Calibration) -> list[tuple[str, str]]:
    facts = [
        ("Measured", record.created[:10]),
        ("Data version", record.dataset.data_version or ""),
        ("Declaration (SHA-256)", record.declaration_sha256[:16]),
        ("Protocol (SHA-256)", record.protocol_sha256[:16]),
        ("Clips (SHA-256)", record.dataset.store_sha256[:16]),
        ("Took", f"{record.wall_seconds / 60:.1f} min" if record.fresh else "from the cache, in part or whole"),
        ("Command", record.command),
    ]
    return [(name, printable(text)) for name, text in facts if text]
