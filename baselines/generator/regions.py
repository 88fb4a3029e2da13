"""Eyes and mouth of a picture by its landmarks: where errors count more, and crops to look at closely."""

from __future__ import annotations

import torch

from baselines.generator.grids import grid, heatmaps, sample

EYE_WIDTH, MOUTH_WIDTH = 0.34, 0.5
"""Width of the crops in half widths of the picture: a face fills about half of it."""
EYE_SPREAD, MOUTH_SPREAD = 0.13, 0.17
CROP = 64
"""Pixels of a crop: what a mouth has in the picture of 256 px, and one and a half times what an eye has."""


def weights(middles: torch.Tensor, size: int, extra: float) -> torch.Tensor:
    """(B, 1, size, size): 1, and up to 1 + extra at eyes and mouth; `middles` (B, 3, 2) left eye, right eye, mouth."""
    eyes = heatmaps(middles[:, :2], size, EYE_SPREAD).amax(1, keepdim=True)
    mouth = heatmaps(middles[:, 2:], size, MOUTH_SPREAD)
    return 1 + extra * torch.maximum(eyes, mouth)


def crops(pictures: torch.Tensor, middles: torch.Tensor) -> torch.Tensor:
    """(3 B, 3, CROP, CROP): both eyes and the mouth of each picture, in the order of `middles`."""
    widths = pictures.new_tensor([EYE_WIDTH, EYE_WIDTH, MOUTH_WIDTH], dtype=torch.float32)
    here = grid(CROP, middles)[None, None] * (widths / 2)[:, None, None, None]
    places = here + middles[:, :, None, None]  # (B, 3, CROP, CROP, 2)
    return sample(pictures.repeat_interleave(3, 0), places.flatten(0, 1))
