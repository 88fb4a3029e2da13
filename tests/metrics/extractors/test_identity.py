"""Identity embeddings: equal to the networks' own programs, aligned, the same whatever else was seen."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from bench.contract.cues import Cues
from bench.contract.errors import Unscorable
from bench.contract.seen import Video, VideoExtractor
from metrics.extractors.face import FaceExtractor
from metrics.extractors.identity import (
    CROP,
    FRAMES_PER_CLIP,
    TEMPLATE,
    ArcFaceEmbedding,
    SFaceEmbedding,
    aligned,
    five_points,
    slot_frames,
)

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "arcface.npz"


@pytest.fixture(scope="module")
def arcface(weight_file) -> ArcFaceEmbedding:
    return ArcFaceEmbedding({"arcface_mbf": weight_file("arcface_mbf")})


@pytest.fixture(scope="module")
def sface(weight_file) -> SFaceEmbedding:
    return SFaceEmbedding({"sface": weight_file("sface")})


@pytest.fixture(scope="module")
def astronaut(face_weights) -> Video:
    """One person, three frames: as is, turned by 20 degrees, darker."""
    picture = data.astronaut()[:320, 100:420]
    turn = cv2.getRotationMatrix2D((125, 120), 20, 1.0)
    frames = np.stack([picture, cv2.warpAffine(picture, turn, (320, 320)), (picture * 0.6).astype(np.uint8)])
    face = FaceExtractor({"face_landmarker": face_weights})
    cues = [face([frame]) for frame in frames]
    whole = {name: np.concatenate([getattr(c, name) for c in cues]) for name in Cues.__dataclass_fields__}
    return Video(cues=Cues(**whole), frames=frames)


def test_arcface_equals_the_reference_onnx_runtime(arcface, tolerance):
    with np.load(GOLDEN) as golden:
        crops, raw = golden["crops"], golden["embeddings"]
    expected = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    difference = max(np.abs(arcface.embed(crop) - e).max() for crop, e in zip(crops, expected, strict=True))
    tolerance(
        "CSIM", "ONNX Runtime 1.31, InsightFace's preprocessing", "ArcFace embedding of length 1", difference, 1e-5
    )


def test_sface_and_its_alignment_equal_the_reference_class_of_opencv(sface, astronaut, weight_file, tolerance):
    recognizer = cv2.FaceRecognizerSF.create(str(weight_file("sface")), "")
    landmarks = astronaut.cues.landmarks[0]
    face = np.zeros((1, 15), np.float32)
    face[0, 4:14] = five_points(landmarks).ravel()
    crop = recognizer.alignCrop(np.ascontiguousarray(astronaut.frames[0][..., ::-1]), face)  # it wants BGR
    expected = recognizer.feature(crop)[0]
    difference = np.abs(sface.embed(crop[..., ::-1].copy()) - expected / np.linalg.norm(expected)).max()
    tolerance("CSIM-S", "OpenCV FaceRecognizerSF", "SFace embedding of length 1", difference, 1e-5)
    pixels = np.abs(aligned(astronaut.frames[0], landmarks).astype(int) - crop[..., ::-1]).mean()
    tolerance("CSIM-S", "OpenCV FaceRecognizerSF", "aligned crop, mean", pixels, 0.05, "levels")


@pytest.mark.parametrize("network", ["arcface", "sface"])
def test_one_person_is_alike_over_rotation_and_light(network, astronaut, request):
    extract = request.getfixturevalue(network)
    out = extract(astronaut)
    slots = {frame: vector for frame, vector in zip(out["frame"], out["embedding"], strict=True)}
    assert set(slots) == {0, 1, 2}
    assert slots[0] @ slots[1] > 0.8 and slots[0] @ slots[2] > 0.8
    assert np.linalg.norm(out["embedding"], axis=1) == pytest.approx(np.ones(FRAMES_PER_CLIP), abs=1e-6)
    assert isinstance(extract, VideoExtractor) and extract.portrait


@pytest.mark.parametrize("network", ["arcface", "sface"])
def test_swapped_channels_give_another_vector(network, astronaut, request):
    extract = request.getfixturevalue(network)
    crop = aligned(astronaut.frames[0], astronaut.cues.landmarks[0])
    assert extract.embed(crop) @ extract.embed(crop[..., ::-1].copy()) < 0.99


def test_alignment_brings_the_five_points_onto_the_template(astronaut):
    marked = np.zeros((320, 320, 3), np.uint8)
    points = five_points(astronaut.cues.landmarks[1])
    assert (points[0, 0] < points[1, 0]) and (points[3, 0] < points[4, 0])  # the eye on the image's left comes first
    for x, y in points:
        cv2.circle(marked, (round(float(x)), round(float(y))), 4, (255, 255, 255), -1)
    crop = aligned(marked, astronaut.cues.landmarks[1])
    assert crop.shape == (CROP, CROP, 3)
    for x, y in TEMPLATE:
        near = crop[round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7]
        assert near.max() > 150


def cues_of(valid: list[bool]) -> Cues:
    empty = Cues.empty(len(valid))
    return Cues(
        **{n: getattr(empty, n) for n in Cues.__dataclass_fields__ if n != "valid"}, valid=np.array(valid, bool)
    )


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_each_fifth_of_a_clip_gives_its_valid_frame_nearest_the_middle(valid):
    chosen = slot_frames(cues_of(valid))
    frames = len(valid)
    for k, frame in enumerate(chosen.tolist()):
        part = range(k * frames // 5, max((k + 1) * frames // 5, k * frames // 5 + 1))
        seen = [i for i in part if valid[i]]
        assert (frame == -1) == (not seen)
        if seen:
            distance = {i: abs(i + 0.5 - (k + 0.5) * frames / 5) for i in seen}
            assert distance[frame] == min(distance.values())


def test_parts_without_a_face_are_nan_and_a_clip_without_any_has_a_reason(arcface, astronaut):
    invalid = cues_of([False] * 3)
    with pytest.raises(Unscorable):
        arcface(Video(cues=invalid, frames=astronaut.frames))
    with pytest.raises(Unscorable):
        arcface(Video(cues=astronaut.cues, frames=None))
    valid = {n: getattr(astronaut.cues, n) for n in Cues.__dataclass_fields__} | {
        "valid": np.array([True, False, True])
    }
    out = arcface(Video(cues=Cues(**valid), frames=astronaut.frames))
    assert np.isnan(out["embedding"]).all(1).tolist() == (out["frame"] < 0).tolist()
    assert (out["frame"] < 0).any() and 1 not in out["frame"]


def test_a_video_does_not_depend_on_those_before_it_and_the_object_pickles_small(arcface, astronaut):
    first = arcface(astronaut)["embedding"]
    arcface(Video(cues=astronaut.cues[1:2], frames=astronaut.frames[1:2]))
    again = pickle.loads(pickle.dumps(arcface))
    assert len(pickle.dumps(arcface)) < 2000
    assert (again(astronaut)["embedding"] == first).all() and (arcface(astronaut)["embedding"] == first).all()
