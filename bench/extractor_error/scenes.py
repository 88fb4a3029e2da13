"""What the face extractor is measured on: acted clips of judge-training speakers, and set stills of measuring identities.

No test speaker is used, because the bin widths that follow from the errors are a choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.contract.clip import EMOTIONS, LEVELS, Part
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.render import HeadRenderer, Performance, renderer_of

FIRST_IDENTITY = 1600
"""Seed of the first measuring identity; no speaker of the dataset has such a seed."""
SHORT_CLIP = 60
"""Below this many frames the dataset's shorter sentences are said, as in its smallest profile."""

POSES = (
    *((pitch, 0, 0) for pitch in (-20, -10, 10, 20)),
    *((0, yaw, 0) for yaw in (-20, -10, 10, 20)),
    *((0, 0, roll) for roll in (-20, -10, 10, 20)),
    *((0, 0, 0), (14, 14, 0), (-14, -14, 10), (12, -14, -10), (-12, 14, -10)),
)
"""Head poses [pitch, yaw, roll] in degrees of a face at rest that looks straight ahead."""
GAZES = tuple((yaw, pitch) for yaw in (-24, -12, 0, 12, 24) for pitch in (-16, -8, 0, 8, 16))
HEAD_UNDER_GAZE = 10.0
"""Degrees to either side by which the head is turned at random while the gaze is set."""
PITCHES = (-10.0, 0.0, 10.0)
"""Head pitch at which an expression is put on."""
JAW = (0.0, 0.25, 0.5, 0.75, 1.0)
EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "smile": ("smile_left", "smile_right"),
    "lips puckered": ("lip_pucker",),
    "brows raised": ("brow_inner_raise", "brow_outer_raise"),
    "brows lowered": ("brow_lower",),
}
"""What is put on in full, and the action units that make it."""


@dataclass(frozen=True)
class Scene:
    """Something to render: who (`person`, `renderer`), what it does (`performance`, T frames), and where what lies in it.

    `parts` names index arrays of frames. `moving` is True where the frames follow one another at 25 fps.
    """

    person: str
    renderer: HeadRenderer
    performance: Performance
    parts: dict[str, np.ndarray]
    moving: bool


def clip_of(number: int, frames: int) -> Scene:
    """The clip of the `number`-th judge-training speaker, `frames` frames long: speech, emotion, gaze, head and blinks.

    Speakers are men and women in turn. Eight in a row act the eight emotions, and every eight the level rises.
    """
    from bench.data.puppet.performance import perform
    from bench.data.puppet.speaker import Speaker
    from bench.data.puppet.splits import FIRST
    from bench.data.puppet.truth import RENDERER_SEX

    round_ = number // len(EMOTIONS)
    emotion = EMOTIONS[(number + round_) % len(EMOTIONS)]
    level = 1 if emotion == "neutral" else LEVELS[round_ % len(LEVELS)]
    speaker = Speaker.of(f"{'MW'[number % 2]}{FIRST[Part.JUDGE_TRAIN] + number // 2}")
    take = perform(speaker, emotion, level, 1 + number % 3, (frames, frames), short=frames < SHORT_CLIP)
    return Scene(
        person=speaker.name,
        renderer=renderer_of(speaker.seed, RENDERER_SEX[speaker.sex]),
        performance=Performance(take.actions, take.gaze, take.pose, take.position),
        parts={"clip": np.arange(frames)},
        moving=True,
    )


def stills_of(number: int) -> Scene:
    """Stills of the `number`-th measuring identity: set poses, set gazes, set expressions at set poses.

    Parts: "pose", "gaze", "jaw" (frames of JAW for each of PITCHES, in this order), and one per expression (a frame for
    each of PITCHES, to be held against the jaw's first).
    """
    rng = np.random.default_rng([FIRST_IDENTITY, number])
    lengths = {"pose": len(POSES), "gaze": len(GAZES), "jaw": len(PITCHES) * len(JAW)}
    lengths |= dict.fromkeys(EXPRESSIONS, len(PITCHES))
    ends = np.cumsum(list(lengths.values()))
    parts = {name: np.arange(end - lengths[name], end) for name, end in zip(lengths, ends, strict=True)}
    performance = Performance.rest(int(ends[-1]))
    performance.pose[parts["pose"]] = POSES
    performance.gaze[parts["gaze"]] = np.repeat(np.array(GAZES, np.float32)[:, None], 2, axis=1)
    performance.pose[parts["gaze"]] = rng.uniform(-HEAD_UNDER_GAZE, HEAD_UNDER_GAZE, (len(GAZES), 3))
    performance.pose[parts["jaw"], 0] = np.repeat(PITCHES, len(JAW))
    performance.actions[parts["jaw"], ACTIONS.index("jaw_open")] = np.tile(JAW, len(PITCHES))
    for name, units in EXPRESSIONS.items():
        performance.pose[parts[name], 0] = PITCHES
        performance.actions[np.ix_(parts[name], [ACTIONS.index(unit) for unit in units])] = 1.0
    return Scene(
        person=str(FIRST_IDENTITY + number),
        renderer=renderer_of(FIRST_IDENTITY + number, "MF"[number % 2]),
        performance=performance,
        parts=parts,
        moving=False,
    )
