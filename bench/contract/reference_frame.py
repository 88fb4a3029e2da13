"""Which frame of a clip is fit to be a reference image: a face from the front, eyes open, mouth closed."""

from __future__ import annotations

import numpy as np

from bench.contract.cues import Cues
from bench.contract.errors import Reason, RejectedInput

REFERENCE_VERSION = "1"
"""Changes when choose_reference_frame would choose another frame of the same cues."""
OPEN_EYES = 0.9
"""A frame's eyes are open if the narrower one is at least this share of its median over the clip."""
CLOSED_MOUTH = 0.03
"""A mouth is closed if the inner lips are at most this far apart, as a share of the distance of the outer eye
corners..."""
CLOSED_SHARE = 0.10
"""...or if the gap is among this share of the clip's smallest (lips that never quite meet at rest)."""
_INNER_LIPS = (13, 14)
_EYE_CORNERS = (33, 263)


def choose_reference_frame(cues: Cues, pose: np.ndarray) -> int:
    """The index of the most frontal frame with open eyes and closed mouth; `pose` (T, 3) degrees [pitch, yaw, roll].

    Most frontal: the smallest root of the sum of the squared angles, the first such frame if several are equal. Open
    eyes and closed mouth are relative to the person: OPEN_EYES, CLOSED_MOUTH, CLOSED_SHARE above, the lips' gap
    (landmarks 13 and 14) measured in 3D against the outer eye corners (33 and 263). These definitions are ours: no
    published one exists. Raises ValueError for a pose of another shape, RejectedInput (no-reference-image) if no frame
    will do.
    """
    pose = np.asarray(pose, np.float64)
    if pose.shape != (len(cues), 3):
        raise ValueError(f"pose: expected shape {(len(cues), 3)}, degrees [pitch, yaw, roll], got {pose.shape}")
    landmarks = cues.landmarks.astype(np.float64)
    span = _distance(landmarks, *_EYE_CORNERS)
    gap = _distance(landmarks, *_INNER_LIPS) / np.where(span > 0, span, np.nan)  # (T,)
    narrower = cues.openness.astype(np.float64).min(axis=1)  # (T,)
    valid = cues.valid & np.isfinite(pose).all(axis=1) & np.isfinite(gap) & np.isfinite(narrower)
    if not valid.any():
        raise RejectedInput(Reason.NO_REFERENCE_IMAGE, f"no face in any of {len(cues)} frames of the neutral clip")
    open_eyes = valid & (narrower >= OPEN_EYES * np.median(narrower[valid]))
    closed = valid & (gap <= max(CLOSED_MOUTH, np.quantile(gap[valid], CLOSED_SHARE)))
    fit = np.flatnonzero(open_eyes & closed)
    if not len(fit):
        raise RejectedInput(
            Reason.NO_REFERENCE_IMAGE,
            "no frame of the neutral clip has open eyes and a closed mouth at once "
            f"({open_eyes.sum()} and {closed.sum()} of {valid.sum()} frames with a face)",
        )
    angle = np.sqrt((pose[fit] ** 2).sum(axis=1))
    return int(fit[np.argmin(angle)])


def _distance(landmarks: np.ndarray, a: int, b: int) -> np.ndarray:
    return np.linalg.norm(landmarks[:, a] - landmarks[:, b], axis=1)
