"""What all damages share: a dose, its range, the clip's own random numbers, and the choice of clips."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np

from bench.contract.errors import UsageError
from bench.contract.method import Input, Request


class Damage(ABC):
    """The real clip with one fault of a known size; a dose of 0 is the undamaged clip, what `gt-reencoded` is.

    All randomness comes from the clip's seed and the damage's name, never from the dose: a clip's damage at a higher dose
    contains the lower one. Raises UsageError for a dose outside `least`..`most`.
    """

    kind = "control"
    version = "1"
    name: ClassVar[str]
    unit: ClassVar[str]
    family: ClassVar[Literal["picture", "sound", "geometry", "labels"]]
    consumes: ClassVar[frozenset[Input]] = frozenset({Input.TRUE_VIDEO})
    least: ClassVar[float] = 0.0
    most: ClassVar[float] = 1.0
    needs_renderer: ClassVar[bool] = False
    """True where a clip must be rendered again: on real data the damage is n/a (cue-space-only)."""

    def __init__(self, dose: float):
        if not self.least <= dose <= self.most:  # a NaN is in no range
            raise UsageError(
                f"{self.name}~{dose:g}: expected a dose of {self.least:g} to {self.most:g} ({self.unit}), got {dose:g}"
            )
        self.dose = float(dose)

    @abstractmethod
    def generate(self, request: Request) -> Iterator[np.ndarray]:
        """request.n_frames frames, (256, 256, 3) uint8 RGB."""

    def random(self, request: Request) -> np.random.Generator:
        """Random numbers of this damage in this clip, the same at every dose and in any order of clips."""
        return np.random.default_rng([request.seed, zlib.crc32(self.name.encode())])

    def falls_on(self, request: Request) -> bool:
        """Whether this clip is damaged at all; otherwise it is given as it is."""
        return self.dose != 0

    def chosen(self, request: Request) -> bool:
        """`falls_on` where the dose is a share of clips: a clip that is hit at a dose is hit at all higher ones."""
        return bool(self.random(request).random() < self.dose)
