"""The columns of a table: one per metric, version and definition, with the digits that its values are shown with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.contract.metric import Direction, Family
from bench.contract.result import Interval, MetricValue, Result
from reports.groups import role
from reports.load import Loaded
from reports.words import ARROW, NEW, THESE, decimals_for, printable


@dataclass(frozen=True)
class Column:
    """One metric as one column; two versions or definitions of a metric are two columns."""

    key: tuple[str, str, Direction, str, str]
    label: str
    decimals: int
    family: Family | None = None
    primary: bool = False
    kind: str = "clip"
    mark: str = ""
    """Name and status of a published protocol, "eat-like (unverified)": it stands in the header. Empty for our own."""

    metric = property(lambda self: self.key[0])
    version = property(lambda self: self.key[1])
    direction = property(lambda self: self.key[2])
    unit = property(lambda self: self.key[3])
    definition = property(lambda self: self.key[4])

    @property
    def arrow(self) -> str:
        return ARROW[self.direction]

    @property
    def shown_unit(self) -> str:
        """The unit, empty for a pure number."""
        return "" if self.unit == "1" else printable(self.unit)

    @property
    def header(self) -> str:
        """Name, direction, unit: "M-LMD ↓ (px)"; of a published protocol also its mark: "SSIM ↑ · eat-like (unverified)"."""
        unit, mark = f" ({self.shown_unit})" if self.shown_unit else "", f" · {self.mark}" if self.mark else ""
        return f"{self.label} {self.arrow}{unit}{mark}"


def key_of(m: MetricValue) -> tuple[str, str, Direction, str, str]:
    """What makes two values one column: metric, version, direction, unit, definition."""
    return (m.metric, m.version, m.direction, m.unit, m.definition)


def columns_of(members: list[Loaded]) -> list[Column]:
    """The columns of results that stand in one table, in the order in which they are met."""
    found: dict[tuple, list[tuple[int, MetricValue]]] = {}
    for loaded in members:
        for m in loaded.result.metrics:
            found.setdefault(key_of(m), []).append((DIGITS_FROM.index(role(loaded.result)), m))
    versions: dict[str, list[tuple]] = {}
    for key in found:
        versions.setdefault(key[0], []).append(key)
    columns, mark = [], ", ".join(dict.fromkeys(filter(None, (mark_of(loaded.result) for loaded in members))))
    for metric, keys in versions.items():
        for n, key in enumerate(keys, 1):
            label = printable(metric)
            if len(keys) > 1:
                distinct = len({k[1] for k in keys}) == len(keys)
                label += f" (version {printable(key[1])})" if distinct else f" (definition {n})"
            one = found[key][0][1]
            columns.append(Column(key, label, _decimals(found[key]), one.family, one.primary, one.kind, mark))
    return columns


def mark_of(result: Result) -> str:
    """What the header of a column says of a published protocol: its name, and how far it is verified; empty for our own."""
    protocol = result.protocol
    return "" if protocol.status == "ours" else printable(f"{protocol.name} ({protocol.status})")


DIGITS_FROM = ("method", "request-control", "floor", "ceiling")
"""Whose intervals a column's digits follow: of the first kind that has any. A ceiling's may be a hundred times narrower."""


def _decimals(values: list[tuple[int, MetricValue]]) -> int:
    """From (place of the row's role in DIGITS_FROM, value) of every row."""

    def widths(chosen: list[MetricValue]) -> list[float]:
        return [
            (i.high - i.low) / 2
            for m in chosen
            for i in (interval_shown(m, NEW) or interval_shown(m, THESE),)
            if i is not None
        ]

    all_values = [m.value for _, m in values if m.value is not None]
    for kind in range(len(DIGITS_FROM)):
        if of_kind := [w for w in widths([m for k, m in values if k == kind]) if w > 0]:
            return decimals_for(of_kind, all_values)
    return decimals_for([], all_values)


def interval(m: MetricValue, target: str) -> Interval | None:
    """The interval of that target with both ends, None if there is none."""
    return _of_target(m.intervals, target)


def interval_shown(m: MetricValue, target: str) -> Interval | None:
    """The one that a cell shows: of the paired difference under match, else of the value."""
    return _of_target(m.difference_intervals, target) or interval(m, target)


def _of_target(intervals: Sequence[Interval], target: str) -> Interval | None:
    found = next((i for i in intervals if i.target == target), None)
    return found if found is not None and finite(found.low) and finite(found.high) else None


def finite(x: float | None) -> bool:
    return x is not None and math.isfinite(x)
