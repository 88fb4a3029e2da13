"""The points of response curves: one damaged row against the same clips undamaged, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bench.atomic import read_json, unless_full, write_json
from bench.compare import NEW, Row, compare_rows, load_row, metric_lines
from bench.contract.calibration import Point
from bench.contract.comparison import MetricComparison
from bench.contract.errors import NothingDoneError, Reason
from bench.contract.metric import Direction
from bench.contract.result import MetricValue
from bench.data.store import key_of
from bench.features import place

RESPONSE_VERSION = "2"
"""Raised when the comparison of the same two results changes; a golden test fails when it does and this did not."""
NARROWER = 0.90
"""Level of the interval that equivalence is read from: two one-sided tests at .05 (Schuirmann 1987)."""
_DOCUMENT = TypeAdapter(list[MetricComparison])


@dataclass(frozen=True)
class Rows:
    """One damaged row and the undamaged one on the same clips, as result folders."""

    dose: float
    damaged: Path
    base: Path
    cache: Path
    seed: int


def points(rows: Rows) -> dict[str, tuple[Point, float | None]]:
    """Column -> (its point, the undamaged value), of every column of the damaged row."""
    damaged, base = load_row(rows.damaged), load_row(rows.base)
    compared = {line.metric: line for line in kept_lines(rows, damaged, base)}
    found = {}
    for cell in damaged.result.metrics:
        own = base.result.metric(cell.metric)
        found[cell.metric] = (point(rows.dose, cell, compared.get(cell.metric)), shown_value(own) if own else None)
    return found


def kept_lines(rows: Rows, damaged: Row, base: Row) -> list[MetricComparison]:
    """The damaged row against the undamaged one, column by column; `damaged` and `base` are what lies in the folders of `rows`.

    What was compared before is read from the cache, under the hashes of both results.
    """
    key = key_of(
        response=RESPONSE_VERSION,
        rows=[damaged.result.inputs_sha256, base.result.inputs_sha256],
        made=[damaged.result.created, base.result.created],
        seed=rows.seed,
    )
    path = place(rows.cache, "responses", key, "json")
    lines = _known(path)
    if lines is None:
        try:
            lines = compare_rows([damaged, base], rows.seed).pairs[0].metrics
        except NothingDoneError:  # no column has a value in both: each line says why
            lines = metric_lines(damaged, base, rows.seed)
        with unless_full():
            write_json(path, [line.model_dump(mode="json") for line in lines])
    return lines


def in_cue_space(dose: float, columns: Iterable[str]) -> dict[str, tuple[Point, float | None]]:
    """Column -> a point without a value: cues that were never encoded cannot be set against the clips through the codec."""
    return {name: (Point(dose=dose, value=None, reason=str(Reason.CUE_SPACE_ONLY)), None) for name in columns}


def on_the_same_clips(points: Sequence[Point]) -> list[Point]:
    """The points of a curve in the order of their doses, without the values that rest on fewer clips than the smallest dose's.

    The clips that keep a value under damage are not a sample of all: a curve over them would compare different clips.
    """
    first = next((point.n_clips for point in points if point.value is not None), 0)
    return [
        point
        if point.value is None or point.n_clips >= first
        else Point(
            dose=point.dose,
            value=None,
            n_clips=point.n_clips,
            n_speakers=point.n_speakers,
            reason=f"a value on {point.n_clips} clips, at the smallest dose on {first}",
        )
        for point in points
    ]


def _known(path: Path) -> list[MetricComparison] | None:
    document = read_json(path)
    try:
        return None if document is None else _DOCUMENT.validate_python(document)
    except ValidationError:
        return None


def shown_value(cell: MetricValue) -> float | None:
    """What a table says of a row: the value; the size of its difference to the real clips', or of the value where zero is best."""
    if cell.direction == Direction.MATCH:
        return None if cell.difference is None else abs(cell.difference)
    return cell.value


def point(dose: float, cell: MetricValue, line: MetricComparison | None) -> Point:
    """The point of one column, from the comparison of the damaged row with the undamaged one."""
    if line is None or line.value is None or line.other is None:
        return Point(dose=dose, value=None, reason=cell.reason or (line.reason if line else None) or "not compared")
    values = [_shown(value, line) for value in (line.value, line.other)]
    if values[0] is None or values[1] is None:
        return Point(dose=dose, value=None, reason="no ground truth value to measure the distance to")
    interval = line.targets[NEW].interval
    found = Point(
        dose=dose,
        value=values[0],
        difference=values[0] - values[1],
        n_clips=line.n_clips,
        n_speakers=line.n_speakers,
        reason=interval.reason,
    )
    if interval.low is None or interval.high is None:
        return found
    # badness is the value with its sign changed where higher is better
    low, high = interval.low, interval.high
    if line.direction == Direction.HIGHER:
        low, high = 0.0 - high, 0.0 - low  # and no minus before a zero
    low90, high90 = narrowed(low, high, line.n_speakers - 1)
    # not the difference of the two means over clips: the interval is of means over speakers, and this is its estimate
    bounds = {"low": low, "high": high, "low90": low90, "high90": high90}
    return found.model_copy(update={"difference": (low + high) / 2, **bounds})


def _shown(value: float, line: MetricComparison) -> float | None:
    if line.direction == Direction.MATCH:
        return None if line.truth is None else abs(value - line.truth)
    return value


def narrowed(low: float, high: float, df: int) -> tuple[float, float]:
    """The 90 % interval that belongs to a 95 % Student t interval with `df` degrees of freedom."""
    from scipy.stats import t

    middle, half = (low + high) / 2, (high - low) / 2
    half *= float(t.isf((1 - NARROWER) / 2, df) / t.isf(0.025, df))
    return middle - half, middle + half


def base_of(found: Sequence[float | None]) -> float | None:
    """The undamaged value of a curve: that of the first dose that has one."""
    return next((value for value in found if value is not None), None)
