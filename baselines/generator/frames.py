"""Pairs of frames of one clip: what the generator learns from. Frames are kept small and as JPEG, so that many fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from baselines.generator.landmark_ties import EYES, MOUTH, TIED
from bench.contract.clip import CROP_SIZE, Clip
from bench.contract.geometry import rotation_of
from bench.contract.train import ClipReader

VERSION = "1"
QUALITY = 92
"""Of JPEG, with colours at half the size as the store's own video has them."""
DECODED = 3 * 2**30
"""Bytes of pictures that are held decoded; of more, each is decoded when it is asked for."""
NEEDED = tuple(dict.fromkeys([*TIED.values(), *(n for eye in EYES for n in eye), *MOUTH]))
"""Landmarks that training asks for."""
_FLIP = np.diag([1.0, -1.0, -1.0])
"""Camera coordinates (y up, z to the viewer) to the picture's (y down, z away)."""


def keep_frames(clip: Clip, reader: ClipReader, size: int, most: int) -> Mapping[str, np.ndarray]:
    """At most `most` frames with a face, evenly spaced over the clip: JPEG bytes, landmarks (N, L, 3), rotations (N, 3, 3).

    Landmarks in half widths of the picture from its middle, x right, y down, z away; rotations in the same coordinates.
    """
    return reader.keep(f"generator-frames-v{VERSION}-{size}px-{most}", clip, partial(_frames, clip, reader, size, most))


def _frames(clip: Clip, reader: ClipReader, size: int, most: int) -> dict[str, np.ndarray]:
    import cv2

    cues = reader.cues(clip)
    usable = np.flatnonzero(cues.valid & np.isfinite(cues.landmarks[:, NEEDED]).all((1, 2)))
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, min(most, len(usable))).round().astype(int))]
    frames = reader.frames(clip)
    how = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    pictures = []
    for index in chosen:
        small = (
            frames[index]
            if size == CROP_SIZE
            else cv2.resize(frames[index], (size, size), interpolation=cv2.INTER_AREA)
        )
        pictures.append(cv2.imencode(".jpg", small[..., ::-1], how)[1].ravel())
    landmarks = cues.landmarks[chosen][:, NEEDED].astype(np.float32) * (2 / CROP_SIZE)
    landmarks[..., :2] -= 1
    rotation = _FLIP @ rotation_of(cues.transform[chosen]) @ _FLIP
    return {
        "jpeg": np.concatenate([*pictures, np.empty(0, np.uint8)]),
        "ends": np.cumsum([len(p) for p in pictures], dtype=np.int64),
        "landmarks": landmarks,
        "rotation": rotation.astype(np.float32),
    }


@dataclass
class Frames:
    """The frames of one clip; `place` is that of its first one among all."""

    place: int
    count: int


class Pairs:
    """TrainingData: a batch is pairs of different frames of one clip, every clip as likely as any other."""

    def __init__(self, clips: Sequence[Clip], reader: ClipReader, size: int, most: int):
        kept = reader.each(partial(_kept, size=size, most=most), clips)
        self.clips: list[Frames] = []
        self.jpeg: list[np.ndarray] = []
        rows: list[Mapping[str, np.ndarray]] = []
        for arrays in kept:
            if len(arrays["ends"]) < 2:
                continue
            self.clips.append(Frames(len(self.jpeg), len(arrays["ends"])))
            self.jpeg += np.split(arrays["jpeg"], arrays["ends"][:-1])
            rows.append(arrays)
        self.landmarks = (
            np.concatenate([r["landmarks"] for r in rows]) if rows else np.empty((0, len(NEEDED), 3), np.float32)
        )
        self.rotation = np.concatenate([r["rotation"] for r in rows]) if rows else np.empty((0, 3, 3), np.float32)
        self.pool = ThreadPoolExecutor(4)
        whole = len(self.jpeg) * size * size * 3 <= DECODED
        self.pictures = np.stack(list(self.pool.map(_decoded, self.jpeg))) if whole and self.jpeg else None

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """`size` pairs."""
        pairs = []
        for clip in rng.integers(len(self.clips), size=size):
            frames = self.clips[clip]
            one = int(rng.integers(frames.count))
            other = (one + int(rng.integers(1, frames.count))) % frames.count
            pairs.append((frames.place + one, frames.place + other))
        return self.of(pairs)

    def of(self, pairs: Sequence[tuple[int, int]]) -> dict[str, np.ndarray]:
        """The pictures (B, size, size, 3) uint8 and what is known of them, of pairs of frame numbers."""
        source, driving = (np.array(side) for side in zip(*pairs, strict=True))
        return {
            "source": self._pictures(source),
            "driving": self._pictures(driving),
            "source_landmarks": self.landmarks[source],
            "landmarks": self.landmarks[driving],
            "source_rotation": self.rotation[source],
            "rotation": self.rotation[driving],
        }

    def spread(self, of_clip: int) -> list[tuple[int, int]]:
        """Pairs for measuring: each clip's first frame with `of_clip` others, evenly spaced."""
        return [
            (frames.place, frames.place + int(other))
            for frames in self.clips
            for other in np.unique(np.linspace(1, frames.count - 1, of_clip).round().astype(int))
        ]

    def _pictures(self, which: np.ndarray) -> np.ndarray:
        if self.pictures is not None:
            return self.pictures[which]
        return np.stack(list(self.pool.map(_decoded, [self.jpeg[i] for i in which])))


def _kept(clip: Clip, reader: ClipReader, *, size: int, most: int) -> Mapping[str, np.ndarray]:
    return keep_frames(clip, reader, size, most)


def _decoded(jpeg: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB)
