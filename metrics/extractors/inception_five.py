"""Inception features of five frames per clip, colours as they are or swapped: what EAT's Frechet distance is of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Video
from metrics.extractors.inception import inception_network, pool3

FRAMES_PER_CLIP = 5


def first_of_each_part(frames: int, count: int = FRAMES_PER_CLIP) -> np.ndarray:
    """Frames floor(k frames / n), k = 0..n - 1, n = min(count, frames): (n,) int64; the last part's end is never seen."""
    count = min(count, frames)
    return np.arange(count, dtype=np.int64) * frames // max(count, 1)


class InceptionFive:
    """features (n, 2048) float32 of the n <= 5 frames that begin the clip's fifths; frame (n,) int64.

    The network and the scaling are those of FID (metrics/extractors/inception.py); one video is one batch.
    """

    name: ClassVar[str] = "inception_five"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("fid_inception",)
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames"})
    portrait: ClassVar[bool] = False
    channels: ClassVar[slice] = slice(None)

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.file, self.device = Path(weights["fid_inception"]), device
        self._network: Any = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_network": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """Raises Unscorable where there are no frames."""
        if video.frames is None or len(video.frames) == 0:
            raise Unscorable(Reason.TOO_FEW_FRAMES, "expected at least one frame, got none")
        if self._network is None:
            import torch

            self._network = inception_network(self.file).to(self.device, memory_format=torch.channels_last)
        chosen = first_of_each_part(len(video.frames))
        pictures = video.frames[chosen][..., self.channels]
        return {"features": pool3(self._network, pictures, self.device), "frame": chosen}


class InceptionFiveSwapped(InceptionFive):
    """The same with red and blue exchanged, a mistake of EAT's evaluator: it reads RGB frames and turns them once more."""

    name = "inception_five_bgr"
    channels = slice(None, None, -1)
