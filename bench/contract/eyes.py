"""The eyes: gaze and lid opening read from landmarks, and irises placed so that they are read as a given gaze."""

from __future__ import annotations

import numpy as np

from bench.contract import geometry
from bench.contract.geometry import SUBJECT_LEFT_EYE, SUBJECT_RIGHT_EYE

EYES = (SUBJECT_LEFT_EYE, SUBJECT_RIGHT_EYE)
"""Order of the eyes in every array: the subject's left one first."""
EYE_LANDMARKS = tuple(i for e in EYES for i in (e["outer"], e["inner"], *e["upper"], *e["lower"], e["iris"]))
"""The 18 landmarks that lids and gaze are read from: nine per eye."""
IRISES = ((473, 474, 475, 476, 477), (468, 469, 470, 471, 472))
"""Landmarks of each iris, its centre first."""


def eyes_in_head(landmarks: np.ndarray, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Eye points (T, 2, 9, 3) in head-frame cm of landmarks (T, 478, 3) px, the subject's left eye first.

    The nine points: outer corner, inner corner, three of the upper lid, the three facing them below, iris centre.
    """
    return geometry.normalise(landmarks, transform, size, only=EYE_LANDMARKS).reshape(-1, 2, 9, 3)


def openness_of(eyes: np.ndarray) -> np.ndarray:
    """Lid gap over eye width (T, 2) of eye points (T, 2, 9, 3), the subject's left eye first.

    The gap is the mean distance of three facing pairs of lid points, the width that of the eye's corners: about 0.3 with
    open eyes, under 0.15 with closed ones, whatever the head pose and the size of the picture.
    """
    gap = np.linalg.norm(eyes[:, :, 2:5] - eyes[:, :, 5:8], axis=-1).mean(-1)
    return gap / np.linalg.norm(eyes[:, :, 0] - eyes[:, :, 1], axis=-1)


# The eye in the canonical head frame (cm), whose size is that of an average head: the pupil is seen 1.05 cm in front of the
# centre of rotation (which lies 13.5 mm behind the cornea's apex, the entrance pupil 3.05 mm), and that centre lies behind,
# outwards of and above the middle between the eye's corners. The depth is such that turning a rendered head leaves its gaze
# where it is; the other two are a compromise over few faces of known gaze: people differ by several degrees there, a
# constant per person and eye.
PUPIL_RADIUS = 1.05
EYEBALL_BEHIND = 0.85
EYEBALL_OUTWARDS = 0.05
EYEBALL_ABOVE = 0.11
# The network's irises follow vertical eye movement only half: slope 0.45 on rendered heads and on real clips
# (there against ETH-XGaze), while horizontal movement is seen in full. Pitch is stretched accordingly.
PITCH_GAIN = 1.8


def gaze_of(eyes: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Gaze [yaw, pitch] (T, 2, 2) in degrees relative to the head, the subject's left eye first.

    `eyes` (T, 2, 9, 3) are `eyes_in_head`, `transform` (T, 4, 4). The line of sight from the camera through the iris centre
    is cut with a sphere around the eyeball's centre; the iris's own depth, which the network guesses, is not used. Frames
    with closed lids keep their estimate: openness tells them. NaN where the input is NaN.
    """
    transform = np.asarray(transform, np.float64)
    whole = np.isfinite(transform).all((-2, -1))
    camera = np.linalg.inv(np.where(whole[:, None, None], transform, np.eye(4)))[:, None, :3, 3]  # in the head frame
    centre = (eyes[:, :, 0] + eyes[:, :, 1]) / 2 + np.stack([_shift(1), _shift(-1)])
    ray = eyes[:, :, 8] - camera
    ray = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    to_centre = centre - camera
    nearest = (to_centre * ray).sum(-1, keepdims=True) * ray - to_centre  # from the eyeball's centre to the ray
    depth = np.sqrt(np.clip(PUPIL_RADIUS**2 - (nearest**2).sum(-1, keepdims=True), 0, None))
    return geometry.vector_to_gaze(nearest - depth * ray) * (1, PITCH_GAIN)


def looking(normalised: np.ndarray, gaze: np.ndarray) -> np.ndarray:
    """Head-frame landmarks (T, 478, 3) cm with the irises where `gaze_of` reads the directions `gaze` (T, 2, 2) degrees.

    Each iris is moved as a whole, its centre to the pupil's place on the eyeball. Where a gaze is NaN it stays.
    """
    moved = np.array(normalised, np.float64)
    for eye, (points, iris) in enumerate(zip(EYES, IRISES, strict=True)):
        centre = (moved[:, points["outer"]] + moved[:, points["inner"]]) / 2 + _shift(1 if eye == 0 else -1)
        pupil = centre + PUPIL_RADIUS * geometry.gaze_to_vector(np.asarray(gaze, np.float64)[:, eye] / (1, PITCH_GAIN))
        step = np.where(np.isfinite(pupil), pupil - moved[:, iris[0]], 0)
        moved[:, iris] += step[:, None]
    return moved


def _shift(side: int) -> np.ndarray:
    """From the middle between an eye's corners to the eyeball's centre; `side` is 1 for the subject's left eye."""
    return np.array([side * EYEBALL_OUTWARDS, EYEBALL_ABOVE, -EYEBALL_BEHIND])
