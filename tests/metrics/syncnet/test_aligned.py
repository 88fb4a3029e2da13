"""The crop after EAT's evaluator: one similarity per clip, the mouth held in place; and its view for SyncNet."""

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import apply_affine
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.seen import Video
from metrics.extractors.syncnet import SyncNetAligned
from metrics.syncnet import crop
from metrics.syncnet.modes import scores


def face(frames=20, seed=0):
    """(T, 478, 3) px: a face that moves, every point a little on its own."""
    rng = np.random.default_rng(seed)
    return (
        rng.uniform(60, 190, (1, 478, 3))
        + rng.normal(0, 2, (frames, 1, 3)).cumsum(0)
        + rng.normal(0, 0.3, (frames, 478, 3))
    )


def middles(landmarks):
    points = landmarks[:, LANDMARKS_68, :2]
    return np.stack([points[:, part].mean(1) for part in (slice(36, 42), slice(42, 48), slice(60, 68))], 1)


def test_the_clip_s_similarity_has_parity_with_the_one_of_scikit_image_and_the_shift_with_its_recursion(tolerance):
    from skimage.transform import SimilarityTransform

    landmarks = face()
    theirs = SimilarityTransform.from_estimate(middles(landmarks).mean(0), crop.EYES_AND_MOUTH).params[:2]
    shift, expected = None, []
    for mouth in middles(landmarks)[:, 2]:
        missing = crop.EYES_AND_MOUTH[2] - apply_affine(theirs, mouth)
        shift = missing if shift is None else 0.2 * shift + 0.8 * missing
        expected.append(theirs + np.column_stack([np.zeros((2, 2)), shift]))
    difference = np.abs(crop.mouth_held(landmarks) - np.stack(expected)).max()
    tolerance("eat-align crop", "scikit-image SimilarityTransform", "affines of 20 frames", difference, 1e-9, "px")


def test_a_still_face_has_its_eyes_and_mouth_where_the_published_crop_has_them():
    still = np.repeat(face(1), 6, 0)
    placed = [
        apply_affine(affine, points) for affine, points in zip(crop.mouth_held(still), middles(still), strict=True)
    ]
    assert np.allclose([p[2] for p in placed], crop.EYES_AND_MOUTH[2], atol=1e-9)
    assert np.allclose(placed, placed[:1] * 6, atol=1e-9)


def test_it_follows_the_head_s_place_but_neither_its_turn_nor_its_size():
    still = np.repeat(face(1), 8, 0)
    moved = still + np.linspace(0, 30, 8)[:, None, None] * np.array([1, 0.5, 0])
    mouths = [apply_affine(a, m[2]) for a, m in zip(crop.mouth_held(moved), middles(moved), strict=True)]
    assert np.abs(np.array(mouths) - crop.EYES_AND_MOUTH[2]).max() < 0.5 * np.linalg.norm([30, 15]) / 7 * 3
    larger = still.copy()
    larger[4:, :, :2] = (larger[4:, :, :2] - 128) * 1.5 + 128
    affines = crop.mouth_held(larger)
    assert np.allclose(affines[:, :, :2], affines[0, :, :2])


def test_a_larger_picture_of_the_same_face_gives_the_same_crop():
    landmarks = face()
    one, other = crop.mouth_held(landmarks), crop.mouth_held(2 * landmarks)
    np.testing.assert_allclose(
        apply_affine(one[3], [[100.0, 120.0]]), apply_affine(other[3], [[200.0, 240.0]]), atol=1e-6
    )


def test_outside_the_picture_the_crop_is_black():
    white = np.full((64, 64, 3), 255, np.uint8)
    warped = crop.warped(white, np.array([[1.0, 0, 100], [0, 1, 100]]))
    assert warped.shape == (224, 224, 3)
    assert (warped[:99] == 0).all() and (warped[110:150, 110:150] == 255).all()


@pytest.fixture
def aligned():
    import torch

    from metrics.syncnet.model import SyncNet

    extractor = SyncNetAligned({"syncnet_v2": "none"})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        extractor._net = SyncNet(0.03, 16).eval()
    return extractor


def video(frames=12, unseen=()):
    rng = np.random.default_rng(1)
    landmarks = face(frames).astype(np.float32)
    valid = np.ones(frames, bool)
    valid[list(unseen)] = False
    landmarks[~valid] = np.nan
    cues = Cues(**{**vars(Cues.empty(frames)), "landmarks": landmarks, "valid": valid})
    pictures = rng.integers(0, 256, (frames, 16, 16, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    return Video(cues, pictures, rng.normal(0, 0.1, 640 * frames).astype(np.float32))


def test_its_view_has_the_reference_s_windows_and_a_score(aligned):
    arrays = aligned(video())
    assert arrays["visual"].shape == arrays["audio"].shape == (7, 16) and arrays["tracks"].tolist() == [[0, 7]]
    assert scores("eat-align", arrays).windows == 7


def test_a_clip_with_a_frame_without_a_face_is_given_up_with_the_reason(aligned):
    with pytest.raises(Unscorable, match="1 of 12") as caught:
        aligned(video(unseen=[5]))
    assert caught.value.reason is Reason.NO_FACE


def test_sound_that_is_too_short_has_a_reason(aligned):
    one = video()
    with pytest.raises(Unscorable) as caught:
        aligned(Video(one.cues, one.frames, one.audio[:2000]))
    assert caught.value.reason is Reason.WINDOW_TOO_SHORT
