"""Mouth crops: the head's place, size and turn are taken out, the light as well; frames without a face stay empty."""

import cv2
import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.geometry import apply_affine
from bench.contract.landmarks68 import MOUTH_20
from metrics.sync_expert.mouth import RIGID, SIDE, mouth_crops, standardised

EYES = np.array([[92, 100], [116, 101], [140, 101], [164, 100], [128, 100], [128, 108], [128, 116], [128, 122]])


def face(frames: int = 7) -> tuple[np.ndarray, Cues]:
    """A smooth picture with a dark mouth that opens, and the landmarks that the crop is made with."""
    rng = np.random.default_rng(0)
    ground = cv2.GaussianBlur(rng.uniform(0, 255, (256, 256, 3)).astype(np.float32), (0, 0), 9) * 4 - 380
    pictures = np.repeat(ground.clip(0, 255).astype(np.uint8)[None], frames, 0)
    landmarks = np.zeros((frames, 478, 3), np.float32)
    landmarks[:, RIGID, :2] = EYES
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    for index in range(frames):
        height = 2 + 2 * index
        cv2.ellipse(pictures[index], (128, 160), (20, height), 0, 0, 360, (20, 10, 10), -1, cv2.LINE_AA)
        landmarks[index, MOUTH_20, :2] = np.stack([128 + 20 * np.cos(angles), 160 + height * np.sin(angles)], 1)
    return pictures, cues_of(landmarks)


def cues_of(landmarks: np.ndarray, valid: np.ndarray | None = None) -> Cues:
    valid = np.ones(len(landmarks), bool) if valid is None else valid
    landmarks = np.where(valid[:, None, None], landmarks, np.nan).astype(np.float32)
    empty = Cues.empty(len(landmarks))
    return Cues(landmarks, empty.transform, empty.gaze, empty.openness, empty.blendshapes, valid)


def test_the_crop_is_centred_under_the_mouth():
    pictures, cues = face()
    crop = mouth_crops(pictures, cues)[3].astype(float)
    rows, columns = np.nonzero(crop < 40)
    assert abs(columns.mean() - (SIDE - 1) / 2) < 1
    assert -6 < rows.mean() - (SIDE - 1) / 2 < -2  # 8 % of the eye distance above the centre


def test_a_head_elsewhere_nearer_and_turned_gives_the_same_crop():
    pictures, cues = face()
    turn = cv2.getRotationMatrix2D((128, 128), 12, 1.15)
    turn[:, 2] += (9, -6)
    moved = np.stack([cv2.warpAffine(p, turn, (256, 256), flags=cv2.INTER_CUBIC) for p in pictures])
    landmarks = cues.landmarks.copy()
    landmarks[..., :2] = apply_affine(turn, landmarks[..., :2])
    here, there = mouth_crops(pictures, cues), mouth_crops(moved, cues_of(landmarks))
    assert np.abs(here.astype(float) - there).mean() < 2
    assert np.abs(here.astype(float) - mouth_crops(moved, cues)).mean() > 6  # the landmarks did it


def test_a_margin_shows_more_of_the_same():
    pictures, cues = face()
    np.testing.assert_array_equal(mouth_crops(pictures, cues, 8)[:, 8:-8, 8:-8], mouth_crops(pictures, cues))


def test_frames_without_a_face_are_empty_and_do_not_move_the_others():
    pictures, cues = face()
    valid = np.array([True, True, True, False, True, True, True])
    gap = mouth_crops(pictures, cues_of(cues.landmarks, valid))
    assert not gap[3].any()
    assert np.abs(gap[valid].astype(float) - mouth_crops(pictures, cues)[valid]).mean() < 2
    assert not mouth_crops(pictures, Cues.empty(7)).any()
    assert mouth_crops(pictures[:1], cues[:1]).any()


def test_light_is_taken_out():
    crops = np.random.default_rng(1).integers(60, 180, (5, SIDE, SIDE)).astype(np.uint8)
    seen = np.ones(5, bool)
    np.testing.assert_allclose(standardised(crops, seen), standardised(crops + np.uint8(40), seen), atol=1e-4)


def test_frames_and_cues_must_be_as_many():
    pictures, cues = face()
    with pytest.raises(ValueError, match="as many frames as cues"):
        mouth_crops(pictures[:-1], cues)


def test_these_crops_belong_to_this_version():
    """When this fails on purpose, raise VERSION in metrics/extractors/sync_expert.py and KEPT in metrics/sync_expert/data.py."""
    crop = mouth_crops(*face())[4].astype(int)
    np.testing.assert_allclose(crop[8:44:5, 24], [132, 71, 13, 13, 125, 128, 132, 131], atol=3)
    np.testing.assert_allclose(crop[20, 6:44:6], [124, 13, 13, 13, 13, 18, 128], atol=3)
