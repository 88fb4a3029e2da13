"""The document behind the picture of head pose: both sides by emotion and axis, as numbers and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.contract.metric import Collected
from metrics.pose import AXES, head_velocity
from metrics.pose_cells import Cells
from metrics.pose_motion import RANGE_PERCENT

HISTOGRAM_EDGES = np.arange(-20.0, 21.0, 2.0)
"""Degrees from the speaker's mean; what lies outside belongs to the outermost bins."""


def pose_figure(
    cells: Cells, clips: Sequence[Collected], real: Sequence[np.ndarray], generated: Sequence[np.ndarray]
) -> dict[str, Any]:
    """A JSON document: for each emotion and axis, of both sides (`real`, `generated`: centred angles (T, 3) by clip)

    mean (degrees, not centred), centred mean, spread (SD of the centred angles), range (5th to 95th percentile of them),
    speed (mean absolute velocity, degrees/s), spectrum (degrees^2 in the bands of `bands_hz`, null without a second
    in a row) and histogram (shares, of `histogram_edges`). Clips have equal weight.
    """
    from metrics.pose_spectrum import BAND_EDGES

    angles = {name: [np.asarray(clip.arrays[name], np.float64) for clip in clips] for name in ("real", "generated")}
    centred = {"real": real, "generated": generated}
    rows = []
    for emotion, cell in zip(cells.names, cells.members(np.ones(len(clips), bool)), strict=True):
        sides = {name: _side([angles[name][i] for i in cell], [centred[name][i] for i in cell]) for name in angles}
        for axis, axis_name in enumerate(AXES):
            row: dict[str, Any] = {"emotion": emotion, "axis": axis_name, "clips": len(cell)}
            rows.append(row | {name: {key: _plain(v, axis) for key, v in side.items()} for name, side in sides.items()})
    return {
        "kind": "head-pose",
        "unit": "deg",
        "axes": list(AXES),
        "bands_hz": list(BAND_EDGES),
        "histogram_edges": HISTOGRAM_EDGES.tolist(),
        "cells": rows,
    }


def _side(angles: list[np.ndarray], centred: list[np.ndarray]) -> dict[str, np.ndarray | None]:
    """Arrays whose last axis is pitch, yaw, roll."""
    from metrics.pose_spectrum import band_powers

    pooled = np.concatenate(centred)
    weights = np.concatenate([np.full(len(clip), 1 / len(clip)) for clip in centred])
    middle = np.average(pooled, axis=0, weights=weights)
    low, high = np.percentile(pooled, RANGE_PERCENT, axis=0)
    speeds = [np.nanmean(np.abs(v), axis=0) for v in map(head_velocity, angles) if np.isfinite(v).any()]
    bands = [b for b in map(band_powers, angles) if b is not None]
    inside = np.clip(pooled, HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1])
    counts = [
        np.histogram(inside[:, axis], HISTOGRAM_EDGES, weights=weights / weights.sum())[0] for axis in range(len(AXES))
    ]
    return {
        "mean": np.mean([np.nanmean(clip, axis=0) for clip in angles], axis=0),
        "centred_mean": middle,
        "spread": np.sqrt(np.average((pooled - middle) ** 2, axis=0, weights=weights)),
        "range": high - low,
        "speed": np.mean(speeds, axis=0) if speeds else None,
        "spectrum": np.mean(bands, axis=0) if bands else None,
        "histogram": np.stack(counts, -1),
    }


def _plain(values: np.ndarray | None, axis: int) -> float | list[float] | None:
    return None if values is None else np.round(values[..., axis], 4).tolist()
