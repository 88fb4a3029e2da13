"""What a metric and an extractor are to the harness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from bench.contract.cues import Cues


class Direction(StrEnum):
    """How to read a value: more is better, less is better, zero is best, or as close to the ground truth's as can be."""

    HIGHER = "higher"
    LOWER = "lower"
    ZERO = "zero"
    MATCH = "match"


class Metric(Protocol):
    """Common to all metrics: a name, a direction, a unit, a version that changes with its numbers, weights it needs.

    `primary` marks the endpoints that are tested; `protocol_keys` are the protocol settings it reads.
    """

    name: str
    direction: Direction
    unit: str
    version: str
    needs: tuple[str, ...]
    primary: bool
    protocol_keys: tuple[str, ...]
    definition: str


@runtime_checkable
class FrameMetric(Metric, Protocol):
    """Compares frames: the clip's value is the mean over paired frames."""

    def frames(self, reference: np.ndarray, generated: np.ndarray) -> np.ndarray:
        """(B, H, W, 3) uint8 RGB twice -> (B,) float64."""
        ...


@runtime_checkable
class CueMetric(Metric, Protocol):
    """Compares the cues of two videos of equal length, paired frame by frame; `reads` names the arrays it looks at."""

    reads: tuple[str, ...]

    def clip(self, reference: Cues, generated: Cues) -> float:
        """One number; NaN if no frame is valid on both sides."""
        ...

    def n_frames(self, reference: Cues, generated: Cues) -> int:
        """How many frames entered `clip`."""
        ...


@runtime_checkable
class Extractor(Protocol):
    """Pixels -> features, once per video. Built with (weights: Mapping[str, Path], device: str)."""

    VERSION: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    def __call__(self, frames: Iterable[np.ndarray]) -> Cues | Mapping[str, np.ndarray]: ...


WeightPaths = Mapping[str, Path]
