"""What a judge looks at, measured on validation clips: figures by level and emotion, and pictures with something taken out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.contract.clip import LEVELS, Clip
from bench.contract.geometry import POSE_POINTS
from bench.contract.landmarks68 import LANDMARKS_68

MOUTH_BORDER = 4
"""Pixels of the 80 px picture by which the hidden mouth reaches beyond the lips."""
NOSE_BRIDGE_END = 4
"""Landmark at the tip of the nose; all above it is the upper face."""
LIDS = {
    "right": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "left": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
}
"""The rims of the lids of the subject's eyes, once around."""


def figures(probabilities: np.ndarray, clips: Sequence[Clip], classes: tuple[str, ...]) -> dict[str, Any]:
    """Accuracy, macro-F1, accuracy by level (neutral apart, which has one level) and by emotion, confusion: counts, rows shown.

    probabilities (N, C) of N clips; a group without clips is None.
    """
    from sklearn.metrics import confusion_matrix, f1_score

    shown = np.array([classes.index(clip.emotion) for clip in clips])
    said = probabilities.argmax(1)
    right = said == shown
    levels = np.array([-1 if clip.emotion == "neutral" or clip.level is None else clip.level for clip in clips])

    def share(mask: np.ndarray) -> float | None:
        return float(right[mask].mean()) if mask.any() else None

    present = np.unique(shown)
    return {
        "n_clips": len(clips),
        "n_speakers": len({clip.speaker for clip in clips}),
        "accuracy": share(np.ones(len(clips), bool)),
        "macro_f1": float(f1_score(shown, said, labels=present, average="macro", zero_division=0)),
        "chance": 1 / len(classes),
        "accuracy_by_level": {str(level): share(levels == level) for level in LEVELS},
        "accuracy_by_emotion": {name: share(shown == place) for place, name in enumerate(classes)},
        "confusion": confusion_matrix(shown, said, labels=range(len(classes))).tolist(),
    }


def mouth_hidden(pictures: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The hull of the lips and a border around it painted in the clip's mean gray."""
    return _painted(pictures, lambda t: _hull(landmarks[t, LANDMARKS_68[48:]], MOUTH_BORDER))


def upper_face_hidden(pictures: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """All above the tip of the nose painted in the clip's mean gray."""
    side = pictures.shape[1]

    def region(t: int) -> np.ndarray:
        mask = np.zeros((side, side), np.uint8)
        mask[: int(np.clip(np.rint(landmarks[t, NOSE_BRIDGE_END, 1]), 0, side))] = 1
        return mask

    return _painted(pictures, region)


def lower_face_hidden(pictures: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The tip of the nose and all below it painted in the clip's mean gray."""
    side = pictures.shape[1]

    def region(t: int) -> np.ndarray:
        mask = np.ones((side, side), np.uint8)
        mask[: int(np.clip(np.rint(landmarks[t, NOSE_BRIDGE_END, 1]), 0, side))] = 0
        return mask

    return _painted(pictures, region)


def gaze_hidden(pictures: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """What lies between the lids painted in its own mean gray over the clip: how wide the eyes are stays, where they look goes."""

    def region(t: int) -> np.ndarray:
        return _filled(landmarks[t, LIDS["left"]]) | _filled(landmarks[t, LIDS["right"]])

    def _filled(points: np.ndarray) -> np.ndarray:
        import cv2

        mask = np.zeros(pictures.shape[1:], np.uint8)
        cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1)
        return mask

    masks = np.stack([region(t) for t in range(len(pictures))]).astype(bool)
    between = pictures[masks].mean() if masks.any() else 0
    return np.where(masks, np.uint8(np.rint(between)), pictures)


def head_steadied(pictures: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Every frame moved by the affine map that brings the stiff points of the face nearest to their median over the clip.

    Place, size, roll and to first order pitch and yaw no longer move; what a turned head hides stays hidden.
    """
    import cv2

    stiff = landmarks[:, POSE_POINTS].astype(np.float64)
    middle = np.median(stiff, 0)
    steadied = np.empty_like(pictures)
    for picture, points, out in zip(pictures, stiff, steadied, strict=True):
        matrix, *_ = np.linalg.lstsq(np.column_stack([points, np.ones(len(points))]), middle, rcond=None)
        cv2.warpAffine(picture, matrix.T, picture.shape, dst=out, borderMode=cv2.BORDER_REPLICATE)
    return steadied


def one_frame(pictures: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The middle frame in the place of all."""
    return np.repeat(pictures[len(pictures) // 2][None], len(pictures), 0)


PROBES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mouth hidden": mouth_hidden,
    "lower face hidden": lower_face_hidden,
    "upper face hidden": upper_face_hidden,
    "gaze hidden": gaze_hidden,
    "head steadied": head_steadied,
    "one frame": one_frame,
}
"""Name in the card -> pictures (N, 80, 80) uint8 and landmarks (N, 478, 2) px of them -> pictures."""


def _painted(pictures: np.ndarray, region: Callable[[int], np.ndarray]) -> np.ndarray:
    masks = np.stack([region(t) for t in range(len(pictures))]).astype(bool)
    return np.where(masks, np.uint8(np.rint(pictures.mean())), pictures)


def _hull(points: np.ndarray, border: int) -> np.ndarray:
    """(S, S) uint8 mask of the convex hull of points (P, 2), grown by `border` px."""
    import cv2

    from metrics.judge.faces import SIDE

    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    return cv2.dilate(mask, np.ones((2 * border + 1,) * 2, np.uint8))
