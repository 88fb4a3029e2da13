"""The cells of the spread between protocols: what a column shows, ranks, and ranges over protocols and over rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.contract.metric import Direction
from bench.contract.result import MetricValue
from bench.contract.spread import NOT_EVALUATED, NOT_IN_PROTOCOL, CellAt, ColumnAt
from bench.spread_order import badness

NEW = "new-speakers"


def column_of(protocol: str, measured: Sequence[MetricValue | None]) -> ColumnAt | None:
    """The column that the first of the rows with this metric tells of; None if none has it."""
    m = next((m for m in measured if m is not None), None)
    if m is None:
        return None
    return ColumnAt(protocol=protocol, direction=m.direction, unit=m.unit, definition=m.definition, version=m.version)


def cell_of(m: MetricValue | None, evaluated: bool) -> CellAt:
    """What a result says of one metric, or why there is nothing: the row was not `evaluated`, or has no such metric."""
    if not evaluated:
        return CellAt(value=None, shown=None, reason=NOT_EVALUATED)
    if m is None:
        return CellAt(value=None, shown=None, reason=NOT_IN_PROTOCOL)
    if m.value is None:
        return CellAt(value=None, shown=None, reason=m.reason or "no-reason-recorded", n_expected=m.n_expected)
    match = m.direction == Direction.MATCH
    # the real video's own row has no difference to itself
    shown = m.difference if match else abs(m.value) if m.direction == Direction.ZERO else m.value
    interval = next((i for i in (m.difference_intervals if match else m.intervals) if i.target == NEW), None)
    known = interval is not None and shown is not None
    return CellAt(
        value=m.value,
        shown=shown,
        low=interval.low if known else None,
        high=interval.high if known else None,
        n_clips=m.n_clips,
        n_expected=m.n_expected,
    )


def give_ranks(ranked: list[list[CellAt]], columns: list[ColumnAt | None]) -> None:
    """Writes each cell's rank among those of its column that have a value; ties share a rank."""
    from scipy.stats import rankdata

    for j, column in enumerate(columns):
        with_value = [line[j] for line in ranked if line[j].shown is not None]
        if column is None or not with_value:
            continue
        for cell, rank in zip(
            with_value, rankdata([badness(c.shown, column.direction) for c in with_value]), strict=True
        ):
            cell.rank = float(rank)


def ranges(ranked: list[list[CellAt]], columns: list[ColumnAt | None]) -> tuple[float | None, float | None, str | None]:
    """(median range over protocols, median range over rows, why there is no ratio)."""
    there = [j for j, column in enumerate(columns) if column]
    units = sorted({columns[j].unit for j in there})
    values = np.array([[np.nan if row[j].shown is None else row[j].shown for j in there] for row in ranked])
    values = values.reshape(len(ranked), len(there))
    if len(units) > 1:
        return None, None, f"units differ: {' and '.join(units)}"
    down = [float(np.ptp(v)) for column in values.T if len(v := column[np.isfinite(column)]) > 1]
    over_rows = float(np.median(down)) if down else None
    across = [float(np.ptp(v)) for row in values if len(v := row[np.isfinite(row)]) > 1]
    over_protocols = float(np.median(across)) if across else None
    if over_protocols is None:
        return None, over_rows, "no ranked row has a value under two protocols"
    if not over_rows:
        return over_protocols, over_rows, "the ranked rows do not differ" if down else "fewer than two ranked rows"
    return over_protocols, over_rows, None


def same_numbers(ranked: list[list[CellAt]]) -> bool:
    """True if every value that two protocols have is the same, and there is one."""
    pairs = [[c.value for c in line if c.value is not None] for line in ranked]
    compared = [values for values in pairs if len(values) > 1]
    return bool(compared) and all(v == values[0] for values in compared for v in values)
