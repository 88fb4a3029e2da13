"""Damages of the gaze: directions of both eyes relative to the head."""

from __future__ import annotations

import numpy as np

from baselines.damages.geometry import GazeDamage
from baselines.tracks import drawn_in_share, shuffled_within, typical_frame
from bench.contract.method import Request


class GazeFrozen(GazeDamage):
    """`gaze-frozen`: the eyes this share of the way to the clip's most typical direction; 1 holds them there."""

    name, unit = "gaze-frozen", "share of the way"

    def gaze(self, gaze: np.ndarray, request: Request) -> np.ndarray:
        return gaze + self.dose * (gaze[typical_frame(gaze)] - gaze)


class GazeMirrored(GazeDamage):
    """`gaze-mirrored`: left and right of the eyes exchanged, in this share of the clips; the head stays as it is."""

    name, unit, version = "gaze-mirrored", "share of clips", "2"

    def falls_on(self, request: Request) -> bool:
        return self.chosen(request)

    def gaze(self, gaze: np.ndarray, request: Request) -> np.ndarray:
        return gaze[:, ::-1] * np.float32([-1, 1])  # in a mirror the left eye is the right one: they still converge


class GazeShuffled(GazeDamage):
    """`gaze-shuffled`: the clip's own directions, those less than dose frames apart in a random order."""

    name, unit, most = "gaze-shuffled", "frames", 250.0

    def gaze(self, gaze: np.ndarray, request: Request) -> np.ndarray:
        return gaze[shuffled_within(self.random(request), len(gaze), self.dose)]


class GazeIid(GazeDamage):
    """`gaze-iid`: this share of the frames shows a direction drawn from the clip's own: right histogram, no fixations."""

    name, unit = "gaze-iid", "share of frames"

    def gaze(self, gaze: np.ndarray, request: Request) -> np.ndarray:
        return gaze[drawn_in_share(self.random(request), len(gaze), self.dose)]
