"""Training of the generator: pairs, losses and the whole way from frames to weights, small."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.generator import terms, training
from baselines.generator.frames import NEEDED, Pairs
from baselines.generator.training import GeneratorConfig, GeneratorTraining
from bench.contract.clip import Part
from bench.contract.cues import Cues
from bench.train import Job, train

SMALL = GeneratorConfig(
    steps=4, batch_size=2, validate_every=2, warmup_steps=1, size=32, scale=2, crop=48, channels=12, motion_channels=8, point_channels=8,
    frames_per_clip=4, precision="float32", adversarial_from=0.5,
)  # fmt: skip


class Reader:
    """Clips of coloured tiles that change a little from frame to frame, with landmarks spread over the picture."""

    def frames(self, clip):
        rng = np.random.default_rng(clip.number)
        tiles = rng.integers(0, 256, (1, 8, 8, 3)) + rng.integers(-20, 20, (6, 1, 1, 3))
        return np.clip(tiles, 0, 255).astype(np.uint8).repeat(32, 1).repeat(32, 2)

    def cues(self, clip):
        rng = np.random.default_rng(clip.number)
        cues = Cues.empty(6)
        cues.landmarks[:] = rng.uniform(60, 200, (6, 478, 3))
        cues.transform[:] = np.eye(4)
        cues.valid[:] = [True, True, clip.number != 7, True, True, True]
        return cues

    def keep(self, name, clip, make):
        return make()

    def each(self, function, clips):
        return [function(clip, self) for clip in clips]


CLIPS = [SimpleNamespace(number=n, part=Part.METHOD_TRAIN) for n in range(3)]


class Plain:
    """Stands in for VGG16, which is 59 MB: the pictures themselves are the features."""

    def distance(self, made, real, groups=4):
        return (made - real).abs().mean()


@pytest.fixture
def trainable(monkeypatch):
    made = GeneratorTraining()
    monkeypatch.setattr(made, "_perceptual", Plain())
    return made


def test_a_pair_is_two_different_frames_of_one_clip_and_depends_on_the_generator_alone():
    pairs = Pairs(CLIPS, Reader(), 64, 4)
    first, again = (pairs.batch(np.random.default_rng(5), 8) for _ in range(2))
    assert all((first[name] == again[name]).all() for name in first)
    assert first["source"].shape == (8, 64, 64, 3) and first["landmarks"].shape == (8, len(NEEDED), 3)
    assert (first["source"] != first["driving"]).any((1, 2, 3)).all()


def test_frames_are_evenly_spaced_and_only_those_with_a_face():
    with_a_gap = Pairs([SimpleNamespace(number=7)], Reader(), 64, 99)
    assert with_a_gap.clips[0].count == 5
    assert Pairs(CLIPS, Reader(), 64, 3).clips[1].count == 3


def test_landmarks_are_in_half_widths_from_the_middle():
    pairs = Pairs(CLIPS[:1], Reader(), 64, 4)
    true = Reader().cues(CLIPS[0]).landmarks[0, NEEDED]
    assert np.allclose(pairs.landmarks[0, :, :2], true[:, :2] / 128 - 1, atol=1e-6)
    assert np.allclose(pairs.landmarks[0, :, 2], true[:, 2] / 128, atol=1e-6)


def test_discriminators_join_late_and_everything_is_finite(trainable, tmp_path):
    job = Job(trainable, SMALL, 0, "cpu", tmp_path, CLIPS, CLIPS, Reader())
    done = train(job)
    rows = [line.values for line in done.curve.lines if line.split == "train"]
    assert "discriminator.loss" not in rows[0] and np.isfinite(rows[-1]["discriminator.loss"])
    assert np.isfinite(rows[-1]["generator.fool_crops"]) and np.isfinite(done.best_value)


def test_a_batch_in_two_parts_gives_the_weights_of_the_whole_one(trainable, monkeypatch, tmp_path):
    monkeypatch.setattr(terms, "jittered", lambda one, other, spread: (one, other))
    monkeypatch.setattr("baselines.generator.warping.TURN", 0.0)
    for name in ("STRETCH", "SHIFT", "BEND"):
        monkeypatch.setattr(f"baselines.generator.warping.{name}", 0.0)
    config = replace(SMALL, steps=1, adversarial_from=2.0, equivariance=0.0, apart=0.0, ema=0.0, crop=64)
    found = {}
    for parts in (1, 2):
        job = Job(trainable, replace(config, accumulate=parts), 0, "cpu", tmp_path / str(parts), CLIPS, CLIPS, Reader())
        found[parts] = train(job).curve.lines[0].values
    assert found[1]["generator.loss"] == pytest.approx(found[2]["generator.loss"], rel=1e-5)
    assert found[1]["generator.gradient"] == pytest.approx(found[2]["generator.gradient"], rel=1e-4)


def test_losses_fall_when_one_pair_is_learnt_by_heart(trainable, tmp_path):
    config = replace(SMALL, steps=40, validate_every=40, adversarial_from=2.0, learning_rate=3e-3, jitter=0.0)
    done = train(Job(trainable, config, 0, "cpu", tmp_path, CLIPS[:1], CLIPS[:1], Reader()))
    rows = [line.values["generator.pixels"] for line in done.curve.lines if line.split == "train"]
    assert rows[-1] < 0.8 * rows[0]


def test_the_generator_alone_is_shipped():
    assert GeneratorTraining.speakers == (Part.METHOD_TRAIN, Part.VALIDATION)
    model = GeneratorTraining().build(SMALL)
    shipped = {n for n in model.state_dict() if n.startswith(GeneratorTraining.ships)}
    assert shipped and all(n.split(".")[0] == "generator" for n in shipped)
    alone = training.build_generator(SMALL)
    assert {n.removeprefix(GeneratorTraining.ships) for n in shipped} == set(alone.state_dict())


def test_key_points_on_their_landmarks_cost_nothing():
    landmarks = torch.rand(2, len(NEEDED), 3)
    points = landmarks[:, [NEEDED.index(n) for n in terms.TIED.values()]]
    assert float(terms.tie(points, landmarks)) == 0
    assert float(terms.tie(points + 0.1, landmarks)) == pytest.approx(0.125, abs=1e-5)
