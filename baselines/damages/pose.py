"""Damages of the head pose: angles and place of the head together."""

from __future__ import annotations

import numpy as np

from baselines.damages.geometry import PoseDamage
from baselines.tracks import shuffled_within, typical_frame
from bench.contract.method import Request


class PoseScaled(PoseDamage):
    """`pose-scaled`: every departure from the clip's mean pose and place 1 + dose times as large."""

    name, unit, most = "pose-scaled", "relative change", 2.0

    def pose(self, pose: np.ndarray, position: np.ndarray, request: Request) -> tuple[np.ndarray, np.ndarray]:
        return tuple(v + self.dose * (v - v.mean(0)) for v in (pose, position))


class PoseFrozen(PoseDamage):
    """`pose-frozen`: the head this share of the way from where it is to the clip's most typical pose; 1 holds it there."""

    name, unit = "pose-frozen", "share of the way"

    def pose(self, pose: np.ndarray, position: np.ndarray, request: Request) -> tuple[np.ndarray, np.ndarray]:
        typical = typical_frame(pose)
        return tuple(v + self.dose * (v[typical] - v) for v in (pose, position))


class PoseShuffled(PoseDamage):
    """`pose-shuffled`: the clip's own poses, those less than dose frames apart in a random order."""

    name, unit, most = "pose-shuffled", "frames", 250.0

    def pose(self, pose: np.ndarray, position: np.ndarray, request: Request) -> tuple[np.ndarray, np.ndarray]:
        order = shuffled_within(self.random(request), len(pose), self.dose)
        return pose[order], position[order]


class PoseOffset(PoseDamage):
    """`pose-offset`: the head turned dose degrees further towards the image's right in every frame (left where negative)."""

    name, unit = "pose-offset", "degrees"
    least, most = -20.0, 20.0

    def pose(self, pose: np.ndarray, position: np.ndarray, request: Request) -> tuple[np.ndarray, np.ndarray]:
        return pose + np.float32([0, self.dose, 0]), position
