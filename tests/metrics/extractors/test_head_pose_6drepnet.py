"""The second opinion on head pose: signs and size of turns on a real picture, fixed frames, small pickles."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from posed_face import face_at

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable, WeightsError
from bench.contract.geometry import pose_of
from bench.contract.seen import Video, VideoExtractor
from metrics.extractors.head_pose_6drepnet import HeadPose6DRepNet, chosen_frames, face_square, network_angles

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "mediapipe_faces.npz"


@pytest.fixture(scope="module")
def network():
    from bench import weights

    work = Path(__file__).resolve().parents[3] / "work"
    try:
        path = weights.resolve("head_pose_6drepnet")
    except WeightsError as missing:
        path = work / "cache" / "weights" / "head_pose_6drepnet.onnx"
        if not path.is_file():
            pytest.skip(f"{missing}")
    assert os.path.getsize(path) == 94007614
    return HeadPose6DRepNet({"head_pose_6drepnet": path})


@pytest.fixture(scope="module")
def heads():
    """(picture, landmarks, landmark pose) of three rendered heads."""
    with np.load(GOLDEN) as golden:
        return [
            (golden[f"head{i}/image"], golden[f"head{i}/landmarks"], pose_of(golden[f"head{i}/transform"]))
            for i in range(3)
        ]


def test_angles_agree_with_the_landmarks_in_sign_and_roughly_in_size(network, heads):
    for image, landmarks, pose in heads:
        angles = network.angles(image, landmarks)
        assert np.abs(angles - pose).max() < 8
        for axis in np.flatnonzero(np.abs(pose) > 9):
            assert np.sign(angles[axis]) == np.sign(pose[axis])


def test_a_mirrored_picture_mirrors_yaw_and_roll(network, heads):
    from bench.contract.landmarks68 import MIRROR_478

    image, landmarks, _ = heads[1]
    there = landmarks[list(MIRROR_478)] * [-1, 1, 1] + [255, 0, 0]
    straight, mirrored = network.angles(image, landmarks), network.angles(image[:, ::-1].copy(), there)
    assert np.abs(straight - mirrored * [1, -1, -1]).max() < 4


def test_the_network_reads_rgb_of_a_square_around_the_face(heads):
    _, landmarks, _ = heads[0]
    x, y, side = face_square(landmarks)
    assert 0.4 * 256 < side < 1.2 * 256 and 64 < x < 192 and 64 < y < 192


def test_frames_are_fixed_places_among_those_with_a_face():
    assert chosen_frames(np.ones(50, bool)).tolist() == [5, 15, 25, 35, 45]
    half = np.zeros(50, bool)
    half[10:30:2] = True
    assert chosen_frames(half).tolist() == [12, 16, 20, 24, 28]
    assert chosen_frames(np.arange(9) == 4).tolist() == [4] * 5


def test_a_video_gives_its_five_frames_whatever_was_seen_before(network, heads):
    image, landmarks, _ = heads[0]
    cues = face_at(np.zeros((12, 3)))
    cues.landmarks[:] = landmarks
    video = Video(cues, np.repeat(image[None], 12, 0))
    first = network(video)
    assert first["angles"].shape == (5, 3) and first["frames"].tolist() == [1, 3, 6, 8, 10]
    again = pickle.loads(pickle.dumps(network)).angles(image, landmarks)
    assert np.array_equal(first["angles"], np.repeat(again[None].astype(np.float32), 5, 0))
    assert len(pickle.dumps(network)) < 1000


def test_no_face_is_named(network):
    with pytest.raises(Unscorable) as nothing:
        network(Video(Cues.empty(4), np.zeros((4, 256, 256, 3), np.uint8)))
    assert nothing.value.reason == Reason.NO_FACE
    assert isinstance(network, VideoExtractor)


def test_identity_is_no_turn_and_axes_have_the_projects_signs():
    assert network_angles(np.eye(3)) == pytest.approx([0, 0, 0])
    a = np.radians(20)
    c, s = np.cos(a), np.sin(a)
    assert network_angles(np.array([[1, 0, 0], [0, c, -s], [0, s, c]])) == pytest.approx([20, 0, 0])
    assert network_angles(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])) == pytest.approx([0, -20, 0])
    assert network_angles(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])) == pytest.approx([0, 0, 20])
