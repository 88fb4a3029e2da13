"""Does the order of rows survive another protocol? Kendall's tau between two orders, and how often one row wins in both.

Rows are ordered by badness: smaller is better (docs/statistics.md, "Two rows"). What is resampled are clips inside
speaker x emotion, the same draws for every row and for both protocols: the question is about these rows on these speakers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations
from math import factorial

import numpy as np

from metrics.resampling import bootstrap_means, strata
from metrics.statistics import LEAST_SPARE_CLIPS, LEVEL

REPLICATES = 500
ENUMERATED = 7
"""Rows up to which every order is tried for the p of tau (5040 orders)."""


@dataclass(frozen=True)
class Agreement:
    """Two orders of the same rows.

    `tau`: Kendall's tau-b, None where it is not defined (fewer than two rows, or all alike in one order); `p`: share of all
    orders at least as far from 0; `least_p`: the smallest p that this number of rows can have, 2 / rows!.
    """

    rows: int
    tau: float | None
    p: float | None
    least_p: float


@dataclass(frozen=True)
class Resampled:
    """The same question asked of resampled clips: the middle 95 % of tau, and the share in which some row wins in both orders.

    Rows that tie for the best all win. `without_tau`: resamplings in which one of the orders is all ties, so that it has no
    tau; they count for the winner and not for the middle 95 %. `reason` stands in place of the numbers where clips cannot be
    resampled. Resampling adds noise to both orders, so the numbers err towards disagreement.
    """

    low: float | None = None
    high: float | None = None
    same_winner: float | None = None
    without_tau: int = 0
    reason: str | None = None


def agreement(first: np.ndarray, second: np.ndarray) -> Agreement:
    """Kendall's tau-b of (R,) badness under two protocols, with its permutation p; ValueError for unequal lengths or NaN."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or first.ndim != 1 or not np.isfinite([first, second]).all():
        raise ValueError(f"expected two finite columns of one length, got shapes {first.shape} and {second.shape}")
    rows = len(first)
    least = min(1.0, 2.0 / factorial(rows))
    tau = float(_taus(first[None], second[None])[0]) if rows > 1 else float("nan")
    if np.isnan(tau):
        return Agreement(rows, None, None, least)
    return Agreement(rows, tau, _p(first, second, tau), least)


def resampled(
    first: np.ndarray,
    second: np.ndarray,
    speakers: np.ndarray,
    emotions: np.ndarray,
    seed: int,
    absolute_mean: tuple[bool, bool] = (False, False),
    replicates: int = REPLICATES,
) -> Resampled:
    """(R, N) badness of each row on each clip under two protocols; speakers (N,), emotions (N,) names.

    `absolute_mean`: the badness of a row under that protocol is the absolute value of its mean (direction match, where the
    clips' values are differences to the truth), not the mean. ValueError for unequal shapes or values that are not finite.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or first.ndim != 2 or not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError(f"expected two finite (rows, clips) tables of one shape, got {first.shape} and {second.shape}")
    if len(first) < 2:
        return Resampled(reason="one row has no order")
    split = strata(np.asarray(speakers, str), np.asarray(emotions, str))
    if split is None:
        return Resampled(reason="one clip per speaker and emotion")
    spare = first.shape[1] - len(split.members)
    if spare < LEAST_SPARE_CLIPS:
        return Resampled(reason=f"{spare} clips repeat a speaker and emotion, {LEAST_SPARE_CLIPS} are needed")
    sides = []
    for table, absolute in zip((first, second), absolute_mean, strict=True):
        # the same seed for every row: the same clips are drawn for all of them
        drawn = [bootstrap_means(row, split, replicates, seed) for row in table]
        means = np.stack(drawn, axis=1)  # (B, R)
        sides.append(np.abs(means) if absolute else means)
    all_taus = _taus(*sides)
    taus = all_taus[np.isfinite(all_taus)]
    if not len(taus):
        return Resampled(without_tau=len(all_taus), reason="all rows alike in one of the orders")
    low, high = np.percentile(taus, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    best = [side == side.min(1, keepdims=True) for side in sides]
    alike = (best[0] & best[1]).any(1).mean()
    return Resampled(float(low), float(high), float(alike), len(all_taus) - len(taus))


def _taus(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of each line of two (B, R) tables -> (B,); NaN where one of the two is constant."""
    i, j = np.array(list(combinations(range(first.shape[1]), 2))).T
    one, other = np.sign(first[:, i] - first[:, j]), np.sign(second[:, i] - second[:, j])
    scale = np.sqrt(np.abs(one).sum(1) * np.abs(other).sum(1))
    with np.errstate(invalid="ignore"):
        return (one * other).sum(1) / np.where(scale > 0, scale, np.nan)


def _p(first: np.ndarray, second: np.ndarray, tau: float) -> float:
    if len(first) > ENUMERATED:
        from scipy.stats import kendalltau

        return float(kendalltau(first, second).pvalue)
    orders = np.array(list(permutations(second)))
    taus = _taus(np.broadcast_to(first, orders.shape), orders)
    return float((np.abs(taus) >= abs(tau) - 1e-12).mean())
