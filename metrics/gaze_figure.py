"""Fills the document of the gaze figure (bench/contract/gaze_figure.py) from what Gaze-JS computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from metrics.gaze_bins import Edges
from metrics.gaze_divergence import SidesOfClips
from metrics.gaze_tracks import Tracks

EYES = ("left", "right")
"""The subject's own, in the order of every gaze array."""


def gaze_figure(sides: SidesOfClips, tracks: Tracks, edges: Edges, frame: str, centre: str) -> dict[str, Any]:
    """The document as plain JSON values; `sides` hold the maps (N, 2, bins) of `tracks` over `edges`."""
    from bench.contract.gaze_figure import EmotionMaps, EyeMaps, GazeFigure

    members = sides.cells.members(sides.everything)
    nulls = sides.null(sides.everything)
    names = [str(sides.cells.emotions[cell[0]]) for cell in members]
    emotions = []
    for name, cell, null, tests in zip(names, members, nulls, sides.by_map, strict=True):
        counts = {side: _counts(tracks, cell, side) for side in ("real", "made")}
        eyes = [
            EyeMaps(
                eye=eye,
                real=_grid(sides.real[cell, e], edges),
                generated=_grid(sides.made[cell, e], edges),
                js=tests[e].observed,
                null=float(null[e]),
                p=tests[e].p,
            )
            for e, eye in enumerate(EYES)
        ]
        emotions.append(
            EmotionMaps(
                emotion=name,
                n_clips=len(cell),
                frames_real=counts["real"][0],
                frames_generated=counts["made"][0],
                closed_real=counts["real"][1],
                closed_generated=counts["made"][1],
                eyes=eyes,
            )
        )
    return GazeFigure(
        frame=frame, centre=centre, yaw_edges=list(edges.yaw), pitch_edges=list(edges.pitch), emotions=emotions
    ).model_dump(mode="json")


def _grid(shares: np.ndarray, edges: Edges) -> list[list[float]]:
    return np.round(shares.mean(0).reshape(len(edges.pitch) - 1, len(edges.yaw) - 1), 5).tolist()


def _counts(tracks: Tracks, cell: np.ndarray, side: str) -> tuple[int, float]:
    """Frames with open eyes, and the share closed, of the clips of one emotion."""
    counts = np.sum([tracks.clips[i].arrays[f"{side}_frames"] for i in cell], axis=0)
    frames = sum(int(np.isfinite(getattr(tracks, side)[i][:, 0, 0]).sum()) for i in cell)
    return frames, round(float(counts[2] / counts[1]), 5)
