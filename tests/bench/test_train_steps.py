"""One step of the trainer: batches ahead of time, gradients in parts, phases that wait, mixed precision."""

from dataclasses import replace
from threading import current_thread

import numpy as np
import pytest
from toy_trainable import Plain, StepConfig, ToyAdversary

from bench.contract.errors import UsageError
from bench.train import Job, seed_everything, train
from bench.training.batches import Batches

CLIPS = (object(), object())


def trained(folder, toy, **config):
    return train(
        Job(toy, replace(StepConfig(steps=20, validate_every=10), **config), 0, "cpu", folder, CLIPS, CLIPS, None)
    )


def test_a_batch_in_parts_gives_the_weights_of_the_whole_batch(tmp_path):
    whole, parts = (trained(tmp_path / str(n), Plain(), accumulate=n).model.state_dict() for n in (1, 4))
    assert all(np.allclose(whole[name], parts[name], atol=1e-6) for name in whole)


def test_parts_must_divide_the_batch(tmp_path):
    with pytest.raises(UsageError, match="a divisor of batch_size = 16"):
        trained(tmp_path, Plain(), accumulate=3)


def test_a_phase_that_is_not_active_neither_counts_nor_moves(tmp_path):
    class Late(ToyAdversary):
        def active(self, phase, context):
            return phase == "first" or context.step >= 10

    lines = [line for line in trained(tmp_path, Late()).curve.lines if line.split == "train"]
    assert "second.loss" not in lines[0].values and "second.loss" in lines[-1].values


def test_mixed_precision_computes_the_loss_in_bfloat16_and_keeps_weights_in_float32(tmp_path):
    import torch

    seen = []

    class Watching(Plain):
        def loss(self, model, batch, context):
            seen.append(model(batch["inputs"]).dtype)
            return super().loss(model, batch, context)

    state = trained(tmp_path, Watching(), precision="bfloat16").model.state_dict()
    assert set(seen) == {torch.bfloat16} and {v.dtype for v in state.values()} == {torch.float32}


def test_batches_are_made_ahead_and_are_those_of_their_step():
    names = []

    class Data:
        def batch(self, rng, size):
            names.append(current_thread().name)
            return {"drawn": rng.integers(1000, size=size)}

    with Batches(Data(), seed=7, size=3, steps=4) as batches:
        found = {step: batches.of(step) for step in (0, 1, 3)}
    for step, (batch, after) in found.items():
        rng = seed_everything(7, "step", step)
        assert (batch["drawn"] == rng.integers(1000, size=3)).all()
        assert after.integers(1000) == rng.integers(1000)
    assert all(name != current_thread().name for name in names)


def test_an_error_while_a_batch_is_made_ends_the_training(tmp_path):
    class Broken(Plain):
        def data(self, clips, reader, config):
            data = super().data(clips, reader, config)
            data.labels = data.labels[:1]  # as if a file had changed underneath
            return data

    with pytest.raises(IndexError):
        trained(tmp_path, Broken())


def test_plain_gradient_descent_steps_against_the_gradient_and_no_other_optimiser_is_known(tmp_path):
    config = {"optimiser": "sgd", "steps": 1, "warmup_steps": 0, "weight_decay": 0.0, "learning_rate": 1.0}
    done = trained(tmp_path / "sgd", Plain(), **config)
    seed_everything(0, "weights")
    fresh = Plain().build(StepConfig()).state_dict()
    moved = sum(float(((fresh[n] - v) ** 2).sum()) for n, v in done.model.state_dict().items()) ** 0.5
    assert moved == pytest.approx(min(1.0, done.curve.lines[0].values["gradient"]), rel=1e-4)
    with pytest.raises(UsageError, match="adamw or sgd"):
        trained(tmp_path / "other", Plain(), optimiser="adam")
