"""From MFCC to one vector per video frame, with a declared look-ahead."""

from __future__ import annotations

import torch
from torch import nn

from baselines.two_stage.mfcc import COEFFICIENTS, PER_FRAME

AHEAD = 3
"""Frames of sound after the one that is spoken: lips move before what they say is heard."""
LOOK_AHEAD = 0.16
"""Seconds: AHEAD frames, the columns and half the analysis window after the frame's own (tested); 0.2 s is allowed."""


class SoundNetwork(nn.Module):
    """(B, 4 T, 20) MFCC -> (B, T, width)."""

    def __init__(self, width: int):
        super().__init__()
        middle = width // 2
        # strides of 2 and 2 take the four columns of a frame to one; each convolution pads what it looks at
        self.fine = nn.Conv1d(COEFFICIENTS, middle, 4, 2)
        self.frame = nn.Conv1d(middle, width, 4, 2)
        self.near = nn.Conv1d(width, width, 5)
        self.far = nn.Conv1d(width, width, 5)
        self.norms = nn.ModuleList(nn.LayerNorm(n) for n in (middle, width, width, width))

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        """The number of columns must be a multiple of four."""
        if columns.shape[1] % PER_FRAME:
            raise ValueError(f"expected {PER_FRAME} columns of MFCC a frame, got {columns.shape[1]} columns")
        x = self._step(self.fine, 0, columns.transpose(1, 2), (1, 1))
        x = self._step(self.frame, 1, x, (1, 1))
        x = x + self._step(self.near, 2, x, (2, 2))
        x = x + self._step(self.far, 3, x, (4 - (AHEAD - 2), AHEAD - 2))
        return x.transpose(1, 2)

    def _step(self, convolution: nn.Module, norm: int, x: torch.Tensor, around: tuple[int, int]) -> torch.Tensor:
        x = convolution(nn.functional.pad(x, around))
        return nn.functional.gelu(self.norms[norm](x.transpose(1, 2)).transpose(1, 2))
