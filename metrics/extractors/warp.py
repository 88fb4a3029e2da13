"""Warp error of neighbouring frames: what motion alone does not explain."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numba
import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Video

# Where flow there and flow back do not cancel, a point is hidden in one of the two frames: |f + b|^2 above
# 0.01 (|f|^2 + |b|^2) + 0.5 px^2 (Sundaram, Brox & Keutzer, ECCV 2010, eq. 5; used by Ruder et al. and Lai et al.).
RELATIVE, ABSOLUTE = 0.01, 0.5
LEAST_VISIBLE = 0.5
"""A step with less than this share of pixels visible in both frames (a cut, two unrelated frames) has no warp error."""


class WarpError:
    """error (T - 1,) float64 gray levels 0..255 per step, NaN where less than half is visible in both frames; visible (T - 1,) shares."""

    name: ClassVar[str] = "warp"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.device = device  # OpenCV on the CPU, whatever it says

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """Raises Unscorable for a video of fewer than two frames."""
        if video.frames is None or len(video.frames) < 2:
            raise Unscorable(Reason.TOO_FEW_FRAMES, "expected at least two frames: a step needs both its ends")
        steps = [warp_error(a, b) for a, b in pairwise(video.frames)]
        error, visible = np.array(steps, np.float64).T
        return {"error": error, "visible": visible}


def warp_error(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Two frames (H, W, 3) uint8 -> mean absolute difference of `before` and `after` moved back onto it, over pixels visible
    in both (levels 0..255, mean over the channels too; NaN if they are too few), and the share of such pixels."""
    import cv2

    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, after)]
    forward, backward = _flow(gray[0], gray[1]), _flow(gray[1], gray[0])
    rows, columns = gray[0].shape
    target = forward + _grid(rows, columns)
    back = cv2.remap(backward, target, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    moved = cv2.remap(after, target, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    visible = _visible(target, forward, back, np.float32(RELATIVE), np.float32(ABSOLUTE))
    share = cv2.countNonZero(visible) / visible.size
    if share < LEAST_VISIBLE:
        return float("nan"), share
    return float(np.mean(cv2.mean(cv2.absdiff(before, moved), mask=visible)[:3])), share


@numba.njit(cache=True, nogil=True)
def _visible(
    target: np.ndarray, forward: np.ndarray, back: np.ndarray, relative: np.float32, absolute: np.float32
) -> np.ndarray:
    """(H, W) uint8, 255 where the point stays inside the picture (`target`) and flow there and back cancel; all (H, W, 2)."""
    rows, columns = target.shape[:2]
    out = np.zeros((rows, columns), np.uint8)
    right, bottom = np.float32(columns - 1), np.float32(rows - 1)
    for r in range(rows):
        for c in range(columns):
            x, y = target[r, c, 0], target[r, c, 1]
            if not (0 <= x <= right and 0 <= y <= bottom):
                continue
            fx, fy, bx, by = forward[r, c, 0], forward[r, c, 1], back[r, c, 0], back[r, c, 1]
            apart = (fx + bx) * (fx + bx) + (fy + by) * (fy + by)
            allowed = (fx * fx + bx * bx) + (fy * fy + by * by)
            if not apart > relative * allowed + absolute:
                out[r, c] = 255
    return out


@lru_cache(maxsize=4)
def _grid(rows: int, columns: int) -> np.ndarray:
    """(H, W, 2) float32: the x and y of every pixel."""
    return np.stack(np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)), axis=-1)


def _flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(H, W, 2) float32 px: where each point of `before` has gone; a fresh estimator each time, so that nothing is carried over."""
    import cv2

    estimator: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return estimator.calc(before, after, None)
