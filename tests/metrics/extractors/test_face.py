"""Face cues: what MediaPipe's own landmarker says, no memory from video to video, and signs that rendered heads confirm."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.contract import geometry as geo
from bench.contract.cues import FIELDS, Cues
from bench.contract.landmarks68 import MIRROR_478
from metrics.extractors import face_geometry
from metrics.extractors.face import FaceExtractor
from metrics.extractors.face_crop import crop_into
from metrics.extractors.face_network import weighted_suppression

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "mediapipe_faces.npz"
PICTURES = ("astronaut", "wide", "head0", "head1", "head2")


@pytest.fixture(scope="module")
def extract(face_weights) -> FaceExtractor:
    return FaceExtractor({"face_landmarker": face_weights})


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        arrays = {name: file[name] for name in file.files}
    import skimage.data

    arrays["astronaut/image"] = skimage.data.astronaut()  # NASA, public domain; comes with scikit-image
    return arrays


@pytest.fixture(scope="module")
def moving_heads(golden) -> list[list[np.ndarray]]:
    """Two videos of 8 frames: a photograph that drifts, and a head that changes size."""
    photo, head = golden["wide/image"], golden["head1/image"]
    drift = [np.roll(photo, (2 * i, 3 * i), (0, 1)) for i in range(8)]
    grow = [np.ascontiguousarray(np.pad(head, ((i, i), (2 * i, 0), (0, 0)), mode="edge")[:256, :256]) for i in range(8)]
    return [drift, grow]


def same(one: Cues, other: Cues) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name != "valid") for name in FIELDS)


@pytest.mark.parametrize("name", PICTURES)
def test_it_says_what_the_reference_mediapipe_says(extract, golden, name, tolerance):
    cues = extract([golden[f"{name}/image"]])
    expected = golden[f"{name}/landmarks"].astype(float)
    off = np.linalg.norm(cues.landmarks[0, :, :2] - expected[:, :2], axis=-1)
    turned = np.abs(geo.pose_of(cues.transform)[0] - geo.pose_of(golden[f"{name}/transform"]))
    tolerance("face cues", "mediapipe 1.2.2", "478 landmarks, mean", off.mean(), 0.2, "px")
    tolerance("face cues", "mediapipe 1.2.2", "478 landmarks, largest", off.max(), 0.01, "px")
    tolerance("face cues", "mediapipe 1.2.2", "head pose, largest of three angles", turned.max(), 0.02, "deg")
    np.testing.assert_allclose(cues.landmarks[0, :, 2], expected[:, 2] - expected[:, 2].mean(), atol=0.02)
    np.testing.assert_allclose(cues.blendshapes[0], golden[f"{name}/blendshapes"], atol=1e-3)
    np.testing.assert_allclose(cues.transform[0], golden[f"{name}/transform"], atol=0.02)


@pytest.mark.parametrize("name", PICTURES)
def test_the_detector_says_what_mediapipe_says(extract, golden, name):
    faces, expected = extract.detect(golden[f"{name}/image"]), golden[f"{name}/faces"]
    assert faces.shape == expected.shape == (1, 17)
    np.testing.assert_allclose(faces[:, 0], expected[:, 0], atol=1e-3)
    np.testing.assert_allclose(faces[:, 1:5], expected[:, 1:5], atol=2)  # MediaPipe gives whole pixels and sizes
    np.testing.assert_allclose(faces[:, 5:], expected[:, 5:], atol=0.05)


def test_outputs_change_only_with_the_version(face_weights):
    sys.path.insert(0, str(ROOT / "tests" / "reference"))
    from face_cues import outputs

    now = outputs(face_weights)
    with np.load(ROOT / "tests" / "golden" / "face_cues.npz") as stored:
        remedy = "raise FaceExtractor.VERSION and run tests/reference/face_cues.py"
        assert str(now["version"]) == str(stored["version"]), "VERSION changed: run tests/reference/face_cues.py"
        assert set(now) == set(stored.files)
        for name in now.keys() - {"version"}:
            np.testing.assert_allclose(now[name], stored[name], rtol=1e-3, atol=0.01, err_msg=f"{name}: {remedy}")


def test_the_known_check_value_of_the_weights(extract, golden):
    from metrics.extractors.face_network import BLENDSHAPES

    smile = extract([golden["astronaut/image"]]).blendshapes[0, BLENDSHAPES.index("mouthSmileLeft")]
    assert smile == pytest.approx(0.90, abs=0.01)


def test_pose_points_and_weights_are_those_in_the_weights(face_weights):
    assert face_geometry.pose_basis(face_weights) == dict(zip(geo.POSE_POINTS, geo.POSE_WEIGHTS, strict=True))
    mesh = face_geometry.canonical_mesh(face_weights)
    weights = np.asarray(geo.POSE_WEIGHTS)
    np.testing.assert_allclose(weights @ mesh[list(geo.POSE_POINTS)] / weights.sum(), geo.CANONICAL_CENTRE, atol=1e-7)
    np.testing.assert_allclose(mesh[list(MIRROR_478[:468])] * (-1, 1, 1), mesh, atol=1e-6)


def test_a_canonical_head_is_fitted_where_it_stands(face_weights):
    mesh = face_geometry.canonical_mesh(face_weights)
    irises = np.repeat(mesh[[33, 263]], 5, 0)
    angles = np.random.default_rng(0).uniform(-30, 30, (20, 3))
    transform = np.tile(np.eye(4), (20, 1, 1))
    transform[:, :3, :3] = geo.euler_to_matrix(angles)
    transform[:, :3, 3] = (2, 3, -55)
    screen = geo.relocate(np.tile(np.concatenate([mesh, irises]), (20, 1, 1)), transform, (256, 256))
    fitted = face_geometry.fit_pose(screen, mesh, (256, 256))
    np.testing.assert_allclose(geo.pose_of(fitted), angles, atol=1.0)  # two passes come close, as MediaPipe's do
    np.testing.assert_allclose(fitted[:, :3, 3], transform[:, :3, 3], rtol=0.03, atol=0.3)


def test_stored_cues_normalise_and_relocate_to_themselves(extract, moving_heads):
    for video in moving_heads:
        cues = extract(video)
        size = video[0].shape[1], video[0].shape[0]
        head = geo.normalise(cues.landmarks, cues.transform, size)
        assert np.abs(geo.relocate(head, cues.transform, size) - cues.landmarks).max() < 1e-3
        assert np.abs(cues.landmarks[..., 2].mean(-1)).max() < 1e-3


def test_no_video_leaves_a_trace_in_the_next(extract, moving_heads):
    one, two = moving_heads
    first = extract(one), extract(two)
    second = extract(two), extract(one)
    assert same(first[0], second[1]) and same(first[1], second[0])


def test_a_resumed_object_gives_the_same_bits(extract, moving_heads):
    again = pickle.loads(pickle.dumps(extract))
    assert len(pickle.dumps(extract)) < 2000
    assert same(extract(moving_heads[0]), again(iter(moving_heads[0])))


def test_frames_are_taken_one_by_one(extract, moving_heads):
    alive = []

    def stream():
        for frame in moving_heads[0]:
            alive.append(1)
            yield frame
            assert len(alive) <= 8

    assert len(extract(stream())) == 8


def test_a_face_that_is_followed_is_where_it_is_found(extract, moving_heads):
    followed = extract(moving_heads[0])
    found = [extract([frame]) for frame in moving_heads[0]]
    assert followed.valid.all()
    distance = [
        np.linalg.norm(followed.landmarks[i, :, :2] - f.landmarks[0, :, :2], axis=-1).mean()
        for i, f in enumerate(found)
    ]
    assert max(distance) < 1.0


def test_a_mirrored_picture_mirrors_yaw_roll_and_eyes(extract, golden):
    for name in ("head1", "head2", "wide"):
        picture = golden[f"{name}/image"]
        straight, mirrored = extract([picture]), extract([np.ascontiguousarray(picture[:, ::-1])])
        np.testing.assert_allclose(
            geo.pose_of(mirrored.transform)[0], geo.pose_of(straight.transform)[0] * (1, -1, -1), atol=4
        )
        # the network itself is not symmetric, and least so in the irises' height
        np.testing.assert_allclose(mirrored.gaze[0, :, 0], -straight.gaze[0, ::-1, 0], atol=9)
        np.testing.assert_allclose(mirrored.gaze[0, :, 1], straight.gaze[0, ::-1, 1], atol=15)
        np.testing.assert_allclose(mirrored.openness[0], straight.openness[0, ::-1], atol=0.06)
        expected = straight.landmarks[0, list(MIRROR_478), :2] * (-1, 1) + (picture.shape[1], 0)
        assert np.linalg.norm(mirrored.landmarks[0, :, :2] - expected, axis=-1).mean() < 0.03 * np.ptp(expected[:, 0])


def test_frames_without_a_face_are_nan_and_the_face_is_found_again(extract, golden):
    head, blank = golden["head0/image"], np.full((256, 256, 3), 90, np.uint8)
    cues = extract([blank, head, head, blank, blank, head])
    assert cues.valid.tolist() == [False, True, True, False, False, True]
    for name in FIELDS:
        if name != "valid":
            values = getattr(cues, name).reshape(6, -1)
            assert np.isnan(values[[0, 3, 4]]).all() and np.isfinite(values[[1, 2, 5]]).all(), name
    assert extract.detect(blank).shape == (0, 17)


def test_no_frames_are_no_cues_and_wrong_frames_are_named(extract, golden):
    assert len(extract([])) == 0
    head = golden["head0/image"]
    with pytest.raises(ValueError, match=r"expected all 256x256, got one of 200x256"):
        extract([head, np.ascontiguousarray(head[:, :200])])
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8 RGB, got float64"):
        extract([head / 255])
    with pytest.raises(ValueError, match=r"got uint8 \(256, 256\)"):
        extract.detect(head[..., 0])


def test_a_view_of_a_larger_frame_is_read_like_a_copy(extract, golden):
    picture = golden["astronaut/image"]
    view = picture[0:300, 80:380]
    assert same(extract([view]), extract([np.ascontiguousarray(view)]))


def test_two_people_are_two_detections(extract, golden):
    pair = np.concatenate([golden["head0/image"], golden["head1/image"]], 1)
    faces = extract.detect(pair)
    assert len(faces) == 2 and faces[0, 0] >= faces[1, 0]
    left, right = sorted((face[1] + face[3]) / 2 for face in faces)
    assert left < 256 < right
    assert [len(found) for found in extract.detections([pair, golden["head0/image"]])] == [2, 1]


def test_overlapping_detections_are_averaged_by_score():
    box = np.tile(np.array([[0.0, 0], [1, 1]] + [[0.5, 0.5]] * 6), (3, 1, 1))
    box[1] += 0.1
    box[2] += 5
    merged = weighted_suppression(np.array([0.6, 0.9, 0.7]), box)
    assert merged.shape == (2, 17) and merged[:, 0].tolist() == [0.9, 0.7]
    np.testing.assert_allclose(merged[0, 1:], (0.6 * box[0] + 0.9 * box[1]).ravel() / 1.5)
    assert weighted_suppression(np.empty(0), np.empty((0, 8, 2))).shape == (0, 17)


def test_crops_are_the_picture_itself_where_nothing_is_turned():
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    out = np.empty((16, 16, 3), np.float32)
    crop_into(frame, np.array([18.0, 28, 16, 16, 0]), out, scale=1, offset=0, replicate=True)
    np.testing.assert_array_equal(out, frame[20:36, 10:26])
    crop_into(frame, np.array([28.0, 28, 16, 16, np.pi]), out, scale=1 / 255, offset=-0.5, replicate=True)
    np.testing.assert_allclose(out, frame[21:37, 21:37][::-1, ::-1] / 255 - 0.5, atol=1e-6)


def test_outside_the_frame_a_crop_repeats_the_edge_or_is_black():
    frame = np.full((8, 8, 3), 200, np.uint8)
    out = np.empty((32, 32, 3), np.float32)
    roi = np.array([4.0, 4, 32, 32, 0.4])
    crop_into(frame, roi, out, scale=1, offset=0, replicate=True)
    assert (out == 200).all()
    crop_into(frame, roi, out, scale=1, offset=0, replicate=False)
    assert out[0, 0, 0] == 0 and out[16, 16, 0] == 200 and 0.02 < (out == 200).mean() < 0.1


def test_closed_lids_show_in_the_openness(extract):
    from bench.data.puppet.actions import ACTIONS
    from bench.data.puppet.identity import Identity
    from bench.data.puppet.render import HeadRenderer, Performance

    rest = Performance.rest(3)
    actions = np.zeros((3, len(ACTIONS)), np.float32)
    actions[:, list(ACTIONS).index("blink")] = (0, 0.5, 1)
    frames = HeadRenderer(Identity.from_seed(11, "F")).frames(Performance(actions, rest.gaze, rest.pose, rest.position))
    openness = extract(frames).openness
    assert (np.diff(openness, axis=0) < -0.03).all() and (openness[0] > 0.2).all() and (openness[2] < 0.15).all()


@pytest.mark.slow
def test_the_golden_file_is_what_the_reference_writes_today(golden, face_weights, tmp_path):
    reference = ROOT / ".venv-ref" / "bin" / "python"
    if not reference.exists():
        pytest.skip("no reference environment: make reference-venv")
    import cv2

    pictures = []
    for name in PICTURES:
        file = tmp_path / f"{name}.png"
        cv2.imwrite(str(file), golden[f"{name}/image"][..., ::-1])
        pictures.append(f"{name}={file}")
    program = [reference, ROOT / "tests" / "reference" / "mediapipe_faces.py", face_weights, tmp_path / "out.npz"]
    subprocess.run(
        [*map(str, program), *pictures], check=True, env={**os.environ, "PYTHONPATH": ""}, capture_output=True
    )
    with np.load(tmp_path / "out.npz") as fresh:
        for name in fresh.files:
            if name.split("/")[-1] in {"landmarks", "transform", "blendshapes"}:
                np.testing.assert_allclose(fresh[name], golden[name], atol=0.02, err_msg=name)
