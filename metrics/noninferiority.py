"""Is a row worse than a reference by more than a margin? The paired difference of badness on the same clips, one-sided.

Badness is that of metrics/comparison.py: less is better, a positive difference means worse. Metrics with a value per clip: clips
resampled inside speaker x emotion, for THESE speakers; metrics of the whole set: delete-one-speaker jackknife, for NEW ones.
Where no clips of a speaker can be resampled, the former too are for NEW speakers. Rules and measured rates: docs/regression.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.contract.metric import Direction
from bench.contract.result import Interval
from metrics.comparison import SIGN, badness_of_sets
from metrics.resampling import (
    Strata,
    bootstrap_means,
    degrees_of_freedom,
    p_of_bootstrap,
    scaled_percentiles,
    strata,
)
from metrics.statistics import LEAST_SPARE_CLIPS, LEVEL, REPLICATES, Difference, jackknife_new_speakers, mean

ALPHA = 0.05
"""Of the one-sided bound that "not worse" rests on, and of Holm's correction behind "worse"."""
POWER = 0.8


@dataclass(frozen=True)
class Paired:
    """A difference of badness (row minus reference) and what is known of it.

    `interval` two-sided 95 %; `upper` the one-sided bound at ALPHA; `p_worse` one-sided against "not worse at all"; `error` the standard
    error with `df`. All but the estimate None where the interval has a reason instead of bounds.
    """

    estimate: float
    interval: Interval
    upper: float | None = None
    p_worse: float | None = None
    error: float | None = None
    df: float | None = None


def of_clips(
    row: np.ndarray,
    reference: np.ndarray,
    truth: np.ndarray | None,
    direction: Direction,
    speakers: np.ndarray,
    emotions: np.ndarray,
    seed: int,
) -> Paired:
    """The difference for a metric with a value per clip; row, reference (N,) finite, truth (N,) under MATCH, names (N,).

    Where no speaker x emotion cell holds two clips, the clips of a speaker are resampled together: what differs between emotions
    then counts as spread, and the bound errs on the wide side. Where speakers have no clips to resample either, the interval is
    the one for NEW speakers, and says so. ValueError for a direction match without `truth`.
    """
    if direction == Direction.MATCH:
        if truth is None:
            raise ValueError("direction match: expected the real clips' values, got none")
        off = row - truth, reference - truth
    elif direction == Direction.ZERO:
        off = np.abs(row), np.abs(reference)
    else:
        off = SIGN[direction] * row, SIGN[direction] * reference
    order = np.lexsort((off[1], off[0], emotions, speakers))  # the draws do not depend on the order of clips
    off, speakers, emotions = tuple(side[order] for side in off), speakers[order], emotions[order]
    match = direction == Direction.MATCH
    distances = [abs(mean(side)) if match else mean(side) for side in off]
    estimate = distances[0] - distances[1]
    split, method = _strata(speakers, emotions)
    if split is None:
        return _of_speakers(off, match, speakers)
    means = [bootstrap_means(side, split, REPLICATES, np.random.default_rng(seed)) for side in off]
    drawn = np.abs(means[0]) - np.abs(means[1]) if match else means[0] - means[1]
    deviations = np.sort(drawn) - estimate
    # away from zero a distance is this sum of clips, whose spread says how well its own is known
    signs = [-1.0 if match and mean(side) < 0.0 else 1.0 for side in off]
    df = degrees_of_freedom(signs[0] * off[0] - signs[1] * off[1], split)
    low, high = scaled_percentiles(deviations, df, 1.0 - LEVEL)
    p = p_of_bootstrap(estimate, deviations, df)
    return Paired(
        estimate,
        Interval(target="these-speakers", low=estimate + low, high=estimate + high, method=f"{method}, df {df:.1f}"),
        upper=estimate + scaled_percentiles(deviations, df, 2 * ALPHA)[1],
        p_worse=_one_sided(estimate, p),
        error=float(deviations.std()),
        df=df,
    )


def _strata(speakers: np.ndarray, emotions: np.ndarray) -> tuple[Strata | None, str]:
    """The strata, None where too few clips repeat a speaker, and the method in words."""
    method = f"bootstrap of clips inside speaker x emotion, {REPLICATES} replicates"
    split = strata(speakers, emotions)
    if split is None:
        split = strata(speakers, np.full(len(speakers), ""))
        method = f"bootstrap of clips inside speaker (one clip per emotion: errs wide), {REPLICATES} replicates"
    enough = split is not None and len(speakers) - len(split.members) >= LEAST_SPARE_CLIPS
    return split if enough else None, method


def _of_speakers(off: tuple[np.ndarray, np.ndarray], match: bool, speakers: np.ndarray) -> Paired:
    """The difference of means over speakers of their means, one speaker left out at a time."""
    names = np.unique(speakers)
    means = [np.array([mean(side[speakers == name]) for name in names]) for side in off]

    def difference(mask: np.ndarray) -> float:
        a, b = (abs(mean(side[mask])) if match else mean(side[mask]) for side in means)
        return a - b

    return _jackknifed(jackknife_new_speakers(difference, names), len(names))


def of_sets(
    row: Callable[[np.ndarray], float],
    reference: Callable[[np.ndarray], float],
    truth: Callable[[np.ndarray], float] | None,
    direction: Direction,
    speakers: np.ndarray,
) -> Paired:
    """The difference for a metric of the whole set: `SetEstimate.statistic` of both rows on the same clips, speakers (N,) names.

    ValueError if the metric has no value without some speaker.
    """
    found = badness_of_sets(row, reference, direction, speakers, truth)
    return _jackknifed(found, len(set(speakers.tolist())))


def _jackknifed(found: Difference, n_speakers: int) -> Paired:
    from scipy import stats

    if found.p is None:
        return Paired(found.estimate, found.interval)
    df = n_speakers - 1
    error = (found.interval.high - found.interval.low) / 2.0 / float(stats.t.isf((1.0 - LEVEL) / 2.0, df))
    return Paired(
        found.estimate,
        found.interval,
        upper=found.estimate + float(stats.t.isf(ALPHA, df)) * error,
        p_worse=_one_sided(found.estimate, found.p),
        error=error,
        df=float(df),
    )


def detectable(error: float, df: float, power: float = POWER) -> float:
    """The true worsening that a one-sided t test at ALPHA shows with probability `power`, in the unit of `error`.

    The same number is the margin within which a row that is equal in truth is found not worse as often: both are the noncentral t.
    """
    from scipy import stats
    from scipy.optimize import brentq

    if error == 0.0:
        return 0.0
    critical = float(stats.t.isf(ALPHA, df))

    def lacking(shift: float) -> float:
        return float(stats.nct.sf(critical, df, shift)) - power

    most = critical + 1.0
    while lacking(most) < 0.0:
        most *= 2.0
    return error * float(brentq(lacking, 0.0, most))


def judge(found: Paired, margin: float, p_holm: float | None) -> Literal["better", "not worse", "worse", "not shown"]:
    """The verdict on one metric; `margin` > 0 in the unit of badness, `p_holm`: `found.p_worse` corrected over the gate.

    Not worse: the one-sided bound lies at or below the margin; better: the two-sided interval also leaves out 0 on the good
    side. Worse: shown to be worse after Holm's correction, and by more than the margin as best known. Else not shown.
    """
    if found.upper is None or p_holm is None:
        return "not shown"
    if found.upper <= margin:
        return "better" if found.interval.high < 0.0 else "not worse"
    return "worse" if p_holm <= ALPHA and found.estimate > margin else "not shown"


def _one_sided(estimate: float, p: float) -> float:
    return p / 2.0 if estimate > 0.0 else 1.0 - p / 2.0
