"""All clips of one metric as a picture: a dot for each clip of each row, with the row's quartiles, as inline SVG."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from bench.contract.result import Distribution
from reports.media import is_truth
from reports.strip import BOTTOM, LABEL, RIGHT, TOP, WIDTH, axis, label, stretched, without_far_truth
from reports.table import Row, Table
from reports.words import number, printable

ROW = 30
MOST_DOTS = 200
"""Clips drawn per row and metric; of more, every so-maniest in the order of values, the worst ones always."""
REACH = 9.0
"""Dots that would lie on one another move up or down by at most so many px."""
RADIUS = 2.2


@dataclass(frozen=True)
class Worst:
    """A clip named as one of a row's worst: value as shown, and the address of its players on the page or None."""

    clip_id: str
    value: str
    link: str | None


@dataclass(frozen=True)
class Spread:
    """One row's line under the picture: quartiles as shown, and its worst clips."""

    row: Row
    n_clips: int
    quartiles: tuple[str, ...]
    """minimum, lower quartile, median, upper quartile, maximum"""
    worst: list[Worst]


def spreads(table: Table, j: int, players: dict[str, str]) -> list[Spread]:
    """Column j row by row; `players`: clip id -> address on the page."""
    column = table.columns[j]
    lines = []
    for row in table.rows:
        if (found := _distribution(row, column.metric)) is None:
            continue
        five = (found.minimum, found.lower_quartile, found.median, found.upper_quartile, found.maximum)
        worst = [
            Worst(printable(w.clip_id), number(w.value, column.decimals), players.get(w.clip_id)) for w in found.worst
        ]
        lines.append(Spread(row, found.n_clips, tuple(number(v, column.decimals) for v in five), worst))
    return lines


def _distribution(row: Row, metric: str) -> Distribution | None:
    return next((d for d in row.loaded.result.distributions if d.metric == metric), None)


def picture(table: Table, j: int) -> Markup | None:
    """Column j as SVG, 360 px wide: rows on y, value on x. None where no result lists its clips.

    A dot is one clip (hollow: scored as the static image), the box spans the quartiles, its line is the median. A ground
    truth far beyond all others (a perfect score in dB) is drawn at the edge with arrow heads.
    """
    rows = [(row, _values(row, table.columns[j].metric)) for row in table.rows]
    shown = [v for _, clips in rows for _, v, _ in clips]
    if not shown:
        return None
    values = without_far_truth([(is_truth(row), v) for row, clips in rows for _, v, _ in clips])
    low, high = stretched(min(values), max(values))
    scale = (WIDTH - LABEL - RIGHT) / (high - low)

    def x(value: float) -> float:
        return round(LABEL + (min(max(value, low), high) - low) * scale, 1)

    column, bottom = table.columns[j], TOP + ROW * len(rows)
    parts = [axis(low, high, x, bottom)]
    for i, (row, clips) in enumerate(rows):
        parts.append(_row(row, clips, TOP + ROW * (i + 0.5), x, (low, high), column))
    name = f"{column.header}: every clip of every row; the numbers are in the list below"
    return Markup('<svg class="dots" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>').format(
        WIDTH, bottom + BOTTOM, name, Markup("").join(parts)
    )


def _values(row: Row, metric: str) -> list[tuple[str, float, str]]:
    """(clip, value, status) of the row's scored clips, by value."""
    return row.loaded.clips.scored(metric) if row.loaded.clips is not None else []


def _row(row: Row, clips: list[tuple[str, float, str]], y: float, x, domain: tuple[float, float], column) -> Markup:
    kind = "method" if row.role == "method" else "control"
    out = [label(row, y)]
    if not clips:
        out.append(Markup('<text class="none" x="{}" y="{}">no value</text>').format(LABEL + 4, y + 4))
        return Markup('<g class="{}">{}</g>').format(kind, Markup("").join(out))
    found = _distribution(row, column.metric)
    if found is not None:
        a, m, b = x(found.lower_quartile), x(found.median), x(found.upper_quartile)
        out.append(
            Markup(
                '<rect class="box" x="{}" y="{}" width="{}" height="{}"/><line class="median" x1="{}" x2="{}" y1="{}" y2="{}"/>'
            ).format(a, y - 11, max(1.0, round(b - a, 1)), 22, m, m, y - 11, y + 11)
        )
    dots = _thinned(clips)
    places = _swarm([x(v) for _, v, _ in dots])
    for (clip_id, value, status), (cx, dy) in zip(dots, places, strict=True):
        hollow = ' class="static"' if status == "static" else ""
        beyond = not domain[0] <= value <= domain[1]
        title = f"{printable(clip_id)} {number(value, column.decimals)}" + (" (static image)" if hollow else "")
        if beyond:
            way = 1 if value > domain[1] else -1
            points = f"{cx + 4 * way},{y + dy:.1f} {cx - 3 * way},{y + dy - 3.5:.1f} {cx - 3 * way},{y + dy + 3.5:.1f}"
            out.append(Markup('<polygon points="{}"><title>{}</title></polygon>').format(points, title))
        else:
            out.append(
                Markup("<circle{} cx='{}' cy='{:.1f}' r='{}'><title>{}</title></circle>").format(
                    Markup(hollow), cx, y + dy, RADIUS, title
                )
            )
    name = (
        f"{row.label}, {len(clips)} clips; up and down arrow keys go from row to row, left and right from clip to clip"
    )
    return Markup('<g class="{} clips" tabindex="0" role="group" aria-label="{}" data-row="{}">{}</g>').format(
        kind, name, row.label, Markup("").join(out)
    )


def _thinned(clips: list[tuple[str, float, str]]) -> list[tuple[str, float, str]]:
    if len(clips) <= MOST_DOTS:
        return clips
    picked = {round(k * (len(clips) - 1) / (MOST_DOTS - 1)) for k in range(MOST_DOTS)}
    return [clips[k] for k in sorted(picked | set(range(3)) | set(range(len(clips) - 3, len(clips))))]


def _swarm(xs: list[float]) -> list[tuple[float, float]]:
    """(x, shift in y) of dots in ascending order of x: each takes the place nearest the middle that overlaps no other.

    Where all are taken, dots spread over the height by the golden ratio, so that none lies exactly on another.
    """
    step, gap = 2 * RADIUS * 0.62, 2 * RADIUS * 0.95
    shifts = [0.0, *(s * k * step for k in range(1, int(REACH / step) + 1) for s in (-1, 1))]
    placed: list[tuple[float, float]] = []
    for at in xs:
        near = [(px, py) for px, py in placed[-60:] if at - px < gap]
        free = (s for s in shifts if all((at - px) ** 2 + (s - py) ** 2 >= gap**2 for px, py in near))
        crowded = REACH * (2 * (len(placed) * 0.618034 % 1) - 1)
        placed.append((at, next(free, crowded)))
    return placed
