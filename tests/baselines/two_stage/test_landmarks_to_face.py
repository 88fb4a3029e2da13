"""Stage 2 and the rows: landmarks to the frozen generator's key points, and frames from cues."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from baselines.generator.keypoints import Face
from baselines.generator.landmark_ties import TIED
from baselines.generator.training import GeneratorConfig, build_generator
from baselines.two_stage import methods
from baselines.two_stage.landmarks_to_face import LandmarksToFace, in_picture
from baselines.two_stage.stage1_training import SpeechToCuesConfig, build_speech_to_cues
from baselines.two_stage.stage2_training import LandmarksToFaceConfig, LandmarksToFaceTraining, build_landmarks_to_face
from bench.contract.cues import Cues
from bench.contract.errors import NotApplicable, UndeclaredInput, WeightsError
from bench.contract.method import Input, Request
from bench.contract.train import Context

POINTS = 32


def face(batch: int = 2) -> Face:
    torch.manual_seed(0)
    points = torch.randn(batch, POINTS, 3) * 0.3
    eye = torch.eye(3).expand(batch, 3, 3)
    return Face(points, points.clone(), eye, torch.ones(batch, 1, 1), torch.zeros(batch, 1, 3))


def landmarks(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 478, 3, generator=torch.Generator().manual_seed(1)) * 0.3


def test_a_face_that_does_not_move_keeps_its_key_points():
    before = landmarks()
    found = LandmarksToFace(POINTS)(before, before, torch.eye(3).expand(2, 3, 3), face())
    assert torch.allclose(found.posed, face().posed, atol=1e-6)


def test_tied_key_points_go_where_their_landmarks_go():
    before = landmarks()
    now = before.clone()
    index = list(TIED).index("chin")
    now[:, TIED["chin"]] += 0.1
    found = LandmarksToFace(POINTS, latent=False)(before, now, torch.eye(3).expand(2, 3, 3), face())
    moved = (found.posed - face().posed)[:, : len(TIED)]
    assert torch.allclose(moved[:, index], torch.full((2, 3), 0.1), atol=1e-6)
    assert moved[:, [i for i in range(len(TIED)) if i != index]].abs().max() < 1e-6


def test_without_latent_key_points_the_network_has_no_say():
    model = LandmarksToFace(POINTS, latent=False)
    torch.nn.init.normal_(model.body[-1].weight)
    plain = LandmarksToFace(POINTS, latent=False)
    args = landmarks(), landmarks() + 0.05, torch.eye(3).expand(2, 3, 3), face()
    assert torch.equal(model(*args).posed, plain(*args).posed)
    told = LandmarksToFace(POINTS)
    torch.nn.init.normal_(told.body[-1].weight)
    assert not torch.allclose(told(*args).posed, plain(*args).posed)


def test_the_mapping_learns_the_generators_key_points():
    rng = np.random.default_rng(0)
    trainable = LandmarksToFaceTraining()
    model = trainable.build(LandmarksToFaceConfig(width=32))
    before, wanted = face(8), face(8)
    wanted = wanted._replace(posed=wanted.posed + 0.05)
    batch = {"reference_landmarks": landmarks(8), "landmarks": landmarks(8), "turned": before.rotation}
    batch |= {f"reference_{n}": t for n, t in before._asdict().items()} | wanted._asdict()
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for step in range(40):
        loss = trainable.loss(model, batch, Context(step, 40, 0, "cpu", rng))["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Weights of random numbers, small, where the rows look for theirs."""
    torch.manual_seed(0)
    generator = GeneratorConfig(size=64, scale=4, channels=16, motion_channels=8, point_channels=8)
    speech = SpeechToCuesConfig(width=16, layers=1, heads=2, codes=4, window=8)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(468 * 3, 4)))[0].T.astype(np.float32)
    parts = {
        "generator": (build_generator(generator), generator),
        "landmarks_to_face": (
            build_landmarks_to_face(LandmarksToFaceConfig(width=16)),
            LandmarksToFaceConfig(width=16),
        ),
        "speech_to_cues": (build_speech_to_cues(speech, (basis, np.ones(4, np.float32))), speech),
    }
    for name, (model, config) in parts.items():
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / f"{name}.safetensors")
        (tmp_path / f"{name}.json").write_text(json.dumps({"config": asdict(config)}))
    monkeypatch.setattr(methods, "weights_of", lambda name: tmp_path / f"{name}.safetensors")
    return tmp_path


@pytest.fixture(scope="module")
def cues(smoke_work):
    return Cues.load(smoke_work / "store/puppet-smoke/clips/M101_front_neutral_1_003/cues.safetensors")


def request(cues: Cues, consumes=methods.TwoStage.consumes, seed: int = 3, emotion: str = "happy") -> Request:
    audio = np.random.default_rng(0).normal(0, 0.1, len(cues) * 640).astype(np.float32)
    given = {
        Input.AUDIO: audio,
        Input.EMOTION: emotion,
        Input.LEVEL: 2,
        Input.REFERENCE_IMAGE: np.full((256, 256, 3), 90, np.uint8),
        Input.REFERENCE_CUES: cues[:1],
        Input.TRUE_CUES: cues,
    }
    return Request("clip", len(cues), seed, frozenset(consumes), {n: lambda v=v: v for n, v in given.items()})


def test_two_stage_gives_every_frame_and_the_same_ones_again(shipped, cues):
    first, again = (np.stack(list(methods.TwoStage().generate(request(cues)))) for _ in range(2))
    assert first.shape == (len(cues), 256, 256, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)


def test_two_stage_cues_are_whole_and_differ_by_seed_and_emotion(shipped, cues):
    method = methods.TwoStage()
    one = method.cues(request(cues))
    assert one.valid.all() and np.isfinite(one.landmarks).all() and len(one) == len(cues)
    assert not np.array_equal(one.gaze, method.cues(request(cues, seed=4)).gaze)
    assert not np.array_equal(one.landmarks, method.cues(request(cues, emotion="sad")).landmarks)


def test_true_cues_are_rendered_and_frames_without_a_face_hold_the_last_one(shipped, cues):
    gap = Cues(**{n: getattr(cues, n).copy() for n in cues.__dataclass_fields__})
    gap.valid[5:8] = False
    gap.landmarks[5:8] = np.nan
    held = methods._held(gap)
    assert np.array_equal(held.landmarks[5:8], np.repeat(cues.landmarks[4:5], 3, 0))
    frames = list(methods.OracleCues().generate(request(gap, methods.OracleCues.consumes)))
    assert len(frames) == len(cues)
    with pytest.raises(NotApplicable):
        methods._held(Cues.empty(3))


def test_inputs_that_are_not_declared_are_not_given(shipped, cues):
    with pytest.raises(UndeclaredInput):
        methods.TwoStage().cues(request(cues, consumes={Input.AUDIO}))


def test_weights_of_another_configuration_are_refused(shipped):
    card = json.loads((shipped / "speech_to_cues.json").read_text())
    card["config"]["width"] = 32
    (shipped / "speech_to_cues.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="not those that the card describes"):
        methods.TwoStage()._speech  # noqa: B018


def test_landmarks_in_the_picture_are_in_half_widths(cues):
    found, turned = in_picture(cues)
    assert np.allclose(found[..., :2], cues.landmarks[..., :2] / 128 - 1, atol=1e-5)
    assert np.allclose(turned @ turned.swapaxes(-1, -2), np.eye(3), atol=1e-5)


def test_a_hostile_pickle_in_place_of_weights_is_not_run(shipped, cues, tmp_path):
    import pickle

    class Boom:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    (shipped / "speech_to_cues.safetensors").write_bytes(pickle.dumps(Boom()))
    with pytest.raises(Exception, match=r"[Hh]eader|safetensors"):
        methods.TwoStage()._speech  # noqa: B018
    assert not (tmp_path / "owned").exists()
