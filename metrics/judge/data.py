"""Clips as the frame judge learns from them: pictures of the face, labels, and the cues that it learns to read as a side task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contract.clip import EMOTIONS, Clip
from bench.contract.cues import Cues
from bench.contract.errors import UsageError
from bench.contract.geometry import pose_of
from bench.contract.train import ClipReader
from metrics.judge.faces import face_crops, looked_at

KEPT = "judge-faces-1"
"""Raise the number when what `example` keeps would change."""
LEAST_FRAMES = 5
"""Frames with a face that a clip needs, of those looked at: 0.4 s."""
FARTHEST = 4.0
"""Standard deviations at which a cue is cut off."""


@dataclass(frozen=True)
class Example:
    """One clip: pictures (N, 80, 80) uint8, landmarks (N, 478, 2) px of them, cues (N, 59) float32, NaN where not measured."""

    clip: Clip
    pictures: np.ndarray
    landmarks: np.ndarray
    cues: np.ndarray


def side_cues(cues: Cues) -> np.ndarray:
    """(T, 59) float32: 52 blendshapes, gaze of both eyes (yaw, pitch), head pose (pitch, yaw, roll)."""
    gaze = cues.gaze.reshape(len(cues), 4)
    return np.concatenate([cues.blendshapes, gaze, pose_of(cues.transform)], 1).astype(np.float32)


def example(clip: Clip, reader: ClipReader) -> Example:
    """Read once per work folder, then kept."""

    def make() -> Mapping[str, np.ndarray]:
        cues = reader.cues(clip)
        pictures, landmarks = face_crops(reader.frames(clip), cues)
        return {"pictures": pictures, "landmarks": landmarks, "cues": side_cues(cues[looked_at(cues)])}

    kept = reader.keep(KEPT, clip, make)
    return Example(clip, kept["pictures"], kept["landmarks"], kept["cues"])


def classes_of(clips: Sequence[Clip]) -> tuple[str, ...]:
    """The emotions of these clips, in the order of `EMOTIONS`; UsageError if there are fewer than two."""
    found = tuple(emotion for emotion in EMOTIONS if any(clip.emotion == emotion for clip in clips))
    if len(found) < 2:
        raise UsageError(f"a judge needs clips of two emotions or more to train on, got {', '.join(found) or 'none'}")
    return found


def clips_per_batch(labels: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """(size,) places of clips, every emotion as often as every other but for the remainder."""
    kinds = rng.permutation(np.unique(labels))
    wanted = [len(part) for part in np.array_split(np.arange(size), len(kinds))]
    parts = [
        rng.choice(np.flatnonzero(labels == k), n, replace=n > (labels == k).sum())
        for k, n in zip(kinds, wanted, strict=True)
    ]
    return np.concatenate(parts)


class FaceClips:
    """Clips with enough frames; a batch has as many clips of each emotion, of each a few frames spread over it."""

    def __init__(self, examples: Sequence[Example], classes: tuple[str, ...], frames: int):
        self.examples = [e for e in examples if len(e.pictures) >= LEAST_FRAMES and e.clip.emotion in classes]
        self.classes, self.frames = classes, frames
        self.labels = np.array([classes.index(e.clip.emotion) for e in self.examples], np.int64)
        if self.examples:
            every = np.concatenate([e.cues for e in self.examples])
            self.middle, self.scale = np.nanmean(every, 0), np.nanstd(every, 0) + 1e-3

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Any]:
        """pictures (B, T, 80, 80) uint8, cues (B, T, 59) standardised (NaN where not measured), labels (B,)."""
        chosen = clips_per_batch(self.labels, rng, size)
        places = [_spread(len(self.examples[i].pictures), self.frames, rng) for i in chosen]
        pictures = np.stack([self.examples[i].pictures[p] for i, p in zip(chosen, places, strict=True)])
        cues = np.stack([self.examples[i].cues[p] for i, p in zip(chosen, places, strict=True)])
        cues = np.clip((cues - self.middle) / self.scale, -FARTHEST, FARTHEST).astype(np.float32)
        return {"pictures": pictures, "cues": cues, "labels": self.labels[chosen]}


def _spread(frames: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) frames, one drawn from each of `count` equal parts of the clip."""
    return np.minimum(((np.arange(count) + rng.random(count)) * frames / count).astype(np.int64), frames - 1)
