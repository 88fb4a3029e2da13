"""M-LMD and F-LMD: zero for equal shapes, blind to translation, symmetric, growing with jitter, honest about gaps."""

from itertools import pairwise

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import UsageError
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.metric import CueMetric
from metrics.lmd import FaceLMD, MouthLMD, aligned, points68

BOTH = [MouthLMD, FaceLMD]


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
@pytest.mark.parametrize("normalisation", ["own-mean", "raw", "face-size", "eat-like"])
def test_equal_shapes_are_zero(metric, normalisation):
    assert metric(normalisation).clip(cues(face()), cues(face())) == 0.0


@pytest.mark.parametrize("metric", BOTH)
@pytest.mark.parametrize("normalisation", ["own-mean", "raw"])
def test_sides_can_be_swapped(metric, normalisation):
    a, b = cues(face(seed=1)), cues(face(seed=2))
    assert metric(normalisation).clip(a, b) == metric(normalisation).clip(b, a) > 0


@pytest.mark.parametrize("metric", BOTH)
def test_own_mean_is_blind_to_translation_and_raw_measures_it(metric):
    moved = face() + np.random.default_rng(3).normal(0, 20, (12, 1, 3))
    assert metric("own-mean").clip(cues(face()), cues(moved)) == pytest.approx(0.0, abs=1e-4)
    assert metric("raw").clip(cues(face()), cues(face() + np.array([3, 4, 100]))) == pytest.approx(5.0, abs=1e-4)


@pytest.mark.parametrize("metric", BOTH)
def test_grows_with_jitter(metric):
    noise = np.random.default_rng(4).normal(0, 1, (12, 478, 3))
    for normalisation in ("own-mean", "raw", "face-size", "eat-like"):
        values = [metric(normalisation).clip(cues(face()), cues(face() + s * noise)) for s in (0, 0.5, 1, 2, 4, 8)]
        assert all(a < b for a, b in pairwise(values))


def test_is_the_mean_distance_over_points_and_frames():
    landmarks = np.zeros((2, 478, 3))
    moved = landmarks.copy()
    mouth = LANDMARKS_68[48:68]
    # half of the mouth 2 px up, the other half 2 px down: the mean stays, every point is 2 px off, in one frame of two
    moved[0, mouth[:10], 1], moved[0, mouth[10:], 1] = 2, -2
    assert MouthLMD().clip(cues(landmarks), cues(moved)) == pytest.approx(1.0, abs=1e-6)
    assert FaceLMD().clip(cues(landmarks), cues(moved)) == pytest.approx(1.0 * 20 / 68, abs=1e-6)


def test_the_mouth_is_blind_to_the_eyes_and_the_face_is_not():
    moved = face()
    moved[:, LANDMARKS_68[36:48], 0] += 5
    assert MouthLMD().clip(cues(face()), cues(moved)) == 0.0
    assert FaceLMD().clip(cues(face()), cues(moved)) > 0.5


def test_depth_does_not_count():
    assert FaceLMD("raw").clip(cues(face()), cues(face() * [1, 1, 3])) == 0.0


def test_face_size_is_blind_to_the_size_of_both_faces_together_and_takes_its_scale_from_the_real_one():
    real, other = face(seed=5), face(seed=6)
    metric = MouthLMD("face-size")
    value = metric.clip(cues(real), cues(other))
    assert metric.clip(cues(2 * real), cues(2 * other)) == pytest.approx(value, rel=1e-6)
    assert MouthLMD("own-mean").clip(cues(2 * real), cues(2 * other)) == pytest.approx(
        2 * MouthLMD("own-mean").clip(cues(real), cues(other)), rel=1e-6
    )
    points = points68(cues(real))
    eyes = np.median(np.linalg.norm(points[:, 36] - points[:, 45], axis=1))
    assert value == pytest.approx(100 * MouthLMD("own-mean").clip(cues(real), cues(other)) / eyes, rel=1e-9)
    assert "eye" in metric.unit


@pytest.mark.parametrize("metric", BOTH)
def test_eat_like_is_blind_to_every_similarity_of_a_frame(metric):
    rng = np.random.default_rng(8)
    real, turned = face(seed=5), face(seed=5)
    for t in range(12):
        angle, size = rng.uniform(-0.5, 0.5), rng.uniform(0.6, 1.6)
        turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned[t, :, :2] = turned[t, :, :2] @ turn.T + rng.normal(0, 20, 2)
    assert metric("eat-like").clip(cues(real), cues(turned)) == pytest.approx(0.0, abs=1e-4)
    assert metric("own-mean").clip(cues(real), cues(turned)) > 3


def test_eat_like_aligns_nose_and_eyes_as_the_similarity_of_the_contract_and_halves_the_pixels():
    from bench.contract.geometry import apply_affine, similarity_2d

    points = points68(cues(face(seed=5)))
    template = points[:, 27:45].mean(0)
    expected = [apply_affine(similarity_2d(frame[27:45], template), frame) for frame in points]
    assert np.allclose(aligned(points, template), expected, atol=1e-9)
    still, opened = np.repeat(face(1), 4, 0), np.repeat(face(1), 4, 0)
    opened[:, LANDMARKS_68[57], 1] += 19
    # one of 20 mouth points 19 px lower: it is 19 * 19 / 20 px off the mean, the others 19 / 20
    assert MouthLMD("eat-like").clip(cues(still), cues(opened)) == pytest.approx(0.5 * 2 * 19 * 19 / 20 / 20, abs=1e-4)


@pytest.mark.parametrize("metric", BOTH)
def test_frames_without_a_face_on_either_side_are_left_out_and_counted(metric):
    a, b = face(seed=1), face(seed=2)
    seen_a, seen_b = np.ones(12, bool), np.ones(12, bool)
    seen_a[[0, 5]], seen_b[[5, 6]] = False, False
    both = seen_a & seen_b
    value = metric().clip(cues(a, seen_a), cues(b, seen_b))
    assert value == pytest.approx(metric().clip(cues(a[both]), cues(b[both])), rel=1e-12)
    assert metric().n_frames(cues(a, seen_a), cues(b, seen_b)) == 9


@pytest.mark.parametrize("metric", BOTH)
@pytest.mark.parametrize("normalisation", ["own-mean", "face-size", "eat-like"])
def test_no_common_frame_is_nan_not_zero(metric, normalisation):
    half = np.arange(12) < 6
    assert np.isnan(metric(normalisation).clip(cues(face(), half), cues(face(), ~half)))
    assert metric().n_frames(cues(face(), half), cues(face(), ~half)) == 0
    assert np.isnan(metric(normalisation).clip(Cues.empty(0), Cues.empty(0)))


def test_a_not_a_number_in_a_frame_called_valid_does_not_reach_the_mean():
    broken = face()
    broken[3, LANDMARKS_68[50]] = np.nan
    assert np.isfinite(MouthLMD().clip(cues(face(seed=1)), cues(broken)))
    assert MouthLMD().n_frames(cues(face(seed=1)), cues(broken)) == 11


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="12 frames, generated 11"):
        MouthLMD().clip(cues(face()), cues(face()[:11]))


def test_an_unknown_normalisation_names_the_choices():
    with pytest.raises(UsageError, match="did you mean 'own-mean'"):
        MouthLMD("own-men")
    with pytest.raises(UsageError, match=r"lmd\.landmarks"):
        MouthLMD(landmarks="dlib-68")


@pytest.mark.parametrize("metric", BOTH)
def test_is_a_cue_metric(metric):
    assert isinstance(metric(), CueMetric)
