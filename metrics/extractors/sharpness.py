"""CPBD of single frames: cumulative probability of blur detection (Narvekar & Karam, IEEE TIP 20(9), 2011)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Video
from metrics.extractors.sampling import spread_frames

FRAMES_PER_CLIP = 25
"""Sharpness changes slowly: more frames cost 9 ms each and leave the clip's mean where it is (docs/metrics-image.md)."""

# Constants of the paper: 64 px blocks, an edge block has more than 0.2 % edge pixels, the width at which blur is just
# noticed is 5 px where a block's contrast is at most 50 gray levels and 3 px above, beta = 3.6, and an edge counts as sharp
# if blur is seen there with a probability of at most 63 %, that is, if it is not wider than the just noticeable width.
BLOCK = 64
EDGE_SHARE = 0.002
LOW_CONTRAST = 50
JUST_NOTICEABLE_WIDTHS = (5, 3)
LONGEST_SIDE = 100
"""Steps after which an edge is not followed further to one side (the authors' program)."""
LUMA = (19595, 38470, 7471)
"""BT.601 weights times 65536, rounded as 8-bit gray pictures are made by Pillow (mode L)."""


def gray_8bit(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB -> (H, W) uint8, equal to Pillow's convert("L")."""
    red, green, blue = (frame[..., c].astype(np.uint32) * weight for c, weight in enumerate(LUMA))
    return ((red + green + blue + 0x8000) >> 16).astype(np.uint8)


def cpbd(gray: np.ndarray) -> float:
    """Share of edge pixels at which blur is not noticed, 0..1, of (H, W) uint8; NaN for a picture without edges.

    Equal to the package cpbd 1.0.7 (a port of the authors' MATLAB program), with its choices: vertical edges from a Sobel
    operator thinned after Octave's, edge blocks from Canny's operator; parts of blocks at the right and bottom are left out.
    """
    from metrics.extractors.edge_map import canny_edges

    height, width = (side // BLOCK for side in gray.shape)
    if height == 0 or width == 0:
        raise ValueError(f"CPBD needs a picture of at least {BLOCK} x {BLOCK} px, got {gray.shape}")
    picture = gray.astype(np.float64)
    widths = _blocks(edge_widths(picture))  # (blocks, pixels)
    levels = _blocks(gray)
    contrast = levels.max(1).astype(int) - levels.min(1)
    noticeable = np.where(contrast <= LOW_CONTRAST, *JUST_NOTICEABLE_WIDTHS)
    edge_block = _blocks(canny_edges(picture)).sum(1) > EDGE_SHARE * BLOCK * BLOCK
    edges = (widths > 0) & edge_block[:, None]
    if not edges.any():
        return float("nan")
    return float((edges & (widths <= noticeable[:, None])).sum() / edges.sum())


def _blocks(plane: np.ndarray) -> np.ndarray:
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    whole = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return whole.transpose(0, 2, 1, 3).reshape(rows * columns, -1)


def edge_widths(picture: np.ndarray) -> np.ndarray:
    """(H, W) float64 -> (H, W) int64 px: along the row from the last rising to the last falling step, 0 where there is no edge.

    Marziliano, Dufaux, Winkler & Ebrahimi, ICIP 2002: an edge extends on both sides as far as the gray value goes on in
    its direction. Only edges whose gradient is within 22.5 degrees of the row are measured.
    """
    from scipy import ndimage

    from metrics.extractors.edge_map import edge_widths_of

    down, right = np.gradient(picture)
    if not ((right < 0) | ((right != 0) & (down != 0))).any():
        return np.zeros(picture.shape, np.int64)
    # thin edges of a horizontal Sobel operator, the squared strength against twice the root of its mean: as in Octave's
    # edge(), and so in the reference. The authors' program has no angle where the gradient is exactly vertical, and measures
    # these as if they rose
    strength = ndimage.convolve(picture, np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 8) ** 2
    return edge_widths_of(picture, strength, 2 * np.sqrt(strength.mean()), np.tan(np.pi / 8), LONGEST_SIDE)


class Sharpness:
    """cpbd (n,) float64 of the n <= 25 frames at the times (k + 0.5) / 25 of the clip, NaN where a frame has no edges; frame (n,)."""

    name: ClassVar[str] = "sharpness"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.device = device  # numpy on the CPU, whatever it says

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """Raises Unscorable where there are no frames."""
        if video.frames is None or len(video.frames) == 0:
            raise Unscorable(Reason.TOO_FEW_FRAMES, "expected at least one frame, got none")
        chosen = spread_frames(len(video.frames), FRAMES_PER_CLIP)
        return {"cpbd": np.array([cpbd(gray_8bit(frame)) for frame in video.frames[chosen]]), "frame": chosen}
