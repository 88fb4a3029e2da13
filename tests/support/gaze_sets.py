"""Invented gaze: clips of fixations and saccades, sets of them, and what a method may do to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bench.contract.cues import Cues
from bench.contract.geometry import euler_to_matrix
from bench.contract.metric import Collected
from bench.contract.seen import Labels, Pair, Seen
from metrics.gaze_tracks import collect_gaze

EMOTIONS = ("angry", "happy", "sad")


def cues_of(gaze: np.ndarray, yaw: np.ndarray | None = None, openness: np.ndarray | None = None) -> Cues:
    """Cues of gaze (T, 2, 2) degrees, head yaw (T,) degrees and openness (T,); the rest is of no matter."""
    frames = len(gaze)
    empty = Cues.empty(frames)
    transform = np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1))
    if yaw is not None:
        transform[:, :3, :3] = euler_to_matrix(np.stack([0 * yaw, yaw, 0 * yaw], -1))
    openness = np.full(frames, 0.3) if openness is None else openness
    return Cues(
        landmarks=empty.landmarks,
        transform=transform,
        gaze=gaze.astype(np.float32),
        openness=np.repeat(openness[:, None], 2, 1).astype(np.float32),
        blendshapes=empty.blendshapes,
        valid=np.ones(frames, bool),
    )


def sight(rng: np.random.Generator, frames: int, spread: float = 8.0, hold: float = 12.0) -> np.ndarray:
    """(T, 2) degrees: fixations at normal places, `hold` frames long on average (geometric), jumps in one frame."""
    jumps = rng.random(frames) < 1 / hold
    jumps[0] = True
    places = rng.normal(0, spread, (frames, 2)) * (1, 0.6)
    return places[np.maximum.accumulate(np.where(jumps, np.arange(frames), 0))]


def clip(rng: np.random.Generator, frames: int = 50, offset: Sequence[float] = (0, 0), **how: float) -> Cues:
    """A clip whose eyes turn against a swaying head, converge by 2 degrees, and carry the person's `offset`."""
    yaw = 6 * np.sin(np.arange(frames) / 12 + rng.uniform(0, 6))
    mean = sight(rng, frames, **how) - np.stack([yaw, 0 * yaw], -1) + offset
    both = np.stack([mean - (1, 0), mean + (1, 0)], 1) + rng.normal(0, 0.3, (frames, 2, 2))
    return cues_of(both, yaw)


def labels(speaker: str, emotion: str | None, n: int) -> Labels:
    return Labels(f"{speaker}_{emotion}_{n}", "invented", speaker, emotion, 1)


Alter = Callable[[Cues, np.random.Generator], Cues]


def collected(
    alter: Alter, seed: int = 0, speakers: int = 4, per_cell: int = 3, emotions: Sequence[str] = EMOTIONS
) -> list[Collected]:
    """What a set of clips gives: the real ones, and beside each what `alter` makes of it."""
    rng = np.random.default_rng(seed)
    found = []
    for s in range(speakers):
        offset = rng.normal(0, 4, 2)
        for emotion in emotions:
            for n in range(per_cell):
                real = clip(rng, offset=offset)
                label = labels(f"S{s}", emotion, n)
                found.append(Collected(label, collect_gaze(Pair(Seen(label, real), Seen(label, alter(real, rng))))))
    return found


def unaltered(cues: Cues, rng: np.random.Generator) -> Cues:
    return cues


def independent(cues: Cues, rng: np.random.Generator) -> Cues:
    """Another clip of the same kind."""
    return clip(rng)


def frozen(cues: Cues, rng: np.random.Generator) -> Cues:
    return replace(cues, gaze=np.repeat(np.median(cues.gaze, 0)[None], len(cues), 0))


def shuffled(cues: Cues, rng: np.random.Generator) -> Cues:
    return replace(cues, gaze=cues.gaze[rng.permutation(len(cues))])


def turned(degrees: Sequence[float]) -> Alter:
    return lambda cues, rng: replace(cues, gaze=cues.gaze + np.float32(degrees))


def stretched(factor: float) -> Alter:
    return lambda cues, rng: replace(cues, gaze=cues.gaze * np.float32(factor))


def exchanged(clips: Sequence[Collected]) -> list[Collected]:
    """The same with real and generated in each other's place."""
    names = {"real": "made", "made": "real"}

    def other(name: str) -> str:
        side, rest = name.split("_", 1)
        return f"{names[side]}_{rest}"

    return [Collected(c.labels, {other(name): array for name, array in c.arrays.items()}) for c in clips]


def value(metric, clips: Sequence[Collected], seed: int = 0) -> float:
    return metric.estimate(clips, seed).statistic(np.ones(len(clips), bool))
