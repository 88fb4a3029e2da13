"""Edges for CPBD, compiled: Canny's map as scikit-image computes it (sigma 1, thresholds on unscaled gradients), and widths."""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np

SIGMA = 1.0
LOW, HIGH = 0.1, 0.2
"""Hysteresis thresholds. scikit-image means them for pictures in 0..1; on 0..255 they are low, see metrics/cpbd.py."""


def canny_edges(gray: np.ndarray) -> np.ndarray:
    """(H, W) float64 -> (H, W) bool, equal to skimage.feature.canny(gray) with its defaults (Canny, IEEE TPAMI 8(6), 1986)."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(gray, SIGMA, mode="constant") / _share_inside(gray.shape)
    down, right = ndimage.sobel(smooth, axis=0), ndimage.sobel(smooth, axis=1)
    ridge = _ridges(down, right, np.sqrt(down * down + right * right), LOW)
    parts, count = ndimage.label(ridge > 0, np.ones((3, 3), bool))
    strong = np.zeros(count + 1, bool)
    strong[parts[ridge >= HIGH]] = True
    strong[0] = False
    return strong[parts]


@lru_cache(maxsize=4)
def _share_inside(shape: tuple[int, int]) -> np.ndarray:
    """Outside the picture is nothing: dividing by the share of the window that lies inside takes the border's fall away."""
    from scipy import ndimage

    return ndimage.gaussian_filter(np.ones(shape), SIGMA, mode="constant") + np.finfo(np.float64).eps


@numba.njit(cache=True, nogil=True)
def edge_widths_of(picture: np.ndarray, strength: np.ndarray, least: float, slope: float, longest: int) -> np.ndarray:
    """Widths of the edges of `picture` (H, W) float64, see metrics/extractors/sharpness.py; (H, W) int64, 0 where there is none.

    An edge is a strict maximum, along the row or the column, of `strength` (H, W) where that is above `least`, at which the
    gradient along the column is at most `slope` times the one along the row. `longest` is how far it is followed on each side.
    """
    height, width = picture.shape
    out = np.zeros((height, width), np.int64)
    for r in range(1, height - 1):
        row = picture[r]
        for c in range(1, width - 1):
            here = strength[r, c]
            if here <= least:
                continue
            beside = max(_above(strength[r, c - 1], least), _above(strength[r, c + 1], least))
            over = max(_above(strength[r - 1, c], least), _above(strength[r + 1, c], least))
            if here <= beside and here <= over:
                continue
            right, down = (row[c + 1] - row[c - 1]) / 2, (picture[r + 1, c] - picture[r - 1, c]) / 2
            if right != 0 and abs(down) > slope * abs(right):
                continue
            sign = -1.0 if right < 0 else 1.0
            left = onward = 0
            while left < longest and c - 2 - left >= 0 and sign * (row[c - 1 - left] - row[c - 2 - left]) > 0:
                left += 1
            while (
                onward < longest and c + 2 + onward < width and sign * (row[c + 2 + onward] - row[c + 1 + onward]) > 0
            ):
                onward += 1
            out[r, c] = left + onward + 2
    return out


@numba.njit(cache=True, nogil=True)
def _above(strength: float, least: float) -> float:
    return strength if strength > least else 0.0


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
