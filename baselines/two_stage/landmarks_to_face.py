"""Stage 2: relocated landmarks -> the latent key points of the frozen generator."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from baselines.generator.keypoints import Face
from baselines.generator.landmark_ties import TIED
from bench.contract.clip import CROP_SIZE
from bench.contract.cues import Cues
from bench.contract.geometry import rotation_of

_FLIP = np.diag([1.0, -1.0, -1.0])
"""Camera coordinates (y up, z to the viewer) to the picture's (y down, z away)."""
TIED_LANDMARKS = tuple(TIED.values())


class LandmarksToFace(nn.Module):
    """What the landmarks moved by since the reference image, and the reference's key points -> key points (B, K, 3).

    Tied key points start where their landmark went, free ones where the head went; the network adds the rest. Without
    `latent` nothing is added: warping by landmarks alone.
    """

    def __init__(self, points: int, width: int = 256, latent: bool = True):
        super().__init__()
        self.points, self.latent = points, latent
        inputs = 2 * 3 * 478 + 3 * points + 9
        self.body = nn.Sequential(
            nn.Linear(inputs, width), nn.GELU(), nn.LayerNorm(width),
            nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width),
            nn.Linear(width, 3 * points + 1),
        )  # fmt: skip
        nn.init.zeros_(self.body[-1].weight)
        nn.init.zeros_(self.body[-1].bias)

    def forward(self, reference: torch.Tensor, now: torch.Tensor, turned: torch.Tensor, face: Face) -> Face:
        """`reference` (B, 478, 3) and `now` (B, 478, 3) landmarks in half widths of the picture, `turned` (B, 3, 3) head
        rotations in the picture's coordinates, `face` of the reference image; the Face to be rendered."""
        moved = now - reference
        start = self._start(reference, now, turned, face)
        if not self.latent:
            return face._replace(posed=start, rotation=turned)
        seen = torch.cat(
            [reference.flatten(1), 10 * moved.flatten(1), (start - face.posed).flatten(1), turned.flatten(1)], 1
        )
        rest = self.body(seen)
        scale = face.scale * torch.exp(0.1 * rest[:, -1:, None])
        return face._replace(posed=start + 0.1 * rest[:, :-1].unflatten(1, (-1, 3)), rotation=turned, scale=scale)

    def _start(self, reference: torch.Tensor, now: torch.Tensor, turned: torch.Tensor, face: Face) -> torch.Tensor:
        tied = list(TIED_LANDMARKS)
        step = (now - reference)[:, tied]
        middle_before, middle = reference[:, tied].mean(1, keepdim=True), now[:, tied].mean(1, keepdim=True)
        turn = turned @ face.rotation.transpose(-1, -2)
        free = face.posed[:, len(tied) :]
        # free key points lie on hair, neck and background: the head's turn moves them in part, which the network learns
        rigid = 0.5 * ((free - middle_before) @ turn.transpose(-1, -2) + middle) + 0.5 * free
        return torch.cat([face.posed[:, : len(tied)] + step, rigid], 1)


def in_picture(cues: Cues) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (T, 478, 3) float32 in half widths of the picture and head rotations (T, 3, 3) in its coordinates."""
    landmarks = cues.landmarks.astype(np.float32) * np.float32(2 / CROP_SIZE)
    landmarks[..., :2] -= 1
    return landmarks, (_FLIP @ rotation_of(cues.transform) @ _FLIP).astype(np.float32)
