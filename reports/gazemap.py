"""The gaze maps of rows, real beside generated, one pair per emotion and eye, as inline SVG for the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from bench.contract.gaze_figure import EmotionMaps, EyeMaps, GazeFigure
from reports.render import render, template
from reports.words import number, plural

LEFT, TOP, RIGHT, BOTTOM = 42, 5, 8, 30
"""Room around a map for its ticks and the names of its axes, px."""
INSIDE = 150
"""Width of a map, px; its height follows from the degrees it spans."""
LEVELS = 10
"""Steps of the colour scale, without the one for no frame at all."""
FRAME = {"head": "relative to the head", "camera": "relative to the camera"}
CENTRE = {
    "own": "each side and eye minus its own median per speaker",
    "real": "both sides minus the real median per speaker and eye",
    "raw": "as estimated, not centred",
}
EYE_WORDS = {
    "left": "subject's left eye (at the right of the picture)",
    "right": "subject's right eye (at the left of the picture)",
}


def gaze_section(figures: Sequence[tuple[str, Mapping[str, Any]]], opened: str | None = None) -> Markup:
    """One block per row, of which `opened` (else the first) stands open: (row label, document of `GazeFigure`); empty for no row.

    The page must carry `gaze_style()` once. Colours are on one scale, real and generated, in all rows. Raises
    ValidationError for a document of another kind.
    """
    rows = [(label, GazeFigure.model_validate(document)) for label, document in figures]
    rows = [(label, figure) for label, figure in rows if figure.emotions]
    if not rows:
        return Markup("")
    top = highest(figure for _, figure in rows)
    return Markup(
        render(
            "gaze.html.j2",
            rows=[_row(label, figure, top) for label, figure in rows],
            opened=place_of(opened, [label for label, _ in rows]),
            keys=[(level, f"{100 * share_of(level, top):.0f}") for level in range(1, LEVELS + 1)],
            top=f"{100 * top:.0f}",
            eyes=EYE_WORDS,
        )
    )


def place_of(opened: str | None, labels: Sequence[str]) -> int:
    """Which of the rows stands open: the one of that label, the first if it is not there."""
    return labels.index(opened) if opened in labels else 0


def gaze_style() -> str:
    """The rules of `gaze_section` for the page's style element."""
    return template("gaze.css")


def highest(figures) -> float:
    """The largest share 0..1 in any map, up to the next ten percent: the end of the colour scale."""
    shares = (
        share
        for figure in figures
        for emotion in figure.emotions
        for eye in emotion.eyes
        for grid in (eye.real, eye.generated)
        for row in grid
        for share in row
    )
    return math.ceil(10 * max(shares) - 1e-6) / 10


def level_of(share: float, top: float) -> int:
    """Step 0..LEVELS of the colour scale of a share 0..top; 0 is no frame. Steps are even in the square root of the share."""
    return 0 if share <= 0 else min(LEVELS, max(1, math.ceil(LEVELS * math.sqrt(share / top) - 1e-9)))


def share_of(level: int, top: float) -> float:
    """The largest share of a step."""
    return top * (level / LEVELS) ** 2


def gaze_map(grid: Sequence[Sequence[float]], figure: GazeFigure, top: float, title: str, words: str) -> Markup:
    """One map as SVG: bins as wide as their degrees, in each the percent of frames, edges as ticks; pitch + is at the top."""
    yaw, pitch = figure.yaw_edges, figure.pitch_edges
    scale = INSIDE / (yaw[-1] - yaw[0])
    height = scale * (pitch[-1] - pitch[0])

    def x(degrees: float) -> float:
        return round(LEFT + scale * (degrees - yaw[0]), 1)

    def y(degrees: float) -> float:
        return round(TOP + scale * (pitch[-1] - degrees), 1)

    parts = []
    for row, low, high in zip(grid, pitch, pitch[1:], strict=False):
        for share, left, right in zip(row, yaw, yaw[1:], strict=False):
            level = level_of(share, top)
            parts.append(
                Markup('<rect class="g{}" x="{}" y="{}" width="{}" height="{}"/>').format(
                    level, x(left), y(high), round(x(right) - x(left), 1), round(y(low) - y(high), 1)
                )
            )
            if share >= 0.005:
                parts.append(
                    Markup('<text class="{}" x="{}" y="{}">{:.0f}</text>').format(
                        "on" if level > LEVELS * 0.65 else "in",
                        (x(left) + x(right)) / 2,
                        (y(low) + y(high)) / 2 + 4,
                        100 * share,
                    )
                )
    bottom = TOP + height
    parts.append(
        Markup('<rect class="frame" x="{}" y="{}" width="{}" height="{:.1f}"/>').format(LEFT, TOP, INSIDE, height)
    )
    parts += [
        Markup('<text class="x" x="{}" y="{}">{}</text>').format(x(v), bottom + 12, number(v, _decimals(v)))
        for v in yaw
    ]
    parts += [
        Markup('<text class="y" x="{}" y="{}">{}</text>').format(LEFT - 4, y(v) + 3.5, number(v, _decimals(v)))
        for v in pitch
    ]
    parts.append(
        Markup('<text class="x" x="{}" y="{}">yaw °, + image right</text>').format(LEFT + INSIDE / 2, bottom + 25)
    )
    parts.append(
        Markup('<text class="x" transform="translate(9 {}) rotate(-90)">pitch °, + up</text>').format(TOP + height / 2)
    )
    return Markup(
        '<svg class="gaze-map" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>'
    ).format(LEFT + INSIDE + RIGHT, round(TOP + height + BOTTOM), title, words, Markup("").join(parts))


def _decimals(value: float) -> int:
    return 0 if value == round(value) else 1


def _row(label: str, figure: GazeFigure, top: float) -> dict[str, Any]:
    return {
        "label": label,
        "how": f"{FRAME[figure.frame]}; {CENTRE[figure.centre]}",
        "eyes": {
            eye: [
                _card(label, emotion, found, figure, top)
                for emotion in figure.emotions
                for found in emotion.eyes
                if found.eye == eye
            ]
            for eye in EYE_WORDS
        },
    }


def _card(label: str, emotion: EmotionMaps, eye: EyeMaps, figure: GazeFigure, top: float) -> dict[str, Any]:
    sides = []
    for name, grid, frames, closed in (
        ("real", eye.real, emotion.frames_real, emotion.closed_real),
        (label, eye.generated, emotion.frames_generated, emotion.closed_generated),
    ):
        title = f"{emotion.emotion}, {eye.eye} eye, {name}"
        sides.append(
            {
                "name": name,
                "svg": gaze_map(grid, figure, top, title, _in_words(grid, figure)),
                "frames": plural(frames, "frame"),
                "closed": f"{100 * closed:.0f} % closed",
            }
        )
    return {
        "emotion": emotion.emotion,
        "clips": plural(emotion.n_clips, "clip"),
        "sides": sides,
        "js": number(eye.js, 3),
        "null": number(eye.null, 3),
        "excess": number(eye.js - eye.null, 3),
        "p": number(eye.p, 3),
        "differs": eye.p < 0.05,
    }


def _in_words(grid: Sequence[Sequence[float]], figure: GazeFigure) -> str:
    """The map for somebody who does not see it: where most of the gaze lies."""
    bins = [
        (share, (a + b) / 2, (c + d) / 2)
        for row, c, d in zip(grid, figure.pitch_edges, figure.pitch_edges[1:], strict=False)
        for share, a, b in zip(row, figure.yaw_edges, figure.yaw_edges[1:], strict=False)
    ]
    bins.sort(key=lambda one: (-one[0], one[1:]))
    places = [f"{100 * share:.0f} % at yaw {yaw:+g}, pitch {pitch:+g}" for share, yaw, pitch in bins[:3] if share > 0]
    return "Share of frames by direction in degrees; most: " + "; ".join(places) + "."
