"""Gaze-rel: estimators that agree are near 1, an axis on which they do not is flagged, nothing to see has a reason."""

import numpy as np
import pytest
from gaze_sets import cues_of, labels

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected
from bench.contract.seen import Pair, Seen
from metrics.gaze_reliability import GazeReliability


def seen(rng, noise=(1.0, 1.0), offset=(0.0, 0.0), spread=8.0) -> Seen:
    """A clip of which the second estimator says the same plus noise and a constant of the person."""
    gaze = np.repeat(rng.normal(0, spread, (50, 1, 2)), 2, 1)
    frames = np.arange(5) * 10
    second = gaze[frames, 0] + rng.normal(0, noise, (5, 2)) + offset
    found = {"gaze_xgaze": {"frames": frames, "gaze": second.astype(np.float32)}}
    return Seen(labels("S0", "sad", 0), cues_of(gaze), found)


def clips(
    real: dict | None = None, made: dict | None = None, speakers: int = 3, per_speaker: int = 8
) -> list[Collected]:
    rng = np.random.default_rng(0)
    found = []
    for s in range(speakers):
        offset = rng.normal(0, 20, 2)
        for n in range(per_speaker):
            pair = Pair(seen(rng, offset=offset, **(real or {})), seen(rng, offset=offset, **(made or {})))
            found.append(Collected(labels(f"S{s}", "sad", n), GazeReliability().collect(pair)))
    return found


def estimate(found: list[Collected]):
    one = GazeReliability().estimate(found, 0)
    return one, one.statistic(np.ones(len(found), bool))


def test_estimators_that_agree_are_near_one_whatever_constant_a_person_has():
    one, value = estimate(clips())
    assert value > 0.97 and one.flags == ()
    assert one.details["yaw real"] == pytest.approx(1, abs=0.03)


def test_an_axis_on_which_they_do_not_agree_is_flagged_alone():
    one, _ = estimate(clips(real={"noise": (1, 40)}))
    assert one.flags == ("unreliable-gaze-pitch",)
    one, value = estimate(clips(made={"noise": (40, 1)}))
    assert one.flags == ("unreliable-gaze-yaw",)
    assert 0.3 < value < 0.8


def test_eyes_that_hardly_move_are_no_proof_against_the_estimators():
    one, value = estimate(clips(made={"spread": 0.5, "noise": (2, 2)}))
    assert value < 0.5 and one.flags == ()


def test_too_few_frames_and_no_movement_have_reasons():
    with pytest.raises(Unscorable) as refused:
        GazeReliability().estimate(clips(made={"spread": 0.0}), 0)
    assert refused.value.reason == Reason.NO_VARIATION
    one = clips()[0]
    few = [Collected(labels("S0", "sad", n), {k: a[:2] for k, a in one.arrays.items()}) for n in range(4)]
    with pytest.raises(Unscorable) as refused:
        GazeReliability().estimate(few, 0)
    assert refused.value.reason == Reason.TOO_FEW_FRAMES


def test_bits_do_not_depend_on_the_order_of_the_clips():
    found = clips()
    assert estimate(found)[1] == estimate(found[::-1])[1]
