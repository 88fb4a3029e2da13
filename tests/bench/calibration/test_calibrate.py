"""Three damages on four clips: the columns go where they were declared to go, and a second run makes nothing."""

from inspect import getfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hand_calibration import calibration
from hand_calibration import cell as hand_cell
from hand_calibration import damage as hand_damage
from run_emotalk import emotalk

from baselines.damages.registry import find_damage
from bench.calibrate_verb import calibrate_verb
from bench.calibration.declaration import load_declaration, parse_declaration
from bench.calibration.run import Calibrated, Setting, _row, calibrate, hearing
from bench.cli import Calibrate, Outcome
from bench.contract.errors import ExitCode
from bench.protocols import load_protocol
from bench.workspace import Workspace
from metrics.registry import get_metrics

SMALL = b"""
version = 1
protocol = "emotalk"
[effects]
SSIM = [0.005, "small"]
PSNR = [1.0, "small"]
M-LVD = [0.1, "small"]
Mouth-sound = [0.05, "small"]
[damages.blur]
kind = "picture"
unit = "px"
doses = [0.5, 1, 2]
why = "soft"
[damages.blur.expects]
SSIM = ["falls", "edges"]
PSNR = ["falls", "edges"]
[damages.sound-lag]
kind = "sound"
unit = "frames"
doses = [1, 2, 4]
clips = 2
why = "late"
[damages.sound-lag.expects]
Mouth-sound = ["rises", "without shift"]
M-LVD = ["flat", "deaf"]
[damages.frames-dropped]
kind = "picture"
unit = "share of frames"
doses = [0.1, 0.25, 0.5]
why = "held"
[damages.frames-dropped.expects]
M-LVD = ["rises", "none, then two at once"]
SSIM = ["falls", "older pictures"]
"""


@pytest.fixture(scope="session")
def small(smoke_selection, tmp_path_factory):
    """(the calibration, the same again): what is kept between the two is all on disk."""
    work = tmp_path_factory.mktemp("calibration")

    def run():
        setting = Setting(smoke_selection, Workspace(work), "puppet-smoke", jobs=1)
        return calibrate(parse_declaration(SMALL, "small"), setting)

    return run(), {path: path.stat().st_mtime_ns for path in work.rglob("*.mp4")}, run(), work


@pytest.fixture(scope="session")
def measured(small):
    return small[0].calibration


@pytest.mark.parametrize(
    ("damage", "metric", "sign"),
    [("blur", "SSIM", -1), ("blur", "PSNR", -1), ("sound-lag", "Mouth-sound", 1), ("frames-dropped", "M-LVD", 1),
     ("frames-dropped", "SSIM", -1)],
)  # fmt: skip
def test_damage_moves_the_column_as_declared_and_the_largest_dose_more_than_the_smallest(
    measured, damage, metric, sign
):
    first, _, top = (sign * point.difference for point in measured.cell(damage, metric).points)
    assert top > max(first, 0)


def test_a_late_sound_leaves_the_picture_alone(measured):
    assert [point.difference for point in measured.cell("sound-lag", "M-LVD").points] == [0.0, 0.0, 0.0]


def test_the_picture_under_another_sound_is_known_to_be_unaltered_and_the_sound_to_be_heard(measured):
    assert all(point.unaltered for point in measured.cell("sound-lag", "M-LVD").points)
    heard = [measured.cell("sound-lag", "Mouth-sound"), measured.cell("blur", "SSIM")]
    assert not any(point.unaltered for cell in heard for point in cell.points)


def test_columns_that_take_in_the_sound_are_known():
    """Every metric whose module reads the sound is in the list, but for those that compare two mouths."""
    columns = load_protocol().metrics
    reading = {m.name for m in get_metrics(columns, {}) if "seen.audio" in Path(getfile(type(m))).read_text()}
    assert reading - hearing(columns, "emotalk") == {"Mouth-corr", "Mouth-lag"}
    assert {"SX-D", "Mouth-sound", "LSE-C"} <= hearing(columns, "emotalk")
    assert not {"SSIM", "FID", "Emo-acc", "Gaze-JS"} & hearing(columns, "emotalk")


def test_two_speakers_show_nothing_and_say_so(measured):
    cells = [cell for _, cell in measured.cells()]
    assert {cell.verdict for cell in cells} == {"not-shown"}
    assert all("2 speakers, 3 are needed" in cell.reason for cell in cells)


def test_only_as_many_clips_as_declared_are_used(measured):
    assert {p.n_clips for p in measured.cell("sound-lag", "M-LVD").points} == {2}
    assert {p.n_clips for p in measured.cell("blur", "SSIM").points} == {4}


def test_a_second_run_makes_no_video_again_and_finds_the_same(small):
    first, times, second, work = small
    assert second.calibration.damages == first.calibration.damages
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*.mp4")} == times


def test_nothing_failed_and_the_record_says_what_it_was_made_of(small):
    done = small[0]
    assert (done.failed, done.calibration.failed) == (0, 0)
    assert done.calibration.fresh
    assert not small[2].calibration.fresh
    assert done.calibration.extractors == small[2].calibration.extractors
    assert [e.name for e in done.calibration.extractors] == sorted({e.name for e in done.calibration.extractors})
    assert done.calibration.declaration_sha256 != load_declaration().sha256
    assert (done.calibration.n_clips, done.calibration.n_speakers) == (4, 2)


def test_an_unknown_damage_is_wrong_use_before_anything_is_prepared(tmp_path):
    done = emotalk("calibrate", "--damages", "blurr", "--work", tmp_path)
    assert done.returncode == 2
    assert "did you mean 'blur'" in done.stderr
    assert not (tmp_path / "store").exists()


def test_an_out_folder_of_something_else_is_refused_before_anything_is_prepared(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    done = emotalk("calibrate", "--damages", "blur", "--work", tmp_path / "work", "--out", tmp_path / "mine")
    assert done.returncode == 2
    assert "an earlier calibration and nothing else" in done.stderr
    assert not (tmp_path / "work" / "store").exists()


def test_a_row_with_a_clip_in_cue_space_is_not_measured(smoke_selection, tmp_path, monkeypatch):
    """One clip without a picture is enough: the others went through a codec that this one did not see."""
    made = SimpleNamespace(counts={"cues": 1, "ok": 3}, made=4, reused=0)
    monkeypatch.setattr("bench.calibration.run.generate", lambda *args, **settings: made)
    setting = Setting(smoke_selection, Workspace(tmp_path), "real")
    done = _row(setting, smoke_selection, find_damage("gaze-mirrored", 0.25), "emotalk", ["SSIM"], "gaze-mirrored", 1)
    assert (done.row, done.fresh) == (None, True)


def test_failed_outputs_are_left_out_of_the_curves_and_not_replaced(smoke_selection, tmp_path, monkeypatch):
    asked = {}
    made, done = (
        SimpleNamespace(counts={"ok": 3, "failed": 1}, made=4, reused=0),
        SimpleNamespace(reused=False, failed=1),
    )
    monkeypatch.setattr("bench.calibration.run.generate", lambda *args, **settings: made)
    monkeypatch.setattr("bench.calibration.run.evaluate", lambda *args, **settings: asked.update(settings) or done)
    setting = Setting(smoke_selection, Workspace(tmp_path), "any")
    _row(setting, smoke_selection, find_damage("blur", 1), "emotalk", ["SSIM"], "blur~1", 1)
    assert asked["missing"] == "exclude"


@pytest.mark.parametrize(
    ("prepared", "code"), [(ExitCode.DONE, ExitCode.DONE), (ExitCode.SOME_FAILED, ExitCode.SOME_FAILED)]
)
def test_clips_that_could_not_be_prepared_are_told_in_the_exit_code_and_the_rest_is_written(
    tmp_path, monkeypatch, prepared, code
):
    (tmp_path / "selection.json").write_text("{}")
    outcome = Outcome(prepared, {"selection": str(tmp_path / "selection.json")}, "")
    monkeypatch.setattr("bench.verbs.prepare", lambda *args: outcome)
    monkeypatch.setattr(
        "bench.calibration.run.calibrate", lambda *args: Calibrated(calibration(hand_damage(hand_cell())))
    )
    (tmp_path / "there").mkdir()
    (tmp_path / "out").symlink_to("there")
    flags = Calibrate(dataset="puppet", out=tmp_path / "out")
    assert calibrate_verb(flags, Workspace(tmp_path), "emotalk calibrate").code == code
    # where --out is a link, the folder behind it is filled
    assert (tmp_path / "out").is_symlink() and (tmp_path / "there" / "calibration.json").is_file()
