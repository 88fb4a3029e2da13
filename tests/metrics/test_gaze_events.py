"""Fixations and saccades: known ones are found, short clips do not bias them, blinks interrupt, order matters."""

import numpy as np
import pytest
from gaze_sets import collected, frozen, independent, shuffled, sight, unaltered, value

from bench.contract.errors import Reason, Unscorable
from metrics.gaze_events import (
    FixationDuration,
    Saccade,
    SaccadeAmplitude,
    SaccadeRate,
    fixations,
    restricted_mean,
    saccades,
    watched_steps,
)


def steps(*places: tuple[float, float, int]) -> np.ndarray:
    """(T, 2) gaze that rests at (yaw, pitch) for so many frames each."""
    return np.concatenate([np.tile([yaw, pitch], (frames, 1)) for yaw, pitch, frames in places]).astype(float)


def test_known_saccades_are_found_with_their_place_and_size():
    gaze = steps((0, 0, 10), (8, 0, 10), (8, -6, 10))
    assert saccades(gaze) == [Saccade(9, 10, 8.0), Saccade(19, 20, 6.0)]
    two_frames = np.concatenate([steps((0, 0, 10)), [[4, 0]], steps((9, 0, 10))])
    assert saccades(two_frames) == [Saccade(9, 11, 9.0)]


def test_noise_drift_and_small_shifts_are_no_saccades():
    rng = np.random.default_rng(0)
    assert saccades(steps((0, 0, 500)) + rng.normal(0, 0.8, (500, 2))) == []
    assert saccades(np.linspace((0, 0), (40, 0), 100)) == []  # 10 degrees/s, as when the head turns
    assert saccades(steps((0, 0, 10), (4, 0, 10))) == []


def test_there_and_back_are_two():
    assert [s.start for s in saccades(steps((0, 0, 5), (9, 0, 1), (0, 0, 5)))] == [4, 5]


def test_a_blink_interrupts():
    gaze = steps((0, 0, 10), (8, 0, 10))
    gaze[8:12] = np.nan
    assert saccades(gaze) == []
    assert watched_steps(gaze) == 7 + 7


def test_fixations_have_a_seen_beginning_and_say_whether_their_end_was_seen():
    gaze = steps((0, 0, 10), (8, 0, 12), (0, 0, 7), (8, 0, 9))
    assert fixations(gaze) == [(11, True), (6, True), (8, False)]
    gaze[33:35] = np.nan
    assert fixations(gaze) == [(11, True), (6, True), (3, False)]
    assert fixations(steps((0, 0, 30))) == []


def test_the_restricted_mean_is_kaplan_and_meiers():
    ended, cut = np.zeros(26), np.zeros(26)
    ended[[5, 10]], cut[7] = 1, 1
    # S: 1 for 5 frames, 2/3 until 10 (the one cut at 7 leaves one of one), then 0
    assert restricted_mean(ended, cut) == pytest.approx((5 + 5 * 2 / 3) / 25)
    ended, cut = np.zeros(26), np.zeros(26)
    cut[25] = 3
    assert restricted_mean(ended, cut) == 1.0
    cut[25], cut[10] = 0, 3
    assert np.isnan(restricted_mean(ended, cut)), "nobody knows what comes after 10 frames"


def test_rate_and_duration_do_not_depend_on_how_long_clips_are():
    def measured(frames: int, n: int, seed: int) -> tuple[float, float]:
        rng = np.random.default_rng(seed)
        tracks = [sight(rng, frames, spread=20) for _ in range(n)]
        everything = np.ones(n, bool)
        return SaccadeRate().pool(tracks)(everything), FixationDuration().pool(tracks)(everything)

    short, long = measured(50, 600, 1), measured(600, 50, 2)
    assert short[0] == pytest.approx(long[0], rel=0.05)
    assert short[1] == pytest.approx(long[1], rel=0.05)
    naive = np.mean(
        [frames for _ in range(200) for frames, ended in fixations(sight(np.random.default_rng(_), 50, 20)) if ended]
    )
    assert naive / 25 < 0.85 * short[1], "the mean over whole fixations of short clips would be too short"


def test_eyes_that_never_move_have_a_rate_of_zero_and_no_duration():
    clips = collected(frozen)
    assert value(SaccadeRate(), clips) == 0.0
    assert SaccadeRate().estimate(clips, 0).details["real"] > 1
    for metric in (FixationDuration(), SaccadeAmplitude()):
        with pytest.raises(Unscorable) as refused:
            metric.estimate(clips, 0)
        assert refused.value.reason == Reason.NO_VARIATION


@pytest.mark.parametrize("metric", [SaccadeRate(), SaccadeAmplitude(), FixationDuration()])
def test_the_real_value_stands_beside_and_equals_that_of_equal_clips(metric):
    found = metric.estimate(collected(unaltered), 0)
    assert found.details["real"] == found.statistic(np.ones(36, bool))
    clips = collected(independent)
    assert value(metric, clips) == value(metric, clips[::-1])


def test_shuffled_frames_are_seen():
    real, made = collected(unaltered), collected(shuffled)
    assert value(SaccadeRate(), made) > 3 * value(SaccadeRate(), real)
    assert value(FixationDuration(), made) < 0.5 * value(FixationDuration(), real)
