"""Pose-mean, -spread, -range, -speed: known movement comes back, gaps do not move the head, order counts only for speed."""

import numpy as np
import pytest
from posed_face import face_at, seen, sway

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import OwnMetric, PairMetric
from bench.contract.seen import Pair
from metrics.pose import head_angles, head_velocity
from metrics.pose_motion import PoseMean, PoseRange, PoseSpeed, PoseSpread

OWN = [PoseSpread, PoseRange, PoseSpeed]
MOVING = sway(80, sd=3.0)


def own(metric, cues):
    return metric().own(seen(cues)).value


def test_angles_are_those_that_the_head_was_held_at():
    assert np.abs(head_angles(face_at(MOVING)) - MOVING).max() < 1e-4


def test_spread_is_the_standard_deviation():
    assert own(PoseSpread, face_at(MOVING)) == pytest.approx(3.0, abs=1e-4)


def test_range_of_a_ramp_is_nine_tenths_of_it():
    ramp = np.linspace(-10, 10, 101)[:, None] * [1, 1, 1]
    assert own(PoseRange, face_at(ramp)) == pytest.approx(18.0, abs=1e-3)


def test_speed_of_an_even_turn_is_its_rate():
    turn = np.arange(50)[:, None] * [0.0, 0.4, 0.0]
    assert own(PoseSpeed, face_at(turn)) == pytest.approx(10.0, rel=1e-4)


@pytest.mark.parametrize("metric", OWN)
def test_twice_the_movement_is_twice_the_value(metric):
    assert own(metric, face_at(2 * MOVING)) == pytest.approx(2 * own(metric, face_at(MOVING)), rel=1e-3)


@pytest.mark.parametrize("metric", OWN)
def test_a_still_head_has_nothing(metric):
    assert own(metric, face_at(np.zeros((30, 3)))) == pytest.approx(0, abs=1e-4)


def test_shuffled_frames_keep_spread_and_range_and_raise_the_speed():
    order = np.random.default_rng(0).permutation(len(MOVING))
    shuffled = face_at(MOVING[order])
    for metric in (PoseSpread, PoseRange):
        assert own(metric, shuffled) == pytest.approx(own(metric, face_at(MOVING)), rel=1e-6)
    assert own(PoseSpeed, shuffled) > 1.3 * own(PoseSpeed, face_at(MOVING))


def test_a_jump_across_a_gap_is_no_movement():
    step = np.zeros((40, 3))
    step[20:] = 15
    valid = np.ones(40, bool)
    valid[20] = False
    assert own(PoseSpeed, face_at(step, valid=valid)) == pytest.approx(0, abs=1e-3)
    assert own(PoseSpeed, face_at(step)) > 3


def test_frames_without_a_face_are_left_out_and_counted():
    valid = np.ones(80, bool)
    valid[[3, 40, 41]] = False
    gappy = seen(face_at(MOVING, valid=valid))
    assert PoseSpread().own(gappy) == (pytest.approx(MOVING[valid].std(0).mean(), rel=1e-4), 77)
    assert PoseSpeed().own(gappy).n_frames == 80 - 4 - 4 - 6
    velocity = head_velocity(head_angles(gappy.cues))
    assert np.isnan(velocity[0:4]).all() and np.isfinite(velocity[4:36]).all()


@pytest.mark.parametrize("metric", OWN)
def test_no_face_and_too_few_frames_are_named(metric):
    with pytest.raises(Unscorable) as nothing:
        metric().own(seen(Cues.empty(20)))
    assert nothing.value.reason == Reason.NO_FACE
    with pytest.raises(Unscorable) as short:
        metric().own(seen(face_at(np.zeros((4, 3)))))
    assert short.value.reason == Reason.TOO_FEW_FRAMES


def test_no_five_frames_in_a_row_have_no_speed():
    with pytest.raises(Unscorable, match="in a row"):
        own(PoseSpeed, face_at(MOVING, valid=np.arange(80) % 5 > 0))


def test_mean_is_the_offset_of_the_rest_pose_and_symmetric():
    real, lifted = face_at(MOVING), face_at(MOVING + [6, 0, -3])
    pair = Pair(seen(real), seen(lifted))
    assert PoseMean().pair(pair).value == pytest.approx(3.0, abs=1e-3)
    assert PoseMean().pair(Pair(pair.generated, pair.reference)).value == pytest.approx(3.0, abs=1e-3)
    assert PoseMean().pair(Pair(pair.reference, pair.reference)).value == 0


def test_mean_looks_at_the_common_beginning():
    longer = face_at(np.concatenate([MOVING, np.full((5, 3), 40.0)]))
    assert PoseMean().pair(Pair(seen(face_at(MOVING)), seen(longer))) == (pytest.approx(0, abs=1e-6), 80)


def test_kinds():
    assert all(isinstance(metric(), OwnMetric) for metric in OWN) and isinstance(PoseMean(), PairMetric)
