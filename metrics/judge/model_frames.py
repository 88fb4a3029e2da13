"""The frame judge's network: a small CNN per frame, attention over frames, one answer per clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metrics.judge.faces import SIDE

HEADS = 4
SIDE_CUES = 59
"""What the frames of `metrics.judge.data.side_cues` have."""


class FrameJudge(nn.Module):
    """Frames in any order and number -> logits of the clip's emotion; about 0.4 million weights.

    Attention over frames after Meng, Peng, Wang & Qiao (Frame Attention Networks, ICIP 2019), four heads; the spread of the
    features over the clip is read too, so that what moves counts. There is no order in it: frames may come shuffled.
    """

    def __init__(
        self, classes: int, widths: tuple[int, ...] = (16, 32, 48, 96), features: int = 128, dropout: float = 0.3
    ):
        super().__init__()
        layers: list[nn.Module] = []
        before, side = 1, SIDE
        for place, width in enumerate(widths):
            kernel = 5 if place == 0 else 3
            layers += [
                nn.Conv2d(before, width, kernel, stride=2, padding=kernel // 2),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            before, side = width, (side + 1) // 2
        self.convolutions = nn.Sequential(*layers)
        # the place of a feature matters (brow or lip), so it is kept instead of averaged away
        self.embedding = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(before * side * side, features), nn.BatchNorm1d(features), nn.ReLU()
        )
        self.cues = nn.Linear(features, SIDE_CUES)
        self.attention = nn.Linear(features, HEADS)
        self.answer = nn.Sequential(
            nn.LayerNorm(2 * features),
            nn.Dropout(dropout),
            nn.Linear(2 * features, 64),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(64, classes),
        )

    def embed(self, pictures: Tensor) -> Tensor:
        """(N, 80, 80) float32, 0 is middle gray and 1 the whole range -> (N, F) features, none of which sees another frame."""
        stacked = pictures[:, None].contiguous(memory_format=torch.channels_last)
        return self.embedding(self.convolutions(stacked).flatten(1))

    def pool(self, features: Tensor) -> Tensor:
        """(B, T, F) features of whole clips -> (B, C) logits."""
        clips, frames, size = features.shape
        weights = self.attention(features).softmax(1)  # (B, T, heads)
        parts = features.view(clips, frames, HEADS, size // HEADS)
        attended = torch.einsum("bth,bthf->bhf", weights, parts).flatten(1)
        spread = (features.var(1, unbiased=False) + 1e-4).sqrt()
        return self.answer(torch.cat([attended, spread], 1))


def scaled(pictures: Tensor) -> Tensor:
    """uint8 pictures as `FrameJudge.embed` wants them: float32, middle gray 0."""
    return pictures.float() / 255 - 0.5
