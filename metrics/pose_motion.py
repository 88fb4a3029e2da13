"""How a head is held and how it moves within a clip: mean, spread, range and speed of its angles."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, Family, Score
from bench.contract.seen import Pair, Seen
from metrics.pose import SLOPE_FRAMES, head_angles, head_velocity, seen_angles

RANGE_PERCENT = (5.0, 95.0)
"""Percentiles between which the range lies: one wild frame in 50 does not make it."""


class _PoseColumn:
    """What the columns of this file have in common."""

    family: ClassVar[Family] = Family.POSE
    direction: ClassVar[Direction] = Direction.MATCH
    version: ClassVar[str] = "1"
    reads: ClassVar[tuple[str, ...]] = ("transform",)
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()


class PoseMean(_PoseColumn):
    """Distance between the mean head angles of the two videos: 0 for the same rest pose; blind to all movement."""

    name: ClassVar[str] = "Pose-mean"
    direction: ClassVar[Direction] = Direction.LOWER
    unit: ClassVar[str] = "deg"
    definition: ClassVar[str] = (
        "absolute difference of the mean head angle between generated and real video, mean over pitch, yaw and roll; "
        "each side's mean over its own frames with a face on the common beginning"
    )

    def pair(self, pair: Pair) -> Score:
        """Degrees; Unscorable where a side shows fewer than 5 frames with a face."""
        sides = [seen_angles(seen.cues[: pair.n_paired]) for seen in (pair.reference, pair.generated)]
        offset = sides[1].mean(0) - sides[0].mean(0)
        return Score(float(np.abs(offset).mean()), min(len(side) for side in sides))


class PoseSpread(_PoseColumn):
    """Standard deviation of the head angles within the clip; 0 for a still head."""

    name: ClassVar[str] = "Pose-spread"
    unit: ClassVar[str] = "deg"
    definition: ClassVar[str] = (
        "standard deviation of the head angle about the clip's mean, mean over pitch, yaw and roll; frames with a face"
    )

    def own(self, seen: Seen) -> Score:
        """Degrees; Unscorable where fewer than 5 frames show a face."""
        angles = seen_angles(seen.cues)
        return Score(float(angles.std(0).mean()), len(angles))


class PoseRange(_PoseColumn):
    """Distance between the 5th and the 95th percentile of the head angles within the clip."""

    name: ClassVar[str] = "Pose-range"
    unit: ClassVar[str] = "deg"
    definition: ClassVar[str] = (
        "95th minus 5th percentile of the head angle within the clip, mean over pitch, yaw and roll; frames with a face"
    )

    def own(self, seen: Seen) -> Score:
        """Degrees; Unscorable where fewer than 5 frames show a face."""
        angles = seen_angles(seen.cues)
        low, high = np.percentile(angles, RANGE_PERCENT, axis=0)
        return Score(float((high - low).mean()), len(angles))


class PoseSpeed(_PoseColumn):
    """Mean angular speed of the head: how much it moves, however far it gets."""

    name: ClassVar[str] = "Pose-speed"
    unit: ClassVar[str] = "deg/s"
    definition: ClassVar[str] = (
        "root of the summed squares of the velocities of pitch, yaw and roll, each the slope of the least-squares line "
        f"over {SLOPE_FRAMES} frames in a row with a face (25 fps); mean over these windows"
    )

    def own(self, seen: Seen) -> Score:
        """Degrees/s; Unscorable without a face, or where no 5 frames in a row show one."""
        seen_angles(seen.cues)
        velocity = head_velocity(head_angles(seen.cues))
        whole = np.isfinite(velocity).all(-1)
        if not whole.any():
            raise Unscorable(Reason.TOO_FEW_FRAMES, f"no {SLOPE_FRAMES} frames in a row show a face")
        return Score(float(np.linalg.norm(velocity[whole], axis=-1).mean()), int(whole.sum()))
