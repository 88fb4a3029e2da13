"""The collaborative emotion classifier: reads expression, gaze and pose together and ties what is generated to its label."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from baselines.two_stage import gaze_bins
from baselines.two_stage.cue_space import LIDS
from baselines.two_stage.speech_to_cues import POSE, Frames, Guess, Shape
from bench.contract.clip import EMOTIONS


class EmotionClassifier(nn.Module):
    """Cues of B clips as numbers (B, T, F) -> logits of the emotions (B, 8)."""

    def __init__(self, shape: Shape, width: int = 96):
        super().__init__()
        inputs = shape.codes + 4 + POSE + LIDS
        self.body = nn.Sequential(
            nn.Conv1d(inputs, width, 5, 1, 2), nn.GELU(), nn.Dropout(0.2),
            nn.Conv1d(width, width, 5, 2, 2), nn.GELU(), nn.Dropout(0.2),
            nn.Conv1d(width, width, 5, 2, 2), nn.GELU(),
        )  # fmt: skip
        self.last = nn.Linear(2 * width, len(EMOTIONS))
        middles = gaze_bins.to_angles(np.arange(gaze_bins.COUNT)) / 10
        self.register_buffer("middles", torch.from_numpy(middles.astype(np.float32)), persistent=False)

    def forward(self, cues: torch.Tensor) -> torch.Tensor:
        x = self.body(cues.transpose(1, 2))
        return self.last(torch.cat([x.mean(-1), x.amax(-1)], -1))

    def of_frames(self, frames: Frames, discretised: bool) -> torch.Tensor:
        """Real or drawn cues as numbers."""
        gaze = self.middles[frames.bins] if discretised else frames.gaze
        lids = nn.functional.one_hot(frames.lids, LIDS).to(frames.code.dtype)
        return torch.cat([frames.code, gaze.flatten(-2), frames.pose, lids], -1)

    def of_guess(self, guess: Guess, discretised: bool) -> torch.Tensor:
        """Generated cues as numbers that a gradient can flow through: directions and lids are chosen softly."""
        eyes = [_soft(logits) @ self.middles for logits in (guess.left, guess.right)]
        gaze = torch.cat(eyes, -1) if discretised else guess.gaze.flatten(-2)
        return torch.cat([guess.code, gaze, guess.expected_pose, _soft(guess.lids)], -1)


def _soft(logits: torch.Tensor) -> torch.Tensor:
    """A sample of Gumbel noise and softmax (Jang et al. 2017): hard forwards, soft backwards."""
    return nn.functional.gumbel_softmax(logits, tau=1.0, hard=True)
