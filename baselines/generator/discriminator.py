"""What tells made pictures from real ones in training: patches of the whole picture, and of eyes and mouth."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """Pictures (B, 3, H, W) in 0..1 -> a score for every patch, and the features on the way there."""

    def __init__(self, channels: int = 48, depth: int = 3):
        super().__init__()
        widths = [3, *(channels * 2**i for i in range(depth))]
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in pairwise(widths))
        self.last = spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1))

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        x, found = pictures * 2 - 1, []
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), 0.2)
            found.append(x)
        return self.last(x).float(), found


def hinge(real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """The discriminator's loss: real patches above 1, made ones below -1."""
    return nn.functional.relu(1 - real).mean() + nn.functional.relu(1 + made).mean()
