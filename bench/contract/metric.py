"""What a metric and an extractor are to the harness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np

from bench.contract.cues import Cues
from bench.contract.seen import Labels, Pair, Seen


class Direction(StrEnum):
    """How to read a value: more is better, less is better, zero is best, or as close to the ground truth's as can be."""

    HIGHER = "higher"
    LOWER = "lower"
    ZERO = "zero"
    MATCH = "match"


class Family(StrEnum):
    """The group of columns a metric stands in."""

    IMAGE = "image"
    LANDMARKS = "landmarks"
    STABILITY = "stability"
    POSE = "pose"
    GAZE = "gaze"
    EMOTION = "emotion"
    SYNC = "sync"
    COHESION = "cohesion"


class Metric(Protocol):
    """Common to all metrics: a name, a direction, a unit, a version that changes with its numbers, weights it needs.

    `family` groups columns; `primary` marks the endpoints that are tested; `protocol_keys` are the protocol settings it
    reads; `extractors` names what it reads beside the cues (metrics/extractors/registry.py). Its kind is one of the
    protocols below; the harness tells them apart by their method.
    """

    name: str
    family: Family
    direction: Direction
    unit: str
    version: str
    needs: tuple[str, ...]
    extractors: tuple[str, ...]
    primary: bool
    protocol_keys: tuple[str, ...]
    definition: str


@runtime_checkable
class FrameMetric(Metric, Protocol):
    """Compares pixels: the clip's value is the mean over paired frames.

    One with `needs` also has `load(weights: Mapping[str, Path], device: str)`, called once per process before `frames`.
    """

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


class Score(NamedTuple):
    """A clip's value, NaN if there is none, and how many frames entered it."""

    value: float
    n_frames: int


@runtime_checkable
class OwnMetric(Metric, Protocol):
    """Measures one video by itself (blink rate, sharpness, sync, recognised emotion).

    The harness measures the real clip in the same way: under MATCH the table shows the difference to it.
    """

    def own(self, seen: Seen) -> Score:
        """Raises Unscorable with the reason where this video has no value."""
        ...


@runtime_checkable
class PairMetric(Metric, Protocol):
    """Compares what was seen of a generated video with what was seen of the real one (identity, mouth lag)."""

    def pair(self, pair: Pair) -> Score:
        """Raises Unscorable with the reason where this pair has no value."""
        ...


@dataclass(frozen=True)
class Collected:
    """What one clip gives to a metric of the whole set: small arrays, kept beside the result for comparisons."""

    labels: Labels
    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class SetEstimate:
    """A metric of a whole set, ready to be asked for parts of it.

    `statistic` takes a (N,) bool mask over the clips, in the order given, and returns the value on them (NaN where the part
    is too small). `details` are numbers and words that belong to the cell (null, p, effective n, floors); `flags` are
    short names of doubts ("small-sample"); `figure` is a JSON document for a picture in the report. `truth` is the same
    statistic of the real clips, where there is such a thing: a MATCH metric is then shown as the difference to it.
    """

    statistic: Callable[[np.ndarray], float]
    details: Mapping[str, float | int | str | None] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    figure: Mapping[str, Any] | None = None
    truth: Callable[[np.ndarray], float] | None = None


@runtime_checkable
class SetMetric(Metric, Protocol):
    """A number of all clips together (FID, divergences, F1). Its interval is a delete-one-speaker jackknife.

    Metrics of one `collection` collect the same arrays: they are collected once.
    """

    collection: str

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """What this clip gives; raises Unscorable with the reason where it gives nothing."""
        ...

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Bit-equal for every order of `clips`; raises Unscorable where there are too few."""
        ...


@runtime_checkable
class Extractor(Protocol):
    """Frames -> face cues, once per video. Built with (weights: Mapping[str, Path], device: str)."""

    VERSION: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    def __call__(self, frames: Iterable[np.ndarray]) -> Cues: ...


WeightPaths = Mapping[str, Path]
