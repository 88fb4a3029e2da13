"""Clips: what a dataset offers, under names that do not depend on the dataset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CLIP_ID = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
LEVELS = (1, 2, 3)
FPS = 25
AUDIO_RATE = 16_000
CROP_SIZE = 256


class Part(StrEnum):
    """Where a speaker stands: method-training, judge-training, validation or test, never two of them."""

    METHOD_TRAIN = "method-train"
    JUDGE_TRAIN = "judge-train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, order=True)
class SourceClip:
    """One clip of a dataset tree, as its reader found it; nothing is decoded yet.

    `emotion` is one of `EMOTIONS` (None for clips of frames only); `level` 1-3 or None where the dataset has none; `sentence` names what is
    said (two clips with equal sentence say the same words), None if unknown; `video` and `audio` are absolute paths,
    `audio` is None where the sound is inside the video; `part` is None where the manifest does not use the clip.
    """

    clip_id: str
    dataset: str
    speaker: str
    emotion: str | None
    level: int | None
    sentence: str | None
    video: Path
    audio: Path | None = None
    part: Part | None = None
    scored: bool = True
    """False for clips that are only partners or reference images of scored ones."""
    silent: bool = False
    """True for clips of frames only: no sound is expected, and `emotion`, `level` and `sentence` are None."""
    data_version: str | None = None
    """PUPPET_VERSION for clips of the embedded dataset."""


@dataclass(frozen=True)
class RejectedClip:
    """One row of rejected.parquet: an input that is not used, with one of `Reason` and a sentence of detail."""

    clip_id: str
    path: str
    reason: str
    detail: str
    known: bool = False
    """True where the dataset's own notes name the clip as faulty."""


@dataclass(frozen=True)
class Clip:
    """One clip of the clip store: canonical 256x256 face video at 25 fps, 16 kHz mono sound, cues of the real video.

    A clip of frames only (`silent`) has no sound: `audio`, `emotion`, `level` and `sentence` are None, its video has no sound
    track, and its frames are independent pictures of one person that do not follow each other in time.
    """

    clip_id: str
    dataset: str
    speaker: str
    emotion: str | None
    level: int | None
    sentence: str | None
    part: Part
    scored: bool
    folder: Path
    n_frames: int
    video_sha256: str
    crop: tuple[float, ...]
    """2x3 affine, row by row: source px -> canonical px, where the centre of the first pixel is (0, 0)."""
    source_size: tuple[int, int]
    """(width, height) of the upright source picture."""
    flags: tuple[str, ...] = ()
    silent: bool = False

    @property
    def video(self) -> Path:
        return self.folder / "face.mp4"

    @property
    def audio(self) -> Path | None:
        return None if self.silent else self.folder / "audio.wav"

    @property
    def cues(self) -> Path:
        return self.folder / "cues.safetensors"

    @property
    def truth(self) -> Path:
        """Generating parameters of an embedded clip (absent for real data)."""
        return self.folder / "truth.safetensors"


def valid_clip_id(name: str) -> bool:
    """True if `name` may be a clip_id: 1 to 80 characters of A-Z a-z 0-9 _ -."""
    return CLIP_ID.match(name) is not None
