"""Peak signal-to-noise ratio of 8-bit frames."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.metric import Direction, Family
from metrics.options import choose
from metrics.planes import COLOR_WORDS, COLORS, check_pair, gray_bt601

PEAK = 255.0
LEAST_SQUARED_ERROR = 1.0
"""Summed squared error that stands for "identical": one sample, one level apart.

Identical frames have no finite PSNR, and neither JSON nor a mean over frames can hold an infinity. Counting the summed
squared error of a frame as at least one squared level gives them the value of the smallest difference that 8-bit
samples can have (101.07 dB at 256x256x3). No two frames that differ are altered, so the order is kept. It is the rule
of libvmaf's `min_sse` option (with min_sse = 1, without its rounding up); libvmaf's default, a cap at 60 dB, would
change values of frames that do differ.
"""


def squared_error(reference: np.ndarray, generated: np.ndarray) -> float:
    """Summed squared difference of two uint8 pictures of one shape, exact (the difference is not taken in 8 bits)."""
    import cv2

    # the sum is taken in integers, but comes back through a square root
    return float(round(cv2.norm(np.ascontiguousarray(reference), np.ascontiguousarray(generated), cv2.NORM_L2SQR)))


def psnr(error: float, samples: int) -> float:
    """PSNR in dB from the summed squared error over `samples` samples: 10 log10(255^2 samples / error)."""
    return float(10.0 * np.log10(PEAK * PEAK * samples / max(error, LEAST_SQUARED_ERROR)))


class PSNR:
    """PSNR per frame in dB, the clip's value is the mean over frames (not the PSNR of the mean error).

    color: "rgb" averages the squared error over the three channels, "gray-bt601" takes one gray plane.
    """

    name: ClassVar[str] = "PSNR"
    family: ClassVar[Family] = Family.IMAGE
    direction: ClassVar[Direction] = Direction.HIGHER
    unit: ClassVar[str] = "dB"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ("psnr.color",)

    def __init__(self, color: str = "rgb"):
        self.color = choose("psnr.color", color, COLORS)
        self.definition = (
            f"peak signal-to-noise ratio, peak 255, mean squared error over {COLOR_WORDS[color]}; mean over frames of "
            "the frame's PSNR; a frame's summed squared error counts as at least 1 (identical 256x256 RGB frames: "
            "101.07 dB)"
        )

    def frames(self, reference: np.ndarray, generated: np.ndarray) -> np.ndarray:
        """(B, H, W, 3) uint8 RGB twice -> (B,) float64 dB; ValueError on other shapes or types."""
        check_pair(reference, generated)
        if self.color == "rgb":
            samples = reference[0].size if len(reference) else 1
            errors = [squared_error(x, y) for x, y in zip(reference, generated, strict=True)]
        else:
            samples = reference[0, ..., 0].size if len(reference) else 1
            errors = ((gray_bt601(reference) - gray_bt601(generated)) ** 2).sum(axis=(1, 2)).tolist()
        return np.array([psnr(error, samples) for error in errors], np.float64)
