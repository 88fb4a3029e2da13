"""What image metrics look at: checked pairs of uint8 RGB frames, as three channels or as one BT.601 gray plane."""

from __future__ import annotations

import numpy as np

COLORS = ("rgb", "gray-bt601")
BT601 = (0.299, 0.587, 0.114)
"""Weights of R, G, B in the gray plane (ITU-R BT.601 luma on full-range RGB)."""
COLOR_WORDS = {
    "rgb": "RGB channels",
    "gray-bt601": f"gray = {BT601[0]} R + {BT601[1]} G + {BT601[2]} B (BT.601, not rounded)",
}


def check_pair(reference: np.ndarray, generated: np.ndarray) -> None:
    """Raise ValueError unless both are (B, H, W, 3) uint8 of one shape.

    Floats are refused because their range is unknown: the same picture in 0..1 would be given another value.
    """
    for side, frames in (("reference", reference), ("generated", generated)):
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ValueError(f"{side} frames: expected (B, H, W, 3) uint8 RGB, got {frames.shape} {frames.dtype}")
    if reference.shape != generated.shape:
        raise ValueError(
            f"frames are compared pixel by pixel: reference {reference.shape} and generated {generated.shape} differ; "
            "bring both to one crop and one length first"
        )


def gray_bt601(frames: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 RGB -> (...,) float64 in 0..255, not rounded."""
    red, green, blue = (frames[..., c].astype(np.float64) for c in range(3))
    return BT601[0] * red + BT601[1] * green + BT601[2] * blue
