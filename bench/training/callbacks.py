"""Callbacks of the trainer that the command line knows (bench.contract.train.Callback)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bench.contract.metric import Direction
from bench.tracking.mirror import Mirror


def better(value: float, than: float | None, direction: Direction) -> bool:
    """Whether a validation value beats the best one so far; None is beaten by any."""
    if than is None:
        return True
    return value > than if direction == Direction.HIGHER else value < than


class EarlyStopping:
    """Ends a run after `patience` validations in a row that did not beat the best one before them."""

    def __init__(self, chosen_by: tuple[str, Direction], patience: int):
        self.metric, self.direction = chosen_by
        self.patience = patience
        self.best: float | None = None
        self.waited = 0

    def __call__(self, event: str, step: int, values: Mapping[str, float], run: Path) -> bool:
        """True once there has been no progress for long enough."""
        if event != "validation":
            return False
        value = values.get(self.metric)
        if value is not None and better(value, self.best, self.direction):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.patience


class Pruner(Protocol):
    """A callback that may end runs by how they stand beside others; `identity` then becomes part of that of each run.

    A run that was ended so is finished, but not the run that a plain training of the same configuration makes. None: it
    ends no run.
    """

    identity: str | None

    def __call__(self, event: str, step: int, values: Mapping[str, float], run: Path) -> bool:
        """As bench.contract.train.Callback."""
        ...


class MirrorCurve:
    """Tells W&B the curve; it may fail without harm."""

    def __init__(self, mirror: Mirror):
        self.mirror = mirror

    def __call__(self, event: str, step: int, values: Mapping[str, float], run: Path) -> None:
        self.mirror.log(step, {f"{event}/{name}": value for name, value in values.items() if value is not None})
