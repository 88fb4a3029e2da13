"""Where the head points, real beside generated: one small histogram per emotion and axis, with spread and speed, as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from reports.gazemap import place_of
from reports.render import render, template
from reports.words import number, plural, printable

WIDTH, HEIGHT, BASE = 168, 58, 14
"""A picture's size and the room under its axis, px."""
KIND = "head-pose"


def pose_section(figures: Sequence[tuple[str, Mapping[str, Any]]], opened: str | None = None) -> Markup:
    """One block per row, of which `opened` (else the first) stands open: (row label, document of `Pose-W1`); empty for no row.

    The page must carry `pose_style()` once. Heights are on one scale per axis. ValueError for a document of another kind.
    """
    if not figures:
        return Markup("")
    for label, document in figures:
        if document.get("kind") != KIND:
            raise ValueError(f"{label}: expected a figure of kind {KIND!r}, got {document.get('kind')!r}")
    axes = figures[0][1]["axes"]
    top = {axis: max(_shares(figures, axis), default=1.0) or 1.0 for axis in axes}
    rows = [{"label": printable(label), "emotions": _emotions(document, top)} for label, document in figures]
    edges = figures[0][1]["histogram_edges"]
    return Markup(
        render(
            "pose.html.j2",
            rows=rows,
            opened=place_of(opened, [label for label, _ in figures]),
            axes=axes,
            low=f"{edges[0]:g}",
            high=f"{edges[-1]:g}",
        )
    )


def pose_style() -> str:
    """The rules of `pose_section` for the page's style element."""
    return template("pose.css")


def _shares(figures: Sequence[tuple[str, Mapping[str, Any]]], axis: str):
    for _, document in figures:
        for cell in document["cells"]:
            if cell["axis"] == axis:
                yield from (*cell["real"]["histogram"], *cell["generated"]["histogram"])


def _emotions(document: Mapping[str, Any], top: Mapping[str, float]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for cell in document["cells"]:
        one = found.setdefault(
            cell["emotion"],
            {"emotion": printable(cell["emotion"]), "clips": plural(cell["clips"], "clip"), "cells": []},
        )
        one["cells"].append(
            {
                "axis": cell["axis"],
                "svg": _picture(cell, document["histogram_edges"], top[cell["axis"]]),
                "spread": _both(cell, "spread"),
                "speed": _both(cell, "speed"),
            }
        )
    return list(found.values())


def _both(cell: Mapping[str, Any], key: str) -> str:
    """ "4.1 → 3.0": the real clips' number, then the generated ones'."""
    real, generated = (cell[side][key] for side in ("real", "generated"))
    return " → ".join("—" if v is None or not math.isfinite(v) else number(v, 1) for v in (real, generated))


def _picture(cell: Mapping[str, Any], edges: Sequence[float], top: float) -> Markup:
    """The real clips as an area, the generated ones as a line."""
    scale = (WIDTH - 2) / (edges[-1] - edges[0])

    def x(angle: float) -> float:
        return round(1 + (angle - edges[0]) * scale, 1)

    def steps(shares: Sequence[float]) -> str:
        points = []
        for k, share in enumerate(shares):
            y = round((HEIGHT - 2) * (1 - min(1.0, share / top)) + 2, 1)
            points += [f"{x(edges[k])},{y}", f"{x(edges[k + 1])},{y}"]
        return " ".join(points)

    real, generated = (steps(cell[side]["histogram"]) for side in ("real", "generated"))
    name = f"{cell['emotion']}, {cell['axis']}: spread {_both(cell, 'spread')}, real to generated, degrees"
    return Markup(
        '<svg class="pose-plot" viewBox="0 0 {w} {h}" role="img" aria-label="{name}">'
        '<polygon class="real" points="{left},{base} {real} {right},{base}"/><polyline class="made" points="{made}"/>'
        '<line class="axis" x1="1" x2="{right}" y1="{base}" y2="{base}"/>'
        '<line class="tick" x1="{zero}" x2="{zero}" y1="{base}" y2="{tick}"/></svg>'
    ).format(
        w=WIDTH, h=HEIGHT + 4, name=printable(name), left=1, right=WIDTH - 1, base=HEIGHT, real=real, made=generated,
        zero=x(0.0), tick=HEIGHT + 3,
    )  # fmt: skip
