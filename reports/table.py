"""The table as data: columns, rows and cells with digits, intervals, coverage, footnotes and the mark of the best method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.contract.errors import Reason
from bench.contract.metric import Direction
from bench.contract.result import MetricValue
from reports.best import mark_best
from reports.columns import Column, columns_of, finite, interval, key_of
from reports.groups import group, labels, role
from reports.load import Loaded
from reports.words import (
    FAMILY,
    NEW,
    THESE,
    flag_in_words,
    is_not_applicable,
    number,
    plural,
    printable,
    reason_in_words,
    spread,
)

UNDECLARED = "not declared"
"""A bare folder of videos does not say what its method was given."""


@dataclass(frozen=True)
class Coverage:
    """Clips with an own value, clips expected, clips scored as the static image instead."""

    own: int
    expected: int
    substituted: int

    @property
    def text(self) -> str:
        """ "24", "22/24", "22/24 · 2 static"."""
        base = f"{self.own}/{self.expected}" if self.own != self.expected or self.substituted else f"{self.own}"
        return f"{base} · {self.substituted} static" if self.substituted else base


@dataclass
class Cell:
    """One value as shown. `value` is None where nothing is shown but `text` ("n/a" or "—") and the footnotes."""

    measured: MetricValue | None
    value: float | None
    text: str
    difference: str | None = None
    """Direction match: signed difference to the ground truth, shown before the value."""
    difference_value: float | None = None
    difference_spreads: dict[str, str] = field(default_factory=dict)
    """Interval target -> "± 0.012" of the difference, where the result has it paired by clip."""
    spreads: dict[str, str] = field(default_factory=dict)
    """Interval target -> "± 0.012" or "[0.69, 0.75]"."""
    coverage: Coverage | None = None
    """Only where it is not the row's."""
    notes: list[int] = field(default_factory=list)
    best: bool = False

    def full_text(self, target: str = NEW) -> str:
        """ "0.713 ± 0.012"; for direction match "−0.45 ± 0.31 (6.12)", or "−0.45 (6.12 ± 0.31)" without a paired interval."""
        own = self.difference_spreads.get(target)
        if self.difference and own:
            return f"{self.difference} {own} ({self.text})"
        value = " ".join(part for part in (self.text, self.spreads.get(target)) if part)
        return f"{self.difference} ({value})" if self.difference else value


@dataclass
class Row:
    """One result: its label, what it is given, how many clips it was scored on."""

    loaded: Loaded
    label: str
    role: str
    kind: str
    given: tuple[str, ...]
    coverage: Coverage
    not_applicable: int
    """Clips of the part for which the row does not exist by definition."""

    @property
    def clips(self) -> str:
        """ "24", "22/24 · 2 static", "20 · 4 n/a"."""
        return f"{self.coverage.text} · {self.not_applicable} n/a" if self.not_applicable else self.coverage.text


@dataclass(frozen=True)
class Block:
    """Columns that are printed together: `name` for links, a title, and their places in `Table.columns`."""

    name: str
    title: str
    columns: tuple[int, ...]


ONE_BLOCK = 8
"""Columns up to which a table is printed in one piece."""


@dataclass
class Table:
    """Results that may be compared, and everything a printed table needs."""

    heading: str
    rows: list[Row]
    columns: list[Column]
    cells: list[list[Cell]]
    """[row][column]"""
    notes: list[str]
    """Footnote k is notes[k - 1]."""
    no_interval: dict[str, str]
    """Interval target -> why no cell of the table has it."""

    @property
    def results(self):
        return [row.loaded.result for row in self.rows]

    def notes_of(self, block: Block) -> list[tuple[int, str]]:
        """(number, text) of the footnotes that cells of this block carry."""
        used = {k for line in self.cells for j in block.columns for k in line[j].notes}
        return [(k, note) for k, note in enumerate(self.notes, 1) if k in used]

    @property
    def blocks(self) -> list[Block]:
        """The primary endpoints first, then every column by family; one piece without a title where there are few."""
        everything = tuple(range(len(self.columns)))
        if len(everything) <= ONE_BLOCK:
            return [Block("all", "", everything)]
        primary = tuple(j for j in everything if self.columns[j].primary)
        blocks = [Block("primary", "Primary endpoints", primary)] if primary else []
        for family, title in [*FAMILY.items(), (None, "Other")]:
            if inside := tuple(j for j in everything if self.columns[j].family == family):
                blocks.append(Block(family.value if family else "other", title, inside))
        return blocks


def tables(results: Sequence[Loaded]) -> list[Table]:
    """One table for each set of results that may be compared."""
    return [_table(heading, members) for heading, members in group(results)]


class _Notes:
    """Numbers footnotes in the order in which they are met; the same words are the same note."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def _table(heading: str, members: list[Loaded]) -> Table:
    columns = columns_of(members)
    rows = [_row(m, label) for m, label in zip(members, labels(members), strict=True)]
    notes = _Notes()
    measured = [[_measured(row.loaded, column) for column in columns] for row in rows]
    no_interval = _nowhere(measured)
    truth = [_truth(rows, measured, j) for j in range(len(columns))]
    cells = [
        [_cell(row, column, measured[i][j], truth[j], notes, no_interval) for j, column in enumerate(columns)]
        for i, row in enumerate(rows)
    ]
    for j, column in enumerate(columns):
        mark_best(rows, [line[j] for line in cells], column, truth[j], notes.add)
    table = Table(heading, rows, columns, cells, notes.texts, no_interval)
    _number_as_read(table)
    return table


def _number_as_read(table: Table) -> None:
    """Footnotes in the order in which a reader meets them: block by block, row by row."""
    places = ((i, j) for block in table.blocks for i in range(len(table.rows)) for j in block.columns)
    met = list(dict.fromkeys(k for i, j in places for k in table.cells[i][j].notes))
    number_of = {k: n for n, k in enumerate(met, 1)}
    for line in table.cells:
        for cell in line:
            cell.notes = sorted(number_of[k] for k in cell.notes)
    table.notes = [table.notes[k - 1] for k in met]


def _measured(loaded: Loaded, column: Column) -> MetricValue | None:
    return next((m for m in loaded.result.metrics if key_of(m) == column.key), None)


def _value(m: MetricValue | None) -> float | None:
    return None if m is None or m.value is None or math.isnan(m.value) else m.value


def _coverage(m: MetricValue) -> Coverage:
    return Coverage(m.n_clips - m.n_substituted, m.n_expected, m.n_substituted)


def _row(loaded: Loaded, label: str) -> Row:
    r = loaded.result
    with_value = [_coverage(m) for m in r.metrics if _value(m) is not None] or [_coverage(m) for m in r.metrics]
    # an output without a face is an output: the row counts it, and the columns that found nothing in it say so
    fullest = max(with_value, key=lambda c: (c.own, c.substituted), default=None)
    coverage = fullest or Coverage(0, r.dataset.n_scored, 0)
    undefined = sum(item.count for item in r.items if item.status == "n/a")
    kind = r.method.kind if r.method.altered is None else f"request control ({printable(r.method.altered)} altered)"
    given = tuple(map(printable, r.method.consumes)) or ((UNDECLARED,) if r.method.kind == "folder" else ())
    return Row(loaded, printable(label), role(r), kind, given, coverage, undefined)


def _truth(rows: list[Row], measured: list[list[MetricValue | None]], j: int) -> float | None:
    """The ceiling of column j: the ground truth's value, its re-encoded copy's where that has none."""
    for name in ("gt", "gt-reencoded"):
        for row, line in zip(rows, measured, strict=True):
            if row.role == "ceiling" and row.loaded.result.method.name == name and _value(line[j]) is not None:
                return _value(line[j])
    return None


def _nowhere(measured: list[list[MetricValue | None]]) -> dict[str, str]:
    """Targets for which no cell with a value has an interval, with the reasons: said once, not in every cell."""
    shown = [m for line in measured for m in line if _value(m) is not None]
    out = {}
    for target in (NEW, THESE):
        reasons = Counter(_no_interval_reason(m, target) for m in shown)
        if shown and None not in reasons:
            out[target] = printable("; ".join(reason for reason, _ in reasons.most_common()))
    return out


def _no_interval_reason(m: MetricValue, target: str) -> str | None:
    """Why there is no interval of that target; None if there is one."""
    if interval(m, target) is not None:
        return None
    found = next((i for i in m.intervals if i.target == target), None)
    return reason_in_words(found.reason) if found is not None else "not computed"


def _cell(
    row: Row, column: Column, m: MetricValue | None, truth: float | None, notes: _Notes, no_interval: dict[str, str]
) -> Cell:
    if m is None:
        return Cell(None, None, "—", notes=[notes.add("Not evaluated in this result.")])
    value = _value(m)
    if value is None:
        if is_not_applicable(m.reason):
            return Cell(m, None, "n/a", notes=[notes.add(f"n/a: {reason_in_words(m.reason)}.")])
        return Cell(m, None, "—", notes=[notes.add(f"No value: {printable(_why_none(m))}.")])
    cell = Cell(m, value, number(value, column.decimals))
    for target in (NEW, THESE):
        if (i := interval(m, target)) is not None:
            cell.spreads[target] = spread(value, i.low, i.high, column.decimals)
        elif target == NEW and target not in no_interval:
            why = printable(_no_interval_reason(m, target))
            cell.notes.append(notes.add(f"No interval for new speakers: {why}."))
    if (coverage := _coverage(m)) != row.coverage:
        cell.coverage = coverage
        cell.notes.append(notes.add(f"This value is on {_coverage_in_words(coverage)}{_why_without(m)}."))
    cell.notes += [notes.add(flag_in_words(flag)) for flag in m.flags]
    is_truth = row.role == "ceiling" and row.loaded.result.method.name == "gt"
    if column.direction == Direction.MATCH and not is_truth:
        _add_difference(cell, m, column, truth, notes)
    return cell


def _add_difference(cell: Cell, m: MetricValue, column: Column, truth: float | None, notes: _Notes) -> None:
    """The result's own paired difference where it has one, else the difference to the table's ground truth row."""
    if m.difference is not None:
        cell.difference_value = m.difference
        for i in m.difference_intervals:
            if finite(i.low) and finite(i.high):
                cell.difference_spreads[i.target] = spread(m.difference, i.low, i.high, column.decimals)
    elif (real := m.truth if m.truth is not None else truth) is not None:
        cell.difference_value = m.value - real
    else:
        cell.notes.append(notes.add("No ground-truth row in this table: the value itself, not the difference."))
        return
    cell.difference = number(cell.difference_value, column.decimals, signed=True)


def _why_none(m: MetricValue) -> str:
    """The reason with its details, but for those of single clips: they stand under the family (reports/behind.py)."""
    of_all = m.kind == "set" or m.reason in (Reason.WEIGHTS_MISSING, Reason.EXPERT_MISSING)
    return reason_in_words(m.reason, m.detail if of_all else None).rstrip(".")


def _why_without(m: MetricValue) -> str:
    """Why clips have no value: "; 3 without: no speech in the sound"."""
    parts = [f"{u.n_clips} without: {reason_in_words(u.reason)}" for u in m.unscored]
    return f"; {'; '.join(parts)}" if parts else ""


def _coverage_in_words(c: Coverage) -> str:
    text = f"{c.own} of {plural(c.expected, 'clip')}"
    return f"{text}; {c.substituted} more scored as the static image" if c.substituted else text
