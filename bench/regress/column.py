"""One metric of one row, clip by clip, whether the row lies in a result folder or is frozen; how bad it is on some clips."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from bench.compare import Row, load_collected
from bench.contract.metric import Collected, Direction, SetEstimate, SetMetric
from bench.contract.result import SCORED, MetricValue


@dataclass(frozen=True)
class Column:
    """Values by clip (with the real clips' own under MATCH), or what clips gave to a metric of the whole set."""

    direction: Direction
    values: Mapping[str, float] = field(repr=False, default_factory=dict)
    truths: Mapping[str, float] = field(repr=False, default_factory=dict)
    collected: Mapping[str, Collected] = field(repr=False, default_factory=dict)

    @property
    def clips(self) -> set[str]:
        """Clips with a value, under MATCH with one of the real clip too."""
        return set(self.collected) or {c for c in self.values if self.direction != Direction.MATCH or c in self.truths}


def of_row(row: Row, cell: MetricValue, metric: SetMetric | None) -> Column:
    """The column of a result folder; `metric` where `cell` is of the whole set. ValueError if files lack."""
    if metric is not None:
        gave = {c.labels.clip_id: c for c in load_collected(row, metric)}
        return Column(cell.direction, collected=gave)
    table = row.clips.of_metric(cell.metric)
    table = table[table["status"].isin(SCORED)]

    def finite(name: str) -> dict[str, float]:
        numbers = table[name].astype("Float64").to_numpy(np.float64, na_value=np.nan)
        return {clip: v for clip, v in zip(table["clip_id"], numbers.tolist(), strict=True) if isfinite(v)}

    return Column(cell.direction, finite("value"), finite("truth"))


def estimate_of(column: Column, clips: Collection[str], metric: SetMetric, seed: int) -> SetEstimate:
    """The metric of the whole set on these clips alone; Unscorable where they are too few."""
    return metric.estimate([column.collected[clip] for clip in sorted(clips)], seed)


def arrays_of(column: Column, clips: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """(N,) values and, under MATCH, (N,) of the real clips, in the order of `clips`."""
    values = np.array([column.values[clip] for clip in clips], np.float64)
    if column.direction != Direction.MATCH:
        return values, None
    return values, np.array([column.truths[clip] for clip in clips], np.float64)


def shown_of_clips(column: Column, clips: Collection[str]) -> tuple[float, float | None]:
    """The value as tables show it on these clips, and the real clips' under MATCH."""
    from metrics.statistics import mean

    values, truths = arrays_of(column, sorted(clips))
    values = np.abs(values) if column.direction == Direction.ZERO else values
    return mean(values), None if truths is None else mean(truths)


def shown_of_set(estimate: SetEstimate, direction: Direction, n_clips: int) -> tuple[float, float | None]:
    """The same of a metric of the whole set, on all the clips that it was estimated on."""
    everyone = np.ones(n_clips, bool)
    match = direction == Direction.MATCH and estimate.truth is not None
    return estimate.statistic(everyone), estimate.truth(everyone) if match else None
