"""What a protocol shows of a video: crops are geometry, pairing is arithmetic, and both say what they leave out."""

from dataclasses import replace

import numpy as np
import pytest

from bench.contract.clip import CROP_SIZE
from bench.contract.cues import Cues
from bench.contract.errors import Unscorable
from bench.contract.landmarks68 import LANDMARKS_68
from bench.view import CANONICAL, NOSE_AND_EYES, View, alignment_of, moved, nose_and_eyes, own_picked, picked, warped

ALIGNED = View("nose-and-eyes", 128)


def face(frames=12, turn=0.0, scale=1.0, shift=(0.0, 0.0), seed=0):
    """Cues whose landmarks are one shape that trembles, under a similarity about the picture's middle."""
    rng = np.random.default_rng(seed)
    shape = np.random.default_rng(7).uniform(90, 170, (478, 2)) + rng.normal(0, 0.5, (frames, 478, 2))
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    cues = Cues.empty(frames)
    cues.landmarks[..., :2] = (shape - 128) @ rotation.T + 128 + shift
    cues.landmarks[..., 2] = 1.0
    cues.valid[:] = True
    return cues


def blinded(cues, frames):
    landmarks, valid = cues.landmarks.copy(), cues.valid.copy()
    landmarks[frames], valid[frames] = np.nan, False
    return replace(cues, landmarks=landmarks, valid=valid)


def points(cues):
    return cues.landmarks[:, LANDMARKS_68, :2][:, NOSE_AND_EYES]


def test_a_face_anywhere_comes_to_the_same_place():
    real, made = face(), face(turn=0.4, scale=1.3, shift=(9, -20))
    template = nose_and_eyes(real)
    seen = [points(moved(cues, alignment_of(ALIGNED, cues, template))) for cues in (real, made)]
    assert np.abs(seen[0] - seen[1]).max() < 1e-3
    assert np.abs(seen[0].mean(0) - ((template + 0.5) / 2 - 0.5)).max() < 1.0


def test_pictures_and_landmarks_move_together():
    real = face(frames=1)
    made = face(frames=1, turn=0.3, shift=(5, 8))
    x, y = np.round(made.landmarks[0, LANDMARKS_68[30], :2]).astype(int)
    frames = np.zeros((1, CROP_SIZE, CROP_SIZE, 3), np.uint8)
    frames[0, y - 2 : y + 3, x - 2 : x + 3] = 255
    made.landmarks[0, 0, :2] = x, y
    affines = alignment_of(ALIGNED, made, nose_and_eyes(real))
    picture = warped(ALIGNED, frames, affines)[0, ..., 0].astype(float)
    assert picture.shape == (128, 128)
    centre = (np.indices(picture.shape) * picture).sum((1, 2))[::-1] / picture.sum()
    assert np.abs(centre - moved(made, affines).landmarks[0, 0, :2]).max() < 0.3


def test_a_change_of_size_keeps_the_edges_of_the_picture():
    view = View(size=128)
    cues = face(frames=1)
    cues.landmarks[0, 0, :2] = -0.5  # the upper left corner of the first pixel
    cues.landmarks[0, 1, :2] = CROP_SIZE - 0.5
    affines = alignment_of(view, cues, None)
    assert np.allclose(moved(cues, affines).landmarks[0, :2, :2], [[-0.5, -0.5], [127.5, 127.5]], atol=1e-4)
    rows = np.arange(CROP_SIZE, dtype=np.uint8)[:, None, None]
    gradient = np.broadcast_to(rows, (1, CROP_SIZE, CROP_SIZE, 3)).copy()
    assert np.abs(warped(view, gradient, affines)[0, :, 0, 0] - (2 * np.arange(128) + 0.5)).max() <= 1


def test_equal_times_are_paired_or_equal_shares_of_the_shorter_one():
    real, made = face(12), face(10)
    assert [list(side) for side in picked(CANONICAL, real, made)] == [list(range(10))] * 2
    shares = picked(View(rule="index-proportion"), real, made)
    assert list(shares[0]) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10] and list(shares[1]) == list(range(10))
    swapped = picked(View(rule="index-proportion"), made, real)
    assert [list(side) for side in swapped] == [list(side) for side in shares[::-1]]


def test_a_frame_without_a_face_on_either_side_leaves_the_pair_and_moves_no_other():
    real, made = blinded(face(), [3]), blinded(face(), [0, 7])
    sides = picked(ALIGNED, real, made)
    assert list(sides[0]) == list(sides[1]) == [1, 2, 4, 5, 6, 8, 9, 10, 11]
    assert list(own_picked(ALIGNED, made)) == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]


def test_where_nothing_can_be_aligned_there_is_a_reason():
    nobody = blinded(face(), slice(None))
    for attempt in (
        lambda: picked(ALIGNED, face(), nobody),
        lambda: own_picked(ALIGNED, nobody),
        lambda: nose_and_eyes(nobody),
        lambda: alignment_of(ALIGNED, nobody, nose_and_eyes(face())),
    ):
        with pytest.raises(Unscorable, match="face"):
            attempt()
