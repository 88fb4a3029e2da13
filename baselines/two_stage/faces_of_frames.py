"""Pairs that stage 2 learns from: landmarks of two frames of a clip, and what the frozen generator sees in their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from baselines.generator.rendering import Renderer
from baselines.two_stage.landmarks_to_face import in_picture
from bench.contract.clip import Clip
from bench.contract.train import ClipReader

VERSION = "1"
BATCH = 16
FIELDS = ("posed", "canonical", "rotation", "scale", "shift")


def keep_faces(clip: Clip, reader: ClipReader, *, generator: Path, most: int) -> Mapping[str, np.ndarray]:
    """At most `most` frames with a face: `landmarks` (N, 478, 3), `turned` (N, 3, 3), and the generator's Face of each."""
    name = f"two-stage-faces-v{VERSION}-{sha256(generator.read_bytes()).hexdigest()[:12]}-{most}"
    return reader.keep(name, clip, partial(_faces, clip, reader, generator, most))


def _faces(clip: Clip, reader: ClipReader, generator: Path, most: int) -> dict[str, np.ndarray]:
    cues, renderer = reader.cues(clip), Renderer(generator)
    usable = np.flatnonzero(cues.valid)
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, min(most, len(usable))).round().astype(int))]
    frames = reader.frames(clip)[chosen]
    landmarks, turned = in_picture(cues[chosen])
    seen = [renderer.look(frames[i : i + BATCH]) for i in range(0, len(frames), BATCH)]
    faces = {n: np.concatenate([getattr(face, n).numpy() for face in seen]) if seen else np.empty(0) for n in FIELDS}
    return {"landmarks": landmarks, "turned": turned, **faces}


class FacePairs:
    """TrainingData: a batch is pairs of frames of one clip, every clip as likely as any other."""

    def __init__(self, clips: Sequence[Clip], reader: ClipReader, generator: Path, most: int):
        kept = reader.each(partial(keep_faces, generator=generator, most=most), clips)
        self.clips = [arrays for arrays in kept if len(arrays["landmarks"]) > 1]

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """`size` pairs; names of the first frame begin with `reference_`."""
        rows = []
        for clip in rng.integers(len(self.clips), size=size):
            arrays = self.clips[clip]
            one, other = rng.choice(len(arrays["landmarks"]), 2, replace=False)
            rows.append(_pair(arrays, one, other))
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def measured(self, of_clip: int = 8) -> dict[str, np.ndarray]:
        """Fixed pairs: the first frame of each clip with others, evenly spaced."""
        rows = [
            _pair(arrays, 0, other)
            for arrays in self.clips
            for other in np.unique(np.linspace(1, len(arrays["landmarks"]) - 1, of_clip).round().astype(int))
        ]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _pair(arrays: Mapping[str, np.ndarray], one: int, other: int) -> dict[str, np.ndarray]:
    return {f"reference_{n}": arrays[n][one] for n in arrays} | {n: arrays[n][other] for n in arrays}
