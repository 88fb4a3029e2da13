"""Where the eyes look: fixations on targets, saccades between them, blinks; and how the head takes part.

Saccades keep the main sequence (duration 2.2 ms per degree + 21 ms, Carpenter 1988); the head takes over part of a shift
beyond a few degrees and moves more slowly (Freedman and Sparks 1997), while the eyes counter-rotate so that the line of
sight stays on its target (vestibulo-ocular reflex); blinks fall on large gaze shifts (Evinger and others 1994) and phrase
ends.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.data.puppet.emotion import Mood
from bench.data.puppet.motion import RATE, step

SHORTEST_FIXATION = 0.16
HALF_EYE_DISTANCE = 3.1  # cm
EYE_RANGE = (28.0, 22.0)
"""Largest yaw and pitch of an eye in the head, degrees."""


@dataclass(frozen=True)
class Fixation:
    """The line of sight rests on (yaw, pitch) degrees relative to the camera from `start` seconds on, `distance` cm away."""

    start: float
    yaw: float
    pitch: float
    distance: float


def fixations(
    rng: np.random.Generator,
    seconds: float,
    mood: Mood,
    swell: np.ndarray,
    anchors: Sequence[float],
    side: int,
    pace: float,
    camera: tuple[float, float],
) -> list[Fixation]:
    """The fixations of one clip, the first one already going on at 0.

    swell (N,) on the 200 Hz grid is the course of the emotion: the stronger it is, the more its own targets attract. anchors
    are times of speech events that a shift may coincide with; side +-1 is the favoured side; pace scales fixation times;
    camera (yaw, pitch) is where this speaker's (0, 0) lies.
    """
    mean = mood.mix("fixation") * pace
    found: list[Fixation] = []
    start = -float(rng.uniform(0, mean))
    aside: tuple[float, float] | None = None
    while start < seconds:
        at = min(len(swell) - 1, max(0, int(start * RATE)))
        targets = mood.targets(1.0 + float(swell[at]))
        shares = np.array([t.share for t in targets])
        if aside is not None:
            shares = np.where([(t.yaw, t.pitch) == aside for t in targets], 0.15, 1.0) * shares  # rarely twice in a row
        target = targets[int(rng.choice(len(targets), p=shares / shares.sum()))]
        turn = side if target.sided else 1
        yaw = turn * target.yaw + target.spread * rng.standard_normal() + camera[0]
        pitch = target.pitch + 0.7 * target.spread * rng.standard_normal() + camera[1]
        near = abs(target.yaw) + abs(target.pitch) < 3
        aside = None if near else (target.yaw, target.pitch)
        found.append(Fixation(start, float(yaw), float(pitch), 80.0 if near else float(rng.uniform(90, 220))))
        length = SHORTEST_FIXATION + float(rng.gamma(2.2, max(mean - SHORTEST_FIXATION, 0.05) / 2.2))
        following = start + length
        if anchors:
            nearest = min(anchors, key=lambda a: abs(a - following))
            if abs(nearest - following) < 0.14 and nearest - start > SHORTEST_FIXATION and rng.random() < 0.6:
                following = nearest
        start = following
    return found


def line_of_sight(times: np.ndarray, found: Sequence[Fixation]) -> tuple[np.ndarray, np.ndarray]:
    """Yaw and pitch (N, 2) in degrees relative to the camera, and half the vergence angle (N,) in degrees."""
    sight = np.tile([found[0].yaw, found[0].pitch], (len(times), 1)).astype(float)
    vergence = np.full(len(times), _half_vergence(found[0]))
    for before, after in itertools.pairwise(found):
        delta = np.array([after.yaw - before.yaw, after.pitch - before.pitch])
        moved = step(times, after.start, 0.021 + 0.0022 * float(np.hypot(*delta)))
        sight += moved[:, None] * delta
        vergence += moved * (_half_vergence(after) - _half_vergence(before))
    return sight, vergence


def head_share(times: np.ndarray, found: Sequence[Fixation], gain: float, delay: float) -> np.ndarray:
    """What the head does of the gaze shifts: pitch and yaw (N, 2) in degrees; `gain` 0..1 is the speaker's habit."""

    def goal(f: Fixation) -> np.ndarray:
        beyond = [np.sign(a) * max(0.0, abs(a) - 3.0) for a in (f.pitch, f.yaw)]
        return np.array([0.7 * gain * beyond[0], gain * beyond[1]])

    turned = np.tile(goal(found[0]), (len(times), 1))
    for before, after in itertools.pairwise(found):
        delta = goal(after) - goal(before)
        duration = 0.26 + 0.012 * float(np.hypot(*delta))
        turned += step(times, after.start + delay, duration)[:, None] * delta
    return turned


def eyes_in_head(sight: np.ndarray, vergence: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Line of sight (N, 2) [yaw, pitch] against head pose (N, 3) [pitch, yaw, roll] -> gaze (N, 2, 2), head-relative.

    Degrees; eyes are [subject-left, subject-right] x [yaw + image right, pitch + up]. The head's rotation is taken off the
    line of sight exactly (R = Rz Ry Rx), which is what the vestibulo-ocular reflex does.
    """
    yaw, pitch = np.radians(sight).T
    d = np.stack(
        [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1
    )  # right, up, to camera
    p, y, r = np.radians(pose).T
    d = np.stack(
        [d[:, 0] * np.cos(r) - d[:, 1] * np.sin(r), d[:, 0] * np.sin(r) + d[:, 1] * np.cos(r), d[:, 2]], axis=1
    )
    d = np.stack(
        [d[:, 0] * np.cos(y) - d[:, 2] * np.sin(y), d[:, 1], d[:, 0] * np.sin(y) + d[:, 2] * np.cos(y)], axis=1
    )
    d = np.stack(
        [d[:, 0], d[:, 1] * np.cos(p) - d[:, 2] * np.sin(p), d[:, 1] * np.sin(p) + d[:, 2] * np.cos(p)], axis=1
    )
    eye_yaw = np.degrees(np.arctan2(d[:, 0], d[:, 2]))
    eye_pitch = np.degrees(np.arcsin(d[:, 1].clip(-1, 1)))
    # the subject-left eye stands at the image's right: towards the nose is image left
    both = np.stack([eye_yaw - vergence, eye_yaw + vergence], axis=1).clip(-EYE_RANGE[0], EYE_RANGE[0])
    return np.stack([both, np.repeat(eye_pitch[:, None], 2, axis=1).clip(-EYE_RANGE[1], EYE_RANGE[1])], axis=2)


def blinks(
    rng: np.random.Generator, times: np.ndarray, found: Sequence[Fixation], phrase_end: float, per_minute: float
) -> np.ndarray:
    """Lid closure (N,) in 0..1: blinks on gaze shifts, at the end of the phrase and in between.

    `per_minute` scales all three; the more the eyes move, the more blinks come on top of it.
    A blink closes in 80 ms, stays closed for 40 ms (one frame at 25 fps shows it closed) and opens in 160 ms.
    """
    seconds = float(times[-1])
    rate = per_minute / 16.0
    wanted: list[float] = []
    for before, after in itertools.pairwise(found):
        size = float(np.hypot(after.yaw - before.yaw, after.pitch - before.pitch))
        if rng.random() < min(0.75, rate * 0.012 * size):
            wanted.append(after.start + 0.03)
    if rng.random() < min(0.8, 0.35 * rate):
        wanted.append(phrase_end + float(rng.uniform(0.02, 0.18)))
    wanted += list(rng.uniform(0, seconds, int(rng.poisson(per_minute / 60.0 * seconds * 0.35))))
    closed = np.zeros(len(times))
    last = -1.0
    for at in sorted(wanted):
        if at - last < 0.4 or not 0.05 < at < seconds:
            continue
        last = at
        closed = np.maximum(closed, step(times, at - 0.04, 0.08) - step(times, at + 0.08, 0.16))
    return closed


def _half_vergence(f: Fixation) -> float:
    return float(np.degrees(np.arctan2(HALF_EYE_DISTANCE, f.distance)))
