"""Temporal stability: jitter finds trembling and not speech, warp error finds flicker and not motion."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, OwnMetric
from bench.contract.seen import Labels, Seen
from metrics.stability import SEGMENT, Jitter, WarpE, high_frequency_rms

SECONDS = np.arange(100) / 25


def cues(movement: np.ndarray, valid: np.ndarray | None = None) -> Cues:
    """A face whose points all move by `movement` (T,) px to the right."""
    still = np.random.default_rng(0).uniform(50, 200, (1, 478, 3))
    landmarks = (still + movement[:, None, None] * np.array([1, 0, 0])).astype(np.float32)
    whole = replace(Cues.empty(len(movement)), landmarks=landmarks, valid=np.ones(len(movement), bool))
    if valid is not None:
        whole.landmarks[~valid] = np.nan
        whole = replace(whole, valid=valid)
    return whole


def jitter(movement: np.ndarray, valid: np.ndarray | None = None):
    return Jitter().own(Seen(Labels("c", "d", "s", None, None), cues(movement, valid)))


@pytest.mark.parametrize("hertz", [9.0, 10.0, 11.0])
def test_a_sine_in_the_band_gives_its_root_mean_square(hertz):
    assert high_frequency_rms(np.sin(2 * np.pi * hertz * SECONDS + 0.3)) == pytest.approx(np.sqrt(0.5), rel=0.05)


@pytest.mark.parametrize("hertz", [0.5, 1.0, 3.0, 5.0])
def test_movement_as_slow_as_speech_and_heads_is_not_jitter(hertz):
    assert high_frequency_rms(np.sin(2 * np.pi * hertz * SECONDS)) < 0.05


def test_drift_is_not_jitter_and_stillness_is_zero():
    assert high_frequency_rms(3.0 * SECONDS) < 1e-9
    assert jitter(np.zeros(50)).value == pytest.approx(0, abs=1e-5)


def test_grows_in_proportion_to_trembling():
    tremble = np.random.default_rng(0).normal(size=100)
    slow = 5 * np.sin(2 * np.pi * SECONDS)
    values = [jitter(slow + level * tremble).value for level in (0, 0.5, 1, 2, 4)]
    assert all(a < b for a, b in pairwise(values))
    assert values[4] / values[3] == pytest.approx(2, rel=0.02)


def test_gaps_are_not_bridged_and_short_runs_have_no_spectrum():
    valid = np.ones(100, bool)
    valid[[20, 30]] = False  # runs of 20, 9 and 69 frames
    jump = np.where(np.arange(100) > 20, 50.0, 0.0)
    score = jitter(jump, valid)
    assert score.n_frames == 89 and score.value == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("frames", [0, 1, SEGMENT - 1])
def test_a_clip_shorter_than_the_window_has_a_reason(frames):
    with pytest.raises(Unscorable) as error:
        jitter(np.zeros(frames))
    assert error.value.reason == Reason.WINDOW_TOO_SHORT
    with pytest.raises(ValueError, match="16 frames"):
        high_frequency_rms(np.zeros(frames))


def seen(error: list[float]) -> Seen:
    return Seen(Labels("c", "d", "s", None, None), Cues.empty(len(error) + 1), {"warp": {"error": np.array(error)}})


def test_warp_error_of_a_clip_is_the_mean_over_steps_that_have_one():
    assert WarpE().own(seen([1.0, np.nan, 3.0])) == (2.0, 2)
    with pytest.raises(Unscorable):
        WarpE().own(seen([np.nan]))


def test_both_are_read_against_the_real_clip():
    for metric in (Jitter(), WarpE()):
        assert isinstance(metric, OwnMetric) and metric.direction is Direction.MATCH
