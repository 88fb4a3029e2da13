"""Landmark distance over the mouth (M-LMD) and the face (F-LMD), on the MediaPipe-68 points."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.clip import CROP_SIZE
from bench.contract.cues import Cues
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.metric import Direction, Family
from metrics.options import choose

REGIONS = {"mouth": slice(48, 68), "face": slice(0, 68)}
"""Points of the 68-point scheme: 20 of the outer and inner lips, or all."""
OUTER_EYE_CORNERS = (36, 45)
NOSE_AND_EYES = slice(27, 45)
"""Points that EAT's evaluator aligns every frame on (yuangan/evaluation_eat, code/utils_crop.py)."""
EAT_CROP = 128
NORMALISATIONS = {
    "own-mean": "each shape minus its own mean, no scale",
    "raw": "raw positions in the crop",
    "face-size": "each shape minus its own mean, over the real clip's median distance between the outer eye corners",
    "eat-like": "each frame's nose and eyes brought onto the real clip's mean ones by a similarity, in px of a 128 px crop",
}
UNITS = {"own-mean": "px", "raw": "px", "face-size": "% of eye distance", "eat-like": "px of 128"}
WHOLE = "mediapipe-68-whole-px"
LANDMARK_SETS = {"mediapipe-68": LANDMARKS_68, WHOLE: LANDMARKS_68}
"""The same points twice: as they are, and rounded to whole pixels, in which dlib's predictor, and so EAT's evaluator, has them."""
LANDMARK_WORDS = {"mediapipe-68": "MediaPipe-68", WHOLE: "MediaPipe-68 rounded to whole px"}


def points68(cues: Cues, landmarks: str = "mediapipe-68") -> np.ndarray:
    """(T, 68, 2) float64 px of the canonical crop: x and y of the 68 points; z is left out, as in the field's LMD."""
    return cues.landmarks[:, LANDMARK_SETS[landmarks], :2].astype(np.float64)


def scored_frames(reference: Cues, generated: Cues) -> np.ndarray:
    """(T,) bool: frames with a face on both sides; ValueError if the lengths differ (pair the frames first)."""
    if len(reference) != len(generated):
        raise ValueError(
            f"cues are compared frame by frame: reference has {len(reference)} frames, generated {len(generated)}; "
            "cut both to their paired frames first"
        )
    seen = [cues.valid & np.isfinite(points68(cues)).all(axis=(1, 2)) for cues in (reference, generated)]
    return seen[0] & seen[1]


def shapes(
    reference: Cues,
    generated: Cues,
    region: str,
    normalisation: str,
    landmarks: str = "mediapipe-68",
    in_place: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two sequences of shapes to compare and which frames count: (T, P, 2), (T, P, 2), (T,) bool.

    P is 20 (mouth) or 68 (face); unit px, or percent of the outer eye distance under "face-size". That distance is the
    median over the scored frames of the reference and divides both sides: a generated face of another size stays wrong.
    Under "eat-like" the aligned shapes stay where they are if `in_place`, and lose their own mean if not. Whole pixels are those
    of the crop, under "eat-like" of its 128 px one.
    """
    scored = scored_frames(reference, generated)
    sides = [points68(cues, landmarks) for cues in (reference, generated)]
    unit = 1.0
    if normalisation == "face-size" and scored.any():
        left, right = (sides[0][scored, corner] for corner in OUTER_EYE_CORNERS)
        unit = 100.0 / np.median(np.linalg.norm(left - right, axis=-1))
    if normalisation == "eat-like" and scored.any():
        template = sides[0][scored, NOSE_AND_EYES].mean(0)
        sides = [aligned(side, template) * (EAT_CROP / CROP_SIZE) for side in sides]
    if landmarks == WHOLE:
        sides = [np.rint(side) for side in sides]
    cut = [side[:, REGIONS[region]] for side in sides]
    if normalisation != "raw" and not (normalisation == "eat-like" and in_place):
        cut = [side - side.mean(axis=1, keepdims=True) for side in cut]
    return cut[0] * unit, cut[1] * unit, scored


def aligned(points: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Each frame of points (T, 68, 2) under the similarity that takes its nose and eyes best onto `template` (18, 2)."""
    # in the complex plane a similarity is z -> a z + b, and least squares has a closed form
    z, target = points @ (1, 1j), template @ (1, 1j)
    fitted = z[:, NOSE_AND_EYES]
    middle = fitted.mean(1, keepdims=True)
    spread = (np.abs(fitted - middle) ** 2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):  # frames without a face, which are not scored
        turn = (np.conj(fitted - middle) @ (target - target.mean())) / spread
    moved = turn[:, None] * (z - middle) + target.mean()
    return np.stack([moved.real, moved.imag], -1)


class LandmarkDistance:
    """Mean over scored frames and points of the Euclidean distance between corresponding landmarks.

    A frame is scored if a face was found on both sides. normalisation: "own-mean" (EAT's definition, on the 256 px crop
    instead of its 128 px one; ATVG's script sums its 20 distances, so its numbers are 20 times as large), "raw",
    "face-size", "eat-like" (EAT's alignment too, with the real clip in place of its template, which is not public, and its
    scale with it). landmarks: "mediapipe-68", or "mediapipe-68-whole-px", rounded as dlib's are. Values with other landmarks or crops
    are other numbers.
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
    protocol_keys: ClassVar[tuple[str, ...]] = ("lmd.landmarks", "lmd.normalisation")

    def __init__(self, normalisation: str = "own-mean", landmarks: str = "mediapipe-68"):
        self.normalisation = choose("lmd.normalisation", normalisation, NORMALISATIONS)
        self.landmarks = choose("lmd.landmarks", landmarks, LANDMARK_SETS)
        self.unit = UNITS[self.normalisation]
        points = REGIONS[self.region].stop - REGIONS[self.region].start
        self.definition = (
            f"mean distance of the {points} {self.region} landmarks ({LANDMARK_WORDS[self.landmarks]}, x and y, 256 px crop), "
            f"{NORMALISATIONS[self.normalisation]}{', minus its own mean' * (self.normalisation == 'eat-like')}; "
            "mean over frames with a face on both sides"
        )

    def clip(self, reference: Cues, generated: Cues) -> float:
        """Mean distance, 0 for equal shapes; NaN if no frame is valid on both sides; ValueError if lengths differ."""
        x, y, scored = shapes(reference, generated, self.region, self.normalisation, self.landmarks)
        if not scored.any():
            return float("nan")
        return float(np.linalg.norm(x[scored] - y[scored], axis=-1).mean())

    def n_frames(self, reference: Cues, generated: Cues) -> int:
        """How many frames entered `clip`."""
        return int(scored_frames(reference, generated).sum())


class MouthLMD(LandmarkDistance):
    """M-LMD: the 20 mouth points."""

    name = "M-LMD"
    region = "mouth"
    primary = True


class FaceLMD(LandmarkDistance):
    """F-LMD: all 68 points."""

    name = "F-LMD"
    region = "face"
