"""Cues as numbers that a network can emit, and back: head-frame landmarks, direction bins, head pose, relative to a reference.

`apart` takes cues apart (normalisation), `together` puts them back into the picture (relocation): landmarks are turned and
moved to the head pose, and the irises placed where the eyes look. Landmarks and pose come back exactly, gaze within half a
bin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from baselines.two_stage import gaze_bins
from bench.contract.clip import CROP_SIZE
from bench.contract.cues import N_BLENDSHAPES, Cues
from bench.contract.eyes import EYE_LANDMARKS, eyes_in_head, looking, openness_of
from bench.contract.geometry import (
    N_MESH,
    euler_to_matrix,
    normalise,
    pose_of,
    relocate,
)

SIZE = (CROP_SIZE, CROP_SIZE)
POSE_UNITS = np.array([10.0, 10.0, 10.0, 0.1, 1.0, 1.0, 3.0])
"""What a pose of 1 means: degrees of pitch, yaw, roll, share of size, cm of x, y, z."""
LID_EDGES = (0.25, 0.5, 0.75, 0.95, 1.15)
"""Openness against the reference's: six states of the lids, from shut to wide."""
LIDS = len(LID_EDGES) + 1


@dataclass(frozen=True)
class Parts:
    """Cues taken apart, T frames.

    expression (T, 468, 3) cm, head-frame landmarks without irises minus the reference's; irises (T, 10, 3) cm likewise;
    pose (T, 7) in POSE_UNITS, minus the reference's; gaze (T, 2, 2) degrees minus the reference's, bins (T, 2) of it;
    lids (T,) state of the lids.
    """

    expression: np.ndarray
    irises: np.ndarray
    pose: np.ndarray
    gaze: np.ndarray
    bins: np.ndarray
    lids: np.ndarray

    def __len__(self) -> int:
        return len(self.lids)


@dataclass(frozen=True)
class Reference:
    """The one frame that everything is relative to: landmarks (478, 3) cm in the head frame, pose (7,), gaze (2, 2) degrees,
    openness ()."""

    landmarks: np.ndarray
    pose: np.ndarray
    gaze: np.ndarray
    openness: float

    @classmethod
    def of(cls, cues: Cues) -> Reference:
        """Of cues of one valid frame; ValueError otherwise."""
        if len(cues) != 1 or not cues.valid[0]:
            raise ValueError(f"reference: expected one frame with a face, got {len(cues)}")
        landmarks = normalise(cues.landmarks, cues.transform, SIZE)[0]
        return cls(
            landmarks, numbers_of(cues.transform)[0], cues.gaze[0].astype(np.float64), float(cues.openness[0].mean())
        )


def apart(cues: Cues, reference: Reference) -> Parts:
    """Cues with a face in every frame, relative to a reference; ValueError where a frame has none."""
    if not cues.valid.all():
        raise ValueError(f"apart: {int((~cues.valid).sum())} of {len(cues)} frames have no face; leave them out first")
    difference = normalise(cues.landmarks, cues.transform, SIZE) - reference.landmarks
    gaze = cues.gaze - reference.gaze
    return Parts(
        expression=difference[:, :N_MESH],
        irises=difference[:, N_MESH:],
        pose=(numbers_of(cues.transform) - reference.pose) / POSE_UNITS,
        gaze=gaze,
        bins=gaze_bins.to_bins(gaze),
        lids=np.digitize(cues.openness.mean(1) / reference.openness, LID_EDGES),
    )


def together(
    expression: np.ndarray, pose: np.ndarray, gaze: np.ndarray, reference: Reference, *, moved: bool = True
) -> Cues:
    """Cues of expression (T, 468, 3), pose (T, 7) and gaze (T, 2, 2) relative to a reference, as `Parts` has them.

    Without `moved` the landmarks stay at the reference's pose and its irises in the sockets: no relocation. Blendshapes are
    NaN: no method emits them.
    """
    frames = len(expression)
    irises = np.broadcast_to(reference.landmarks[N_MESH:], (frames, 10, 3))
    landmarks = np.concatenate([reference.landmarks[:N_MESH] + expression, irises], 1)
    transform = matrices_of(reference.pose + np.asarray(pose, np.float64) * POSE_UNITS)
    directions = reference.gaze + np.asarray(gaze, np.float64)
    if moved:
        landmarks = looking(landmarks, directions)
        seen = relocate(landmarks, transform, SIZE)
    else:
        seen = relocate(landmarks, np.broadcast_to(matrices_of(reference.pose[None]), transform.shape), SIZE)
    eyes = eyes_in_head(seen, transform, SIZE) if moved else landmarks[:, EYE_LANDMARKS].reshape(-1, 2, 9, 3)
    return Cues(
        landmarks=seen.astype(np.float32),
        transform=transform.astype(np.float32),
        gaze=directions.astype(np.float32),
        openness=openness_of(eyes).astype(np.float32),
        blendshapes=np.full((frames, N_BLENDSHAPES), np.nan, np.float32),
        valid=np.ones(frames, bool),
    )


def numbers_of(transform: np.ndarray) -> np.ndarray:
    """(T, 7) [pitch, yaw, roll] degrees, logarithm of size, x, y, z cm of head-to-camera transforms (T, 4, 4)."""
    transform = np.asarray(transform, np.float64)
    size = np.cbrt(np.linalg.det(transform[:, :3, :3]))
    return np.concatenate([pose_of(transform), np.log(size)[:, None], transform[:, :3, 3]], 1)


def matrices_of(numbers: np.ndarray) -> np.ndarray:
    """Transforms (T, 4, 4) of what `numbers_of` gave."""
    numbers = np.asarray(numbers, np.float64)
    transform = np.zeros((len(numbers), 4, 4))
    transform[:, :3, :3] = np.exp(numbers[:, 3])[:, None, None] * euler_to_matrix(numbers[:, :3])
    transform[:, :3, 3] = numbers[:, 4:]
    transform[:, 3, 3] = 1
    return transform
