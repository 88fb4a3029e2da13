"""Truth and estimate side by side: a scene rendered once, and read by the face extractor in every condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.contract.cues import FIELDS, Cues
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.render import HeadRenderer, Performance
from bench.extractor_error.conditions import Condition
from bench.extractor_error.scenes import Scene


@dataclass(frozen=True)
class Truth:
    """What T rendered frames show, exactly.

    landmarks (T, 478, 2) px; pose (T, 3) degrees [pitch, yaw, roll]; gaze (T, 2, 2) degrees [subject-left eye,
    subject-right eye] x [yaw, pitch], head-relative; openness (T, 2) lid gap over eye width, same eyes, by the extractor's
    own formula; lip_gap (T,) px; blink (T,) lid closure 0..1.
    """

    landmarks: np.ndarray
    pose: np.ndarray
    gaze: np.ndarray
    openness: np.ndarray
    lip_gap: np.ndarray
    blink: np.ndarray


@dataclass(frozen=True)
class Reading:
    """One person's frames: their truth, and the extractor's cues under each condition's name."""

    person: str
    truth: Truth
    cues: dict[str, Cues]
    parts: dict[str, np.ndarray]


def read(scene: Scene, conditions: Iterable[Condition], extract: Callable[[Iterable[np.ndarray]], Cues]) -> Reading:
    """Render the scene and read it in each condition; clips are read as videos, stills one by one."""
    frames = list(scene.renderer.frames(scene.performance))
    cues = {}
    for condition in conditions:
        seen = condition(frames)
        cues[condition.name] = extract(seen) if scene.moving else joined([extract([frame]) for frame in seen])
    return Reading(scene.person, truth_of(scene), cues, scene.parts)


def joined(cues: Sequence[Cues]) -> Cues:
    """Cues of several videos, one after the other."""
    return Cues(**{name: np.concatenate([getattr(one, name) for one in cues]) for name in FIELDS})


def truth_of(scene: Scene) -> Truth:
    """The truth of a scene's frames."""
    performance = scene.performance
    landmarks = scene.renderer.landmarks(performance)
    return Truth(
        landmarks=landmarks.astype(np.float64),
        pose=np.asarray(performance.pose, np.float64),
        gaze=np.asarray(performance.gaze, np.float64),
        openness=_openness(scene.renderer, performance),
        lip_gap=scene.renderer.lip_gap(performance, landmarks),
        blink=np.asarray(performance.actions[:, ACTIONS.index("blink")], np.float64),
    )


def _openness(renderer: HeadRenderer, performance: Performance) -> np.ndarray:
    from bench.contract.eyes import EYE_LANDMARKS, openness_of

    eyes = points_in_head(renderer, performance)[:, EYE_LANDMARKS]
    return openness_of(eyes.reshape(len(performance), 2, 9, 3))


def points_in_head(renderer: HeadRenderer, performance: Performance) -> np.ndarray:
    """Points (T, 478, 3) in cm of a performance's landmarks on the head, up to one shift of all of them.

    The renderer tells where landmarks are seen; depth follows exactly from how far they move when the head, held straight,
    is shifted sideways and towards the camera. Irises are carried by the eyeballs, not by the skin, and come out the same
    way. Noise from rounding is under 0.001 cm.
    """
    sideways, forwards = 1.0, 5.0

    def seen(x: float, z: float) -> np.ndarray:
        still = np.zeros((len(performance), 3), np.float32)
        place = np.tile(np.float32([x, 0, z]), (len(performance), 1))
        held = Performance(performance.actions, performance.gaze, still, place)
        return renderer.landmarks(held).astype(np.float64)

    far, near = seen(0, 0), seen(0, forwards)
    scale_far = (seen(sideways, 0) - far)[..., 0] / sideways  # px per cm at the depth of each point
    scale_near = (seen(sideways, forwards) - near)[..., 0] / sideways
    across = (near - far) / (scale_near - scale_far)[..., None]
    focal = forwards / (1 / scale_far - 1 / scale_near)
    depth = -focal / scale_far
    return np.concatenate([across * (1, -1), depth[..., None]], axis=-1)
