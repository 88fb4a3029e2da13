"""A number with its interval over people, and the two ways to get one: from each person's own value, or from all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np


@dataclass(frozen=True)
class Figure:
    """A value and its 95 % interval for other people; no bounds (None) below 3 people. The value is NaN where there is none."""

    value: float
    low: float | None
    high: float | None
    people: int

    @property
    def most(self) -> float:
        """The upper end of the interval, or the value where there is no interval."""
        return self.value if self.high is None else self.high

    def text(self, digits: int = 2) -> str:
        """As it stands in a table: `1.23 (1.01 to 1.45)`; a dash where there is no value."""
        if not np.isfinite(self.value):
            return "-"

        def number(value: float) -> str:
            return f"{value:.{digits}f}".replace("-" + f"{0:.{digits}f}", f"{0:.{digits}f}")

        value = number(self.value)
        return value if self.low is None else f"{value} ({number(self.low)} to {number(self.high)})"


Table = dict[str, dict[str, Figure]]
"""Rows of figures: row -> column -> figure."""
ANY, NOT_NEGATIVE, SHARE, CORRELATION = (-inf, inf), (0.0, inf), (0.0, 1.0), (-1.0, 1.0)
"""What a figure can be; its interval is cut off there."""


def over_people(values: Sequence[float] | np.ndarray, possible: tuple[float, float] = ANY) -> Figure:
    """Mean of one value per person, with a Student t interval; people without a value (NaN) are left out."""
    from metrics.statistics import mean, new_speakers

    known = [float(value) for value in values if np.isfinite(value)]
    if not known:
        return Figure(float("nan"), None, None, 0)
    interval = new_speakers(np.array(known), np.array([f"{i:04}" for i in range(len(known))]))
    return _cut(Figure(mean(known), interval.low, interval.high, len(known)), possible)


def of_people(statistic: Callable[[list[int]], float], people: int, possible: tuple[float, float] = ANY) -> Figure:
    """A statistic of all people together, `statistic(their numbers)`, with a delete-one-person jackknife interval.

    No bounds where the statistic has no value without one of them.
    """
    from metrics.statistics import jackknife_new_speakers

    whole = float(statistic(list(range(people))))
    if not np.isfinite(whole):
        return Figure(float("nan"), None, None, people)
    names = np.array([f"{i:04}" for i in range(people)])
    try:
        result = jackknife_new_speakers(lambda mask: float(statistic(np.flatnonzero(mask).tolist())), names)
    except ValueError:  # a value that hangs on a single person has no interval
        return Figure(whole, None, None, people)
    return _cut(Figure(whole, result.interval.low, result.interval.high, people), possible)


def _cut(figure: Figure, possible: tuple[float, float]) -> Figure:
    if figure.low is None or figure.high is None:
        return figure
    return replace(figure, low=max(figure.low, possible[0]), high=min(figure.high, possible[1]))


def spread_of(values: Sequence[float] | np.ndarray) -> Figure:
    """Standard deviation over people (n - 1) of one value each, with a jackknife interval; NaN is left out."""
    known = np.array([value for value in values if np.isfinite(value)], float)
    if len(known) < 2:
        return Figure(float("nan"), None, None, len(known))
    return of_people(lambda who: known[who].std(ddof=1) if len(who) > 1 else float("nan"), len(known), NOT_NEGATIVE)


@dataclass(frozen=True)
class Line:
    """Least-squares line of one person's estimate on the truth: slope, offset at truth 0, residual SD, correlation r."""

    slope: float
    offset: float
    residual: float
    r: float


def line(truth: np.ndarray, estimate: np.ndarray) -> Line:
    """The line through one person's frames (T,); frames without an estimate (NaN) are left out; all NaN below 3 frames."""
    kept = np.isfinite(truth) & np.isfinite(estimate)
    x, y = truth[kept], estimate[kept]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Line(*[float("nan")] * 4)
    slope, offset = np.polyfit(x, y, 1)
    residual = np.sqrt(((y - slope * x - offset) ** 2).sum() / (len(x) - 2))
    return Line(float(slope), float(offset), float(residual), float(np.corrcoef(x, y)[0, 1]))


def line_figures(truth: Sequence[np.ndarray], estimate: Sequence[np.ndarray]) -> dict[str, Figure]:
    """Figures of each person's line of estimate (T,) on truth (T,).

    slope, offset, residual and r: means over people; across: SD over people of the offset; r pooled: over all frames.
    """
    lines = [line(t, e) for t, e in zip(truth, estimate, strict=True)]
    return {
        "slope": over_people([one.slope for one in lines]),
        "offset": over_people([one.offset for one in lines]),
        "residual": over_people([one.residual for one in lines], NOT_NEGATIVE),
        "across": spread_of([one.offset for one in lines]),
        "r": over_people([one.r for one in lines], CORRELATION),
        "r pooled": _pooled_r(truth, estimate),
    }


def errors(truth: Sequence[np.ndarray], estimate: Sequence[np.ndarray]) -> dict[str, Figure]:
    """Error figures of one quantity from each person's frames, truth (T,) and estimate (T,) with NaN where there is none.

    mean: of the people's mean errors; within: SD of the error about the person's own mean error, mean over people; across: SD
    over people of their mean errors; r within: correlation inside a person, mean over people; r pooled: over all frames.
    """
    wrong = [(e - t)[np.isfinite(e - t)] for t, e in zip(truth, estimate, strict=True)]
    means = [w.mean() if len(w) else float("nan") for w in wrong]
    return {
        "mean": over_people(means),
        "within": over_people([w.std(ddof=1) if len(w) > 1 else float("nan") for w in wrong], NOT_NEGATIVE),
        "across": spread_of(means),
        "r within": over_people([line(t, e).r for t, e in zip(truth, estimate, strict=True)], CORRELATION),
        "r pooled": _pooled_r(truth, estimate),
    }


def _pooled_r(truth: Sequence[np.ndarray], estimate: Sequence[np.ndarray]) -> Figure:
    def pooled(who: list[int]) -> float:
        return line(np.concatenate([truth[i] for i in who]), np.concatenate([estimate[i] for i in who])).r

    return of_people(pooled, len(truth), CORRELATION)
