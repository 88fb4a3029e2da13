"""The two-stream network of the sync expert: five frames of a mouth and 0.2 s of sound become points of one space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.sync_expert.mouth import SIDE
from metrics.sync_expert.sound import MELS


class SyncExpert(nn.Module):
    """Picture and sound embeddings of unit length (channels D); matching windows lie near, windows of other moments far.

    No layer pads in time, so a whole clip goes through at once and each embedding is that of its own window alone.
    """

    def __init__(self, dimension: int = 64):
        super().__init__()
        self.dimension = dimension
        # natural logarithms of what distances are multiplied with in the losses (training.py)
        self.clip_scale = nn.Parameter(torch.tensor(3.5))
        self.window_scale = nn.Parameter(torch.tensor(2.0))
        self.moving = nn.Sequential(nn.Conv3d(1, 16, (3, 5, 5), (1, 2, 2), (0, 2, 2), bias=False), _norm(16, 3))
        self.shape = nn.Sequential(*_block(16, 32), *_block(32, 64), *_block(64, 64, stride=1), nn.AvgPool2d(2))
        side = SIDE // 16
        self.mouth = nn.Sequential(
            nn.Conv1d(64 * side * side, 128, 3, bias=False), _norm(128, 1), nn.ReLU(), nn.Conv1d(128, dimension, 1)
        )
        self.sound = nn.Sequential(
            *_heard(1, 24, time=3, stride=(1, 2)),
            *_heard(24, 32, time=4, stride=(2, 2)),
            *_heard(32, 48, time=3, stride=(1, 2)),
            *_heard(48, 64, time=3, stride=(2, 1)),
        )
        self.voice = nn.Sequential(
            nn.Conv1d(64 * (MELS // 8), 128, 2, bias=False), _norm(128, 1), nn.ReLU(), nn.Conv1d(128, dimension, 1)
        )

    def visual(self, crops: Tensor) -> Tensor:
        """Standardised mouth crops (B, T, 48, 48) float -> (B, T - 4, D), row t of frames t to t + 4."""
        x = functional.relu(self.moving(crops[:, None]))  # (B, 16, T - 2, 24, 24)
        batch, channels, time = x.shape[:3]
        x = self.shape(x.transpose(1, 2).reshape(batch * time, channels, *x.shape[3:]))  # (B (T - 2), 64, 3, 3)
        x = x.reshape(batch, time, -1).transpose(1, 2)
        return functional.normalize(self.mouth(x), dim=1).transpose(1, 2)

    def audio(self, mel: Tensor) -> Tensor:
        """Log-mel as `sound.heard` gives it (B, J, 40) -> (B, (J - 18) // 4 + 1, D), row t from step 4 t on."""
        x = self.sound(mel[:, None])  # (B, 64, J', 5)
        x = x.transpose(2, 3).flatten(1, 2)
        return functional.normalize(self.voice(x), dim=1).transpose(1, 2)


def _norm(channels: int, axes: int) -> nn.Module:
    return (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[axes - 1](channels)


def _block(before: int, after: int, stride: int = 2) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, 3, stride, 1, bias=False), _norm(after, 2), nn.ReLU()


def _heard(before: int, after: int, time: int, stride: tuple[int, int]) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, (time, 3), stride, (0, 1), bias=False), _norm(after, 2), nn.ReLU()
