"""Landmark velocity difference over the mouth (M-LVD) and the face (F-LVD), on the MediaPipe-68 points."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.cues import Cues
from bench.contract.metric import Direction, Family
from metrics.lmd import LANDMARK_SETS, LANDMARK_WORDS, NORMALISATIONS, REGIONS, UNITS, scored_frames, shapes
from metrics.options import choose


class LandmarkVelocityDifference:
    """Mean over scored steps and points of the distance between the two frame-to-frame displacements of a landmark.

    A step runs from a frame to the next one; it is scored if both its frames show a face on both sides, so no step
    bridges a gap. The mouth and the face are two separate averages. Under "own-mean" and "face-size" a displacement is
    one of the shape about its own mean (translation of the head does not count); under "raw" it is one in the crop, under
    "eat-like" one in the frame that moves with nose and eyes, as in EAT's evaluator (which divides by frames, not steps, and
    adds the mouth's value to the face's sum: neither is done here).
    """

    region: ClassVar[str]
    name: ClassVar[str]
    family: ClassVar[Family] = Family.LANDMARKS
    direction: ClassVar[Direction] = Direction.LOWER
    version: ClassVar[str] = "1"
    reads: ClassVar[tuple[str, ...]] = ("landmarks",)
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ("lvd.landmarks", "lvd.normalisation")

    def __init__(self, normalisation: str = "own-mean", landmarks: str = "mediapipe-68"):
        self.normalisation = choose("lvd.normalisation", normalisation, NORMALISATIONS)
        self.landmarks = choose("lvd.landmarks", landmarks, LANDMARK_SETS)
        self.unit = f"{UNITS[self.normalisation]}/frame"
        points = REGIONS[self.region].stop - REGIONS[self.region].start
        self.definition = (
            f"mean distance of frame-to-frame displacements (25 fps) of the {points} {self.region} landmarks "
            f"({LANDMARK_WORDS[self.landmarks]}, x and y, 256 px crop), {NORMALISATIONS[self.normalisation]}; mean over steps "
            "whose two frames show a face on both sides"
        )

    def clip(self, reference: Cues, generated: Cues) -> float:
        """Mean difference, 0 for equal motion; NaN if no step is scored; ValueError if lengths differ."""
        x, y, scored = shapes(reference, generated, self.region, self.normalisation, self.landmarks, in_place=True)
        steps = scored[1:] & scored[:-1]
        if not steps.any():
            return float("nan")
        difference = np.diff(x, axis=0)[steps] - np.diff(y, axis=0)[steps]
        return float(np.linalg.norm(difference, axis=-1).mean())

    def n_frames(self, reference: Cues, generated: Cues) -> int:
        """How many frame-to-frame steps entered `clip`."""
        scored = scored_frames(reference, generated)
        return int((scored[1:] & scored[:-1]).sum())


class MouthLVD(LandmarkVelocityDifference):
    """M-LVD: the 20 mouth points."""

    name = "M-LVD"
    region = "mouth"


class FaceLVD(LandmarkVelocityDifference):
    """F-LVD: all 68 points."""

    name = "F-LVD"
    region = "face"
