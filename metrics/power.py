"""The smallest difference between two rows that a number of speakers can show, from how rows differ from speaker to speaker.

The comparison is the one of `metrics.comparison` for NEW speakers: two-sided Student t on G paired speaker differences (of a
metric of the whole set: the delete-one-speaker jackknife), df = G - 1. Its power at a true difference d with SD s between
speakers is that of the noncentral t with noncentrality d sqrt(G) / s (Cohen, Statistical Power Analysis, 1988, 2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt

import numpy as np

from bench.contract.metric import Direction
from metrics.statistics import LEAST_SPEAKERS, LEVEL, mean

POWER = 0.8
"""How often a true difference of the printed size is shown: the usual choice (Cohen 1988)."""
ALPHA = 1.0 - LEVEL
BOTH_TAILS = 3.0
"""Noncentrality up to which a difference shown with the wrong sign counts: beyond it is at most 1.1e-5, and scipy's tail unsound."""


def power_of(difference: float, sd: float, speakers: int, alpha: float = ALPHA) -> float:
    """How often a true `difference` is shown (0..1): `sd` > 0 of the paired speaker differences, same unit; two-sided."""
    from scipy import stats

    df = speakers - 1
    critical = float(stats.t.isf(alpha / 2, df))
    shift = abs(difference) * sqrt(speakers) / sd
    shown = float(stats.nct.sf(critical, df, shift))
    wrong = float(stats.nct.cdf(-critical, df, shift)) if shift <= BOTH_TAILS else 0.0
    return shown + (wrong if isfinite(wrong) else 0.0)  # scipy's tail is NaN for some large df and critical values


def smallest_difference(
    sd: float, speakers: int, tests: int = 1, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The true difference that is shown with probability `power`, in the unit of `sd`; None below 3 speakers.

    With `tests` > 1 at alpha / tests, the worst step of Holm's correction over so many rows: what is shown there is shown
    whatever the others give.
    """
    from scipy.optimize import brentq

    if speakers < LEAST_SPEAKERS:
        return None
    if sd == 0.0:
        return 0.0
    level = alpha / tests

    def lacking(size: float) -> float:
        return power_of(size, 1.0, speakers, level) - power

    most = 1.0
    while lacking(most) < 0.0:
        most *= 2.0
    return sd * float(brentq(lacking, 0.0, most))


def parts_of_set(badness: Callable[[np.ndarray], float], speakers: np.ndarray) -> np.ndarray:
    """(G,) `badness` (of a (N,) bool mask of clips) without each speaker in turn; speakers (N,) names of the clips."""
    return np.array([badness(speakers != name) for name in np.unique(speakers)])


def parts_of_clips(
    values: np.ndarray, truth: np.ndarray | None, direction: Direction, speakers: np.ndarray
) -> np.ndarray:
    """(G,) badness without each speaker in turn of a metric with a value per clip, from means of speakers' means.

    values (N,), truth (N,) under MATCH, speakers (N,) names. Badness is that of metrics/comparison.py: under MATCH the distance
    of the mean to the truth's, else the mean of what each clip has.
    """
    if direction == Direction.MATCH:
        values = values - truth
    elif direction == Direction.ZERO:
        values = np.abs(values)
    elif direction == Direction.HIGHER:
        values = -values
    means = np.array([mean(values[speakers == name]) for name in np.unique(speakers)])
    parts = np.array([mean(np.delete(means, k)) for k in range(len(means))])
    return np.abs(parts) if direction == Direction.MATCH else parts


def speaker_sd(parts: np.ndarray, others: np.ndarray) -> float:
    """SD of the paired speaker differences behind the interval of two rows: sqrt(G) times its jackknife standard error.

    parts, others: (G,) badness without each speaker in turn. For a mean it is the SD of the speakers' own differences; 0 where the two
    rows differ alike for every speaker.
    """
    differences = parts - others
    return sqrt((len(differences) - 1) * float(np.sum((differences - differences.mean()) ** 2)))


def sd_behind(low: float, high: float, speakers: int, level: float = LEVEL) -> float:
    """SD of the paired speaker differences behind a two-sided Student t interval (low, high) for NEW speakers, same unit."""
    from scipy import stats

    return (high - low) / 2 / float(stats.t.isf((1.0 - level) / 2, speakers - 1)) * sqrt(speakers)


def sd_known_within(speakers: int, level: float = LEVEL) -> tuple[float, float]:
    """(low, high): the true SD lies between these multiples of one estimated from so many speakers (chi-square)."""
    from scipy import stats

    df = speakers - 1
    tail = (1.0 - level) / 2
    return sqrt(df / float(stats.chi2.isf(tail, df))), sqrt(df / float(stats.chi2.isf(1.0 - tail, df)))
