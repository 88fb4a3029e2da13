"""Dense motion: where each place of the picture to be made lies in the source, and whether it is to be seen there at all."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from baselines.generator.grids import grid, heatmaps, resized, sample
from baselines.generator.keypoints import Face
from baselines.generator.layers import block, larger

SPREAD = 0.1
"""Standard deviation of a key point's heat on the motion grid, in half widths of the picture."""


class Motion(NamedTuple):
    """`places` (B, g, g, 2): where to read the source; `seen` (B, 3, g, g) in 0..1: how far that may be trusted, at the
    three scales of the source's features; `features` (B, C, g, g)."""

    places: torch.Tensor
    seen: torch.Tensor
    features: torch.Tensor


class MotionNetwork(nn.Module):
    """Small source pictures and two sets of key points -> Motion on a grid of g = size / 4."""

    def __init__(self, points: int, channels: int = 64):
        super().__init__()
        c, maps = channels, points + 1
        self.into = nn.Sequential(block(4 * maps, c, kernel=1), block(c, c))
        self.down16, self.down8 = block(c, 2 * c, stride=2), block(2 * c, 3 * c, stride=2)
        self.bottom = block(3 * c, 3 * c)
        self.told = nn.Sequential(nn.Linear(6 * points, 2 * c), nn.SiLU(), nn.Linear(2 * c, 6 * c))
        self.up16, self.up32 = block(5 * c, 2 * c), block(3 * c, self.features(c))
        self.mask = nn.Conv2d(self.features(c), maps, 3, 1, 1)
        self.rest = nn.Conv2d(self.features(c), 2 + 3, 3, 1, 1)
        nn.init.zeros_(self.rest.weight)
        nn.init.zeros_(self.rest.bias)

    @staticmethod
    def features(channels: int) -> int:
        """How many channels `Motion.features` has."""
        return channels * 3 // 2

    def forward(self, source: torch.Tensor, face: Face, driving: Face) -> Motion:
        """`source` (B, 3, g, g) in 0..1; `face` the source's key points, `driving` those to move it to."""
        size = source.shape[-1]
        with torch.autocast(source.device.type, enabled=False):
            ways = _ways(face, driving, size)  # (B, K + 1, g, g, 2)
            heat = heatmaps(driving.posed, size, SPREAD) - heatmaps(face.posed, size, SPREAD)
            heat = torch.cat([torch.zeros_like(heat[:, :1]), heat], 1)
            told = torch.cat([face.posed, driving.posed - face.posed], -1).flatten(1)
        count = ways.shape[1]
        moved = sample(source.repeat_interleave(count, 0), ways.flatten(0, 1)).unflatten(0, (-1, count))
        x = self.into(torch.cat([heat[:, :, None].to(moved.dtype), moved], 2).flatten(1, 2))
        first = self.down16(x)
        low = self.bottom(self.down8(first))
        gain, bias = self.told(told)[..., None, None].chunk(2, 1)
        low = low * (1 + gain) + bias
        second = self.up16(torch.cat([larger(low), first], 1))
        features = self.up32(torch.cat([larger(second), x], 1))
        with torch.autocast(source.device.type, enabled=False):
            mask = self.mask(features.float()).softmax(1)
            rest = self.rest(features.float())
            places = torch.einsum("bkhw,bkhwc->bhwc", mask, ways)
            places = places + 0.1 * torch.tanh(rest[:, :2]).permute(0, 2, 3, 1)
        return Motion(places, torch.sigmoid(rest[:, 2:] + 2), features)


def _ways(face: Face, driving: Face, size: int) -> torch.Tensor:
    """(B, K + 1, g, g, 2): where every place came from if it moved with each key point; first, if it did not move."""
    here = grid(size, face.posed)
    turned = (face.rotation @ driving.rotation.transpose(-1, -2))[:, None, :2, :2] * (face.scale / driving.scale)[
        :, None
    ]
    from_point = here[None, None] - driving.posed[:, :, None, None, :2]
    ways = torch.einsum("bkij,bkhwj->bkhwi", turned.expand(-1, from_point.shape[1], -1, -1), from_point)
    ways = ways + face.posed[:, :, None, None, :2]
    still = here[None, None].expand(len(ways), 1, -1, -1, -1)
    return torch.cat([still, ways], 1)


def small(source: torch.Tensor) -> torch.Tensor:
    """The source as the motion network sees it: a quarter of its size."""
    return resized(source, source.shape[-1] // 4)
