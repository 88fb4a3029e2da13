"""What the frame judge is shown: one square per clip, every second frame, nothing of frames without a face."""

import numpy as np
import pytest

from bench.contract.cues import Cues
from metrics.judge.faces import SIDE, face_crops, face_square, looked_at
from metrics.judge.probes import PROBES, one_frame


def clip(frames=12, centre=(128.0, 120.0), size=50.0, seed=0):
    """Noise pictures and cues whose mesh is a cloud of `size` px about `centre`."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (frames, 256, 256, 3), np.uint8)
    cloud = rng.normal(0, 1, (478, 3))
    cues = Cues.empty(frames)
    cues.landmarks[:] = cloud * size / np.sqrt(2) + (*centre, 0)
    cues.valid[:] = True
    return pictures, cues


def test_every_second_frame_with_a_face_is_looked_at():
    _, cues = clip(9)
    cues.valid[4] = False
    assert looked_at(cues).tolist() == [0, 2, 6, 8]


def test_pictures_and_landmarks_are_of_the_frames_looked_at():
    frames, cues = clip(9)
    pictures, landmarks = face_crops(frames, cues)
    assert pictures.shape == (5, SIDE, SIDE) and pictures.dtype == np.uint8 and landmarks.shape == (5, 478, 2)


def test_a_face_elsewhere_in_the_frame_gives_the_same_pictures():
    frames, cues = clip()
    moved = Cues(**{**cues.__dict__, "landmarks": cues.landmarks + np.float32([7, -5, 0])})
    pictures, landmarks = face_crops(frames, cues)
    again, landmarks_again = face_crops(np.roll(frames, (-5, 7), (1, 2)), moved)
    inside = slice(20, 60)  # what was rolled over the edge is elsewhere
    np.testing.assert_array_equal(pictures[:, inside, inside], again[:, inside, inside])
    np.testing.assert_allclose(landmarks, landmarks_again, atol=1e-4)


def test_a_head_that_moves_moves_in_the_pictures():
    _, cues = clip(9)
    cues.landmarks[4] += np.float32([10, 0, 0])
    assert face_square(cues.landmarks) == face_square(clip(9)[1].landmarks)


def test_frames_without_a_face_do_not_matter():
    frames, cues = clip()
    cues.valid[[2, 6]] = False
    cues.landmarks[[2, 6]] = np.nan
    pictures, _ = face_crops(frames, cues)
    frames = frames.copy()
    frames[[1, 2, 3, 6]] = 0
    np.testing.assert_array_equal(pictures, face_crops(frames, cues)[0])
    assert face_crops(frames, Cues.empty(12))[0].shape == (0, SIDE, SIDE)


def test_a_square_that_leaves_the_frame_repeats_its_edge():
    frames, cues = clip(centre=(3.0, 250.0), size=60.0)
    frames[:] = 77
    assert (face_crops(frames, cues)[0] == 77).all()


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_changes_what_it_says_and_leaves_the_original_alone(name):
    pictures, landmarks = face_crops(*clip())
    landmarks += np.random.default_rng(1).normal(0, 0.5, (len(landmarks), 1, 2)).astype(np.float32)
    before = pictures.copy()
    altered = PROBES[name](pictures, landmarks)
    assert altered.shape == pictures.shape and altered.dtype == np.uint8
    assert (altered != before).any() and (pictures == before).all()


def test_hidden_halves_leave_the_other_half():
    pictures, landmarks = face_crops(*clip())
    row = int(np.rint(landmarks[0, 4, 1]))
    assert (PROBES["upper face hidden"](pictures, landmarks)[0, row:] == pictures[0, row:]).all()
    assert (PROBES["lower face hidden"](pictures, landmarks)[0, :row] == pictures[0, :row]).all()
    assert (one_frame(pictures, landmarks) == pictures[len(pictures) // 2]).all()
