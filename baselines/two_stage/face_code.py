"""A short code for the landmarks of a face in the head frame: principal directions of how training faces move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.contract.geometry import N_MESH


def principal(movements: Sequence[np.ndarray], codes: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions (codes, 468 * 3) and their standard deviations (codes,) in cm of movements (T, 468, 3) of many clips.

    Movements are differences from a reference frame; their mean is not taken off, so that a code of zeros is the reference.
    """
    size = 3 * N_MESH
    second, count = np.zeros((size, size)), 0
    for clip in movements:
        flat = np.asarray(clip, np.float64).reshape(len(clip), size)
        second += flat.T @ flat
        count += len(flat)
    if count < codes:
        raise ValueError(f"expected at least {codes} frames to find {codes} directions in, got {count}")
    values, vectors = np.linalg.eigh(second / count)
    order = np.argsort(values)[::-1][:codes]
    directions = vectors[:, order].T
    directions *= np.sign(directions.sum(1, keepdims=True))  # eigenvectors have no sign of their own
    return directions.astype(np.float32), np.sqrt(np.clip(values[order], 1e-12, None)).astype(np.float32)
