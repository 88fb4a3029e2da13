"""Unsupervised 3D key points of a face: canonical ones of the person, moved by head pose and deformation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from baselines.generator.closeups import ClosePlaces
from baselines.generator.grids import resized
from baselines.generator.layers import block, larger


class Face(NamedTuple):
    """What the key-point network sees in a picture; all in the picture's coordinates (x right, y down, z away, -1..1).

    `posed` (B, K, 3) are the key points where they are; `canonical` (B, K, 3) those of the person at rest, seen from the
    front; `rotation` (B, 3, 3), `scale` (B, 1, 1) and `shift` (B, 1, 3) say how the head is held.
    """

    posed: torch.Tensor
    canonical: torch.Tensor
    rotation: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor

    @property
    def deformation(self) -> torch.Tensor:
        """(B, K, 3) what expression, gaze and lids add to the canonical key points: what is left when pose is undone."""
        at_rest = (self.posed - self.shift) / self.scale @ self.rotation
        return at_rest - self.canonical

    def of_person(self, person: Face) -> Face:
        """The same pose and deformation on the canonical key points of another picture."""
        moved = self.scale * ((person.canonical + self.deformation) @ self.rotation.transpose(-1, -2)) + self.shift
        return self._replace(posed=moved, canonical=person.canonical)


class KeyPointNetwork(nn.Module):
    """Pictures (B, 3, S, S) in 0..1 -> Face with `points` key points; the network sees 128 x 128 px, and eyes and mouth from near."""

    SEEN = 128
    GRID = 32

    def __init__(self, points: int, channels: int = 32):
        super().__init__()
        c = channels
        self.down = nn.ModuleList(
            [
                block(3, c, stride=2),
                block(c, 2 * c, stride=2),
                block(2 * c, 3 * c, stride=2),
                block(3 * c, 4 * c, stride=2),
            ]
        )
        self.bottom = block(4 * c, 4 * c, stride=2)
        self.up8, self.up16 = block(8 * c, 3 * c), block(6 * c, 3 * c)
        self.up32 = nn.Sequential(block(5 * c, 3 * c), block(3 * c, 3 * c))
        self.heat, self.depth = nn.Conv2d(3 * c, points, 3, 1, 1), nn.Conv2d(3 * c, points, 3, 1, 1)
        self.pose = nn.Sequential(nn.Linear(4 * c, 4 * c), nn.SiLU(), nn.Linear(4 * c, 6 + 1 + 3))
        self.person = nn.Sequential(nn.Linear(4 * c, 4 * c), nn.SiLU(), nn.Linear(4 * c, 3 * points))
        self.close = ClosePlaces(c)
        self.mean = nn.Parameter(0.3 * torch.randn(points, 3))
        for last in (self.pose[-1], self.person[-1]):
            nn.init.normal_(last.weight, std=1e-3)
            nn.init.zeros_(last.bias)

    def forward(self, pictures: torch.Tensor) -> Face:
        """All of a Face from each picture alone."""
        return self.seen(pictures)[0]

    def seen(self, pictures: torch.Tensor) -> tuple[Face, torch.Tensor]:
        """The Face, and its key points (B, K, 3) as they are seen before eyes and mouth are looked at from near."""
        x, seen = resized(pictures, self.SEEN) * 2 - 1, []
        for layer in self.down:
            x = layer(x)
            seen.append(x)
        x = self.bottom(x)
        whole = x.mean((2, 3)).float()
        x = self.up8(torch.cat([larger(x), seen[3]], 1))
        x = self.up16(torch.cat([larger(x), seen[2]], 1))
        x = self.up32(torch.cat([larger(x), seen[1]], 1))
        with torch.autocast(x.device.type, enabled=False):  # places need more than eight bits
            posed = _places(self.heat(x.float()), self.depth(x.float()))
            pose = self.pose(whole)
            canonical = self.mean + self.person(whole).unflatten(1, (-1, 3))
            rotation = _rotation(pose[:, :6])
            scale = torch.exp(0.5 * torch.tanh(pose[:, 6]))[:, None, None]
            shift = 0.5 * torch.tanh(pose[:, None, 7:])
        return Face(self.close(pictures, posed), canonical, rotation, scale, shift), posed


def _places(heat: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """(B, K, 3): the middle of each key point's heat, and the depth seen there."""
    size = heat.shape[-1]
    share = heat.flatten(2).softmax(-1).unflatten(2, (size, size))
    line = (torch.arange(size, device=heat.device, dtype=heat.dtype) + 0.5) * (2 / size) - 1
    x, y = (share.sum(2) * line).sum(-1), (share.sum(3) * line).sum(-1)
    return torch.stack([x, y, (share * depth).sum((2, 3))], -1)


def _rotation(six: torch.Tensor) -> torch.Tensor:
    """Rotation matrices (B, 3, 3) from six numbers, by orthogonalising two columns (Zhou et al. 2019); identity at zeros."""
    first = nn.functional.normalize(six[:, :3] + six.new_tensor([1.0, 0, 0]), dim=-1)
    second = six[:, 3:] + six.new_tensor([0, 1.0, 0])
    second = nn.functional.normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], -1)
