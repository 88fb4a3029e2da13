"""Structural similarity (Wang, Bovik, Sheikh & Simoncelli, IEEE TIP 13(4), 2004)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.contract.metric import Direction, Family
from metrics.options import choose
from metrics.planes import COLOR_WORDS, COLORS, check_pair, gray_bt601

SIGMA = 1.5
DATA_RANGE = 255.0
C1 = (0.01 * DATA_RANGE) ** 2
C2 = (0.03 * DATA_RANGE) ** 2


def gaussian_window() -> np.ndarray:
    """The (11,) float64 separable factor of the 11x11 Gaussian window, sigma 1.5, sum 1."""
    offset = np.arange(11) - 5
    weights = np.exp(-(offset**2) / (2 * SIGMA**2))
    return weights / weights.sum()


def uniform_window() -> np.ndarray:
    """The (7,) float64 separable factor of the 7x7 window of equal weights, sum 1."""
    return np.full(7, 1 / 7)


@dataclass(frozen=True)
class Window:
    """How local statistics are taken: the separable factor, what variances and covariance are multiplied by, in words."""

    factor: Callable[[], np.ndarray]
    correction: float
    words: str


WINDOWS = {
    "gaussian": Window(gaussian_window, 1.0, f"11x11 Gaussian window, sigma {SIGMA}, no covariance correction"),
    "uniform-7": Window(uniform_window, 49 / 48, "7x7 window of equal weights, sample covariance (n / (n - 1))"),
}
"""gaussian: the paper's. uniform-7: scikit-image's default, and so what EAT's evaluation script and many others compute."""


def ssim(reference: np.ndarray, generated: np.ndarray, window: str = "gaussian") -> np.ndarray:
    """Mean SSIM of each pair of pictures over all channels and all positions where the window lies inside the picture.

    (B, H, W) or (B, H, W, C), values 0..255, at least as large as the window -> (B,) float64. Equal to
    skimage.metrics.structural_similarity(data_range=255, channel_axis=-1), under "gaussian" with gaussian_weights=True,
    sigma=1.5, use_sample_covariance=False, under "uniform-7" with its defaults. ValueError if pictures are smaller or
    shapes differ.
    """
    kernel = WINDOWS[window].factor()
    size = len(kernel)
    if reference.shape != generated.shape or min(reference.shape[1:3]) < size:
        raise ValueError(
            f"SSIM needs pictures of one shape, at least {size}x{size}; got {reference.shape} and {generated.shape}"
        )
    # buffers live for the whole batch: fresh arrays of this size cost more in page faults than the arithmetic
    buffers = [np.empty(reference.shape[1:], np.float64) for _ in range(7)]
    pairs = zip(reference, generated, strict=True)
    correction = WINDOWS[window].correction
    return np.array([_ssim_of_pair(x, y, kernel, correction, buffers) for x, y in pairs], np.float64)


def _ssim_of_pair(
    reference: np.ndarray, generated: np.ndarray, kernel: np.ndarray, correction: float, buffers: list[np.ndarray]
) -> float:
    import cv2

    from metrics.ssim_arithmetic import products, ratios

    x, y, product, mean_x, mean_y, squares, covariance = buffers

    def local_mean(plane: np.ndarray, into: np.ndarray) -> None:
        cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel, dst=into)

    # only the sum of the two variances enters the formula, so one filtering serves both
    flat = (plane.reshape(-1) for plane in (reference, generated, x, y, product, squares))
    products(*flat)
    local_mean(x, mean_x)
    local_mean(y, mean_y)
    local_mean(product, covariance)
    local_mean(squares, x)
    rows = [plane.reshape(len(plane), -1) for plane in (mean_x, mean_y, x, covariance)]
    ratios(*rows, correction, C1, C2, product.reshape(len(product), -1))
    inside = slice(len(kernel) // 2, -(len(kernel) // 2))
    return float(product[inside, inside].mean())


class SSIM:
    """SSIM per frame, the clip's value is the mean over frames; 1 for equal pictures, at most 1, may be negative.

    color: "rgb" is the mean over the three channels, "gray-bt601" one gray plane; window: "gaussian", 11x11, sigma 1.5 (the
    paper's), or "uniform-7" (scikit-image's default, EAT's): another number on the same pictures.
    """

    name: ClassVar[str] = "SSIM"
    family: ClassVar[Family] = Family.IMAGE
    direction: ClassVar[Direction] = Direction.HIGHER
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ("ssim.color", "ssim.window")

    def __init__(self, color: str = "rgb", window: str = "gaussian"):
        self.color = choose("ssim.color", color, COLORS)
        self.window = choose("ssim.window", window, WINDOWS)
        self.definition = (
            f"structural similarity (Wang et al. 2004), {WINDOWS[self.window].words}, data range 255, on "
            f"{COLOR_WORDS[self.color]}; mean over frames"
        )

    def frames(self, reference: np.ndarray, generated: np.ndarray) -> np.ndarray:
        """(B, H, W, 3) uint8 RGB twice -> (B,) float64; ValueError on other shapes or types."""
        check_pair(reference, generated)
        if self.color == "gray-bt601":
            reference, generated = gray_bt601(reference), gray_bt601(generated)
        return ssim(reference, generated, self.window)
