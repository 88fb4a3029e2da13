"""The directions that stage 1 chooses from: gaze of each eye, relative to that of the reference image, in bins."""

from __future__ import annotations

import numpy as np

from bench.contract.geometry import gaze_bin_centres, gaze_bins

YAW = tuple(float(y) for y in range(-30, 31, 5))
PITCH = tuple(float(p) for p in range(-30, 31, 6))
"""Edges in degrees. The embedded dataset's extractor tells 4.6 x 5.3 degrees apart (docs/extractor-errors.md): finer bins
would hold its noise. The outermost bins take what lies outside."""
COUNT = (len(YAW) - 1) * (len(PITCH) - 1)


def to_bins(gaze: np.ndarray) -> np.ndarray:
    """Bins (...) int64 of directions [yaw, pitch] (..., 2); -1 where one is NaN."""
    return gaze_bins(gaze, np.array(YAW), np.array(PITCH))


def to_angles(bins: np.ndarray) -> np.ndarray:
    """The middle [yaw, pitch] (..., 2) of bins (...)."""
    return gaze_bin_centres(np.array(YAW), np.array(PITCH))[np.asarray(bins)]
