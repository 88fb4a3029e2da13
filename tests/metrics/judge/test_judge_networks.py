"""The judges' networks with fresh weights: what an answer may and may not depend on, and bad input."""

import pickle

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable, WeightsError
from bench.contract.seen import Video
from metrics.judge import answers
from metrics.judge.answers import by_emotion, clip_probabilities, cue_probabilities
from metrics.judge.faces import SIDE
from metrics.judge.geometry_data import FEATURES, GROUPS, frame_features, hidden, stilled


@pytest.fixture(scope="module")
def frame_judge():
    import torch

    from metrics.judge.model_frames import FrameJudge

    torch.manual_seed(0)
    return FrameJudge(8).eval()


@pytest.fixture(scope="module")
def geometry_judge():
    import torch

    from metrics.judge.model_geometry import GeometryJudge

    torch.manual_seed(0)
    return GeometryJudge(8).eval()


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (20, SIDE, SIDE), np.uint8)


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).normal(0, 1, (30, FEATURES)).astype(np.float32)


def test_an_answer_is_a_distribution(frame_judge, geometry_judge, pictures, features):
    for found in (clip_probabilities(frame_judge, pictures), cue_probabilities(geometry_judge, features)):
        assert found.shape == (8,) and found.sum() == pytest.approx(1) and (found > 0).all()


def test_the_order_of_frames_does_not_matter_to_the_frame_judge(frame_judge, pictures):
    found = clip_probabilities(frame_judge, pictures)
    np.testing.assert_allclose(clip_probabilities(frame_judge, pictures[::-1].copy()), found, rtol=1e-5)


def test_the_order_of_frames_matters_to_the_geometry_judge(geometry_judge, features):
    shuffled = features[np.random.default_rng(1).permutation(len(features))]
    assert (
        np.abs(cue_probabilities(geometry_judge, features) - cue_probabilities(geometry_judge, shuffled)).max() > 1e-6
    )


def test_the_number_of_frames_at_once_does_not_matter(frame_judge, pictures, monkeypatch):
    found = clip_probabilities(frame_judge, pictures)
    monkeypatch.setattr(answers, "CHUNK", 7)
    np.testing.assert_allclose(clip_probabilities(frame_judge, pictures), found, rtol=1e-5)


def test_columns_are_the_emotions_in_their_order():
    classes = ("sad", "angry")
    table = by_emotion([(np.array([0.2, 0.8]), classes)])
    assert table[0, EMOTIONS.index("sad")] == np.float32(0.2) and table[0, EMOTIONS.index("angry")] == np.float32(0.8)
    assert np.isfinite(table).sum() == 2


def test_a_network_is_small_enough_to_ship(frame_judge, geometry_judge):
    for model in (frame_judge, geometry_judge):
        assert sum(p.numel() for p in model.parameters()) < 1_000_000


def test_probes_hold_or_hide_the_cues_they_name(features):
    middle = np.full(FEATURES, 9.0, np.float32)
    for name, column in (("pose held", "pose"), ("gaze held", "gaze")):
        altered = stilled()[name](features)
        assert np.ptp(altered[:, GROUPS[column]], 0).max() < 1e-6
        np.testing.assert_array_equal(altered[:, GROUPS["expression"]], features[:, GROUPS["expression"]])
    alone = hidden(middle)["pose alone"](features)
    np.testing.assert_array_equal(alone[:, GROUPS["pose"]], features[:, GROUPS["pose"]])
    assert (np.delete(alone, range(58, 61), 1) == 9).all()


def test_features_are_of_frames_with_a_face(moving):
    whole = frame_features(moving)
    assert whole.shape == (len(moving), FEATURES) and np.isfinite(whole).all()
    assert np.abs(whole[:, GROUPS["points"]].mean(0)).max() < 1e-4
    kept = np.ones(len(moving), bool)
    kept[3] = False
    holed = Cues(**{**moving.__dict__, "valid": kept})
    np.testing.assert_array_equal(frame_features(holed)[:, :61], whole[kept][:, :61])


@pytest.fixture(scope="module")
def moving():
    """Cues of a mesh that moves a little, at changing poses."""
    from bench.contract.geometry import euler_to_matrix

    rng = np.random.default_rng(4)
    frames = 24
    cues = Cues.empty(frames)
    for name, value in {"gaze": rng.normal(0, 5, (frames, 2, 2)), "openness": rng.uniform(0.2, 0.4, (frames, 2)),
                        "blendshapes": rng.uniform(0, 1, (frames, 52))}.items():  # fmt: skip
        getattr(cues, name)[:] = value
    cues.landmarks[:] = rng.normal(0, 40, (478, 3)) + (128, 128, 0) + rng.normal(0, 0.5, (frames, 478, 3))
    cues.transform[:] = np.eye(4)
    cues.transform[:, :3, :3] = euler_to_matrix(rng.normal(0, 8, (frames, 3)))
    cues.transform[:, 2, 3] = -40
    cues.valid[:] = True
    return cues


def extractor(name):
    from metrics.extractors.registry import extractor_class

    cls = extractor_class(name)
    return cls({expert: f"{expert}.safetensors" for expert in cls.experts})


@pytest.mark.parametrize("name", ["emotion_judge", "geometry_judge"])
def test_bad_input_is_a_named_reason_before_a_file_is_opened(name, moving):
    judge = extractor(name)
    pictures = np.zeros((24, 256, 256, 3), np.uint8)
    with pytest.raises(Unscorable) as error:
        judge(Video(Cues.empty(24), pictures))
    assert error.value.reason == Reason.NO_FACE
    with pytest.raises(Unscorable) as error:
        judge(Video(moving[:4], pictures[:4]))
    assert error.value.reason == Reason.WINDOW_TOO_SHORT
    assert len(pickle.dumps(judge)) < 2000


def test_another_network_in_the_file_is_an_error_of_the_weights(tmp_path, geometry_judge):
    import json

    from safetensors.torch import save_file

    path = tmp_path / "judge-0.safetensors"
    save_file(geometry_judge.state_dict(), path)
    card = {"classes": list(EMOTIONS), "config": {"features": 128, "dropout": 0.3}}
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="not the tensors"):
        answers.load_frame_judge(path)
    path.with_suffix(".json").write_text(json.dumps(card | {"classes": ["sad", "bored"]}))
    with pytest.raises(WeightsError, match="bored"):
        answers.load_frame_judge(path)
