"""Freezing takes whole calibrations of the declaration that lies here, and leaves nothing of one machine in the record."""

import hashlib
from pathlib import Path

import pytest
from hand_calibration import DOSES, calibration, cell, damage

from bench.calibration.declaration import load_declaration
from bench.calibration.freeze import freeze, with_block
from bench.calibration.table import summary, terminal, took
from bench.contract.calibration import Calibration, DamageCurve, Point, ResponseCell
from bench.contract.errors import UsageError
from bench.contract.result import DatasetRecord, Environment
from bench.protocols import load_protocol


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
        dataset=dataset, protocol="emotalk", protocol_sha256=load_protocol().sha256, declaration_sha256=load_declaration().sha256,
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
    assert "| blur | SSIM, PSNR, LPIPS, " in text and " rises, " in text
    assert text.count("| not shown |") == 21  # one reason, one line
    assert "made from the cache" in text and "1 s" not in text


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


@pytest.mark.parametrize(
    ("changes", "dataset", "said"),
    [
        ({"protocol_sha256": "0" * 64}, {}, "protocol emotalk of SHA-256 000000000000, expected emotalk as it is now"),
        ({"protocol": "eat-like"}, {}, "the protocol eat-like of"),
        ({}, {"part": "validation"}, "the part validation of the manifest quick, expected the part test of quick"),
        ({}, {"manifest": "mine"}, "the part test of the manifest mine, expected the part test of quick"),
        ({"seed": 3}, {}, "with seed 3, expected 0"),
    ],
    ids=str,
)
def test_what_was_measured_otherwise_is_refused_with_what_was_expected(changes, dataset, said, record, tree):
    changes = changes | {"dataset": record.dataset.model_copy(update=dataset)}
    with pytest.raises(UsageError, match=said):
        freeze(written(record.model_copy(update=changes), tree / "result"), tree)
    assert not (tree / "reports" / "reference").exists()


def test_a_calibration_in_which_something_failed_is_refused(record, tree):
    with pytest.raises(UsageError, match="2 clips or values failed"):
        freeze(written(record.model_copy(update={"failed": 2}), tree / "failed"), tree)


def test_seconds_are_told_only_where_everything_was_made_in_that_run(record):
    assert took(record) == "made from the cache, in part or whole"
    assert took(record.model_copy(update={"fresh": True, "wall_seconds": 375.2})) == "took 375 s"


def test_chance_counts_only_cells_that_could_pass_by_it_and_is_rounded_up():
    flat = {"says": "flat", "least": None, "margin": 1.0}
    point = {"value": 1.0, "difference": 0.0, "low": -0.1, "high": 0.1}
    one = cell(points=[Point(dose=d, **point) for d in DOSES], **flat)
    sure = cell(points=[Point(dose=d, unaltered=True, **point) for d in DOSES], **flat)
    without = cell(half=None, verdict="not-shown")
    text = " ".join(summary(calibration(damage(one, sure, without), n_clips=6, n_speakers=1)))
    assert "3 cells of 1 damage on 6 clips of 1 speaker: 2 as declared" in text
    assert "by construction: 1 " in text
    assert "nothing by construction (1 cell) at most 1 would come out as declared by chance" in text


def test_a_page_without_a_place_for_it_is_refused():
    with pytest.raises(UsageError, match="puppet-quick: begin"):
        with_block("nothing here", "puppet-quick", "text")


def test_the_terminal_names_every_cell_and_counts_the_verdicts(record):
    text = terminal(record)
    cells = [(curve.damage, cell.metric) for curve, cell in record.cells()]
    assert f"{len(cells)} cells of 21 damages" in text
    assert f"0 as declared, 0 not as declared, {len(cells)} not shown" in text
    otherwise = {line.partition(":")[0].strip(): line for line in text.rpartition("cells of")[2].splitlines()}
    assert all(f" {metric} " in otherwise[damage] for damage, metric in cells)
