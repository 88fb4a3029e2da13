"""Clips for training a SyncNet: face crops and cepstra, and pairs of windows that belong together or do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contract.clip import Clip
from bench.contract.train import ClipReader
from metrics.syncnet import crop, sound

KEPT = "syncnet-faces-1"
"""Raise the number when crops or cepstra change: kept ones are then made anew."""
QUALITY = 95
"""JPEG: a clip's crops take 1 MB in memory in place of 9, and the official network was trained on JPEG frames."""
PICTURES = 5
NEAREST, FARTHEST = 2, 15
"""Frames by which the sound of a false pair is off, to either side, within the same clip."""


@dataclass(frozen=True)
class Example:
    """One clip: its crops as JPEG, end to end, with `ends` (T,); seen (T,) bool; cepstra (M, 13) float32."""

    clip: Clip
    jpeg: np.ndarray
    ends: np.ndarray
    seen: np.ndarray
    cepstra: np.ndarray

    @property
    def windows(self) -> np.ndarray:
        """Numbers of the windows whose five pictures show a face and whose sound is there, ascending."""
        heard = max(0, (len(self.cepstra) - sound.WINDOW) // sound.PER_PICTURE + 1)
        if len(self.seen) < PICTURES:
            return np.zeros(0, int)
        shown = np.lib.stride_tricks.sliding_window_view(self.seen, PICTURES).all(1)
        return np.flatnonzero(shown[:heard])

    def pictures(self, first: int, count: int) -> np.ndarray:
        """(count, 224, 224, 3) uint8 BGR from frame `first` on."""
        import cv2

        starts = np.concatenate([[0], self.ends[:-1]])
        pieces = [self.jpeg[starts[n] : self.ends[n]] for n in range(first, first + count)]
        return np.stack([cv2.imdecode(piece, cv2.IMREAD_COLOR) for piece in pieces])

    def heard(self, window: int) -> np.ndarray:
        """(1, 13, 20) float32 cepstra of a window."""
        return self.cepstra[window * sound.PER_PICTURE :][: sound.WINDOW].T[None]


def example(clip: Clip, reader: ClipReader) -> Example:
    """Read and cropped once per work folder, then kept."""

    def make() -> Mapping[str, np.ndarray]:
        import cv2

        frames, cues = reader.frames(clip), reader.cues(clip)
        places = crop.face_places(cues.landmarks, cues.valid)
        seen = crop.on_picture(places, frames.shape[1:3])
        blank = np.zeros((crop.SIZE, crop.SIZE, 3), np.uint8)
        crops = [
            crop.cut(frame[..., ::-1], place) if there else blank
            for frame, place, there in zip(frames, places, seen, strict=True)
        ]
        coded = [cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1] for picture in crops]
        cepstra = sound.mfcc(sound.sixteen_bit(reader.audio(clip))).astype(np.float32)
        ends = np.cumsum([len(piece) for piece in coded])
        return {"jpeg": np.concatenate(coded), "ends": ends, "seen": seen.astype(np.uint8), "cepstra": cepstra}

    kept = reader.keep(KEPT, clip, make)
    return Example(clip, kept["jpeg"], kept["ends"], kept["seen"].astype(bool), kept["cepstra"])


class WindowPairs:
    """Windows of pictures with their own sound and with sound of the same clip that is off by 2 to 15 frames."""

    def __init__(self, examples: Sequence[Example]):
        self.examples = [one for one in examples if len(_with_partner(one.windows))]

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Any]:
        """pictures (B, 3, 5, 224, 224) uint8, true and false (B, 1, 13, 20) float32; half of the windows are mirrored."""
        chosen = rng.choice(len(self.examples), size, replace=size > len(self.examples))
        parts = [self._pair(self.examples[index], rng) for index in chosen]
        return {name: np.stack([part[name] for part in parts]) for name in parts[0]}

    @staticmethod
    def _pair(one: Example, rng: np.random.Generator) -> dict[str, np.ndarray]:
        windows = one.windows
        window = rng.choice(_with_partner(windows))
        off = np.abs(windows - window)
        other = rng.choice(windows[(off >= NEAREST) & (off <= FARTHEST)])
        pictures = one.pictures(window, PICTURES)
        if rng.random() < 0.5:
            pictures = pictures[:, :, ::-1]
        return {
            "pictures": np.ascontiguousarray(pictures.transpose(3, 0, 1, 2)),
            "true": one.heard(window),
            "false": one.heard(other),
        }


def _with_partner(windows: np.ndarray) -> np.ndarray:
    off = np.abs(windows[:, None] - windows)
    return windows[((off >= NEAREST) & (off <= FARTHEST)).any(1)]
