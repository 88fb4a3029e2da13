"""The geometry judge's network: convolutions over time, mean and spread over the clip, one answer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from metrics.judge.geometry_data import FEATURES

NOISE = 0.3
"""Standard deviation of the noise on standardised features in training."""
LOST = 0.1
"""Share of features that are lost, each for a whole clip, in training."""
FARTHEST = 5.0


class GeometryJudge(nn.Module):
    """Cues of a clip, frames in order -> logits of its emotion. Each feature sees nine frames (0.36 s)."""

    def __init__(self, classes: int, width: int = 64, dropout: float = 0.4):
        super().__init__()
        self.register_buffer("middle", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        self.enter = nn.Sequential(nn.Conv1d(FEATURES, width, 1), nn.ReLU())
        self.steps = nn.ModuleList(
            nn.Sequential(nn.Dropout(dropout), nn.Conv1d(width, width, 5, padding=2), nn.BatchNorm1d(width), nn.ReLU())
            for _ in range(2)
        )
        self.answer = nn.Sequential(
            nn.LayerNorm(2 * width), nn.Dropout(dropout), nn.Linear(2 * width, 64), nn.ReLU(), nn.Linear(64, classes)
        )

    def standardise_by(self, middle: np.ndarray, scale: np.ndarray) -> None:
        """Mean and standard deviation (214,) of the training clips; they travel with the weights."""
        self.middle.copy_(torch.from_numpy(middle))
        self.scale.copy_(torch.from_numpy(scale))

    def forward(self, features: Tensor, noisy: bool = False) -> Tensor:
        """(B, T, 214) as `frame_features` gives them -> (B, C) logits; `noisy` draws noise from torch's global state."""
        x = ((features - self.middle) / self.scale).clamp(-FARTHEST, FARTHEST)
        if noisy:
            kept = torch.rand(len(x), 1, FEATURES, device=x.device) >= LOST
            x = (x + NOISE * torch.randn_like(x)) * kept
        x = self.enter(x.transpose(1, 2))  # (B, W, T)
        for step in self.steps:
            x = x + step(x)
        return self.answer(torch.cat([x.mean(2), (x.var(2, unbiased=False) + 1e-4).sqrt()], 1))
