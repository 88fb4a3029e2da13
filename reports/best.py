"""Which method of a column is the best: never a control, at the shown digits, no better than the ground truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bench.contract.method import Input
from bench.contract.metric import Direction
from reports.columns import Column

if TYPE_CHECKING:
    from reports.table import Cell, Row


GIVES_AWAY = frozenset({Input.TRUE_VIDEO.value, Input.TRUE_CUES.value, Input.RENDERER.value})
"""What no method has in use: a row that is given any of it is a ceiling, whatever renders it."""


def mark_best(
    rows: Sequence[Row], cells: Sequence[Cell], column: Column, truth: float | None, footnote: Callable[[str], int]
) -> None:
    """Marks the best of the methods among those scored on the most clips: never a control, nor a ceiling that was given the
    true clip (GIVES_AWAY).

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
    scored = [(row, cell) for row, cell in scored if not GIVES_AWAY & set(row.loaded.result.method.consumes)]
    if len(scored) < 2 or any(badness[id(cell)] is None for _, cell in scored):
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
