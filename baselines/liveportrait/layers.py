"""Layers that more than one of the four networks has; names of entries are those of the published files."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class ConvNorm(nn.Module):
    """Convolution three wide in `dims` dimensions, batch normalisation, leaky rectifier of that slope (0: none of it leaks)."""

    def __init__(self, c_in: int, c_out: int, dims: int = 2, slope: float = 0.0):
        super().__init__()
        self.conv = (nn.Conv2d, nn.Conv3d)[dims - 2](c_in, c_out, 3, padding=1)
        self.norm = (nn.BatchNorm2d, nn.BatchNorm3d)[dims - 2](c_out)
        self.slope = slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.norm(self.conv(x)), self.slope)


class ResidualBlock3d(nn.Module):
    """Twice normalisation, rectifier and convolution, added to what came in."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm3d(channels), nn.BatchNorm3d(channels)
        self.conv1, self.conv2 = (nn.Conv3d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))


def places(depth: int, height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """(depth, height, width, 3): x to the right, y down, z inward of every cell, -1..1 from the first centre to the last."""
    axes = [torch.linspace(-1, 1, n, dtype=like.dtype, device=like.device) for n in (depth, height, width)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1)
