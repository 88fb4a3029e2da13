"""The second opinion on gaze: geometry of the normalised camera, signs on a rendered head, one video at a time."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import NEAR, euler_to_matrix, gaze_to_vector, pixel_size_at_near, vector_to_gaze
from bench.contract.seen import Video
from metrics.extractors.gaze_xgaze import (
    DISTANCE,
    FOCAL,
    SIZE,
    TO_IMAGE_AXES,
    GazeXGaze,
    directions,
    normalised_faces,
    normalising_rotations,
    resnet18,
)

MIDDLE = np.array([[3.0, -2.0, -40.0], [-6.0, 5.0, -70.0]])
HEAD = euler_to_matrix(np.array([[10.0, -20.0, 15.0], [-5.0, 25.0, -30.0]]))
LOOKS = [(0, 0), (-15, 0), (15, 0), (0, -12), (0, 12)]


def test_the_normalised_camera_looks_at_the_face_without_roll():
    turn = normalising_rotations(MIDDLE, HEAD)
    assert turn @ np.swapaxes(turn, 1, 2) == pytest.approx(np.tile(np.eye(3), (2, 1, 1)), abs=1e-12)
    seen = (turn @ (MIDDLE @ TO_IMAGE_AXES)[..., None])[..., 0]
    assert seen[:, :2] == pytest.approx(np.zeros((2, 2)), abs=1e-12) and (seen[:, 2] > 0).all()
    sideways = (turn @ (HEAD[..., 0] @ TO_IMAGE_AXES)[..., None])[..., 0]
    assert sideways[:, 1] == pytest.approx([0, 0], abs=1e-12) and (sideways[:, 0] > 0).all()


def test_the_face_lands_in_the_middle_at_the_size_the_network_knows():
    focal = NEAR / pixel_size_at_near((256, 256))
    middle = np.array([[2.0, 1.0, -45.0]])
    frame = np.zeros((1, 256, 256, 3), np.uint8)
    for dx in (0.0, 5.0):  # two spots 5 cm apart at the depth of the face
        x, y = 128 + focal * (2 + dx) / 45, 128 - focal * 1 / 45
        frame[0, round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2] = 255
    turn = normalising_rotations(middle, np.eye(3)[None])
    (face,) = normalised_faces(frame, middle, turn)
    columns = np.flatnonzero(face[SIZE // 2, :, 0] > 100)
    left = columns[columns < SIZE // 2 + 20].mean()
    right = columns[columns > SIZE // 2 + 20].mean()
    assert left == pytest.approx(SIZE / 2, abs=4)
    assert right - left == pytest.approx(5 * FOCAL / DISTANCE, abs=5)


def test_directions_come_back_in_our_signs():
    turn = normalising_rotations(MIDDLE, HEAD)
    to_camera = -MIDDLE / np.linalg.norm(MIDDLE, axis=1, keepdims=True)
    assert directions(np.zeros((2, 2)), turn) == pytest.approx(to_camera), "zero looks into the camera"
    straight = normalising_rotations(np.array([[0, 0, -50.0]]), np.eye(3)[None])
    (found,) = vector_to_gaze(directions(np.radians([[10.0, -20.0]]), straight))
    assert found == pytest.approx((20, 10)), "[pitch up, yaw to the image's left] -> [yaw right, pitch up]"


@pytest.fixture(scope="module")
def extractor(weight_file) -> GazeXGaze:
    return GazeXGaze({"gaze_eth_xgaze": weight_file("gaze_eth_xgaze")})


@pytest.fixture(scope="module")
def video(face_weights) -> Video:
    """A rendered head that looks straight, to both sides, down and up."""
    from bench.data.puppet.actions import ACTIONS
    from bench.data.puppet.render import Performance, renderer_of
    from metrics.extractors.face import FaceExtractor

    n = len(LOOKS)
    gaze = np.repeat(np.array(LOOKS, np.float32)[:, None], 2, 1)
    still = np.zeros((n, 3), np.float32)
    performance = Performance(np.zeros((n, len(ACTIONS)), np.float32), gaze, still, still)
    frames = np.stack(list(renderer_of(1601, "F").frames(performance)))
    return Video(FaceExtractor({"face_landmarker": face_weights})(frames), frames)


def test_a_rendered_head_is_read_in_the_right_signs(extractor, video):
    found = extractor(video)
    assert found["frames"].tolist() == [0, 1, 2, 3, 4]
    middle, left, right, down, up = found["gaze"]
    assert right[0] - middle[0] > 8 and middle[0] - left[0] > 8
    assert up[1] - middle[1] > 5 and middle[1] - down[1] > 5
    assert abs(up[0] - middle[0]) < 5 and abs(right[1] - middle[1]) < 5


def test_a_frame_reads_the_same_in_every_company(extractor, video):
    whole = extractor(video)["gaze"]
    alone = Video(video.cues[1:3], video.frames[1:3])
    assert (extractor(alone)["gaze"] == whole[1:3]).all()
    assert (extractor(video)["gaze"] == whole).all()


def test_frames_with_closed_eyes_are_passed_over_and_none_left_is_a_reason(extractor, video):
    openness = video.cues.openness.copy()
    openness[0] = 0.05
    assert extractor(replace(video, cues=replace(video.cues, openness=openness)))["frames"].tolist() == [3, 4]
    for cues, reason in (
        (replace(video.cues, openness=0 * openness), Reason.EYES_CLOSED),
        (Cues.empty(5), Reason.NO_FACE),
    ):
        with pytest.raises(Unscorable) as refused:
            extractor(replace(video, cues=cues))
        assert refused.value.reason == reason


def test_it_pickles_small_and_loads_again(extractor, video):
    expected = extractor(video)["gaze"]
    copy = pickle.dumps(extractor)
    assert len(copy) < 2000
    assert (pickle.loads(copy)(video)["gaze"] == expected).all()


def test_the_head_relative_direction_turns_with_the_head(extractor, video):
    """The same pixels under a head said to be turned by 10 degrees: the eyes are then turned 10 degrees less in it."""
    turned = video.cues.transform.copy()
    turned[:, :3, :3] = euler_to_matrix([0, 10, 0]) @ turned[:, :3, :3]
    before = extractor(video)["gaze"][0]
    after = extractor(replace(video, cues=replace(video.cues, transform=turned.astype(np.float32))))["gaze"][0]
    assert before[0] - after[0] == pytest.approx(10, abs=4)
    assert gaze_to_vector(before).shape == (3,)


@pytest.mark.slow
def test_the_network_is_the_reference_of_torchvision(extractor, tolerance):
    import torch

    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    from torchvision import models

    state = torch.load(extractor.path, weights_only=True)["model"]
    network = models.resnet18(weights=None, num_classes=2).eval()
    network.load_state_dict(state)
    pictures = torch.randn(5, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        apart = (resnet18(pictures, state) - network(pictures)).abs().max().item()
    tolerance("Gaze-rel", "torchvision resnet18", "pitch and yaw of 5 pictures", apart, 1e-5, "rad")
