"""The motion metrics against the exact truth of rendered heads, and the command that measures their floors."""

import numpy as np
import pytest

from bench.metric_floors.motion import main
from bench.metric_floors.motion_rows import held, readings
from metrics.blink import closures
from metrics.pose_motion import PoseSpeed, PoseSpread

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def work(shared_folder, face_weights):
    """A work folder with the validation part of the smallest embedded dataset."""
    from bench.data.puppet.dataset import write_tree
    from bench.prepare import prepare
    from bench.workspace import Workspace

    tree, folder = shared_folder / "puppet-smoke-validation", shared_folder / "work-validation"
    write_tree(tree, "smoke", parts=("validation",), jobs=2)
    prepare("puppet", root=tree, profile="smoke", manifest=None, part="validation", space=Workspace(folder), jobs=2)
    return folder


@pytest.fixture(scope="module")
def found(work):
    from bench.data.store import Store
    from bench.workspace import Workspace

    selection = Store(Workspace(work).store("puppet-smoke")).selection("smoke", "validation")
    return readings([row.clip for row in selection.scored])


def test_spread_and_speed_of_the_estimate_are_those_of_the_truth(found):
    for metric, allowed in ((PoseSpread(), 0.35), (PoseSpeed(), 6.0)):
        errors = [metric.own(r.seen).value - metric.own(r.truth).value for r in found]
        assert np.abs(errors).mean() < allowed, metric.name


def test_a_truly_still_head_is_read_as_nearly_still(found):
    for reading in found:
        assert PoseSpread().own(held(reading)).value < 1.2


def test_blinks_are_those_of_the_truth(found):
    true = sum(int(((r.lids[1:] > 0.5) & (r.lids[:-1] <= 0.5)).sum()) for r in found)
    counted = sum(closures(r.seen.cues).blinks for r in found)
    assert abs(counted - true) <= 1


def test_the_command_prints_every_table(work, capsys):
    assert main(["--work", str(work), "--profile", "smoke"]) == 0
    printed = capsys.readouterr().out
    for name in ("Pose-speed", "Beat", "Mouth-sound", "Pose-W1", "Div-face", "Blink-rate", "frames shuffled", "error"):
        assert name in printed
    assert "validation speakers" in printed
