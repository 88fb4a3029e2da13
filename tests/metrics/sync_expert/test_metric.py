"""SX-D, SX-D0, SX-C, SX-offset on embeddings: perfect clips, known shifts, masked ends, what has no value."""

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, OwnMetric
from bench.contract.seen import Labels, Seen
from metrics.sync_expert.metric import (
    SyncConfidence,
    SyncDistance,
    SyncDistanceAtZero,
    SyncOffset,
    sync_curve,
)

ALL = [SyncDistance, SyncDistanceAtZero, SyncConfidence, SyncOffset]


def unit(rows: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def seen(visual: np.ndarray, audio: np.ndarray) -> Seen:
    labels = Labels("c", "puppet", "s", "happy", 1)
    return Seen(labels, Cues.empty(len(visual) + 4), {"sync_expert": {"visual": visual, "audio": audio}})


def value(metric: type, visual: np.ndarray, audio: np.ndarray) -> float:
    return metric().own(seen(visual, audio)).value


def test_equal_embeddings_are_perfect():
    rows = unit(40)
    assert (
        value(SyncDistance, rows, rows) == value(SyncDistanceAtZero, rows, rows) == value(SyncOffset, rows, rows) == 0
    )
    assert 1 < value(SyncConfidence, rows, rows) < 2


@pytest.mark.parametrize("early", [-9, -1, 4, 12])
def test_a_sound_that_is_early_has_a_positive_offset_and_late_a_negative(early):
    rows = unit(60)
    visual, audio = (rows[: 60 - early], rows[early:]) if early > 0 else (rows[-early:], rows[: 60 + early])
    assert value(SyncOffset, visual, audio) == early
    assert value(SyncDistance, visual, audio) == 0
    assert value(SyncDistanceAtZero, visual, audio) > 1


def test_distance_grows_and_confidence_falls_with_damage():
    rows = unit(45)
    damaged = [rows + amount * unit(45, seed=1) for amount in (0, 0.3, 0.6, 1.2)]
    damaged = [d / np.linalg.norm(d, axis=1, keepdims=True) for d in damaged]
    distances = [value(SyncDistance, rows, d) for d in damaged]
    confidences = [value(SyncConfidence, rows, d) for d in damaged]
    assert distances == sorted(distances) and distances[0] < distances[-1]
    assert confidences == sorted(confidences, reverse=True)


def test_strangers_have_no_confidence_to_speak_of():
    assert 0 <= value(SyncConfidence, unit(50, 1), unit(50, 2)) < 0.15


def test_absent_windows_are_left_out_not_filled():
    rows = unit(45)
    holes = rows.copy()
    holes[10:14] = np.nan
    assert value(SyncDistance, holes, rows) == 0
    assert SyncDistance().own(seen(holes, rows)).n_frames == 41


def test_without_any_face_there_is_no_value():
    with pytest.raises(Unscorable) as caught:
        value(SyncDistance, np.full((40, 16), np.nan, np.float32), unit(40))
    assert caught.value.reason is Reason.NO_FACE


@pytest.mark.parametrize("visual, audio", [(19, 19), (40, 12), (0, 40), (40, 0)])
def test_too_few_windows_for_the_lags_have_no_value(visual, audio):
    with pytest.raises(Unscorable) as caught:
        sync_curve(unit(40)[:visual], unit(40)[:audio])
    assert caught.value.reason is Reason.WINDOW_TOO_SHORT


def test_twenty_windows_are_enough():
    assert np.isfinite(sync_curve(unit(20), unit(20))[0]).all()


def test_every_metric_says_what_it_is():
    for metric in ALL:
        assert isinstance(metric(), OwnMetric) and metric().definition
    assert SyncOffset.direction is Direction.ZERO
    assert SyncDistance.primary and not SyncConfidence.primary
    assert SyncDistance.direction is SyncConfidence.direction is Direction.MATCH


def test_a_still_picture_has_a_distance_but_no_offset():
    still = np.repeat(unit(1, 3), 40, 0)
    assert value(SyncDistance, still, unit(40)) > 1
    with pytest.raises(Unscorable) as caught:
        value(SyncOffset, still, unit(40))
    assert caught.value.reason is Reason.NO_VARIATION


def test_silence_at_both_ends_does_not_pull_the_offset_to_zero():
    rng = np.random.default_rng(0)
    quiet = unit(1, 4).repeat(12, 0)  # before and after speaking: a closed mouth and no sound lie near each other
    rows = np.concatenate([quiet, unit(30, 5), quiet])
    picture = rows + 0.25 * rng.normal(size=rows.shape)
    assert value(SyncOffset, picture[:-6].astype(np.float32), rows[6:]) == 6
