"""M-LVD and F-LVD: zero for equal motion whatever the shape, no step across a gap, growing with jitter."""

from itertools import pairwise

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.metric import CueMetric
from metrics.lmd import FaceLMD
from metrics.lvd import FaceLVD, MouthLVD

BOTH = [MouthLVD, FaceLVD]


def cues(landmarks: np.ndarray, valid: np.ndarray | None = None) -> Cues:
    """Cues of (T, 478, 3) landmarks; invalid frames become NaN as in a cue file."""
    valid = np.ones(len(landmarks), bool) if valid is None else valid
    landmarks = np.where(valid[:, None, None], landmarks, np.nan).astype(np.float32)
    empty = Cues.empty(len(landmarks))
    return Cues(landmarks, empty.transform, empty.gaze, empty.openness, empty.blendshapes, valid)


def face(frames: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(40, 216, (1, 478, 3)) + rng.normal(0, 3, (frames, 478, 3)).cumsum(0)


@pytest.mark.parametrize("metric", BOTH)
@pytest.mark.parametrize("normalisation", ["own-mean", "raw"])
def test_another_shape_with_the_same_motion_is_zero(metric, normalisation):
    other = face() + np.random.default_rng(1).normal(0, 10, (1, 478, 3))
    assert metric(normalisation).clip(cues(face()), cues(other)) == pytest.approx(0.0, abs=1e-4)
    assert metric(normalisation).clip(cues(face()), cues(face())) == 0.0
    assert FaceLMD(normalisation).clip(cues(face()), cues(other)) > 5


@pytest.mark.parametrize("metric", BOTH)
def test_a_held_face_scores_the_real_motion(metric):
    real = face()
    held = np.repeat(real[:1], 12, axis=0)
    points = LANDMARKS_68[48:] if metric is MouthLVD else LANDMARKS_68
    steps = np.diff(real[:, points, :2], axis=0)
    assert metric("raw").clip(cues(real), cues(held)) == pytest.approx(np.linalg.norm(steps, axis=-1).mean(), rel=1e-5)


@pytest.mark.parametrize("metric", BOTH)
@pytest.mark.parametrize("normalisation", ["own-mean", "raw"])
def test_sides_can_be_swapped(metric, normalisation):
    a, b = cues(face(seed=1)), cues(face(seed=2))
    assert metric(normalisation).clip(a, b) == metric(normalisation).clip(b, a) > 0


@pytest.mark.parametrize("metric", BOTH)
def test_own_mean_is_blind_to_head_translation_and_raw_is_not(metric):
    moved = face() + np.random.default_rng(3).normal(0, 20, (12, 1, 3))
    assert metric("own-mean").clip(cues(face()), cues(moved)) == pytest.approx(0.0, abs=1e-4)
    assert metric("raw").clip(cues(face()), cues(moved)) > 10


def test_eat_like_moves_with_nose_and_eyes_and_keeps_the_mouths_place_there():
    still, sinking = np.repeat(face(1), 12, 0), np.repeat(face(1), 12, 0)
    sinking[:, LANDMARKS_68[48:], 1] += 2.0 * np.arange(12)[:, None]
    swaying = sinking + np.random.default_rng(3).normal(0, 20, (12, 1, 3))
    assert MouthLVD("eat-like").clip(cues(still), cues(swaying)) == pytest.approx(1.0, abs=1e-4)
    assert MouthLVD("own-mean").clip(cues(still), cues(swaying)) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("metric", BOTH)
def test_grows_with_jitter(metric):
    noise = np.random.default_rng(4).normal(0, 1, (12, 478, 3))
    for normalisation in ("own-mean", "raw", "face-size", "eat-like"):
        values = [metric(normalisation).clip(cues(face()), cues(face() + s * noise)) for s in (0, 0.5, 1, 2, 4, 8)]
        assert all(a < b for a, b in pairwise(values))


def test_the_face_is_its_own_average_not_that_of_the_mouth():
    moved = face()
    moved[::2, LANDMARKS_68[36:48], 1] += 4
    assert MouthLVD().clip(cues(face()), cues(moved)) == 0.0
    assert FaceLVD().clip(cues(face()), cues(moved)) > 0.5


@pytest.mark.parametrize("metric", BOTH)
def test_no_step_bridges_a_gap(metric):
    a, b = face(seed=1), face(seed=2)
    seen_a, seen_b = np.ones(12, bool), np.ones(12, bool)
    seen_a[4], seen_b[9] = False, False
    jump = b.copy()
    jump[5:] += 50 * np.random.default_rng(5).normal(size=(478, 3))  # would be a huge step from frame 3 to frame 5
    value = metric().clip(cues(a, seen_a), cues(jump, seen_b))
    parts = [
        (metric().clip(cues(a[p]), cues(jump[p])), p.stop - p.start - 1)
        for p in (slice(0, 4), slice(5, 9), slice(10, 12))
    ]
    assert value == pytest.approx(sum(v * n for v, n in parts) / 7, rel=1e-9)
    assert metric().n_frames(cues(a, seen_a), cues(jump, seen_b)) == 7


@pytest.mark.parametrize("metric", BOTH)
def test_no_step_is_nan_not_zero(metric):
    alternate = np.arange(12) % 2 == 0
    assert np.isnan(metric().clip(cues(face(), alternate), cues(face())))
    assert np.isnan(metric().clip(cues(face(1)), cues(face(1))))
    assert np.isnan(metric().clip(Cues.empty(0), Cues.empty(0)))
    assert metric().n_frames(cues(face(1)), cues(face(1))) == 0


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="paired"):
        MouthLVD().clip(cues(face()), cues(face()[:11]))


@pytest.mark.parametrize("metric", BOTH)
def test_is_a_cue_metric_with_a_unit_per_frame(metric):
    assert isinstance(metric(), CueMetric)
    assert metric().unit == "px/frame"
