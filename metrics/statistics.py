"""Uncertainty of table cells and of differences between rows, for two targets that are always named.

"these-speakers": other clips of the same people (clips are resampled inside speaker x emotion cells).
"new-speakers": other people (Student t on speaker means, delete-one-speaker jackknife for metrics of whole sets).
Frames are never resampled: neighbouring frames repeat one another. Definitions, rules and measured coverage:
docs/statistics.md. Every function gives bit-equal results for every order of its rows and for equal seeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum, inf, isclose, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from bench.contract.metric import Direction
from bench.contract.result import SCORED, Interval
from metrics.resampling import bootstrap_means, degrees_of_freedom, p_of_bootstrap, scaled_percentiles, strata

if TYPE_CHECKING:
    import pandas as pd

REPLICATES = 2000
LEVEL = 0.95
LEAST_SPEAKERS = 3
LEAST_SPARE_CLIPS = 5
"""Clips beyond the first of their cell that a bootstrap interval needs; with fewer, its coverage falls below 93 %."""


@dataclass(frozen=True)
class Difference:
    """A mean difference between two rows on the same clips, for one target.

    `estimate` a - b, in the metric's unit; `p` two-sided against "no difference", None where the interval has a reason
    instead of bounds.
    """

    estimate: float
    interval: Interval
    p: float | None


@dataclass(frozen=True)
class Comparison:
    """Two rows compared on the clips both have: counts, and the difference a - b for each target.

    The two estimates differ where speakers have unequal numbers of clips: the first is the mean over clips, the second
    the mean over speakers of their means. `n_left_out` clips are scored in one of the rows only.
    """

    n_clips: int
    n_speakers: int
    n_left_out: int
    these_speakers: Difference
    new_speakers: Difference


def mean(values: Sequence[float] | np.ndarray) -> float:
    """The mean of at least one value, the same bits for every order (exactly rounded sum)."""
    return fsum(values) / len(values)


def these_speakers(
    values: np.ndarray,
    speakers: np.ndarray,
    emotions: np.ndarray,
    seed: int,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval:
    """Interval of the mean over clips for other clips of the same speakers in the same emotions.

    values (N,) finite, speakers (N,) and emotions (N,) names. No bounds, with the reason, if no speaker x emotion cell
    holds two clips or fewer than 5 clips repeat a cell. ValueError on unequal lengths, no clip or a value that is not
    finite.
    """
    return _these_speakers(values, speakers, emotions, seed, replicates, level).interval


def new_speakers(values: np.ndarray, speakers: np.ndarray, level: float = LEVEL) -> Interval:
    """Student t interval of the mean over speakers of their mean over clips, df = speakers - 1.

    values (N,) finite, speakers (N,) names. No bounds, with the reason, below 3 speakers. Where speakers have unequal
    numbers of clips its centre is not the mean over clips; `method` then says where it lies. ValueError as above.
    """
    return _new_speakers(values, speakers, level).interval


def compare(
    a: pd.DataFrame, b: pd.DataFrame, seed: int, replicates: int = REPLICATES, level: float = LEVEL, own: bool = False
) -> Comparison:
    """Difference a - b of one metric between two rows, paired on clips.

    a, b: tables with clip_id, speaker, emotion, value, status. Only clips scored on both sides enter; with `own` only
    those where both rows have a video of their own (no substitutes). ValueError if a clip_id stands twice in a table,
    names different speakers or emotions in the two, or if the tables share no scored clip.
    """
    left, right = (scored_rows(table, ("ok",) if own else SCORED).set_index("clip_id") for table in (a, b))
    for table in (left, right):
        if table.index.has_duplicates:
            twice = table.index[table.index.duplicated()][0]
            raise ValueError(
                f"clip {twice} stands twice in one table; give the rows of one method, protocol and metric"
            )
    common = left.index.intersection(right.index).sort_values()
    if common.empty:
        raise ValueError(f"nothing to compare: {len(left)} and {len(right)} scored clips, none in common")
    left_out = len(left.index.symmetric_difference(right.index))
    left, right = left.loc[common], right.loc[common]
    for column in ("speaker", "emotion"):
        if (left[column].astype(str) != right[column].astype(str)).any():
            raise ValueError(f"the two tables name another {column} for the same clip_id: not the same dataset")
    values = left["value"].to_numpy(np.float64) - right["value"].to_numpy(np.float64)
    speakers, emotions = (left[column].to_numpy(str) for column in ("speaker", "emotion"))
    return Comparison(
        n_clips=len(values),
        n_speakers=len(set(speakers.tolist())),
        n_left_out=left_out,
        these_speakers=_these_speakers(values, speakers, emotions, seed, replicates, level),
        new_speakers=_new_speakers(values, speakers, level),
    )


def jackknife_new_speakers(
    statistic: Callable[[np.ndarray], float], speakers: np.ndarray, level: float = LEVEL
) -> Difference:
    """Delete-one-speaker jackknife of a statistic of a whole set (FID, KID, divergences, F1), with df = speakers - 1.

    `statistic` takes a (N,) bool mask of the clips to use and returns a finite number; speakers (N,) names. For a
    difference between two rows let it return the difference on the masked clips. `p` tests against 0. No bounds below 3
    speakers. ValueError if the statistic is not finite: an interval from the other speakers alone would be too narrow.
    """
    speakers = np.asarray(speakers, str)
    names = sorted(set(speakers.tolist()))
    whole = _finite_number(statistic(np.ones(len(speakers), bool)), "all speakers")
    if len(names) < LEAST_SPEAKERS:
        return Difference(whole, _too_few_speakers("delete-one-speaker jackknife", len(names)), None)
    parts = [_finite_number(statistic(speakers != name), f"all speakers but {name}") for name in names]
    centre = mean(parts)
    error = sqrt((len(names) - 1) / len(names) * fsum((part - centre) ** 2 for part in parts))
    method = f"delete-one-speaker jackknife, Student t, {len(names)} speakers, df {len(names) - 1}"
    return _student(whole, error, len(names) - 1, method, level)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjusted p values in the given order; None stays None and does not count as a test.

    Holm, Scandinavian Journal of Statistics 6, 1979: the k-th smallest of m is multiplied by m - k + 1, cumulative
    maximum, at most 1.
    """
    tested = sorted((p, position) for position, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, position) in enumerate(tested):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        adjusted[position] = highest
    return adjusted


def reading(
    direction: Direction, interval: Interval
) -> Literal["better", "worse", "no difference shown", "no interval"]:
    """What an interval of the difference a - b says about row a.

    Under HIGHER and LOWER it is the difference of the values themselves. Under ZERO and MATCH a sign says nothing: the
    interval must be one of the difference of distances (|a| - |b|, or |a - truth| - |b - truth|), where less is better.
    """
    if interval.low is None or interval.high is None:
        return "no interval"
    if interval.low <= 0.0 <= interval.high:
        return "no difference shown"
    return "better" if (interval.low > 0.0) == (direction == Direction.HIGHER) else "worse"


def scored_rows(table: pd.DataFrame, statuses: Sequence[str]) -> pd.DataFrame:
    """The rows with one of `statuses` and a finite value."""
    # a value that is not finite is no score: a mean over it would hide all other clips
    numbers = table["value"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    return table[table["status"].isin(statuses).to_numpy(bool) & np.isfinite(numbers)]


def _these_speakers(
    values: np.ndarray, speakers: np.ndarray, emotions: np.ndarray, seed: int, replicates: int, level: float
) -> Difference:
    values, speakers, emotions = _columns(values, speakers, emotions)
    estimate = mean(values)
    # equal values are interchangeable, so this order makes the draws independent of the order of the rows
    order = np.lexsort((values, emotions, speakers))
    values, split = values[order], strata(speakers[order], emotions[order])
    method = f"bootstrap of clips inside speaker x emotion, {replicates} replicates"
    if split is None:
        return Difference(estimate, _none("these-speakers", method, "one clip per speaker and emotion"), None)
    spare = len(values) - len(split.members)
    if spare < LEAST_SPARE_CLIPS:
        reason = f"{spare} clips repeat a speaker and emotion, {LEAST_SPARE_CLIPS} are needed"
        return Difference(estimate, _none("these-speakers", method, reason), None)
    df = degrees_of_freedom(values, split)
    deviations = np.sort(bootstrap_means(values, split, replicates, seed)) - estimate
    low, high = scaled_percentiles(deviations, df, 1.0 - level)
    method += f", percentiles widened by Student t / normal, df {df:.1f}{_unusual(level)}"
    if split.merged:
        method += f"; {split.merged} cells of one clip collapsed (conservative)"
    interval = Interval(target="these-speakers", low=estimate + low, high=estimate + high, method=method)
    return Difference(estimate, interval, p_of_bootstrap(estimate, deviations, df))


def _new_speakers(values: np.ndarray, speakers: np.ndarray, level: float) -> Difference:
    values, speakers = _columns(values, speakers)
    groups: dict[str, list[float]] = defaultdict(list)
    for speaker, value in zip(speakers.tolist(), values.tolist(), strict=True):
        groups[speaker].append(value)
    means = [mean(groups[name]) for name in sorted(groups)]
    centre, count = mean(means), len(means)
    if count < LEAST_SPEAKERS:
        return Difference(centre, _too_few_speakers("Student t on speaker means", count), None)
    method = f"Student t on {count} speaker means, df {count - 1}"
    if not isclose(centre, mean(values), rel_tol=1e-9, abs_tol=1e-12):
        method += f", centre {centre:.6g} (mean over speakers)"
    error = sqrt(fsum((one - centre) ** 2 for one in means) / (count - 1) / count)
    return _student(centre, error, count - 1, method, level)


def _student(estimate: float, error: float, df: int, method: str, level: float) -> Difference:
    half = float(stats.t.isf((1.0 - level) / 2.0, df)) * error
    interval = Interval(
        target="new-speakers", low=estimate - half, high=estimate + half, method=method + _unusual(level)
    )
    ratio = abs(estimate) / error if error else (inf if estimate else 0.0)
    return Difference(estimate, interval, float(2.0 * stats.t.sf(ratio, df)))


def _columns(values: np.ndarray, *names: np.ndarray) -> list[np.ndarray]:
    columns = [np.asarray(values, np.float64), *(np.asarray(column, str) for column in names)]
    if len({len(column) for column in columns}) != 1 or not len(columns[0]):
        raise ValueError(
            f"expected columns of one length, at least one clip; got {[len(column) for column in columns]}"
        )
    if not np.isfinite(columns[0]).all():
        raise ValueError("values must be finite; leave out clips without a score first")
    return columns


def _finite_number(value: float, where: str) -> float:
    if not np.isfinite(value):
        raise ValueError(
            f"the statistic of {where} is {value}; a jackknife needs a finite value for every speaker left out"
        )
    return float(value)


def _too_few_speakers(method: str, count: int) -> Interval:
    return _none("new-speakers", method, f"{count} speaker{'s' * (count != 1)}, {LEAST_SPEAKERS} are needed")


def _none(target: Literal["these-speakers", "new-speakers"], method: str, reason: str) -> Interval:
    return Interval(target=target, method=method, reason=reason)


def _unusual(level: float) -> str:
    return "" if level == LEVEL else f", level {level:g}"
