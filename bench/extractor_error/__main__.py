"""How wrong the face extractor is, on rendered heads whose truth is known: `python -m bench.extractor_error`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.contract.files import whole_file
from bench.extractor_error.report import FRAMES, PEOPLE, Report, measure

DATA = Path(__file__).resolve().parents[2] / "data_manifests" / "puppet" / "extractor_error.toml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; write page, figure and data file, or print one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m bench.extractor_error", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE, help=f"speakers and identities (default {PEOPLE})")
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"frames per clip, 25 at least (default {FRAMES})")
    parser.add_argument("--write", type=Path, help="write the page here, its figure into figures/ beside it")
    parser.add_argument("--data", type=Path, default=DATA, help="write the data file here (default: data_manifests)")
    chosen = parser.parse_args(arguments)
    if chosen.people < 1 or chosen.frames < 25:
        parser.error(f"expected at least 1 person and 25 frames, got {chosen.people} and {chosen.frames}")
    report = measure(chosen.people, chosen.frames, progress=lambda text: print(text, file=sys.stderr, flush=True))
    if chosen.write is None:
        json.dump(asdict(report), sys.stdout, indent=1)
        print()
        return 0
    command = f"python -m bench.extractor_error --write {_shown(chosen.write)}"
    for name, usual in (("people", PEOPLE), ("frames", FRAMES)):
        if getattr(chosen, name) != usual:
            command += f" --{name} {getattr(chosen, name)}"
    write(report, chosen.write, chosen.data, command)
    return 0


def write(report: Report, page_path: Path, data_path: Path, command: str) -> None:
    """Write the page at `page_path`, its figure at figures/<page>.svg beside it and the data file at `data_path`."""
    from bench.environment import describe
    from bench.extractor_error.data_file import content, toml
    from bench.extractor_error.page import page
    from bench.extractor_error.plot import draw

    date = datetime.now(UTC).date().isoformat()
    environment = describe()
    machine = f"{environment.platform}, {os.cpu_count()} shared cores, Python {environment.python}"
    figure = Path("figures") / f"{page_path.stem}.svg"
    draw(report, page_path.parent / figure)
    text = page(report, command, machine, date, figure.as_posix(), _shown(data_path))
    for path, written in ((page_path, text), (data_path, toml(content(report, command, date)))):
        with whole_file(path) as temporary:
            temporary.write_text(written, encoding="utf-8")


def _shown(path: Path) -> str:
    """The path as the repository knows it, or only its name if it lies elsewhere."""
    root = DATA.parents[2]
    full = path.resolve()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else path.name


if __name__ == "__main__":
    raise SystemExit(main())
