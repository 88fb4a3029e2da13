"""`python train_together.py FOLDER NAME...`: trains toys as one of several processes, or alone without torchrun's variables.

A name ending in "-killed" ends its second process without warning, one ending in "-cut" its first.
"""

import os
import signal
import sys
from pathlib import Path

from toy_trainable import Plain, PlainAdversary, StepConfig, Toy

from bench.contract.errors import EmotalkError
from bench.train import Job, train
from bench.training.processes import joined, launched

STEPS = {"steps": 5, "validate_every": 5, "warmup_steps": 0}


class Rare(Plain):
    """One layer that only some shares of a batch have a gradient for, and one that none has."""

    def build(self, config):
        from torch import nn

        return nn.ModuleDict({"net": super().build(config), "rare": nn.Linear(4, 1), "never": nn.Linear(4, 1)})

    def loss(self, model, batch, context):
        losses = super().loss(model["net"], batch, context)
        far = batch["inputs"][batch["inputs"][:, 0] > 2.0]
        if len(far):
            losses["loss"] = losses["loss"] + model["rare"](far).square().sum() / len(batch["inputs"])
        return losses

    def validate(self, model, data, context):
        return super().validate(model["net"], data, context)


CASES = {
    "sgd": (Plain, {**STEPS, "optimiser": "sgd", "learning_rate": 0.1}),
    "parts": (Plain, {**STEPS, "accumulate": 2, "ema": 0.9}),
    "phases": (PlainAdversary, {**STEPS, "accumulate": 2}),
    "rare": (Rare, {**STEPS, "weight_decay": 0.5}),
    "bfloat16": (Plain, {**STEPS, "precision": "bfloat16", "learning_rate": 1e-3}),
    "dropout": (Toy, {}),
    "odd": (Plain, {"batch_size": 15}),
}
CLIPS = (object(), object())


def kill(event, step, values, run):
    if event == "train" and step == 40:
        os.kill(os.getpid(), signal.SIGKILL)


class Fragile(Toy):
    """Its second process is killed in the middle."""

    def loss(self, model, batch, context):
        if context.step == 30 and launched().rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(model, batch, context)


def job(folder: Path, name: str) -> Job:
    case, _, end = name.partition("-")
    kind, config = CASES[case]
    kind = Fragile if end == "killed" else kind
    callbacks = [kill] if end == "cut" else []
    return Job(kind(), StepConfig(**config), 0, "cpu", folder / case, CLIPS, CLIPS, None, callbacks, None, launched())


def main(folder: str, *names: str) -> None:
    import torch

    torch.set_num_threads(1)
    with joined(launched(), "cpu"):
        for name in names:
            try:
                train(job(Path(folder), name))
            except EmotalkError as error:
                sys.exit(str(error))
        launched().told()


if __name__ == "__main__":
    main(*sys.argv[1:])
