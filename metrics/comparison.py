"""Which of two rows is better on one metric, and for whom: the difference of badness on the clips both have.

`metrics.statistics.reading(Direction.LOWER, ...)` says what such a difference shows.
Badness is what the metric's direction calls bad, so that less is always better: -value (higher is better), value (lower),
|value| of each clip (zero is best), |mean difference to the ground truth| (match). Definitions: docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction
from bench.contract.result import Interval
from metrics.resampling import (
    bootstrap_means,
    degrees_of_freedom,
    p_of_bootstrap,
    scaled_percentiles,
    strata,
)
from metrics.statistics import (
    LEAST_SPARE_CLIPS,
    LEVEL,
    REPLICATES,
    SCORED,
    Comparison,
    Difference,
    compare,
    jackknife_new_speakers,
    mean,
)

if TYPE_CHECKING:
    import pandas as pd

SIGN = {Direction.HIGHER: -1.0, Direction.LOWER: 1.0, Direction.ZERO: 1.0, Direction.MATCH: 1.0}


@dataclass(frozen=True)
class Common:
    """One metric of two rows on their common clips: (N,) values, the real clips' values, speakers and emotions."""

    a: np.ndarray
    b: np.ndarray
    truth: np.ndarray | None
    speakers: np.ndarray
    emotions: np.ndarray


def badness_of_clips(
    a: pd.DataFrame, b: pd.DataFrame, direction: Direction, seed: int, own: bool = False, level: float = LEVEL
) -> Comparison:
    """Badness of row a minus that of row b for a metric with a value per clip; both targets, paired on clips.

    a, b: rows of clips.parquet of one metric (clip_id, speaker, emotion, value, truth, status). With `own` only clips where
    both rows have an output of their own. ValueError if no clip is scored in both, Unscorable if the direction is match
    and no such clip has a ground truth value.
    """
    if direction == Direction.MATCH:
        return _match(a, b, seed, own, level)
    sides = []
    for table in (a, b):
        values = table["value"].abs() if direction == Direction.ZERO else table["value"] * SIGN[direction]
        sides.append(table.assign(value=values))
    return compare(*sides, seed=seed, own=own, level=level)


def badness_of_sets(
    a: Callable[[np.ndarray], float],
    b: Callable[[np.ndarray], float],
    direction: Direction,
    speakers: np.ndarray,
    truth: Callable[[np.ndarray], float] | None = None,
    level: float = LEVEL,
) -> Difference:
    """Badness of row a minus that of row b for a metric of the whole set: delete-one-speaker jackknife on common clips.

    a, b, truth: `SetEstimate.statistic` of each row and of the real clips, over the same clips in the same order.
    """

    def difference(mask: np.ndarray) -> float:
        return badness_of_set(a, direction, truth, mask) - badness_of_set(b, direction, truth, mask)

    return jackknife_new_speakers(difference, speakers, level)


def badness_of_set(
    statistic: Callable[[np.ndarray], float],
    direction: Direction,
    truth: Callable[[np.ndarray], float] | None,
    mask: np.ndarray,
) -> float:
    """How bad the clips of `mask` (N,) bool are by a metric of the whole set; `truth` is asked under MATCH only."""
    value = statistic(mask)
    if direction == Direction.MATCH:
        if truth is None:
            raise Unscorable(Reason.NOT_VERIFIED, "no ground truth value to measure the distance to")
        return abs(value - truth(mask))
    return abs(value) if direction == Direction.ZERO else SIGN[direction] * value


def _match(a: pd.DataFrame, b: pd.DataFrame, seed: int, own: bool, level: float) -> Comparison:
    common, left_out = _common(a, b, own)
    return Comparison(
        n_clips=len(common.a),
        n_speakers=len(set(common.speakers.tolist())),
        n_left_out=left_out,
        these_speakers=_match_these(common, seed, level),
        new_speakers=_match_new(common, level),
    )


def _common(a: pd.DataFrame, b: pd.DataFrame, own: bool) -> tuple[Common, int]:
    statuses = ("ok",) if own else SCORED
    scored = []
    for table in (a, b):
        numbers = table["value"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
        scored.append(table[table["status"].isin(statuses).to_numpy(bool) & np.isfinite(numbers)].set_index("clip_id"))
    both = scored[0].index.intersection(scored[1].index).sort_values()
    left_out = len(scored[0].index.symmetric_difference(scored[1].index))
    if both.empty:
        raise ValueError(f"nothing to compare: {len(scored[0])} and {len(scored[1])} scored clips, none in common")
    one, other = (table.loc[both] for table in scored)
    truth = one["truth"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    known = np.isfinite(truth)
    if not known.any():
        raise Unscorable(Reason.NOT_VERIFIED, "no common clip has a ground truth value to measure the distance to")
    left_out += int((~known).sum())
    return Common(
        a=one["value"].to_numpy(np.float64)[known],
        b=other["value"].to_numpy(np.float64)[known],
        truth=truth[known],
        speakers=one["speaker"].to_numpy(str)[known],
        emotions=one["emotion"].to_numpy(str)[known],
    ), left_out


def _match_new(common: Common, level: float) -> Difference:
    """|mean over speakers of (a - truth)| - |the same of b|, delete-one-speaker jackknife: means of speakers, not of clips."""
    names = sorted(set(common.speakers.tolist()))
    of_a, of_b = (
        np.array([mean((side - common.truth)[common.speakers == name]) for name in names])
        for side in (common.a, common.b)
    )
    return jackknife_new_speakers(lambda mask: abs(mean(of_a[mask])) - abs(mean(of_b[mask])), np.array(names), level)


def _match_these(common: Common, seed: int, level: float) -> Difference:
    """|mean over clips of (a - truth)| - |the same of b|: both sides resampled with the same draws inside speaker x emotion."""
    order = np.lexsort((common.b, common.a, common.emotions, common.speakers))
    off_a, off_b = ((side - common.truth)[order] for side in (common.a, common.b))
    estimate = abs(mean(off_a)) - abs(mean(off_b))
    split = strata(common.speakers[order], common.emotions[order])
    method = (
        f"bootstrap of clips inside speaker x emotion, {REPLICATES} replicates, of the distance to the ground truth"
    )

    def none(reason: str) -> Difference:
        return Difference(estimate, Interval(target="these-speakers", method=method, reason=reason), None)

    if split is None:
        return none("one clip per speaker and emotion")
    if (spare := len(off_a) - len(split.members)) < LEAST_SPARE_CLIPS:
        return none(f"{spare} clips repeat a speaker and emotion, {LEAST_SPARE_CLIPS} are needed")
    means = [bootstrap_means(side, split, REPLICATES, seed) for side in (off_a, off_b)]
    # away from zero the statistic is this sum of clips, whose spread says how well its own is known
    linear = np.sign(mean(off_a)) * off_a - np.sign(mean(off_b)) * off_b
    df = degrees_of_freedom(linear, split)
    deviations = np.sort(np.abs(means[0]) - np.abs(means[1])) - estimate
    low, high = scaled_percentiles(deviations, df, 1.0 - level)
    interval = Interval(
        target="these-speakers", low=estimate + low, high=estimate + high, method=f"{method}, df {df:.1f}"
    )
    return Difference(estimate, interval, p_of_bootstrap(estimate, deviations, df))
