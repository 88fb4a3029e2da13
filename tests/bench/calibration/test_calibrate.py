"""Three damages on four clips: the columns go where they were declared to go, and a second run makes nothing."""

import pytest
from run_emotalk import emotalk

from bench.calibration.declaration import load_declaration, parse_declaration
from bench.calibration.run import Setting, calibrate
from bench.workspace import Workspace

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
    assert done.failed == 0
    assert done.calibration.declaration_sha256 != load_declaration().sha256
    assert (done.calibration.n_clips, done.calibration.n_speakers) == (4, 2)


def test_an_unknown_damage_is_wrong_use_before_anything_is_prepared(tmp_path):
    done = emotalk("calibrate", "--damages", "blurr", "--work", tmp_path)
    assert done.returncode == 2
    assert "did you mean 'blur'" in done.stderr
    assert not (tmp_path / "store").exists()
