"""A trainable that learns in a second: which of two labels a clip's number has; with dropout, so that seeds matter."""

from dataclasses import dataclass, field

import numpy as np

from bench.contract.clip import Part
from bench.contract.metric import Direction


@dataclass(frozen=True)
class ToyConfig:
    steps: int = 40
    batch_size: int = 16
    learning_rate: float = 1e-2
    weight_decay: float = 0.01
    warmup_steps: int = 5
    validate_every: int = 10
    width: int = 8
    ema: float = 0.0
    sizes: tuple[int, ...] = (1,)
    name: str = "plain"


@dataclass
class ToyData:
    inputs: np.ndarray
    labels: np.ndarray

    def batch(self, rng, size):
        drawn = rng.integers(len(self.inputs), size=size)
        noise = rng.normal(0, 0.3, (size, 4)).astype(np.float32)
        return {"inputs": self.inputs[drawn] + noise, "labels": self.labels[drawn]}

    def __len__(self):
        return len(self.inputs)


@dataclass
class Toy:
    name = "toy"
    version = "1"
    kind = "judge"
    speakers = (Part.JUDGE_TRAIN, Part.VALIDATION)
    chosen_by = ("accuracy", Direction.HIGHER)
    Config = ToyConfig
    steps_done: list = field(default_factory=list)

    def data(self, clips, reader, config):
        draw = np.random.default_rng(len(clips))
        labels = draw.integers(2, size=64)
        inputs = draw.normal(labels[:, None] - 0.5, 1.0, (64, 4)).astype(np.float32)
        return ToyData(inputs if clips else inputs[:0], labels)

    def build(self, config):
        from torch import nn

        return nn.Sequential(
            nn.Linear(4, config.width),
            nn.BatchNorm1d(config.width),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(config.width, 2),
        )

    def loss(self, model, batch, context):
        from torch.nn import functional

        self.steps_done.append(context.step)
        return {"loss": functional.cross_entropy(model(batch["inputs"]), batch["labels"])}

    def validate(self, model, data, context):
        import torch

        said = model(torch.from_numpy(data.inputs)).argmax(1).numpy()
        return {"accuracy": float((said == data.labels).mean())}

    def card(self, model, data, context):
        return {"classes": ["no", "yes"], **self.validate(model, data, context)}


@dataclass
class ToyAdversary(Toy):
    """Two halves that learn in turn, each with its own optimiser."""

    phases = ("first", "second")

    def parameters(self, model, phase):
        return model[0].parameters() if phase == "first" else model[4].parameters()

    def loss(self, model, batch, context):
        assert context.phase in self.phases
        return super().loss(model, batch, context)


@dataclass(frozen=True)
class StepConfig(ToyConfig):
    accumulate: int = 1
    precision: str = "float32"
    optimiser: str = "adamw"


class Plain(Toy):
    """Without dropout and statistics of the batch, so that a batch in parts is the whole batch."""

    Config = StepConfig

    def build(self, config):
        from torch import nn

        return nn.Sequential(nn.Linear(4, config.width), nn.ReLU(), nn.Linear(config.width, 2))


class PlainAdversary(Plain):
    """Two halves that learn in turn; the second joins in late."""

    phases = ("first", "second")

    def parameters(self, model, phase):
        return model[0 if phase == "first" else 2].parameters()

    def active(self, phase, context):
        return phase == "first" or context.step >= 3
