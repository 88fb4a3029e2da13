"""One metric as a picture: a dot and its intervals for every row, drawn as inline SVG."""

from __future__ import annotations

import math

from markupsafe import Markup

from reports.columns import interval
from reports.media import is_truth
from reports.table import Table
from reports.words import NEW, THESE, number, printable, reason_in_words

WIDTH = 360
LABEL = 140
RIGHT = 14
ROW = 22
TOP = 8
BOTTOM = 26
LONGEST_LABEL = {"control": 19, "method": 17}


def strip(table: Table, j: int) -> Markup:
    """Column j of the table as SVG, 360 px wide: rows on y in the table's order, value on x.

    Thin line: interval for new speakers; thick line: for these speakers. Guides: ground truth (solid), static (dashed).
    A line that leaves the picture ends in an arrow head, as does a ground truth that would leave all others less than a
    third of the picture. Rows without a value say so.
    """
    column, cells = table.columns[j], [line[j] for line in table.cells]
    points = [c.value for c in cells if c.value is not None and math.isfinite(c.value)]
    height = TOP + ROW * len(cells) + BOTTOM
    if not points:
        return Markup('<p class="empty">No row has a value of this metric. {}</p>').format(_why_nothing(table, j))
    points = without_far_truth([(is_truth(row), c.value) for row, c in zip(table.rows, cells, strict=True)])
    drawn = [c for c in cells if c.value is not None and min(points) <= c.value <= max(points)]
    low, high = _domain(points, [interval(c.measured, t) for c in drawn for t in (NEW, THESE)])
    scale = (WIDTH - LABEL - RIGHT) / (high - low)

    def x(value: float) -> float:
        return round(LABEL + (value - low) * scale, 1)

    bottom = TOP + ROW * len(cells)
    parts = [axis(low, high, x, bottom)]
    for name, style in (("gt", "ceiling"), ("static", "floor")):
        at = _control(table, name, j)
        if at is not None and low <= at <= high:
            parts.append(
                Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(style, x(at), x(at), TOP, bottom)
            )
    for i, (row, cell) in enumerate(zip(table.rows, cells, strict=True)):
        parts.append(_row(row, cell, TOP + ROW * (i + 0.5), x, (low, high), column.decimals))
    n_points = sum(c.value is not None and math.isfinite(c.value) for c in cells)
    name = f"{column.header}: {n_points} of {len(cells)} rows with a value; the numbers are in the table"
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, name, Markup("").join(parts)
    )


def without_far_truth(values: list[tuple[bool, float | None]]) -> list[float]:
    """The finite values of (is ground truth, value), without a ground truth's that would squeeze the others to a third."""
    known = [(truth, v) for truth, v in values if v is not None and math.isfinite(v)]
    others = [v for truth, v in known if not truth]
    every = [v for _, v in known]
    squeezed = others and 0 < max(others) - min(others) < (max(every) - min(every)) / 3
    return others if squeezed else every


def _why_nothing(table: Table, j: int) -> str:
    """The reasons in short; what to do about them stands in the footnotes of the table."""
    measured = (line[j].measured for line in table.cells)
    reasons = dict.fromkeys(printable(reason_in_words(m.reason)) for m in measured if m is not None)
    return f"No value: {'; '.join(reasons)}." if reasons else ""


def _control(table: Table, name: str, j: int) -> float | None:
    for row, line in zip(table.rows, table.cells, strict=True):
        if row.role in ("ceiling", "floor") and row.loaded.result.method.name == name:
            return line[j].value
    return None


def _domain(points: list[float], intervals: list) -> tuple[float, float]:
    """All values and intervals; beyond the values no further than their range or a typical interval's length.

    So one huge interval does not squeeze the values, and a small difference does not look large beside its intervals.
    """
    shown = [(i.low, i.high) for i in intervals if i is not None]
    low, high = min(points), max(points)
    lengths = sorted(b - a for a, b in shown) or [0.0]
    reach = max(high - low, lengths[(len(lengths) - 1) // 2])
    low, high = (
        max(min([low, *(a for a, _ in shown)]), low - reach),
        min(max([high, *(b for _, b in shown)]), high + reach),
    )
    return stretched(low, high)


def stretched(low: float, high: float) -> tuple[float, float]:
    """A range with a margin on both sides, never empty."""
    if high == low:
        around = max(abs(high) * 0.05, 1e-9)
        low, high = low - around, high + around
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def ticks(low: float, high: float) -> tuple[list[float], int]:
    """Three to six round numbers inside [low, high] and the decimals they need."""
    span = high - low
    exponent = math.floor(math.log10(span / 3))
    steps = [factor * 10.0**e for e in (exponent + 1, exponent) for factor in (5, 2, 1)]
    step = next(s for s in steps if math.floor(high / s) - math.ceil(low / s) >= 2)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)], decimals


def axis(low: float, high: float, x, bottom: float) -> Markup:
    """The line under a picture with its ticks; `x` takes a value to px."""
    at, decimals = ticks(low, high)
    parts = [
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LABEL, WIDTH - RIGHT, bottom, bottom)
    ]
    for value in at:
        parts.append(
            Markup(
                '<line class="tick" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/><text class="tick" x="{0}" y="{3}">{4}</text>'
            ).format(x(value), bottom, bottom + 4, bottom + 17, number(value, decimals))
        )
    return Markup("").join(parts)


def label(row, y: float) -> Markup:
    """A row's name at the left, cut to what fits."""
    kind = "method" if row.role == "method" else "control"
    longest = LONGEST_LABEL[kind]  # methods are set in bold, which is wider
    short = row.label if len(row.label) <= longest else row.label[: longest - 1] + "…"
    return Markup('<text class="label {}" x="{}" y="{}">{}</text>').format(kind, LABEL - 10, y + 4, short)


def _row(row, cell, y: float, x, domain: tuple[float, float], decimals: int) -> Markup:
    kind = "method" if row.role == "method" else "control"
    title = f"{row.label}: {cell.full_text()}"
    body = [label(row, y)]
    if cell.value is not None and math.isfinite(cell.value) and not domain[0] <= cell.value <= domain[1]:
        way = 1 if cell.value > domain[1] else -1
        at = x(domain[1]) - 7 if way > 0 else x(domain[0]) + 7
        body.append(Markup('<polygon points="{}"/>').format(f"{at + 7 * way},{y} {at},{y - 4.5} {at},{y + 4.5}"))
        body.append(
            # towards the middle: outwards it would lie on the row's name
            Markup('<text class="none" text-anchor="{}" x="{}" y="{}">{}</text>').format(
                "end" if way > 0 else "start", at - 5 * way, y + 4, number(cell.value, decimals)
            )
        )
    elif cell.value is None or not math.isfinite(cell.value):
        body.append(Markup('<text class="none" x="{}" y="{}">{}</text>').format(LABEL + 4, y + 4, _nothing(cell)))
    else:
        for target, style in ((NEW, "new"), (THESE, "these")):
            if (found := interval(cell.measured, target)) is not None:
                body.append(_line(found.low, found.high, y, x, domain, style))
        body.append(
            Markup('<circle cx="{}" cy="{}" r="{}"/>').format(x(cell.value), y, 4.5 if kind == "method" else 3.5)
        )
    return Markup('<g class="{}"><title>{}</title>{}</g>').format(kind, title, Markup("").join(body))


def _nothing(cell) -> str:
    if cell.value is not None:
        return cell.text
    return "n/a" if cell.text == "n/a" else "no value"


def _line(low: float, high: float, y: float, x, domain: tuple[float, float], style: str) -> Markup:
    left, right = max(low, domain[0]), min(high, domain[1])
    out = Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(style, x(left), x(right), y, y)
    for clipped, end, way in ((left > low, left, 1), (right < high, right, -1)):
        if clipped and style == "new":
            points = f"{x(end)},{y} {x(end) + 6 * way},{y - 4} {x(end) + 6 * way},{y + 4}"
            out += Markup('<polygon points="{}"/>').format(points)
    return out
