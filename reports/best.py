"""Which method of a column is the best: never a control, at the shown digits, no better than the ground truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bench.contract.metric import Direction
from reports.columns import Column

if TYPE_CHECKING:
    from reports.table import Cell, Row


def mark_best(
    rows: Sequence[Row], cells: Sequence[Cell], column: Column, truth: float | None, footnote: Callable[[str], int]
) -> None:
    """Marks the best of the methods (never a control) among those scored on the most clips.

    Values are compared at the shown digits and count as no better than the ground truth's: bold stops at the ceiling.
    With fewer than two methods there is nothing to be the best of.
    """
    scored = [
        (row, cell) for row, cell in zip(rows, cells, strict=True) if row.role == "method" and cell.value is not None
    ]
    if not scored:
        return
    if column.direction == Direction.MATCH:
        badness = {id(cell): _distance(column, cell) for _, cell in scored}
    else:
        badness = {id(cell): _badness(column, cell.value, truth) for _, cell in scored}
    if truth is not None and column.direction in (Direction.HIGHER, Direction.LOWER, Direction.ZERO):
        ceiling = _badness(column, truth, None)
        for _, cell in scored:
            if _badness(column, cell.value, None) < ceiling:
                cell.notes.append(footnote("Past the ground truth: counts as equal to it, not as better."))
    if len(scored) < 2 or any(b is None for b in badness.values()):
        return
    most = max(cell.measured.n_clips for _, cell in scored)
    eligible = [cell for _, cell in scored if cell.measured.n_clips == most]
    best = min(badness[id(cell)] for cell in eligible)
    for cell in eligible:
        cell.best = badness[id(cell)] == best


def _distance(column: Column, cell: Cell) -> float | None:
    """How far from the ground truth, as the cell shows it; None where it shows no difference."""
    return None if cell.difference_value is None else abs(round(cell.difference_value, column.decimals))


def _badness(column: Column, value: float, truth: float | None) -> float:
    """Smaller is better, at the shown digits; for directions but match."""
    value = round(value, column.decimals)
    truth = None if truth is None else round(truth, column.decimals)
    if column.direction == Direction.HIGHER:
        return -value if truth is None else -min(value, truth)
    if column.direction == Direction.LOWER:
        return value if truth is None else max(value, truth)
    return abs(value) if truth is None else max(abs(value), abs(truth))
