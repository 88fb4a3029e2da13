"""Freezing takes whole calibrations of the declaration that lies here, and leaves nothing of one machine in the record."""

import hashlib
from pathlib import Path

import pytest

from bench.calibration.declaration import load_declaration
from bench.calibration.freeze import freeze, with_block
from bench.calibration.table import terminal
from bench.contract.calibration import Calibration, DamageCurve, Point, ResponseCell
from bench.contract.errors import UsageError
from bench.contract.result import DatasetRecord, Environment


@pytest.fixture
def record():
    """A calibration of every declared damage in which nothing has a value."""
    damages = [
        DamageCurve(
            damage=d.name, unit=d.unit, kind=d.kind, doses=list(d.doses),
            cells=[
                ResponseCell(metric=e.metric, unit="1", direction="lower", says=e.says, least=e.effect, margin=e.effect,
                             points=[Point(dose=x, value=None, reason="no-face") for x in d.doses],
                             verdict="not-shown", reason="no value at any dose: no-face")
                for e in d.expects
            ],
        )
        for d in load_declaration().damages
    ]  # fmt: skip
    dataset = DatasetRecord(name="puppet", profile="quick", part="test", manifest="quick", manifest_sha256="m", n_scored=24,
                            n_speakers=12, n_rejected=0, store_sha256="s")  # fmt: skip
    environment = Environment(
        python="3", platform="x", packages={}, git_commit=None, git_dirty=None, emotalk="0", machine=None
    )
    return Calibration(
        dataset=dataset, protocol="emotalk", protocol_sha256="p", declaration_sha256=load_declaration().sha256,
        environment=environment, created="2026-01-01T00:00:00+00:00", seed=0, n_clips=24, n_speakers=12,
        command="emotalk calibrate --dataset puppet --work /home/somebody/work --jobs=4 --profile quick", wall_seconds=1.0,
        damages=damages,
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "calibration.md").write_text(
        "a\n<!-- puppet-quick: begin -->\nold\n<!-- puppet-quick: end -->\nb\n"
    )
    return tmp_path


def written(record, folder: Path) -> Path:
    folder.mkdir()
    record.save(folder / "calibration.json")
    return folder


def test_the_frozen_copy_names_no_folder_of_this_machine_and_carries_its_hash(record, tree):
    frozen, sums, page = freeze(written(record, tree / "result"), tree)
    assert frozen.name == "calibration-puppet-quick.json"
    assert Calibration.load(frozen).command == "emotalk calibrate --dataset puppet --profile quick"
    assert sums.read_text() == f"{hashlib.sha256(frozen.read_bytes()).hexdigest()}  {frozen.name}\n"
    text = page.read_text()
    assert text.startswith("a\n") and text.endswith("-->\nb\n") and "old" not in text
    assert "| blur | SSIM | falls by over 0.005 | not shown |" in text


def test_a_part_of_a_calibration_or_another_declaration_is_refused(record, tree):
    part = record.model_copy(update={"damages": record.damages[:3]})
    with pytest.raises(UsageError, match="only a whole calibration"):
        freeze(written(part, tree / "part"), tree)
    few = record.model_copy(update={"command": "emotalk calibrate --limit 4"})
    with pytest.raises(UsageError, match="only a whole calibration"):
        freeze(written(few, tree / "few"), tree)
    other = record.model_copy(update={"declaration_sha256": "0" * 64})
    with pytest.raises(UsageError, match="another declaration"):
        freeze(written(other, tree / "other"), tree)


def test_a_page_without_a_place_for_it_is_refused():
    with pytest.raises(UsageError, match="puppet-quick: begin"):
        with_block("nothing here", "puppet-quick", "text")


def test_the_terminal_names_every_cell_and_counts_the_verdicts(record):
    text = terminal(record)
    cells = [(curve.damage, cell.metric) for curve, cell in record.cells()]
    assert f"{len(cells)} cells of 21 damages" in text
    assert f"0 as declared, 0 not as declared, {len(cells)} not shown" in text
    assert all(f"  {damage}: {metric} " in text for damage, metric in cells)
