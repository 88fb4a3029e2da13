"""M of LivePortrait: key points, head pose, deformation, size and shift of a face (ConvNeXt V2, Woo et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

BINS = 66
BIN_DEGREES = 3.0
FIRST_BIN = -97.5
"""Degrees of the first of the bins over which pitch, yaw and roll are weighed."""


@dataclass(frozen=True)
class Motion:
    """A face as M sees it: `kp` (B, K, 3) of the person, `rotation` (B, 3, 3) acting on rows from the right, `exp` (B, K, 3)
    deformation, `scale` (B, 1), `t` (B, 3)."""

    kp: torch.Tensor
    rotation: torch.Tensor
    exp: torch.Tensor
    scale: torch.Tensor
    t: torch.Tensor

    def points(self, person: torch.Tensor | None = None) -> torch.Tensor:
        """Where the key points of this face, or of a `person` (1 or B, K, 3) who moves like it, are: (B, K, 3).

        Equation 2 of the paper, scale (kp R + exp) + t; the shift in depth is left out, as in the published program.
        """
        posed = (self.kp if person is None else person) @ self.rotation + self.exp
        shift = self.t * self.t.new_tensor([1.0, 1.0, 0.0])
        return self.scale[:, None] * posed + shift[:, None]


def degrees(scores: torch.Tensor) -> torch.Tensor:
    """Scores of the bins (B, 66) -> the angle expected under their softmax (B,), degrees."""
    bins = torch.arange(scores.shape[1], dtype=scores.dtype, device=scores.device)
    return scores.softmax(1) @ bins * BIN_DEGREES + FIRST_BIN


def rotation(pitch: torch.Tensor, yaw: torch.Tensor, roll: torch.Tensor) -> torch.Tensor:
    """Degrees (B,) each -> (B, 3, 3), the transpose of Rz(roll) Ry(yaw) Rx(pitch): for points that stand as rows."""
    turned = torch.eye(3, dtype=pitch.dtype, device=pitch.device)
    for axis, angle in enumerate((pitch, yaw, roll)):
        turned = _about(axis, torch.deg2rad(angle)) @ turned
    return turned.mT


def _about(axis: int, angle: torch.Tensor) -> torch.Tensor:
    """(B,) radians -> (B, 3, 3), right-handed about x, y or z for points that stand as columns."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.zeros(*angle.shape, 3, 3, dtype=angle.dtype, device=angle.device)
    matrix[..., axis, axis] = 1
    matrix[..., i, i] = matrix[..., j, j] = angle.cos()
    matrix[..., j, i], matrix[..., i, j] = angle.sin(), -angle.sin()
    return matrix


class MotionExtractor(nn.Module):
    """Pictures (B, 3, S, S), 0..1 -> Motion. Defaults: the published network, S = 256."""

    def __init__(
        self, widths: Sequence[int] = (96, 192, 384, 768), depths: Sequence[int] = (3, 3, 9, 3), points: int = 21
    ):
        super().__init__()
        self.detector = ConvNeXt(widths, depths, points)

    def forward(self, pictures: torch.Tensor) -> Motion:
        x = self.detector.features(pictures)  # (B, C)
        net = self.detector
        turned = rotation(*(degrees(head(x)) for head in (net.fc_pitch, net.fc_yaw, net.fc_roll)))
        kp, exp = (head(x).unflatten(1, (-1, 3)) for head in (net.fc_kp, net.fc_exp))
        return Motion(kp, turned, exp, net.fc_scale(x), net.fc_t(x))


class ConvNeXt(nn.Module):
    """Four stages at a 4th to a 32nd of the picture's size, averaged; a linear head for each thing that M tells."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int], points: int):
        super().__init__()
        down = [nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0]))]
        for before, after in pairwise(widths):
            down.append(nn.Sequential(ChannelNorm(before), nn.Conv2d(before, after, 2, stride=2)))
        self.downsample_layers = nn.ModuleList(down)
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNeXtBlock(width) for _ in range(depth)))
            for width, depth in zip(widths, depths, strict=True)
        )
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        sizes = {"kp": 3 * points, "scale": 1, "pitch": BINS, "yaw": BINS, "roll": BINS, "t": 3, "exp": 3 * points}
        for name, size in sizes.items():
            self.add_module(f"fc_{name}", nn.Linear(widths[-1], size))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
        return self.norm(x.mean((2, 3)))


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution seven wide, then two linear layers per place with response normalisation between them."""

    def __init__(self, width: int):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.grn = ResponseNorm(4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.dwconv(x).movedim(1, -1))  # (B, H, W, C)
        return x + self.pwconv2(self.grn(F.gelu(self.pwconv1(y)))).movedim(-1, 1)


class ResponseNorm(nn.Module):
    """Global response normalisation of (B, H, W, C): a channel counts by its share of all channels' strength."""

    def __init__(self, width: int):
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(torch.zeros(1, 1, 1, width)) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        strength = x.norm(dim=(1, 2), keepdim=True)
        share = strength / (strength.mean(-1, keepdim=True) + 1e-6)
        return x + self.gamma * (x * share) + self.beta


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (B, C, H, W)."""

    def __init__(self, width: int):
        super().__init__(width, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
