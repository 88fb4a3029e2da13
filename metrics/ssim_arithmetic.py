"""What SSIM does to each pixel, compiled: one walk over memory in place of one for every operation, with the same roundings."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def products(
    one: np.ndarray, other: np.ndarray, x: np.ndarray, y: np.ndarray, product: np.ndarray, squares: np.ndarray
) -> None:
    """Of two pictures (N,) the float64 values, their product and the sum of their squares, into (N,) float64."""
    for i in range(len(x)):
        a, b = np.float64(one[i]), np.float64(other[i])
        x[i], y[i], product[i], squares[i] = a, b, a * b, a * a + b * b


@numba.njit(cache=True, nogil=True, error_model="numpy")
def ratios(
    mean_x: np.ndarray,
    mean_y: np.ndarray,
    squares: np.ndarray,
    covariance: np.ndarray,
    correction: float,
    c1: float,
    c2: float,
    out: np.ndarray,
) -> None:
    """SSIM of each pixel from local means (H, W): of both pictures, of the sum of squares, of the product (`covariance`)."""
    for r in range(out.shape[0]):
        for i in range(out.shape[1]):
            a, b = mean_x[r, i], mean_y[r, i]
            both, means = a * b, a * a + b * b
            shared, spread = covariance[r, i] - both, squares[r, i] - means
            if correction != 1:
                shared *= correction
                spread *= correction
            out[r, i] = ((both * 2 + c1) * (shared * 2 + c2)) / ((means + c1) * (spread + c2))
