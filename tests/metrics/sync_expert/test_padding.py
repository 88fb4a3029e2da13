"""sync_expert.padding = "zero": the published post-processing on the expert's embeddings, its defects included and shown."""

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable, UsageError
from bench.contract.seen import Labels, Seen
from metrics.sync_expert.metric import (
    SyncConfidence,
    SyncDistance,
    SyncDistanceAtZero,
    SyncOffset,
    padded_curve,
    sync_curve,
)
from metrics.syncnet import modes

ALL = [SyncDistance, SyncDistanceAtZero, SyncConfidence, SyncOffset]


def unit(rows, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, 16))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def near(rows, seed=0, noise=0.2):
    moved = unit(rows, seed) + noise * unit(rows, seed + 1)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def seen(visual, audio):
    features = {"sync_expert": {"visual": visual, "audio": audio}}
    return Seen(Labels("c", "made-up", "s", "happy", 1), Cues.empty(len(visual) + 4), features)


def value(metric, visual, audio, padding="zero"):
    return metric(padding).own(seen(visual, audio)).value


@pytest.mark.parametrize("frames", [25, 60])
def test_padded_scores_have_parity_with_the_reference_s_post_processing(frames, tolerance):
    visual, audio = near(frames), unit(frames)
    theirs = modes.reference(visual[:-1].astype(np.float32), audio[:-1].astype(np.float32))
    expected = {
        "SX-D": theirs.distance,
        "SX-D0": theirs.distance_at_zero,
        "SX-C": theirs.confidence,
        "SX-offset": theirs.offset,
    }
    for metric in ALL:
        difference = abs(value(metric, visual, audio) - expected[metric.name])
        tolerance("SX, zero-padded", "SyncNet's post-processing", "SX-D, SX-D0, SX-C, SX-offset", difference, 1e-4)


def test_without_padding_nothing_has_changed():
    visual, audio = near(40), unit(40)
    curve, pairs = sync_curve(visual, audio)
    assert value(SyncDistance, visual, audio, "none") == curve.min() and pairs[15] == 40
    assert SyncDistance().definition == SyncDistance("none").definition


def test_confidence_depends_on_clip_length_only_with_padding():
    visual, audio = near(300), unit(300)
    spread = {}
    for padding in ("none", "zero"):
        spread[padding] = np.ptp([value(SyncConfidence, visual[:n], audio[:n], padding) for n in (25, 50, 300)])
    assert spread["zero"] > 0.1 > 2 * spread["none"]


def test_zero_vectors_draw_the_best_lag_of_strangers_to_the_edge():
    """At distance 1 a zero vector is nearer than a stranger's sound at about 1.4, and far lags have the most of them."""
    strangers = [(unit(24, seed), unit(24, seed + 50)) for seed in range(12)]
    assert min(abs(value(SyncOffset, *pair)) for pair in strangers) >= 10
    assert min(abs(value(SyncOffset, *pair, "none")) for pair in strangers) < 10


def test_every_length_has_a_value_with_padding_and_a_second_is_needed_without():
    visual, audio = near(6), unit(6)
    assert np.isfinite(value(SyncDistance, visual, audio))
    for metric in ALL:
        with pytest.raises(Unscorable):
            value(metric, visual, audio, "none")


@pytest.mark.parametrize(
    ("visual", "audio", "reason"),
    [
        (unit(1), unit(9), Reason.WINDOW_TOO_SHORT),
        (unit(9), unit(0), Reason.WINDOW_TOO_SHORT),
        (np.full((9, 16), np.nan), unit(9), Reason.NO_FACE),
    ],
    ids=["one picture window", "no sound", "no face"],
)
def test_what_has_no_window_has_a_reason(visual, audio, reason):
    with pytest.raises(Unscorable) as caught:
        padded_curve(visual, audio)
    assert caught.value.reason is reason


def test_windows_with_an_unseen_face_stay_absent():
    visual, audio = near(40), unit(40)
    holes = visual.copy()
    holes[10:14] = np.nan
    assert SyncDistance("zero").own(seen(holes, audio)).n_frames == 35
    assert value(SyncDistance, holes, audio) == pytest.approx(value(SyncDistance, visual, audio), abs=0.02)


def test_the_definition_says_whose_rules_these_are():
    for metric in ALL:
        assert "zero vector" in metric("zero").definition and "Wav2Lip" in metric("zero").definition
    with pytest.raises(UsageError, match=r"sync_expert\.padding"):
        SyncDistance("reflect")
