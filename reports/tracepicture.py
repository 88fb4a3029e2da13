"""Cue traces of one clip as small pictures over the outline of its sound: the real clip against every row, inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.contract.traces import ClipTraces
from reports.words import number

WIDTH, HEIGHT = 1000, 100
"""Units of the picture; it is stretched to its place, lines keep their width."""
SIGNALS = {
    "mouth": ("Mouth opening", "% of eye distance", 1.0),
    "gaze_yaw": ("Gaze yaw", "°, + image right", 4.0),
    "gaze_pitch": ("Gaze pitch", "°, + up", 4.0),
    "pitch": ("Head pitch", "°, + up", 2.0),
    "yaw": ("Head yaw", "°, + image right", 2.0),
    "roll": ("Head roll", "°, + clockwise", 2.0),
}
"""Curve -> title, unit, and the least height in that unit, so that noise on a still face does not fill the picture."""


@dataclass(frozen=True)
class Panel:
    """One curve: title, unit, the values at its top and bottom edge, the picture."""

    title: str
    unit: str
    top: str
    bottom: str
    svg: Markup


@dataclass(frozen=True)
class Traces:
    """All curves of one clip; `rows` are the labels of the rows drawn, in order, of which `start` is shown at first."""

    panels: list[Panel]
    rows: list[str]
    start: int
    seconds: float


def traces(rows: Sequence[tuple[str, ClipTraces]], name: str, start: int = 0) -> Traces | None:
    """Pictures of the traces of one clip; rows: (label, traces) of every row but the ground truth's. None for none.

    `start`: the row shown at first; `name` makes element ids unique on the page.
    """
    if not rows:
        return None
    first = rows[0][1]
    frames = max(len(first.real.mouth), *(len(t.generated.mouth) for _, t in rows))
    seconds = frames / first.fps
    panels = []
    for n, (signal, (title, unit, least)) in enumerate(SIGNALS.items()):
        real = getattr(first.real, signal)
        made = [getattr(t.generated, signal) for _, t in rows]
        low, high = _range([real, *made], least, floor=0.0 if signal == "mouth" else -math.inf)
        curves = [
            Markup('<path class="made{}" data-row="{}" d="{}"/>').format("" if k == start else " off", k, _path(c, low, high, frames))
            for k, c in enumerate(made)
        ]  # fmt: skip
        sound = _sound(first, seconds, f"{name}-sound") if n == 0 else Markup('<use href="#{}-sound"/>').format(name)
        zero = Markup("")
        if low < 0 < high:
            y = _y(0.0, low, high)
            zero = Markup('<line class="zero" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, y, y)
        svg = Markup(
            '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}{}<path class="real" d="{}"/>{}'
            '<line class="now" x1="0" x2="0" y1="0" y2="{}"/></svg>'
        ).format(WIDTH, HEIGHT, sound, zero, _path(real, low, high, frames), Markup("").join(curves), HEIGHT)
        decimals = 0 if high - low >= 10 else 1
        panels.append(Panel(title, unit, number(high, decimals), number(low, decimals), svg))
    return Traces(panels, [label for label, _ in rows], start, seconds)


def _range(curves: Sequence[Sequence[float | None]], least: float, floor: float) -> tuple[float, float]:
    """What a picture spans: all values with a margin, at least `least`, never below `floor`."""
    values = [v for curve in curves for v in curve if v is not None] or [0.0]
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) + max(0.0, least - (high - low)) / 2
    return max(floor, low - margin), high + margin


def _y(value: float, low: float, high: float) -> float:
    return round(HEIGHT * (high - value) / (high - low), 1)


def _path(curve: Sequence[float | None], low: float, high: float, frames: int) -> str:
    """SVG path of a curve; a missing value breaks the line. Frame t is drawn in the middle of the time it is shown."""
    parts, pen = [], "M"
    for t, value in enumerate(curve):
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{WIDTH * (t + 0.5) / frames:.0f} {_y(value, low, high):g}")
        pen = "L"
    return "".join(parts)


def _sound(clip: ClipTraces, seconds: float, name: str) -> Markup:
    """The sound's outline, mirrored about the middle, its loudest moment filling the height."""
    loudest = max(clip.sound, default=0.0) or 1.0
    half = [(WIDTH * (k + 0.5) / clip.sound_rate / seconds, 48 * v / loudest) for k, v in enumerate(clip.sound)]
    upper = "L".join(f"{x:.0f} {50 - h:.0f}" for x, h in half)
    lower = "L".join(f"{x:.0f} {50 + h:.0f}" for x, h in reversed(half))
    return Markup('<path class="sound" id="{}" d="M{}L{}Z"/>').format(name, upper, lower)
