"""Cues of a face that moves, made from a few curves: no picture, no network."""

import numpy as np

from bench.contract.cues import Cues
from bench.contract.geometry import euler_to_matrix


def cues_of(rng, frames=60, coupled=True) -> Cues:
    """A face whose brows, eyes and head follow one slow curve, or each its own."""
    tracks = [_slow(rng, frames) for _ in range(3)]
    expression, gaze, pose = [tracks[0]] * 3 if coupled else tracks
    angles = np.stack([6 * pose, 8 * np.roll(pose, 2), pose], 1) + rng.normal(0, 0.2, (frames, 3))
    transform = np.tile(np.eye(4), (frames, 1, 1))
    transform[:, :3, :3] = euler_to_matrix(angles)
    direction = np.stack([-6 * gaze, 4 * gaze], 1)[:, None] + rng.normal(0, 0.2, (frames, 2, 2))
    scores = np.clip(0.3 + 0.1 * expression[:, None] + rng.normal(0, 0.01, (frames, 52)), 0, 1)
    return Cues(
        landmarks=np.zeros((frames, 478, 3), np.float32),
        transform=transform.astype(np.float32),
        gaze=direction.astype(np.float32),
        openness=np.full((frames, 2), 0.3, np.float32),
        blendshapes=scores.astype(np.float32),
        valid=np.ones(frames, bool),
    )


def _slow(rng, frames):
    found = np.convolve(rng.normal(size=frames + 10), np.hanning(9), "same")[5 : frames + 5]
    return (found - found.mean()) / found.std()
