"""Convolution blocks that the generator's networks share."""

from __future__ import annotations

import torch
from torch import nn


def block(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, group normalisation (no statistics of a batch: a frame never depends on its neighbours), activation."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.GroupNorm(_groups(outputs), outputs), nn.SiLU(inplace=True))


class Residual(nn.Module):
    """Two convolutions beside a straight way."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            block(channels, channels),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.GroupNorm(_groups(channels), channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.silu(x + self.body(x))


def larger(x: torch.Tensor, times: int = 2) -> torch.Tensor:
    """So many times the height and width."""
    return nn.functional.interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)


def _groups(channels: int) -> int:
    return next(g for g in (8, 4, 2, 1) if channels % g == 0)
