"""Both judges through the one trainer, on a few rendered clips: what can be learned is learned."""

from dataclasses import replace

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS, Part
from bench.contract.errors import UsageError
from bench.data.store import Store
from bench.train import Job, train
from bench.training.reader import StoreReader
from metrics.judge.data import FaceClips, classes_of, clips_per_batch
from metrics.judge.training import GeometryJudgeTraining, JudgeTraining


@pytest.fixture(scope="module")
def clips(smoke_work):
    store = Store(smoke_work / "store" / "puppet-smoke")
    names = sorted(folder.name for folder in (store.folder / "clips").iterdir())
    return [store.clip(name, "judge-train", True) for name in names]


def fitted(trainable, clips, folder, **config):
    """Trained, and chosen, on the same clips."""
    again = [replace(clip, part=Part.VALIDATION) for clip in clips]
    job = Job(
        trainable,
        replace(trainable.Config(), **config),
        0,
        "cpu",
        folder / "run",
        clips,
        again,
        StoreReader(folder / "cache"),
    )
    return train(job)


@pytest.mark.slow
def test_the_frame_judge_learns_the_clips_it_is_shown(clips, tmp_path):
    trained = fitted(
        JudgeTraining(), clips, tmp_path, steps=160, warmup_steps=10, validate_every=40, batch_size=12, ema=0.0
    )
    assert trained.curve.last("validation")["accuracy"] >= 0.9


def test_the_geometry_judge_learns_the_clips_it_is_shown(clips, tmp_path):
    trained = fitted(
        GeometryJudgeTraining(), clips, tmp_path, steps=40, warmup_steps=5, validate_every=20, batch_size=16
    )
    assert trained.curve.last("validation")["accuracy"] >= 0.9


def test_classes_are_those_of_the_training_clips_in_their_order(clips):
    found = classes_of(clips)
    assert set(found) == {clip.emotion for clip in clips} and list(found) == sorted(found, key=EMOTIONS.index)
    with pytest.raises(UsageError, match="two emotions"):
        classes_of(clips[:1])


def test_a_batch_has_every_emotion_and_depends_on_its_generator_alone():
    labels = np.repeat([0, 1, 2], [50, 5, 1])
    for size in (9, 10):
        chosen = clips_per_batch(labels, np.random.default_rng(1), size)
        assert len(chosen) == size and np.bincount(labels[chosen]).min() >= size // 3
    assert (
        clips_per_batch(labels, np.random.default_rng(1), 9) == clips_per_batch(labels, np.random.default_rng(1), 9)
    ).all()


def test_frames_of_a_batch_are_spread_over_the_clip():
    class Clip:
        emotion = "sad"

    class Example:
        clip, pictures, cues = Clip, np.arange(20, dtype=np.uint8)[:, None, None], np.zeros((20, 59), np.float32)

    batch = FaceClips([Example], ("happy", "sad"), 4).batch(np.random.default_rng(0), 3)
    assert batch["pictures"].shape == (3, 4, 1, 1) and (batch["labels"] == 1).all()
    assert (batch["pictures"][:, :, 0, 0] // 5 == [0, 1, 2, 3]).all()
