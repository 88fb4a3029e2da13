"""Random smooth deformations of the picture plane, and what key points have to do under them (equivariance)."""

from __future__ import annotations

import torch

from baselines.generator.grids import grid, sample

CONTROLS = 5
COARSE = 65
TURN, STRETCH, SHIFT, BEND = 0.25, 0.12, 0.12, 0.02
"""Standard deviations: radians, share, half widths, strength of the thin plates."""


class Deformation:
    """A deformation of each picture of a batch, drawn from torch's state: z -> affine(z) + thin-plate splines."""

    def __init__(self, count: int, like: torch.Tensor):
        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(shape, device=like.device, dtype=torch.float32)

        angle, size = TURN * normal(count), 1 + STRETCH * normal(count).clamp(-2, 2)
        cos, sin = size * angle.cos(), size * angle.sin()
        turn = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
        self.affine = turn + 0.05 * normal(count, 2, 2)
        self.shift = SHIFT * normal(count, 1, 2)
        line = torch.linspace(-1, 1, CONTROLS, device=like.device)
        self.controls = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).flatten(0, 1)  # (25, 2)
        self.bend = BEND * normal(count, CONTROLS**2, 2)

    def at(self, points: torch.Tensor) -> torch.Tensor:
        """Points (B, N, 2) -> where the deformed picture took them from."""
        straight = points @ self.affine.transpose(-1, -2) + self.shift
        squared = ((points[:, :, None] - self.controls) ** 2).sum(-1)  # (B, N, 25)
        return straight + (squared * torch.log(squared + 1e-6)) @ self.bend

    def pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """The deformed pictures: at z what was at `at(z)`."""
        size = pictures.shape[-1]
        # as smooth as it is, a coarse grid says where every pixel goes
        line = torch.linspace(-1, 1, COARSE, device=pictures.device)
        here = (
            torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).flatten(0, 1)[None].expand(len(pictures), -1, -1)
        )
        places = self.at(here).unflatten(1, (COARSE, COARSE))
        return sample(pictures, sample(places.permute(0, 3, 1, 2), _cells(size, places)).permute(0, 2, 3, 1))


def _cells(size: int, like: torch.Tensor) -> torch.Tensor:
    """(B, size, size, 2) where the pixels of a picture lie in a grid whose outermost nodes are the picture's edges."""
    return grid(size, like)[None].expand(len(like), -1, -1, -1) * ((COARSE - 1) / COARSE)
