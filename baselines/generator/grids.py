"""Coordinates of pictures as the generator counts them: x and y in -1..1 from edge to edge, y downwards."""

from __future__ import annotations

from typing import Any


def grid(size: int, like: Any) -> Any:
    """(size, size, 2) x and y of the pixel centres, on the device and in the type of `like`."""
    import torch

    line = (torch.arange(size, device=like.device, dtype=like.dtype) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1)


def heatmaps(points: Any, size: int, spread: float) -> Any:
    """(B, K, size, size) Gaussians of standard deviation `spread` at points (B, K, 2 or 3), 1 at their middle."""
    import torch

    line = (torch.arange(size, device=points.device, dtype=points.dtype) + 0.5) * (2 / size) - 1
    # a Gaussian is a product of two: K * 2 * size exponentials in place of K * size * size
    x, y = (torch.exp(-((line - points[..., i, None]) ** 2) / (2 * spread**2)) for i in (0, 1))
    return y[..., :, None] * x[..., None, :]


def sample(pictures: Any, places: Any) -> Any:
    """Pictures (B, C, H, W) read bilinearly at places (B, h, w, 2); what lies outside takes the edge.

    Always in float32: in fewer bits a place would be a fifth of a pixel off.
    """
    import torch
    import torch.nn.functional as F

    with torch.autocast(pictures.device.type, enabled=False):
        read = F.grid_sample(pictures.float(), places.float(), "bilinear", "border", align_corners=False)
    return read.to(pictures.dtype)


def resized(pictures: Any, size: int) -> Any:
    """Pictures (B, C, H, W) at size x size, bilinear, each pixel the mean of what it covers when they shrink."""
    import torch.nn.functional as F

    if pictures.shape[-1] == size:
        return pictures
    if pictures.shape[-1] % size == 0:
        return F.avg_pool2d(pictures, pictures.shape[-1] // size)
    return F.interpolate(pictures, size=(size, size), mode="bilinear", align_corners=False)
