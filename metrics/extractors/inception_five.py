"""Inception features of five frames per clip, colours as they are or swapped: what EAT's Frechet distance is of."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metrics.extractors.inception import InceptionFeatures

FRAMES_PER_CLIP = 5


def first_of_each_part(frames: int, count: int = FRAMES_PER_CLIP) -> np.ndarray:
    """Frames floor(k frames / n), k = 0..n - 1, n = min(count, frames): (n,) int64; the last part's end is never seen."""
    count = min(count, frames)
    return np.arange(count, dtype=np.int64) * frames // max(count, 1)


class InceptionFive(InceptionFeatures):
    """features (n, 2048) float32 of the n <= 5 frames that begin the clip's fifths; frame (n,) int64.

    The network and the scaling are those of FID (metrics/extractors/inception.py); one video is one batch.
    """

    name: ClassVar[str] = "inception_five"
    VERSION: ClassVar[str] = "1"

    def chosen(self, frames: int) -> np.ndarray:
        """The frames that begin the clip's fifths."""
        return first_of_each_part(frames)


class InceptionFiveSwapped(InceptionFive):
    """The same with red and blue exchanged, a mistake of EAT's evaluator: it reads RGB frames and turns them once more."""

    name = "inception_five_bgr"
    channels = slice(None, None, -1)
