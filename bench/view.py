"""How a protocol looks at videos: crop of the pictures, pairing of the frames, origin of the sound."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from bench.contract.clip import CROP_SIZE
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import similarity_2d
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.metric import Family, Metric, OwnMetric

VIEW_VERSION = "1"
"""Raised when pictures or landmarks under a view other than the canonical one change."""
ALIGNMENTS = {
    "canonical": "the canonical crop",
    "nose-and-eyes": "nose and eyes of every frame brought onto the real clip's mean ones by a similarity, frames without a face on "
    "either side left out",
}
RULES = {
    "by-time": "frames of equal times, as far as both videos go",
    "index-proportion": "both videos spread over the shorter one's number of frames",
}
SOUNDS = {
    "own": "the video's own sound",
    "store": "the real clip's sound laid under the video",
}
SIZES = range(64, 513)

NOSE_AND_EYES = slice(27, 45)
"""Points of the 68 that EAT's evaluator aligns every frame on (yuangan/evaluation_eat, code/utils_crop.py)."""


@dataclass(frozen=True)
class View:
    """What a metric sees; the default is the canonical clip itself.

    `alignment` and `size` (px, width and height) of the pictures, pairing by `rule` and the origin of the `sound`: keys of
    ALIGNMENTS, RULES and SOUNDS.
    """

    alignment: str = "canonical"
    size: int = CROP_SIZE
    rule: str = "by-time"
    sound: str = "own"

    @property
    def of_picture(self) -> tuple[str, int]:
        """What of the view pixels and landmarks depend on, beside the frames that are taken."""
        return (self.alignment, self.size)

    def of(self, metric: Metric) -> View:
        """What of a protocol's view a metric sees: the crop is for pictures, the pairing for what compares pictures or landmarks
        of two videos, the sound for lip sync; everything else looks at the canonical clip.
        """
        if self == CANONICAL:
            return self
        seen = View(self.alignment, self.size) if metric.family == Family.IMAGE else CANONICAL
        if metric.family in (Family.IMAGE, Family.LANDMARKS) and not isinstance(metric, OwnMetric):
            seen = replace(seen, rule=self.rule)
        return replace(seen, sound=self.sound) if metric.family == Family.SYNC else seen

    @property
    def words(self) -> str:
        """What differs from the canonical clip, for a metric's definition; empty if nothing does."""
        parts = []
        if self.of_picture != CANONICAL.of_picture:
            parts.append(f"on pictures of {self.size} px: {ALIGNMENTS[self.alignment]}")
        if self.rule != CANONICAL.rule:
            parts.append(f"paired: {RULES[self.rule]}")
        if self.sound != CANONICAL.sound:
            parts.append(SOUNDS[self.sound])
        return "; ".join(parts)


CANONICAL = View()


def nose_and_eyes(cues: Cues) -> np.ndarray:
    """(18, 2) mean place of nose and eyes over the frames with a face, px; Unscorable(NO_FACE) if there is none."""
    if not cues.valid.any():
        raise Unscorable(Reason.NO_FACE, f"expected a face to align on, found none in {len(cues)} frames")
    return _points(cues)[cues.valid, NOSE_AND_EYES].mean(0)


def alignment_of(view: View, cues: Cues, template: np.ndarray | None) -> np.ndarray:
    """(T, 2, 3) affines, canonical px -> px of the view; `template` is the real clip's `nose_and_eyes`.

    A frame without a face has none: NaN. Unscorable(NO_FACE) if an alignment finds no face at all.
    """
    scale = view.size / CROP_SIZE
    if view.alignment == "canonical":
        return np.broadcast_to(_scaled(np.eye(2, 3), scale), (len(cues), 2, 3))
    if not cues.valid.any():
        raise Unscorable(Reason.NO_FACE, f"expected a face to align on, found none in {len(cues)} frames")
    points, affines = _points(cues), np.full((len(cues), 2, 3), np.nan)
    for t in np.flatnonzero(cues.valid):
        affines[t] = _scaled(similarity_2d(points[t, NOSE_AND_EYES], template), scale)
    return affines


def _points(cues: Cues) -> np.ndarray:
    """(T, 68, 2) float64."""
    return cues.landmarks[:, LANDMARKS_68, :2].astype(np.float64)


def _scaled(affine: np.ndarray, scale: float) -> np.ndarray:
    """`affine` followed by a change of size that keeps the picture's edges: the middle of the first pixel is (0, 0)."""
    out = scale * affine
    out[:, 2] += (scale - 1) / 2
    return out


def moved(cues: Cues, affines: np.ndarray) -> Cues:
    """The landmarks under the affines (T, 2, 3), depth by their scale; all that is relative to the head stays."""
    xy = np.einsum("tij,tnj->tni", affines[:, :, :2], cues.landmarks[..., :2].astype(np.float64))
    xy += affines[:, None, :, 2]
    z = cues.landmarks[..., 2:] * np.sqrt(np.abs(np.linalg.det(affines[:, :, :2])))[:, None, None]
    landmarks = np.concatenate([xy, z], -1).astype(np.float32)
    return Cues(landmarks, cues.transform, cues.gaze, cues.openness, cues.blendshapes, cues.valid)


def warped(view: View, frames: np.ndarray, affines: np.ndarray) -> np.ndarray:
    """(T, 256, 256, 3) uint8 and (T, 2, 3) -> (T, size, size, 3) uint8.

    Canonical pictures are made smaller by area and larger bicubically, as everywhere here; aligned ones are sampled
    bilinearly with black outside, as the programs do that the alignments are taken from.
    """
    import cv2

    size = (view.size, view.size)
    out = np.empty((len(frames), view.size, view.size, 3), np.uint8)
    for picture, affine, into in zip(frames, affines, out, strict=True):
        if view.alignment == "canonical":
            into[:] = cv2.resize(
                picture, size, interpolation=cv2.INTER_AREA if view.size < CROP_SIZE else cv2.INTER_CUBIC
            )
        else:
            into[:] = cv2.warpAffine(picture, affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return out


def picked(view: View, reference: Cues, generated: Cues) -> tuple[np.ndarray, np.ndarray]:
    """Which frames of the two sides are compared, (n,) int64 each; Unscorable(NO_FACE) where an alignment leaves none."""
    paired = min(len(reference), len(generated))
    sides = [np.arange(paired), np.arange(paired)]
    if view.rule == "index-proportion":
        sides = [np.arange(paired) * len(cues) // paired for cues in (reference, generated)]
    if view.alignment == "nose-and-eyes":
        seen = reference.valid[sides[0]] & generated.valid[sides[1]]
        if not seen.any():
            raise Unscorable(Reason.NO_FACE, f"no frame of {paired} shows a face on both sides to align on")
        sides = [side[seen] for side in sides]
    return sides[0], sides[1]


def own_picked(view: View, cues: Cues) -> np.ndarray:
    """Which frames of a video by itself are looked at, (n,) int64; Unscorable(NO_FACE) where an alignment leaves none."""
    if view.alignment != "nose-and-eyes":
        return np.arange(len(cues))
    if not cues.valid.any():
        raise Unscorable(Reason.NO_FACE, f"expected a face to align on, found none in {len(cues)} frames")
    return np.flatnonzero(cues.valid)


def digest(array: np.ndarray | None) -> str | None:
    """A short name for the content of an array, for cache keys."""
    return None if array is None else hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
