"""Each metric by emotion and by level: one small table per metric, shaded from the best to the worst value in it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from bench.contract.metric import Direction
from bench.contract.result import GroupValue
from reports.columns import Column
from reports.media import is_truth
from reports.table import Row, Table
from reports.words import is_not_applicable, number, plural, printable, reason_in_words, spread

DARKEST = 42
"""Percent of the shade's colour in the worst cell; text stays readable on it."""


@dataclass(frozen=True)
class Part:
    """One column: the clips of one emotion or of one level."""

    by: str
    group: str
    clips: str
    """How many clips and speakers most rows have here: "3 clips, 3 speakers"."""

    @property
    def label(self) -> str:
        if self.by == "emotion":
            return printable(self.group)
        return "no level" if self.group == "none" else f"level {printable(self.group)}"


@dataclass(frozen=True)
class Shade:
    """One cell: its text, its interval for new speakers or None, remarks, and how far it is from the best, 0 to 42."""

    text: str
    interval: str | None
    remark: str
    title: str
    shade: int


@dataclass(frozen=True)
class Breakdown:
    """One metric's table: rows of the main table on y, emotions then levels on x."""

    column: Column
    parts: list[Part]
    rows: list[tuple[Row, list[Shade]]]
    reasons: list[str]
    """Why some values have no interval for new speakers."""
    without: list[str]
    """Why some groups have no value."""

    @property
    def n_emotions(self) -> int:
        return sum(part.by == "emotion" for part in self.parts)


def breakdowns(table: Table) -> list[Breakdown]:
    """One for each column of the table of which some result has values by emotion or level."""
    made = (_breakdown(table, j) for j in range(len(table.columns)))
    return [one for one in made if one is not None]


def _breakdown(table: Table, j: int) -> Breakdown | None:
    column = table.columns[j]
    found = [
        {(g.by, g.group): g for g in row.loaded.result.breakdown if g.metric == column.metric}
        if line[j].measured is not None
        else {}
        for row, line in zip(table.rows, table.cells, strict=True)
    ]
    keys = list(dict.fromkeys(key for one in found for key in one))
    keys.sort(key=lambda key: key[0] != "emotion")  # stable: emotions first, each in its own order
    if not keys or all(cells[j].value is None for cells in table.cells):
        return None
    parts = [_part(key, [one[key] for one in found if key in one]) for key in keys]
    # as in the table: the ground truth's value, its re-encoded copy's where that has none
    ceilings = {
        row.loaded.result.method.name: one for row, one in zip(table.rows, found, strict=True) if row.role == "ceiling"
    }
    truth = {
        key: g for name in ("gt-reencoded", "gt") for key, g in ceilings.get(name, {}).items() if g.value is not None
    }
    badness = [
        [_badness(column.direction, one.get(key), truth.get(key)) for key in keys]
        for row, one in zip(table.rows, found, strict=True)
    ]
    # the real clip's perfect value would squeeze all others into one shade
    scale = [
        b for row, line in zip(table.rows, badness, strict=True) if not is_truth(row) for b in line if b is not None
    ]
    rows = [
        (row, [_shade(column, one.get(key), part, b, scale, truth.get(key) if not is_truth(row) else None)
               for key, part, b in zip(keys, parts, line, strict=True)])
        for row, one, line in zip(table.rows, found, badness, strict=True)
    ]  # fmt: skip
    reasons = dict.fromkeys(
        printable(reason_in_words(g.interval.reason))
        for one in found
        for g in one.values()
        if g.interval and g.interval.reason
    )
    without = dict.fromkeys(
        printable(reason_in_words(g.reason)) for one in found for g in one.values() if g.value is None
    )
    return Breakdown(column, parts, rows, list(reasons), list(without))


def _part(key: tuple[str, str], groups: list[GroupValue]) -> Part:
    counts = Counter((g.n_clips, g.n_speakers) for g in groups if g.value is not None) or Counter([(0, 0)])
    clips, speakers = counts.most_common(1)[0][0]
    return Part(*key, f"{plural(clips, 'clip')}, {plural(speakers, 'speaker')}")


def _badness(direction: Direction, group: GroupValue | None, truth: GroupValue | None) -> float | None:
    """Larger is worse; None without a value, or under MATCH without the ground truth's."""
    if group is None or group.value is None or not math.isfinite(group.value):
        return None
    if direction == Direction.MATCH:
        return None if truth is None or truth.value is None else abs(group.value - truth.value)
    return {Direction.HIGHER: -group.value, Direction.LOWER: group.value, Direction.ZERO: abs(group.value)}[direction]


def _shade(
    column: Column,
    group: GroupValue | None,
    part: Part,
    bad: float | None,
    scale: list[float],
    truth: GroupValue | None,
) -> Shade:
    if group is None:
        return Shade("n/a", None, "", "no clip of this row is in this group", 0)
    clips = f"{plural(group.n_clips, 'clip')}, {plural(group.n_speakers, 'speaker')}"
    if group.value is None:
        reason = printable(reason_in_words(group.reason))
        return Shade("n/a" if is_not_applicable(group.reason) else "—", None, "", reason, 0)
    text, i = number(group.value, column.decimals), group.interval
    remark = [clips] if clips != part.clips else []
    if group.n_clips < group.n_expected:
        remark.append(f"of {group.n_expected}")
    if group.n_substituted:
        remark.append(f"{group.n_substituted} static")
    if column.direction == Direction.MATCH and truth is not None and truth.value is not None:
        text = f"{number(group.value - truth.value, column.decimals, signed=True)} ({text})"
    shown, why = None, "no interval for new speakers: not computed"
    if i is not None and i.low is not None and i.high is not None:
        shown, why = spread(group.value, i.low, i.high, column.decimals), printable(i.method)
    elif i is not None:
        why = f"no interval for new speakers: {printable(reason_in_words(i.reason))}"
    return Shade(text, shown, ", ".join(remark), f"{clips}; {why}", _percent(bad, scale))


def _percent(bad: float | None, scale: list[float]) -> int:
    if bad is None or not scale or max(scale) == min(scale):
        return 0
    share = (bad - min(scale)) / (max(scale) - min(scale))
    return round(DARKEST * min(1.0, max(0.0, share)))
