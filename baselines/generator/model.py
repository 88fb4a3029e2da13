"""The generator: a source picture and key points -> the source's person with the face that the key points have."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from baselines.generator.closeups import ClosePainter
from baselines.generator.grids import heatmaps, resized, sample
from baselines.generator.keypoints import Face, KeyPointNetwork
from baselines.generator.landmark_ties import FINE
from baselines.generator.layers import Residual, block, larger
from baselines.generator.motion import MotionNetwork, small

FINE_SPREAD = 0.03
"""Standard deviation of a fine key point's heat as the decoder sees it, in half widths of the picture."""
PAINT = 16
"""Channels from which the last convolution paints."""


class Source(NamedTuple):
    """Everything of a source picture that does not depend on the frame to be made, computed once."""

    picture: torch.Tensor
    small: torch.Tensor
    half: torch.Tensor
    quarter: torch.Tensor
    face: Face

    def repeated(self, times: int) -> Source:
        """A source of one picture for so many frames at once, without copies."""
        face = Face(*(t.expand(times, *t.shape[1:]) for t in self.face))
        return Source(*(t.expand(times, -1, -1, -1) for t in self[:4]), face)


class Generator(nn.Module):
    """Works on pictures of `size` px, makes them `scale` times as large: what is finer than its own pixels is either
    taken from the moved source picture or painted; `points` key points, `channels` of the decoder at a quarter of the size.
    Eyes and mouth are painted once more from near.
    """

    def __init__(
        self,
        size: int,
        scale: int,
        points: int,
        channels: int = 128,
        motion_channels: int = 64,
        point_channels: int = 32,
        close_channels: int = 32,
    ):
        super().__init__()
        if size % 32:
            raise ValueError(f"size: expected a multiple of 32, got {size}")
        self.size, self.scale = size, scale
        self.key_points = KeyPointNetwork(points, point_channels)
        self.motion = MotionNetwork(points, motion_channels)
        c, half = channels, channels * 3 // 4
        self.first = block(3, 32, kernel=7)
        self.to_half = block(32, half, stride=2)
        self.to_quarter = nn.Sequential(block(half, c, stride=2), Residual(c), Residual(c))
        self.into = block(c + MotionNetwork.features(motion_channels), c)
        self.at_quarter = nn.Sequential(Residual(c), Residual(c), Residual(c))
        fine = c // 2
        self.at_half = nn.Sequential(block(c + half + 2 * len(FINE), fine), block(fine, fine))
        # pixels are painted in interleaved pictures of half the size, and for each is said how far the source is to be trusted
        self.to_whole = nn.Conv2d(fine, 4 * PAINT, 3, 1, 1)
        self.paint = nn.Conv2d(PAINT, scale**2 * (3 + 1), 3, 1, 1)
        self.close = ClosePainter(close_channels)

    def look(self, pictures: torch.Tensor) -> Face:
        """The key points of pictures (B, 3, S, S) in 0..1, S = size * scale."""
        return self.key_points(pictures)

    def source(self, pictures: torch.Tensor, face: Face | None = None) -> Source:
        """Features of source pictures (B, 3, S, S) in 0..1."""
        seen = resized(pictures, self.size)
        half = self.to_half(self.first(seen * 2 - 1))
        face = self.look(pictures) if face is None else face
        return Source(pictures, small(seen), half, self.to_quarter(half), face)

    def forward(self, source: Source, driving: Face) -> dict[str, torch.Tensor]:
        """`picture` (B, 3, S, S) in 0..1, and what it was made of: `warped` the moved source, `taken` its share."""
        motion = self.motion(source.small, source.face, driving)
        seen = motion.seen.to(source.quarter.dtype)
        moved = sample(source.quarter, motion.places) * seen[:, :1]
        x = self.at_quarter(self.into(torch.cat([moved, motion.features], 1)))
        moved = sample(source.half, _finer(motion.places, 2)) * larger(seen[:, 1:2])
        with torch.autocast(x.device.type, enabled=False):
            points = [f.posed[:, FINE] for f in (driving, source.face)]
            there, before = (heatmaps(p, self.size // 2, FINE_SPREAD) for p in points)
        fine = torch.cat([there, there - before], 1).to(x.dtype)
        x = self.at_half(torch.cat([larger(x), moved, fine], 1))
        x = self.paint(nn.functional.silu(nn.functional.pixel_shuffle(self.to_whole(x), 2)))
        with torch.autocast(x.device.type, enabled=False):
            x = nn.functional.pixel_shuffle(x.float(), self.scale)
            finer = 4 * self.scale
            warped = sample(source.picture, _finer(motion.places, finer))
            taken = torch.sigmoid(x[:, 3:]) * larger(motion.seen[:, 2:].float(), finer)
            picture = taken * warped + (1 - taken) * torch.sigmoid(x[:, :3])
        picture = self.close(picture, source.picture, source.face.posed, driving.posed)
        return {"picture": picture, "warped": warped, "taken": taken}


def _finer(places: torch.Tensor, times: int) -> torch.Tensor:
    """Places (B, g, g, 2) on a grid so many times as fine."""
    return larger(places.permute(0, 3, 1, 2), times).permute(0, 2, 3, 1)
