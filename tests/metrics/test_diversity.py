"""Div-pose and Div-face: identical clips are 0 with a flag, known differences come back, pose is no expression."""

from dataclasses import replace

import numpy as np
import pytest
from posed_face import collected, face_at, row, seen, sway

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import SetMetric
from bench.contract.seen import Pair
from metrics.diversity import FaceDiversity, PoseDiversity

BOTH = [PoseDiversity, FaceDiversity]


def estimate(metric, pairs):
    clips = collected(metric(), pairs)
    found = metric().estimate(clips, 0)
    return found, found.statistic(np.ones(len(clips), bool))


def made(of):
    """A row whose generated side is of(take), the real one a still head."""
    still = face_at(np.zeros((50, 3)))
    return row(lambda s, e, t: (still, of(t)), speakers=2, takes=2)


@pytest.mark.parametrize("metric", BOTH)
def test_identical_clips_are_zero_and_flagged(metric):
    same = face_at(sway(50))
    found, value = estimate(metric, made(lambda t: same))
    assert value == 0 and found.flags == ("identical-clips",)
    assert found.details["identical pairs"] == 4


def test_known_angles_between_clips_come_back():
    apart = made(lambda t: face_at(np.tile([3.0 * t, 4.0 * t, 0.0], (50, 1))))
    assert estimate(PoseDiversity, apart)[1] == pytest.approx(5.0, abs=1e-3)


def test_pose_does_not_count_as_expression_nor_expression_as_pose():
    turning = made(lambda t: face_at(np.tile([10.0 * t, 10.0 * t, 5.0 * t], (50, 1))))
    assert estimate(FaceDiversity, turning)[1] < 0.01
    talking = made(lambda t: face_at(np.zeros((50, 3)), opening=np.full(50, 12.0 * t + 1)))
    assert estimate(FaceDiversity, talking)[1] > 0.1
    assert estimate(PoseDiversity, talking)[1] < 1e-3


def test_twice_the_movement_is_twice_the_distance():
    one = made(lambda t: face_at(sway(50, 2.0, t)))
    two = made(lambda t: face_at(sway(50, 4.0, t)))
    assert estimate(PoseDiversity, two)[1] == pytest.approx(2 * estimate(PoseDiversity, one)[1], rel=1e-4)


def test_cells_weigh_the_same_and_clips_come_in_any_order():
    pairs = made(lambda t: face_at(np.tile([2.0 * t, 0, 0], (50, 1))))
    extra = seen(face_at(np.zeros((50, 3))), "s0_happy_9", "s0", "happy")
    pairs.append(Pair(extra, extra))
    clips = collected(PoseDiversity(), pairs)
    mask = np.ones(len(clips), bool)
    found = PoseDiversity().estimate(clips, 0)
    assert found.statistic(mask) == pytest.approx((4 / 3 + 3 * 2) / 4, abs=1e-3)
    assert found.statistic(mask) == PoseDiversity().estimate(clips[::-1], 0).statistic(mask)
    mask[1:] = False
    assert np.isnan(found.statistic(mask))


def test_frames_without_a_face_are_left_out():
    gone = np.ones(50, bool)
    gone[::10] = False
    gappy = made(lambda t: face_at(np.tile([3.0 * t, 4.0 * t, 0.0], (50, 1)), valid=gone))
    assert estimate(PoseDiversity, gappy)[1] == pytest.approx(5.0, abs=1e-3)


@pytest.mark.parametrize("metric", BOTH)
def test_one_clip_of_each_kind_or_no_face_has_no_value(metric):
    single = row(lambda s, e, t: (face_at(sway(50)),) * 2, takes=1)
    with pytest.raises(Unscorable) as nothing:
        estimate(metric, single)
    assert nothing.value.reason == Reason.TOO_FEW_CLIPS
    with pytest.raises(Unscorable) as faceless:
        metric().collect(replace(single[0], generated=seen(Cues.empty(50))))
    assert faceless.value.reason == Reason.NO_FACE
    assert isinstance(metric(), SetMetric)
