"""The null of a divergence between real and generated clips: what remains of it when the two sides of clips are exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EXCHANGES = 200
"""Random exchanges behind a null: its mean is then known to 7 % of its own SD, and the smallest p is 1/201."""
LEAST_SPEAKERS = 4
"""Speakers of a cell from which on exchanges take all of a speaker's clips in it together; with fewer, each clip by itself."""


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


def exchange_units(members: Sequence[np.ndarray], speakers: np.ndarray) -> np.ndarray:
    """(N,) numbers of what is exchanged as one, in the cells `members`: the clips of a speaker in a cell, or, where the cell
    has fewer than LEAST_SPEAKERS of them, each clip by itself.

    Clips of one speaker are not independent, and where a speaker's clips stand in for one another (the control
    `gt-mismatched`) their sides hold the same clips: exchanged together they leave a null of 0, as identical clips do.
    """
    units = np.arange(len(speakers))
    for cell in members:
        names, first, number = np.unique(speakers[cell], return_index=True, return_inverse=True)
        if len(names) >= LEAST_SPEAKERS:
            units[cell] = cell[first][number]
    return units


def half_signs(members: Sequence[np.ndarray], units: np.ndarray, seed: int) -> np.ndarray:
    """(EXCHANGES, N) of 1 and -1, where in every cell of `members` (positions) half of the `units` (N,) is exchanged.

    The mean of a divergence under these is what is subtracted: half, because then neither side holds more of the
    generated clips, so that a true difference is not part of its own null (a toss leaves 1 / sqrt(n) of it). The
    smaller half of an odd number n is exchanged: 1 / n of a true difference stays in the null, a third with three clips,
    and the value is too small by that; two samples of one distribution still average 0. Which units are drawn does not
    depend on what other cells there are.
    """
    keys = np.random.default_rng([seed, 2]).random((EXCHANGES, len(units)))
    signs = np.ones((EXCHANGES, len(units)))
    for cell in members:
        of_cell, number = np.unique(units[cell], return_inverse=True)
        rank = np.argsort(np.argsort(keys[:, of_cell], axis=1), axis=1)
        signs[:, cell] = np.where(rank < len(of_cell) // 2, -1.0, 1.0)[:, number]
    return signs
