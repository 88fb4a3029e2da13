"""W of LivePortrait: one field of places out of the motion of key points, and the source's features moved by it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from baselines.liveportrait.layers import ConvNorm, places

SPREAD = 0.01
"""Variance of the blob around a key point, in units of half the picture's width."""


class WarpingModule(nn.Module):
    """Features (B, channels, depth, H, W), key points of driving and source faces (B, K, 3) -> (B, 4 * width, H, W).

    H and W are multiples of 2 ** levels. Defaults: the published network, H = W = 64.
    """

    def __init__(
        self, width: int = 64, channels: int = 32, depth: int = 16, points: int = 21, motion: int = 32, levels: int = 5
    ):
        super().__init__()
        self.dense_motion_network = DenseMotion(channels, depth, points, motion, levels)
        self.third = ConvNorm(channels * depth, 4 * width, slope=0.01)
        self.fourth = nn.Conv2d(4 * width, 4 * width, 1)

    def forward(self, features: torch.Tensor, driving: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        field, seen = self.dense_motion_network(features, driving, source)
        moved = F.grid_sample(features, field, align_corners=False)
        return self.fourth(self.third(moved.flatten(1, 2))) * seen


class DenseMotion(nn.Module):
    """Weighs the motions of all key points, and of none, at every place.

    Gives the field (B, depth, H, W, 3), places in the source, and how far the source shows what is there (B, 1, H, W), 0..1.
    """

    COMPRESSED = 4
    WIDEST = 1024

    def __init__(self, channels: int, depth: int, points: int, width: int, levels: int):
        super().__init__()
        self.compress = nn.Conv3d(channels, self.COMPRESSED, 1)
        self.norm = nn.BatchNorm3d(self.COMPRESSED)
        given = (points + 1) * (self.COMPRESSED + 1)
        self.hourglass = Hourglass(given, [min(self.WIDEST, width << level) for level in range(levels + 1)])
        self.mask = nn.Conv3d(width + given, points + 1, 7, padding=3)
        self.occlusion = nn.Conv2d((width + given) * depth, 1, 7, padding=3)

    def forward(
        self, features: torch.Tensor, driving: torch.Tensor, source: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        x = F.relu(self.norm(self.compress(features)))  # (B, 4, D, H, W)
        batch, _, *size = x.shape
        at = places(*size, like=x)  # (D, H, W, 3)
        moves = F.pad(source - driving, (0, 0, 1, 0))  # (B, 1 + K, 3): what stands still comes first
        motions = at + moves[:, :, None, None, None]  # (B, 1 + K, D, H, W, 3)
        moved = F.grid_sample(x.repeat_interleave(motions.shape[1], 0), motions.flatten(0, 1), align_corners=False)
        moved = moved.unflatten(0, (batch, -1))  # (B, 1 + K, 4, D, H, W)
        change = F.pad(_blobs(driving, at) - _blobs(source, at), (0, 0, 0, 0, 0, 0, 1, 0))
        seen = self.hourglass(torch.cat([change[:, :, None], moved], dim=2).flatten(1, 2))
        weights = self.mask(seen).softmax(1)  # (B, 1 + K, D, H, W)
        field = torch.einsum("bkdhw,bkdhwc->bdhwc", weights, motions)
        return field, self.occlusion(seen.flatten(1, 2)).sigmoid()


def _blobs(points: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """(B, K, D, H, W): 1 at each key point, falling off around it."""
    return torch.exp(-0.5 / SPREAD * (at - points[:, :, None, None, None]).square().sum(-1))


class Hourglass(nn.Module):
    """Halves height and width level by level and doubles them again, what was on the way down laid beside."""

    def __init__(self, given: int, widths: list[int]):
        super().__init__()
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.down_blocks = nn.ModuleList(
            ConvNorm(before, after, dims=3) for before, after in zip([given, *widths[1:]], widths[1:], strict=False)
        )
        deep = range(len(widths) - 1, 0, -1)
        self.decoder.up_blocks = nn.ModuleList(
            ConvNorm(widths[i] * (1 if i == deep[0] else 2), widths[i - 1], dims=3) for i in deep
        )
        out = widths[0] + given
        self.decoder.conv = nn.Conv3d(out, out, 3, padding=1)
        self.decoder.norm = nn.BatchNorm3d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for block in self.encoder.down_blocks:
            kept.append(x)
            x = F.avg_pool3d(block(x), (1, 2, 2))
        for block in self.decoder.up_blocks:
            x = torch.cat([block(F.interpolate(x, scale_factor=(1, 2, 2))), kept.pop()], dim=1)
        return F.relu(self.decoder.norm(self.decoder.conv(x)))
