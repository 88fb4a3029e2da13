"""How pictures are altered while the frame judge learns: place, size, turn, mirror, light, sharpness, noise."""

from __future__ import annotations

from typing import Any

TURN = 0.07
"""Radians at most, about 4 degrees."""
SIZE, SHIFT = 0.1, 0.06
"""Share of the size, and of half the side, at most."""
CONTRAST, BRIGHTNESS, NOISE = 0.4, 0.2, 0.04


def altered(pictures: Any) -> tuple[Any, Any]:
    """(B, T, S, S) float32 pictures, each clip altered in one way of its own, and which clips were mirrored (B,) bool.

    Draws from torch's global state. Emotions do not change when a face is mirrored; its cues do, so they are not asked for then.
    """
    import torch
    from torch.nn import functional

    clips, side = pictures.shape[0], pictures.shape[2]

    def drawn(*shape: int) -> Any:
        return 2 * torch.rand(clips, *shape, device=pictures.device) - 1

    turn, size = TURN * drawn(), 1 + SIZE * drawn()
    mirrored = drawn() < 0
    matrix = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], 1).view(clips, 2, 2) * size[:, None, None]
    matrix[mirrored, :, 0] *= -1
    matrix = torch.cat([matrix, SHIFT * drawn(2, 1)], 2)
    grid = functional.affine_grid(matrix, (clips, 1, side, side), align_corners=False)
    pictures = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    soft = functional.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    blurred = (0.5 * drawn() + 0.5).clamp(min=0)[:, None, None, None] * (drawn() > 0.4)[:, None, None, None]
    pictures = pictures + blurred * (soft - pictures)
    middle = pictures.mean((1, 2, 3), keepdim=True)
    pictures = (pictures - middle) * torch.exp(CONTRAST * drawn(1, 1, 1)) + middle + BRIGHTNESS * drawn(1, 1, 1)
    strength = NOISE * drawn(1, 1, 1).clamp(min=0)
    return pictures + strength * torch.randn(pictures.shape, device=pictures.device), mirrored
