"""Rotated square crops of a frame, sampled as the face networks were made for."""

from __future__ import annotations

import math

import numba
import numpy as np

FIXED = 32  # fraction bits of the sampling position
GRID = 5  # of which these decide the interpolation weights: 1/32 px


def crop_into(
    frame: np.ndarray, roi: np.ndarray, out: np.ndarray, *, scale: float, offset: float, replicate: bool
) -> None:
    """Fill `out` (S, S, 3) float32 with the rectangle `roi` of `frame` (H, W, 3) uint8, as value * scale + offset.

    `roi` is [centre x, centre y, width, height, angle] in px and radians, clockwise as seen. Outside the frame its edge
    is repeated, or black is taken. Bilinear on a grid of 1/32 px with integer weights, rounded to whole gray levels, as
    in MediaPipe's OpenCV. OpenCV's releases differ in this step, so it is done here: the same numbers everywhere.
    """
    x, y, w, h, angle = (float(v) for v in roi)
    if not replicate:  # an edge of black, repeated
        frame, x, y = np.pad(frame, ((1, 1), (1, 1), (0, 0))), x + 1, y + 1
    size = len(out)
    cos, sin = math.cos(angle), math.sin(angle)
    right, down = (cos * w / size, sin * w / size), (-sin * h / size, cos * h / size)  # one step in the crop
    start = (x - (right[0] + down[0]) * size / 2, y - (right[1] + down[1]) * size / 2)
    half = 0.5 / (1 << GRID)
    fixed = [round((start[0] + half) * (1 << FIXED)), round((start[1] + half) * (1 << FIXED))]
    fixed += [round(step * (1 << FIXED)) for step in (*right, *down)]
    _sample(np.ascontiguousarray(frame), out, *fixed, np.float32(scale), np.float32(offset))


@numba.njit(cache=True, nogil=True)
def _sample(frame, out, x0, y0, right_x, right_y, down_x, down_y, scale, offset):
    # Three plain loops per row: the first and the last become vector code, only the middle one gathers.
    height, width, size = np.int32(frame.shape[0]), np.int32(frame.shape[1]), out.shape[0]
    pixels, stride, one = frame.ravel(), np.int32(frame.shape[1] * 3), np.int32(1)
    at = np.empty((4, size), np.int32)
    weight_x, weight_y = np.empty(size, np.int32), np.empty(size, np.int32)
    gathered = np.empty(size * 3, np.int32)
    for i in range(size):
        for j in range(size):
            u = np.int32((x0 + down_x * i + right_x * j) >> (FIXED - GRID))
            v = np.int32((y0 + down_y * i + right_y * j) >> (FIXED - GRID))
            weight_x[j], weight_y[j] = u & np.int32(31), v & np.int32(31)
            left, top = u >> np.int32(GRID), v >> np.int32(GRID)
            xa = min(max(left, np.int32(0)), width - one) * np.int32(3)
            xb = min(max(left + one, np.int32(0)), width - one) * np.int32(3)
            ya = min(max(top, np.int32(0)), height - one) * stride
            yb = min(max(top + one, np.int32(0)), height - one) * stride
            at[0, j], at[1, j], at[2, j], at[3, j] = ya + xa, ya + xb, yb + xa, yb + xb
        for j in range(size):
            # unsigned, so that no index is checked for counting from the end
            p, q, r, s = np.uint64(at[0, j]), np.uint64(at[1, j]), np.uint64(at[2, j]), np.uint64(at[3, j])
            fx, fy = weight_x[j], weight_y[j]
            gx, gy = np.int32(32) - fx, np.int32(32) - fy
            for c in range(3):
                k = np.uint64(c)
                above = gx * np.int32(pixels[p + k]) + fx * np.int32(pixels[q + k])
                below = gx * np.int32(pixels[r + k]) + fx * np.int32(pixels[s + k])
                gathered[np.uint64(j * 3) + k] = gy * above + fy * below
        row = out[i].ravel()
        for j in range(size * 3):
            row[j] = np.float32((gathered[j] + np.int32(512)) >> np.int32(10)) * scale + offset
