"""Clips as stage 1 learns from them: sound columns and cues relative to each clip's reference image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from baselines.two_stage import gaze_bins
from baselines.two_stage.cue_space import Reference, apart
from baselines.two_stage.mfcc import PER_FRAME, mfcc
from bench.contract.clip import EMOTIONS, Clip
from bench.contract.errors import RejectedInput
from bench.contract.geometry import pose_of
from bench.contract.reference_frame import choose_reference_frame
from bench.contract.train import ClipReader

VERSION = "4"
STEADY = 1.0
"""Frames: standard deviation of the Gaussian that head poses are smoothed with. The extractor's jitter would be
learnt as a trembling head."""
LEAST_FRAMES = 12
"""A shorter run of frames with a face is not learnt from."""


@dataclass(frozen=True)
class Spoken:
    """One run of T frames with a face: MFCC `columns` (4 T, 20), the arrays of `Parts`, and the reference's `face`.

    `face` (478, 3) cm; `bins` are steadied, `gaze` and `pose` smoothed.
    """

    clip: Clip
    columns: np.ndarray
    expression: np.ndarray
    pose: np.ndarray
    gaze: np.ndarray
    bins: np.ndarray
    lids: np.ndarray
    face: np.ndarray

    def __len__(self) -> int:
        return len(self.lids)


def read_spoken(clips: Sequence[Clip], reader: ClipReader) -> list[Spoken]:
    """Every clip with sound and an emotion whose speaker has a frame fit to be a reference; read once per work folder."""
    references = _references(clips, reader)
    able = [c for c in clips if not c.silent and c.emotion is not None and c.speaker in references]
    kept = reader.each(partial(_kept, references=references), able)
    return [
        Spoken(clip, **arrays) for clip, arrays in zip(able, kept, strict=True) if len(arrays["lids"]) >= LEAST_FRAMES
    ]


def _references(clips: Sequence[Clip], reader: ClipReader) -> dict[str, tuple[Clip, int]]:
    """Speaker -> a neutral clip and the frame of it that the suite would take for a reference image."""
    found: dict[str, tuple[Clip, int]] = {}
    for clip in sorted(clips, key=lambda c: c.clip_id):
        if clip.emotion == "neutral" and clip.speaker not in found:
            cues = reader.cues(clip)
            with suppress(RejectedInput):
                found[clip.speaker] = clip, choose_reference_frame(cues, pose_of(cues.transform))
    return found


def _kept(clip: Clip, reader: ClipReader, *, references: Mapping[str, tuple[Clip, int]]) -> Mapping[str, np.ndarray]:
    reference, frame = references[clip.speaker]
    name = f"two-stage-spoken-v{VERSION}-{reference.clip_id[:40]}-{frame}"
    return reader.keep(name, clip, partial(_spoken, clip, reader, reference, frame))


def _spoken(clip: Clip, reader: ClipReader, reference: Clip, frame: int) -> dict[str, np.ndarray]:
    from scipy.ndimage import gaussian_filter1d, median_filter

    cues = reader.cues(clip)
    start, end = _longest(cues.valid & np.isfinite(cues.gaze).all((1, 2)))
    still = Reference.of(reader.cues(reference)[frame : frame + 1])
    parts = apart(cues[start:end], still)
    columns = mfcc(reader.audio(clip), len(cues))[start * PER_FRAME : end * PER_FRAME]
    return {
        "columns": columns,
        "expression": parts.expression.astype(np.float16),
        "pose": gaussian_filter1d(parts.pose, STEADY, axis=0, mode="nearest").astype(np.float32),
        "gaze": median_filter(parts.gaze, (3, 1, 1), mode="nearest").astype(np.float32),
        "bins": np.stack([gaze_bins.steadied(parts.gaze[:, eye]) for eye in (0, 1)], 1),
        "lids": parts.lids.astype(np.int64),
        "face": still.landmarks.astype(np.float32),
    }


def _longest(valid: np.ndarray) -> tuple[int, int]:
    """Start and end of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], valid, [False]]).astype(int)))
    runs = list(zip(edges[::2], edges[1::2], strict=True))
    return max(runs, key=lambda run: run[1] - run[0], default=(0, 0))


class Sequences:
    """TrainingData: crops of `length` frames, every speaker and emotion as likely as any other.

    Expression is not to be learnt from who speaks: in batches every crop's columns are moved by a constant, `voice` standard
    deviations of each coefficient, and in a share `strangers` of the crops the face is mixed with another speaker's.
    """

    def __init__(self, sequences: Sequence[Spoken], length: int, voice: float = 0.0, strangers: float = 0.0):
        self.sequences = list(sequences)
        self.length, self.voice, self.strangers = length, voice, strangers
        self.spread = np.concatenate([one.columns for one in sequences]).std(0) if voice else np.float32(0)
        groups: dict[tuple[str, str | None], list[int]] = {}
        for index, one in enumerate(self.sequences):
            groups.setdefault((one.clip.speaker, one.clip.emotion), []).append(index)
        self.groups = list(groups.values())

    def __len__(self) -> int:
        return len(self.sequences)

    def batch(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """`size` crops; `weight` (B, T) is 0 behind the end of a short one."""
        rows = []
        for group in rng.integers(len(self.groups), size=size):
            members = self.groups[group]
            one = self.sequences[members[rng.integers(len(members))]]
            start = int(rng.integers(max(1, len(one) - self.length + 1)))
            rows.append(self.row(one, start))
            row = rows[-1]
            row["columns"] = row["columns"] + np.float32(self.voice * rng.normal(size=self.spread.shape)) * self.spread
            if rng.random() < self.strangers:
                other = self.sequences[rng.integers(len(self.sequences))].face.ravel()
                row["face"] = row["face"] + np.float32(rng.random()) * (other - row["face"])
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def row(self, one: Spoken, start: int) -> dict[str, Any]:
        """One crop, with the frame before it as its first: the reference's (zeros, marked `first`) at the start of a clip."""
        end = min(start + self.length, len(one))
        first = start == 0
        room = self.length - (end - start)

        def cut(name: str) -> np.ndarray:
            array = getattr(one, name)
            rows = array[:end] if first else array[start - 1 : end]
            rows = np.concatenate([np.zeros_like(array[:1]), rows]) if first else rows
            return np.concatenate([rows, np.repeat(rows[-1:], room, 0)])

        columns = one.columns[start * PER_FRAME : end * PER_FRAME]
        weight = np.zeros(self.length, np.float32)
        weight[: end - start] = 1
        return {
            "columns": np.concatenate([columns, np.zeros((room * PER_FRAME, columns.shape[1]), np.float32)]),
            "expression": cut("expression").astype(np.float32),
            "pose": cut("pose"),
            "gaze": cut("gaze") / np.float32(10),
            "bins": cut("bins"),
            "lids": cut("lids"),
            "face": one.face.ravel(),
            "emotion": np.int64(EMOTIONS.index(one.clip.emotion)),
            "level": np.int64(one.clip.level or 0),
            "first": np.bool_(first),
            "weight": weight,
        }
