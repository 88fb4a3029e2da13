"""F of LivePortrait: the source picture as a volume of features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from baselines.liveportrait.layers import ConvNorm, ResidualBlock3d


class AppearanceExtractor(nn.Module):
    """Pictures (B, 3, S, S), 0..1 -> features (B, channels, depth, S / 4, S / 4). Defaults: the published network, S = 256."""

    def __init__(self, width: int = 64, channels: int = 32, depth: int = 16, residual_blocks: int = 6):
        super().__init__()
        self.depth = depth
        self.first = ConvNorm(3, width)
        self.down_blocks = nn.ModuleList([ConvNorm(width, 2 * width), ConvNorm(2 * width, 4 * width)])
        self.second = nn.Conv2d(4 * width, channels * depth, 1)
        self.resblocks_3d = nn.Sequential()
        for i in range(residual_blocks):
            self.resblocks_3d.add_module(f"3dr{i}", ResidualBlock3d(channels))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        x = self.first(pictures)
        for block in self.down_blocks:
            x = F.avg_pool2d(block(x), 2)
        return self.resblocks_3d(self.second(x).unflatten(1, (-1, self.depth)))
