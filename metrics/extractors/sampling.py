"""Which frames of a clip stand for it where every frame would cost too much."""

from __future__ import annotations

import numpy as np


def spread_frames(frames: int, count: int) -> np.ndarray:
    """Frames nearest the times (k + 0.5) / count of the clip's length, k = 0..count - 1: (n,) int64, ascending, n <= count.

    A clip of fewer frames than `count` gives each of its frames once. The times depend on nothing but the length.
    ValueError for a clip without frames.
    """
    if frames < 1:
        raise ValueError(f"expected a clip of at least one frame, got {frames}")
    # integer arithmetic: the same frames on every machine
    return np.unique((2 * np.arange(count, dtype=np.int64) + 1) * frames // (2 * count))
