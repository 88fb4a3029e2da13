"""Canny's edge map as scikit-image computes it (sigma 1, thresholds on unscaled gradients), compiled: CPBD needs one per frame."""

from __future__ import annotations

import numba
import numpy as np

SIGMA = 1.0
LOW, HIGH = 0.1, 0.2
"""Hysteresis thresholds. scikit-image means them for pictures in 0..1; on 0..255 they are low, see metrics/cpbd.py."""


def canny_edges(gray: np.ndarray) -> np.ndarray:
    """(H, W) float64 -> (H, W) bool, equal to skimage.feature.canny(gray) with its defaults (Canny, IEEE TPAMI 8(6), 1986)."""
    from scipy import ndimage

    # outside the picture is nothing: dividing by the share of the window that lies inside takes the border's fall away
    inside = ndimage.gaussian_filter(np.ones(gray.shape), SIGMA, mode="constant") + np.finfo(np.float64).eps
    smooth = ndimage.gaussian_filter(gray, SIGMA, mode="constant") / inside
    down, right = ndimage.sobel(smooth, axis=0), ndimage.sobel(smooth, axis=1)
    ridge = _ridges(down, right, np.sqrt(down * down + right * right), LOW)
    parts, count = ndimage.label(ridge > 0, np.ones((3, 3), bool))
    strong = np.zeros(count + 1, bool)
    strong[parts[ridge >= HIGH]] = True
    strong[0] = False
    return strong[parts]


@numba.njit(cache=True, nogil=True)
def _ridges(down: np.ndarray, right: np.ndarray, strength: np.ndarray, low: float) -> np.ndarray:
    """Strength where it is at least `low` and no smaller than on both sides along the gradient, elsewhere 0; no border pixels.

    The two sides are interpolated between the straight and the diagonal neighbour nearest the gradient's direction.
    """
    height, width = strength.shape
    out = np.zeros((height, width))
    for r in range(1, height - 1):
        for c in range(1, width - 1):
            here = strength[r, c]
            if here < low:
                continue
            v, h = down[r, c], right[r, c]
            # the diagonal that lies in the gradient's quadrant
            diagonal = 1 if (v >= 0 and h >= 0) or (v <= 0 and h <= 0) else -1
            if abs(v) > abs(h) or (diagonal < 0 and abs(v) == abs(h)):
                share, dr, dc = abs(h) / abs(v), diagonal, 0
            else:
                share, dr, dc = abs(v) / abs(h), 0, 1
            ahead = strength[r + diagonal, c + 1] * share + strength[r + dr, c + dc] * (1 - share)
            behind = strength[r - diagonal, c - 1] * share + strength[r - dr, c - dc] * (1 - share)
            if ahead <= here and behind <= here:
                out[r, c] = here
    return out
