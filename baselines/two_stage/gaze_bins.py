"""The directions that stage 1 chooses from: gaze of each eye, relative to that of the reference image, in bins."""

from __future__ import annotations

import numpy as np

from bench.contract.geometry import gaze_bin_centres, gaze_bins

YAW = tuple(float(y) for y in range(-30, 31, 5))
PITCH = tuple(float(p) for p in range(-30, 31, 6))
"""Edges in degrees. The embedded dataset's extractor tells 4.6 x 5.3 degrees apart (docs/extractor-errors.md): finer bins
would hold its noise. The outermost bins take what lies outside."""
COUNT = (len(YAW) - 1) * (len(PITCH) - 1)
SLACK = 2.0
"""Degrees that gaze may leave its bin by and still count as there."""


def to_bins(gaze: np.ndarray) -> np.ndarray:
    """Bins (...) int64 of directions [yaw, pitch] (..., 2); -1 where one is NaN."""
    return gaze_bins(gaze, np.array(YAW), np.array(PITCH))


def steadied(gaze: np.ndarray) -> np.ndarray:
    """Bins (T,) int64 of finite directions (T, 2) of one eye over time: a bin is kept until gaze leaves it by SLACK.

    Without it the extractor's jitter, 1.3 to 1.5 degrees a step (docs/metrics-gaze.md), crosses the edges all the time, and
    every crossing would be learnt as a saccade.
    """
    bins, middles = to_bins(gaze), to_angles(np.arange(COUNT))
    half = np.array([YAW[1] - YAW[0], PITCH[1] - PITCH[0]]) / 2 + SLACK
    for t in range(1, len(bins)):
        if (np.abs(gaze[t] - middles[bins[t - 1]]) <= half).all():
            bins[t] = bins[t - 1]
    return bins


def to_angles(bins: np.ndarray) -> np.ndarray:
    """The middle [yaw, pitch] (..., 2) of bins (...)."""
    return gaze_bin_centres(np.array(YAW), np.array(PITCH))[np.asarray(bins)]
