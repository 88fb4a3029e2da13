"""The null of a divergence between real and generated clips: what remains of it when the two sides of clips are exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EXCHANGES = 200
"""Random exchanges behind a null: its mean is then known to 7 % of its own SD, and the smallest p is 1/201."""


@dataclass(frozen=True)
class Null:
    """A divergence with its null: observed, and the values (EXCHANGES,) where each clip's sides are exchanged by a toss.

    A clip is exchanged as a whole, so neighbouring frames stay together, and with its own partner, so speaker, emotion
    and sentence stay balanced: identical sides give 0 under every exchange.
    """

    observed: float
    exchanged: np.ndarray

    @property
    def p(self) -> float:
        """Share of exchanges, the one that was observed among them, that reach the observed value."""
        reached = int((self.exchanged >= self.observed * (1 - 1e-9)).sum())
        return (1 + reached) / (1 + len(self.exchanged))


def exchange_signs(n_clips: int, seed: int) -> np.ndarray:
    """(EXCHANGES, n_clips) of 1 (as it is) and -1 (this clip's real and generated side exchanged), drawn with `seed`."""
    return np.random.default_rng(seed).integers(0, 2, (EXCHANGES, n_clips)) * 2.0 - 1.0


def half_signs(members: Sequence[np.ndarray], n_clips: int, seed: int) -> np.ndarray:
    """(EXCHANGES, n_clips) of 1 and -1, where in every cell of `members` (positions) half of the clips is exchanged.

    The mean of a divergence under these is what is subtracted: half, because then neither side holds more of the
    generated clips, so that a true difference is not part of its own null (a toss leaves 1 / sqrt(n) of it). The
    smaller half of an odd number is exchanged. Which clips are drawn does not depend on what other cells there are.
    """
    keys = np.random.default_rng([seed, 2]).random((EXCHANGES, n_clips))
    signs = np.ones((EXCHANGES, n_clips))
    for cell in members:
        rank = np.argsort(np.argsort(keys[:, cell], axis=1), axis=1)
        signs[:, cell] = np.where(rank < len(cell) // 2, -1.0, 1.0)
    return signs
