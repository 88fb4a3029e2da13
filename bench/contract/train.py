"""What the one trainer (bench/train.py) needs of anything that learns: methods, the generator, judges, sync experts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from bench.contract.clip import Clip, Part
from bench.contract.cues import Cues
from bench.contract.metric import Direction


class ClipReader(Protocol):
    """Reads clips of a store; what does not change with an epoch is kept by the trainable itself, in `keep`."""

    def frames(self, clip: Clip) -> np.ndarray:
        """(T, 256, 256, 3) uint8 RGB at 25 fps."""
        ...

    def audio(self, clip: Clip) -> np.ndarray:
        """(N,) float32 16 kHz in -1..1."""
        ...

    def cues(self, clip: Clip) -> Cues: ...

    def keep(self, name: str, clip: Clip, make: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
        """`make()`, kept on disk under `name` (say the version in it) and the clip's content: made once per work folder."""
        ...

    def each(self, function: Callable[..., Any], clips: Sequence[Clip]) -> list[Any]:
        """function(clip, reader) of every clip, in order, in several processes; the function must be importable."""
        ...


@dataclass(frozen=True)
class Context:
    """Where training stands: step counts from 0; everything random of a step is drawn from `rng` or torch's seeded state.

    `phase` is the part of the step that is computed, "" for a trainable without phases.
    """

    step: int
    steps: int
    seed: int
    device: str
    rng: np.random.Generator
    phase: str = ""


class TrainingData(Protocol):
    """Examples in memory. A batch depends on `rng` alone, so that a run resumed at step n goes on as it would have."""

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Any]:
        """Tensors on the CPU, or numpy arrays; the trainer moves them to its device."""
        ...

    def __len__(self) -> int: ...


@runtime_checkable
class Trainable(Protocol):
    """A thing that learns. `Config` is a frozen dataclass with a default for every field.

    Fields of every Config: steps, batch_size, learning_rate, weight_decay, warmup_steps, validate_every (steps). Fields that
    the trainer obeys where there are any: clip_norm (of the gradient, 1.0 if there is no such field), ema (decay of a moving
    average of the weights, which is then what is validated and kept), <phase>_learning_rate, precision ("float32", or
    "bfloat16" for mixed precision in `loss`), accumulate (a batch is computed in so many parts, their gradients added),
    optimiser ("adamw", or "sgd" without momentum). Where several processes train one model, each is given its share of the
    batch, and the names that `loss` gives must be the same in all: they may depend on configuration and step alone.
    `kind` as in run.json (judge, sync-expert, syncnet, cohesion, lip-expert, method, generator); `speakers` the parts whose
    clips are trained on and chosen on; `chosen_by` names the validation metric of the best checkpoint and its direction
    (higher or lower). Optional: `needs`, names of pretrained weights of the registry, which the trainer fetches and puts
    into `weights` (name -> path) before anything else is asked; `ships`, the prefix of the names of those weights that
    leave the run folder; `largest_file` in bytes.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    kind: ClassVar[str]
    speakers: ClassVar[tuple[Part, Part]]
    chosen_by: ClassVar[tuple[str, Direction]]
    Config: ClassVar[type]

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: Any) -> TrainingData:
        """The examples of these clips; called for the training and for the validation part."""
        ...

    def build(self, config: Any) -> Any:
        """A torch.nn.Module with fresh weights, drawn from torch's global state (the trainer seeds it)."""
        ...

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """Scalar tensors by name; "loss" is minimised, all are logged."""
        ...

    def validate(self, model: Any, data: TrainingData, context: Context) -> Mapping[str, float]:
        """Numbers by name, `chosen_by[0]` among them; the model is in eval mode, without gradients."""
        ...

    def card(self, model: Any, data: TrainingData, context: Context) -> Mapping[str, Any]:
        """What the JSON card says of the chosen weights beyond config, seeds, hashes and curves; `data` is validation's."""
        ...


@runtime_checkable
class Phased(Protocol):
    """What a Trainable has besides if its step has several phases, each with an optimiser of its own (adversarial training).

    At each step the phases go in this order on one batch: `loss` is asked with `context.phase` set, and "loss" is minimised
    over `parameters(model, phase)` alone. Optional: `active(phase, context)` says whether a phase takes part in this step; it may
    depend on configuration and step alone.
    """

    phases: ClassVar[tuple[str, ...]]

    def parameters(self, model: Any, phase: str) -> Iterable[Any]:
        """The torch parameters that this phase moves; no parameter belongs to two phases."""
        ...


@runtime_checkable
class Callback(Protocol):
    """Told of every logged step ("train") and every validation ("validation"); True ends the run there.

    A resumed run tells its callbacks of all that was before, so that one that counts stands where it stood.
    """

    def __call__(self, event: str, step: int, values: Mapping[str, float], run: Path) -> bool | None: ...


def to_device(batch: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Every array and tensor of a batch as a torch tensor on `device`; anything else as it is."""
    import torch

    moved = {}
    for name, value in batch.items():
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.ascontiguousarray(value))
        moved[name] = value.to(device) if isinstance(value, torch.Tensor) else value
    return moved
