"""How many places an emotion looks at: the modes of the line of sight, counted on the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CELL = 1.0
REACH = 30.0
BLUR = 1.8
"""Degrees by which the histogram is smoothed; nearer peaks are one."""
SMALLEST = 0.06
"""A mode is a peak with at least this share of the looking time nearer to it than to other peaks."""


def line_of_sight(gaze: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Yaw and pitch (T, 2) degrees relative to the camera of gaze (T, 2, 2), head-relative, and pose (T, 3)."""
    from bench.contract.geometry import euler_to_matrix, gaze_to_vector, vector_to_gaze

    eye = gaze_to_vector(gaze.mean(1))
    head = np.stack([euler_to_matrix(p) for p in np.asarray(pose, np.float64)])
    return vector_to_gaze(np.einsum("tij,tj->ti", head, eye))


def modes(sight: np.ndarray) -> list[tuple[float, float, float]]:
    """(yaw, pitch, share of the time) of each mode of directions (N, 2) in degrees, largest first; shares sum to 1."""
    from scipy.ndimage import gaussian_filter, maximum_filter

    edges = np.arange(-REACH, REACH + CELL, CELL)
    counts, _, _ = np.histogram2d(*sight.clip(-REACH, REACH).T, bins=(edges, edges))
    smooth = gaussian_filter(counts, BLUR / CELL)
    peaks = np.argwhere((smooth == maximum_filter(smooth, size=5)) & (smooth > 0.02 * smooth.max()))
    places = edges[peaks] + CELL / 2
    while True:
        nearest = np.linalg.norm(sight[:, None] - places[None], axis=2).argmin(1)
        share = np.bincount(nearest, minlength=len(places)) / len(sight)
        if share.min() >= SMALLEST or len(places) == 1:
            break
        places = np.delete(places, share.argmin(), axis=0)
    return sorted(
        ((float(y), float(p), float(s)) for (y, p), s in zip(places, share, strict=True)), key=lambda m: -m[2]
    )


def by_emotion(sights: Sequence[tuple[str, np.ndarray]]) -> dict[str, list[tuple[float, float, float]]]:
    """Emotion -> modes of the line of sight of all its clips; `sights` are (emotion, (T, 2)) of one clip each."""
    emotions = list(dict.fromkeys(e for e, _ in sights))
    return {e: modes(np.concatenate([s for name, s in sights if name == e])) for e in emotions}
