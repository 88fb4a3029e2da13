"""The four networks in use: a reference image set in motion by canonical frames, canonical frames out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from baselines.liveportrait.motion import Motion
from baselines.liveportrait.weights import files_beside, load_part
from bench.contract.clip import CROP_SIZE


def _exact(function: Callable) -> Callable:
    """Without gradients, and in whole float32 where a GPU would round factors to ten bits."""

    @wraps(function)
    def call(*given):
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            return function(*given)

    return call


@dataclass(frozen=True)
class Source:
    """What is computed once per clip: the reference image's features and its face."""

    features: torch.Tensor
    motion: Motion


class Portrait:
    """LivePortrait without its stitching and retargeting networks. Canonical frames are of the size that the networks see."""

    def __init__(self, appearance: nn.Module, motion: nn.Module, warping: nn.Module, decoder: nn.Module):
        self.appearance, self.motion, self.warping, self.decoder = appearance, motion, warping, decoder

    @classmethod
    def load(cls, checkpoint: Path, device: str = "cpu") -> Portrait:
        """From one of the four published files, the others beside it; WeightsError as `weights` says."""
        return cls(*(load_part(stem, path, device) for stem, path in files_beside(checkpoint).items()))

    @_exact
    def source(self, image: np.ndarray) -> Source:
        """A reference image (256, 256, 3) uint8 RGB, ready to be moved."""
        picture = self._pictures(image[None])
        return Source(self.appearance(picture), self.motion(picture))

    @_exact
    def animate(self, source: Source, frames: np.ndarray) -> np.ndarray:
        """(B, 256, 256, 3) uint8 RGB: the source's person with pose, deformation, size and shift of each frame's face.

        Absolute motion, as in equation 2 of the paper and in its training: nothing is taken relative to the first frame.
        """
        driving = self.motion(self._pictures(frames)).points(source.motion.kp)  # (B, K, 3)
        features = source.features.expand(len(frames), -1, -1, -1, -1)
        still = source.motion.points().expand_as(driving)
        pictures = self.decoder(self.warping(features, driving, still))  # (B, 3, 2 * 256, 2 * 256)
        small = F.interpolate(pictures, size=(CROP_SIZE, CROP_SIZE), mode="bicubic", antialias=True)
        return small.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()

    def _pictures(self, frames: np.ndarray) -> torch.Tensor:
        device = next(self.motion.parameters()).device
        return torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 3, 1, 2).float() / 255
