"""Frames of one identity that have nothing to do with each other: what a generator is pretrained on, in pairs.

Every frame draws its pose, gaze, expression, mouth and lids anew and independently, so that no cue can be told from another,
and none from an emotion: what the generator learns of a cue is the cue.
"""

from __future__ import annotations

import numpy as np

from bench.contract.clip import FPS
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.render import Performance
from bench.data.puppet.speaker import stream
from bench.data.puppet.speech import Phoneme
from bench.data.puppet.visemes import ARTICULATORS, mouth

POSE_RANGE = np.array([20.0, 20.0, 20.0])
"""Largest pitch, yaw and roll, degrees."""
NEAR_SPREAD = np.array([5.0, 7.0, 4.0])
"""SD of the half of the frames that lie as in conversation; the other half is uniform over the range."""
GAZE_RANGE = np.array([24.0, 16.0])
"""Largest yaw and pitch of the eyes in the head, degrees."""
SOUNDS = ("A:", "E", "i:", "u:", "O:", "m", "f", "s", "S", "T", "l", "k", "@")
"""One sound of every class of mouth shape."""
SPOKEN, BLINKING = 0.6, 0.2
"""Shares of the frames with a mouth that speaks, and with lids on their way."""
_SIDES = ("smile", "dimpler")
_EXPRESSIVE = tuple(a for a in ACTIONS if a not in (*ARTICULATORS, "blink")) + (
    "jaw_open",
    "lips_part",
    "lip_stretch",
    "lip_pucker",
)


def stills(speaker: str, count: int) -> Performance:
    """`count` independent frames of `speaker`; equal arguments give equal bytes."""

    def rng(purpose: str) -> np.random.Generator:
        return stream(speaker, "", 0, 0, f"stills {purpose}")

    return Performance(
        actions=_faces(rng("faces"), count).astype(np.float32),
        gaze=_gaze(rng("gaze"), count).astype(np.float32),
        pose=_pose(rng("pose"), count).astype(np.float32),
        position=(rng("position").standard_normal((count, 3)).clip(-2, 2) * [0.5, 0.35, 0.9]).astype(np.float32),
    )


def _pose(rng: np.random.Generator, count: int) -> np.ndarray:
    near = (rng.standard_normal((count, 3)) * NEAR_SPREAD).clip(-POSE_RANGE, POSE_RANGE)
    wide = rng.uniform(-POSE_RANGE, POSE_RANGE, (count, 3))
    return np.where(rng.random((count, 1)) < 0.5, near, wide)


def _gaze(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 2, 2) degrees: both eyes in one direction, turned towards each other by up to 2 degrees each."""
    gaze = np.repeat(rng.uniform(-GAZE_RANGE, GAZE_RANGE, (count, 1, 2)), 2, axis=1)
    vergence = rng.uniform(0.5, 2.0, count)
    gaze[:, 0, 0] -= vergence  # the subject-left eye stands at the image's right
    gaze[:, 1, 0] += vergence
    return gaze


def _faces(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, A): a mixture of one to four actions per frame, a speaking mouth in some, lids on their way in some."""
    faces = np.zeros((count, len(ACTIONS)))
    for frame in faces:
        for name in rng.choice(_EXPRESSIVE, size=rng.integers(1, 5), replace=False):
            amount = float(rng.beta(1.2, 1.6))
            frame[ACTIONS.index(name)] = max(frame[ACTIONS.index(name)], amount)
            base = name.removesuffix("_left").removesuffix("_right")
            if base in _SIDES and rng.random() < 0.7:  # mostly on both sides
                for side in ("left", "right"):
                    frame[ACTIONS.index(f"{base}_{side}")] = amount * float(rng.uniform(0.8, 1.0))
        if rng.random() < SPOKEN:
            _speak(frame, _shape(rng))
        if rng.random() < BLINKING:
            frame[ACTIONS.index("blink")] = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.2, 1.0))
            frame[ACTIONS.index("lid_raise")] *= 1.0 - frame[ACTIONS.index("blink")]
    return faces.clip(0.0, 1.0)


def _shape(rng: np.random.Generator) -> dict[str, float]:
    """The mouth at some instant between two sounds, as speech makes it."""
    first, second = rng.choice(SOUNDS, 2, replace=False)
    length = 0.12
    said = [Phoneme(str(first), 0.0, length, 2), Phoneme(str(second), length, 2 * length, 2)]
    onset = float(rng.uniform(0.0, 1.0)) / FPS
    curves = mouth(said, int(2 * length * FPS) + 1, onset, float(rng.uniform(0.7, 1.2)))
    return dict(zip(ARTICULATORS, curves[rng.integers(1, len(curves))], strict=True))


def _speak(frame: np.ndarray, said: dict[str, float]) -> None:
    """Put a speaking mouth into a face: speech has the lips, and a closure wins over everything that opens them."""
    closed, opened = said["lip_close"], min(1.0, 2.0 * said["jaw_open"] + said["lips_part"])
    for name, value in said.items():
        index = ACTIONS.index(name)
        frame[index] = max(value, 0.5 * frame[index])
    frame[ACTIONS.index("lip_press")] *= 1.0 - opened
    for name in ("jaw_open", "lips_part", "lip_funnel", "lip_tuck", "upper_lip_raise", "lower_lip_depress", "tongue"):
        frame[ACTIONS.index(name)] *= 1.0 - 0.9 * closed
