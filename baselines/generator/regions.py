"""Eyes and mouth of a picture by its landmarks: where errors count more, and crops to look at closely."""

from __future__ import annotations

import torch

from baselines.generator.grids import grid, heatmaps, sample
from baselines.generator.landmark_ties import CLOSE

EYE_WIDTH, MOUTH_WIDTH = 0.34, 0.5
"""Width of the crops in half widths of the picture: a face fills about half of it."""
EYE_SPREAD, MOUTH_SPREAD = 0.13, 0.17
CROP = 64
"""Pixels of a crop: what a mouth has in the picture of 256 px, and one and a half times what an eye has."""

WIDTHS = (EYE_WIDTH, EYE_WIDTH, MOUTH_WIDTH)


def middles_of(points: torch.Tensor) -> torch.Tensor:
    """(B, 3, 2) the middles of the left eye, the right eye and the mouth of key points (B, K, 2 or 3)."""
    return torch.stack([points[:, list(group), :2].mean(1) for group in CLOSE], 1)


def weights(middles: torch.Tensor, size: int, extra: float) -> torch.Tensor:
    """(B, 1, size, size): 1, and up to 1 + extra at eyes and mouth; `middles` (B, 3, 2) left eye, right eye, mouth."""
    eyes = heatmaps(middles[:, :2], size, EYE_SPREAD).amax(1, keepdim=True)
    mouth = heatmaps(middles[:, 2:], size, MOUTH_SPREAD)
    return 1 + extra * torch.maximum(eyes, mouth)


def crops(pictures: torch.Tensor, middles: torch.Tensor) -> torch.Tensor:
    """(3 B, 3, CROP, CROP): both eyes and the mouth of each picture, in the order of `middles`."""
    widths = pictures.new_tensor(WIDTHS, dtype=torch.float32)
    here = grid(CROP, middles)[None, None] * (widths / 2)[:, None, None, None]
    places = here + middles[:, :, None, None]  # (B, 3, CROP, CROP, 2)
    return sample(pictures.repeat_interleave(3, 0), places.flatten(0, 1))


def pasted(picture: torch.Tensor, painted: torch.Tensor, middles: torch.Tensor) -> torch.Tensor:
    """`picture` (B, 3, S, S) with crops (B, 3, 4, CROP, CROP) of colours and opacity laid over it where `crops` took them."""
    size = picture.shape[-1]
    pixels = (torch.arange(size, device=picture.device, dtype=middles.dtype) + 0.5) * (2 / size) - 1
    cells = (torch.arange(CROP, device=picture.device, dtype=middles.dtype) + 0.5) * (2 / CROP) - 1
    for number, width in enumerate(WIDTHS):
        # bilinear reading along one axis is a product with a narrow band of weights, and a crop has no turn
        u = (pixels - middles[:, number, :, None]) / (width / 2)  # (B, 2, S)
        band = torch.relu(1 - (u[..., None] - cells).abs() * (CROP / 2))  # (B, 2, S, CROP)
        there = band[:, 1, None] @ painted[:, number] @ band[:, 0, None].mT
        picture = picture * (1 - there[:, 3:]) + there[:, :3] * there[:, 3:]
    return picture
