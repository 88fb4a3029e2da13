"""KID, kernel Inception distance (Binkowski, Sutherland, Arbel & Gretton, ICLR 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from bench.contract.metric import Collected, SetEstimate
from metrics.extractors.inception import FEATURES, FRAMES_PER_CLIP
from metrics.fid import MIN_CLIPS, FeatureSet, InceptionSet

DEGREE, COEFFICIENT = 3, 1.0
SMALL_SET = 50
"""Clips; below this the cell is flagged: the estimate is without bias at any size, but its spread is wide."""


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Polynomial kernel (x . y / D + 1)^3 of all pairs: (N, D), (M, D) -> (N, M) float64."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return (x @ y.T / x.shape[1] + COEFFICIENT) ** DEGREE


def squared_mmd(real: np.ndarray, generated: np.ndarray) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of two independent sets (N, D) and (M, D), N, M >= 2.

    Mean kernel over the pairs within each set, a feature never with itself, minus twice the mean over all crossed pairs.
    """
    n, m = len(real), len(generated)
    within = [
        (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(real, real), kernel(generated, generated))
    ]
    return float(sum(within) - 2 * kernel(real, generated).sum() / (n * m))


class ClipSums:
    """Kernel sums between clips, from which the estimate on any part of the clips is a few additions.

    A generated clip shows the very person, background and pose of its real clip, and the frames of one clip resemble each
    other: such pairs are not independent draws. So pairs of frames from ONE clip are left out in all three means, and the
    clip is the unit: with one frame per clip this is Gretton's U-statistic (JMLR 13, 2012, eq. 4). Equal sides give 0.
    """

    def __init__(self, features: FeatureSet):
        clips = len(features.speaker)
        sides = ((features.real, features.real_clip), (features.generated, features.generated_clip))
        self.frames = [np.bincount(clip, minlength=clips).astype(np.float64) for _, clip in sides]
        self.sums = {}
        for a, b in ((0, 0), (1, 1), (0, 1)):
            (x, x_clip), (y, y_clip) = sides[a], sides[b]
            rows = np.zeros((clips, len(y)))
            np.add.at(rows, x_clip, kernel(x, y))
            block = np.zeros((clips, clips))
            np.add.at(block.T, y_clip, rows.T)
            self.sums[a, b] = block

    def value(self, clips: np.ndarray) -> float:
        """Estimate between the real and the generated side of these clips, (n,) int64; NaN for fewer than two."""
        if len(clips) < MIN_CLIPS:
            return float("nan")
        return self._mean(0, 0, clips, clips) + self._mean(1, 1, clips, clips) - 2 * self._mean(0, 1, clips, clips)

    def between_real(self, first: np.ndarray, second: np.ndarray) -> float:
        """Estimate between two parts of the real clips; NaN if either has fewer than two.

        Clip k of one part is treated as the generated clip of clip k of the other: with parts of the same speakers that
        leaves pairs of one speaker as frequent between the parts as within them.
        """
        if min(len(first), len(second)) < MIN_CLIPS:
            return float("nan")
        within = self._mean(0, 0, first, first) + self._mean(0, 0, second, second)
        return within - 2 * self._mean(0, 0, first, second)

    def _mean(self, a: int, b: int, first: np.ndarray, second: np.ndarray) -> float:
        chosen = np.ix_(first, second)
        sums = self.sums[a, b][chosen].copy()
        pairs = np.outer(self.frames[a][first], self.frames[b][second])
        np.fill_diagonal(sums, 0)
        np.fill_diagonal(pairs, 0)
        return float(sums.sum() / pairs.sum())


class KID(InceptionSet):
    """KID between the frames of all real and all generated clips; 0 for equal sides, may be slightly negative. Symmetric.

    Without bias at every number of clips: the column to rank by where FID is flagged.
    """

    name: ClassVar[str] = "KID"
    definition: ClassVar[str] = (
        f"squared maximum mean discrepancy, kernel (x.y / {FEATURES} + 1)^3, of pool3 features of the FID Inception, "
        f"{FRAMES_PER_CLIP} frames per clip at the times (k + 0.5) / {FRAMES_PER_CLIP} of its length; means over pairs of "
        "frames of different clips only (real against generated too), without bias"
    )

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Details: counts, and the estimate between two halves of the REAL clips, of other and of the same speakers."""
        features = FeatureSet(clips)
        sums = ClipSums(features)

        def statistic(mask: np.ndarray) -> float:
            return sums.value(np.flatnonzero(np.asarray(mask, bool)[features.order]))

        details: dict[str, float | int | str | None] = dict(features.counts())
        for name, within in (("floor_across_speakers", False), ("floor_within_speakers", True)):
            halves = features.halves(seed, within)
            floor = float("nan") if halves is None else sums.between_real(*halves)
            details[name] = None if np.isnan(floor) else floor
        return SetEstimate(statistic, details, ("small-sample",) if len(clips) < SMALL_SET else ())
