"""Two pictures of one metric under several protocols: the values of every row, and the order of the rows."""

from __future__ import annotations

from markupsafe import Markup

from bench.contract.spread import MetricSpread, SpreadSection
from reports.spreadwords import cell_text, title_of
from reports.strip import BOTTOM, LABEL, RIGHT, ROW, TOP, WIDTH, axis, stretched, without_far_truth
from reports.words import printable

LONGEST_LABEL = 19
RANK_WIDTH, SIDE, RANK_ROW = 460, 128, 24
SHAPES = 6
"""Marks that differ in shape and in colour; a seventh protocol takes the first again."""


def values(section: SpreadSection, m: MetricSpread) -> Markup | None:
    """Rows on y, value on x, one mark per protocol, a line from the smallest to the largest; None where units differ."""
    there = [j for j, column in enumerate(m.columns) if column]
    if len({m.columns[j].unit for j in there}) > 1:
        return None
    flat = [(row.label == "gt", line[j].shown) for row, line in zip(section.rows, m.cells, strict=True) for j in there]
    points = without_far_truth(flat)
    if not points:
        return None
    low, high = stretched(min(points), max(points))
    scale = (WIDTH - LABEL - RIGHT) / (high - low)
    bottom = TOP + ROW * len(section.rows)

    def x(value: float) -> float:
        return round(LABEL + (value - low) * scale, 1)

    parts = [axis(low, high, x, bottom)]
    for i, (row, line) in enumerate(zip(section.rows, m.cells, strict=True)):
        y = TOP + ROW * (i + 0.5)
        body = [_label(row.label, row.role, LABEL - 10, y, "end")]
        inside = [(j, line[j].shown) for j in there if line[j].shown is not None and low <= line[j].shown <= high]
        if len(inside) > 1:
            ends = [x(v) for _, v in inside]
            body.append(
                Markup('<line class="reach" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(min(ends), max(ends), y, y)
            )
        for j, value in inside:
            text = f"{row.label}, {section.protocols[j].name}: {cell_text(m, line[j], j)}"
            body.append(mark(j, x(value), y, text))
        if not inside:
            known = any(line[j].shown is not None for j in there)
            body.append(
                Markup('<text class="none" x="{}" y="{}">{}</text>').format(
                    LABEL + 4, y + 4, "outside the picture" if known else "no value"
                )
            )
        parts.append(Markup("<g>{}</g>").format(Markup("").join(body)))
    return _svg(WIDTH, bottom + BOTTOM, f"{title_of(m)}: values under each protocol; they are in the table", parts)


def ranks(section: SpreadSection, m: MetricSpread) -> Markup | None:
    """Protocols on x, the order of the ranked rows on y, the best on top; None with fewer than two of either."""
    there = [j for j, column in enumerate(m.columns) if column]
    lines = [
        (row, [(k, line[j].rank) for k, j in enumerate(there) if line[j].rank is not None])
        for row, line in zip(section.rows, m.cells, strict=True)
        if row.ranked
    ]
    lines = [(row, points) for row, points in lines if points]
    if len(there) < 2 or len(lines) < 2:
        return None
    best = {min(at, key=lambda one: one[1])[0] for k in range(len(there)) if (at := _at(lines, k))}
    height = 30 + RANK_ROW * len(lines) + 10
    step = (RANK_WIDTH - 2 * SIDE) / (len(there) - 1)

    def place(k: int, rank: float) -> tuple[float, float]:
        return round(SIDE + k * step, 1), round(30 + RANK_ROW * (rank - 0.5), 1)

    parts = []
    for k, j in enumerate(there):
        at = place(k, 1)[0]
        parts.append(mark(j, at, 9, section.protocols[j].name))
        parts.append(Markup('<line class="rail" x1="{0}" x2="{0}" y1="22" y2="{1}"/>').format(at, height - 8))
    for row, points in lines:
        way = "M" + " L".join("{},{}".format(*place(k, rank)) for k, rank in points)
        kind = "won" if row.label in best else row.role if row.role == "method" else "control"
        text = f"{row.label}: " + ", ".join(f"{section.protocols[there[k]].name} {rank:g}" for k, rank in points)
        body = [Markup('<path d="{}"/>').format(way)]
        body += [Markup('<circle cx="{}" cy="{}" r="4"/>').format(*place(k, rank)) for k, rank in points]
        (first, last), ends = (points[0], points[-1]), []
        if first[0] == 0:
            ends.append(_label(row.label, row.role, place(*first)[0] - 10, place(*first)[1], "end"))
        if last[0] == len(there) - 1:
            ends.append(_label(row.label, row.role, place(*last)[0] + 10, place(*last)[1], "start"))
        parts.append(
            Markup('<g class="rank {}"><title>{}</title>{}</g>').format(kind, text, Markup("").join([*body, *ends]))
        )
    name = f"{title_of(m)}: order of {len(lines)} rows under {len(there)} protocols, the best on top"
    return _svg(RANK_WIDTH, height, name, parts)


def _at(lines: list, k: int) -> list[tuple[str, float]]:
    return [(row.label, rank) for row, points in lines for place, rank in points if place == k]


def mark(j: int, x: float, y: float, text: str) -> Markup:
    """The mark of protocol j with its words."""
    shape = j % SHAPES
    outline = {
        0: f"M{x - 4.5},{y} a4.5,4.5 0 1 0 9,0 a4.5,4.5 0 1 0 -9,0 Z",
        1: f"M{x - 4},{y - 4} h8 v8 h-8 Z",
        2: f"M{x},{y - 5.5} L{x + 5.5},{y} L{x},{y + 5.5} L{x - 5.5},{y} Z",
        3: f"M{x},{y - 5} L{x + 5},{y + 4} H{x - 5} Z",
        4: f"M{x},{y + 5} L{x + 5},{y - 4} H{x - 5} Z",
        5: f"M{x - 5},{y - 1.6} h3.4 v-3.4 h3.2 v3.4 h3.4 v3.2 h-3.4 v3.4 h-3.2 v-3.4 h-3.4 Z",
    }[shape]
    return Markup('<path class="mark p{}" d="{}"><title>{}</title></path>').format(shape, outline, text)


def key(j: int) -> Markup:
    """The mark alone, for a legend."""
    return Markup('<svg class="mark-key" viewBox="0 0 14 14" aria-hidden="true">{}</svg>').format(mark(j, 7, 7, ""))


def _label(text: str, role: str, x: float, y: float, anchor: str) -> Markup:
    text = printable(text)
    short = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
    kind = "method" if role == "method" else "control"
    return Markup('<text class="name {}" text-anchor="{}" x="{}" y="{}">{}</text>').format(
        kind, anchor, x, y + 4, short
    )


def _svg(width: float, height: float, name: str, parts: list[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, height, name, Markup("").join(parts)
    )
