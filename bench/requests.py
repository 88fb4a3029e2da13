"""Builds the request of one clip: every input a method may declare, read from the store only when asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS, Clip
from bench.contract.cues import Cues
from bench.contract.errors import DamagedStore, NotApplicable, Reason
from bench.contract.method import Input, Request
from bench.data.crop import Crop
from bench.data.store import Selected, Store


@dataclass(frozen=True)
class StoreVideo:
    """A canonical video of the store (implements bench.contract.method.VideoFile)."""

    path: Path
    n_frames: int

    def frames(self) -> Iterator[np.ndarray]:
        from bench.data import media

        return media.read_frames(self.path, fps=FPS)

    def recoded(self, crf: float) -> Iterator[np.ndarray]:
        from bench.data import media

        with TemporaryDirectory() as folder:
            path = Path(folder) / self.path.name
            media.write_video(path, self.frames(), fps=FPS, crf=crf)
            yield from media.read_frames(path, fps=FPS)


def clip_seed(seed: int, clip_id: str) -> int:
    """A seed of its own for every clip, the same whatever the order or number of clips."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{clip_id}".encode()).digest()[:8], "big") >> 1


def build_request(
    row: Selected, store: Store, consumes: frozenset[Input], seed: int, altered: str | None = None
) -> Request:
    """The request of a scored clip; `altered` replaces one input by a companion clip's (request controls)."""
    clip = row.clip

    def video_of(clip_id: str | None, reason: str) -> StoreVideo:
        other = companion(clip_id, reason)
        return StoreVideo(other.video, other.n_frames)

    def companion(clip_id: str | None, reason: str) -> Clip:
        if clip_id is None:
            raise NotApplicable(Reason.NO_PARTNER, reason)
        return store.companion(clip_id, clip.part)

    same_emotion = f"no other clip of {clip.speaker} in {clip.emotion} with another sentence"
    same_sentence = f"no clip of {clip.speaker} saying the same sentence in another emotion"

    def audio() -> np.ndarray:
        source = other_sentence() if altered == "other-audio" else clip
        return audio_of(source, clip.n_frames)

    def emotion() -> str:
        return companion(row.other_emotion, same_sentence).emotion if altered == "other-emotion" else clip.emotion

    def reference() -> tuple[np.ndarray, Cues]:
        if altered == "first-frame":  # leaks: named in the row, never the default
            return next(StoreVideo(clip.video, clip.n_frames).frames()), Cues.load(clip.cues)[:1]
        if row.reference_clip is None:
            raise NotApplicable(
                Reason.NO_REFERENCE_IMAGE, f"{clip.speaker} has no neutral clip to take a reference image from"
            )
        cues = Cues.load(store.companion(row.reference_clip, clip.part).cues)
        frame = slice(row.reference_frame, row.reference_frame + 1)
        return read_image(store.reference_image(row.reference_clip, row.reference_sha256)), cues[frame]

    def renderer(of: Clip) -> Any:
        if not of.truth.is_file():
            raise NotApplicable(Reason.CUE_SPACE_ONLY, "real video cannot be re-rendered with one cue altered")
        from bench.data.puppet.rerender import TruthRenderer

        return TruthRenderer(of.truth, Crop.from_affine(of.crop).cut)

    def other_sentence() -> Clip:
        return companion(row.other_sentence, same_emotion)

    sources: dict[Input, Callable[[], Any]] = {
        Input.AUDIO: audio,
        Input.EMOTION: emotion,
        Input.LEVEL: lambda: clip.level,
        Input.REFERENCE_IMAGE: lambda: reference()[0],
        Input.REFERENCE_CUES: lambda: reference()[1],
        Input.TRUE_VIDEO: lambda: StoreVideo(clip.video, clip.n_frames),
        Input.TRUE_CUES: lambda: Cues.load(clip.cues),
        Input.OTHER_SENTENCE_VIDEO: lambda: video_of(row.other_sentence, same_emotion),
        Input.OTHER_EMOTION_VIDEO: lambda: video_of(row.other_emotion, same_sentence),
        Input.OTHER_SENTENCE_AUDIO: lambda: audio_of(other_sentence(), clip.n_frames),
        Input.OTHER_SENTENCE_CUES: lambda: Cues.load(other_sentence().cues),
        Input.RENDERER: lambda: renderer(clip),
        Input.OTHER_SENTENCE_RENDERER: lambda: renderer(other_sentence()),
    }
    return Request(clip.clip_id, clip.n_frames, clip_seed(seed, clip.clip_id), consumes, sources)


def audio_of(clip: Clip, n_frames: int | None = None) -> np.ndarray:
    """(N,) float32 16 kHz of a stored clip; with `n_frames` cut, or repeated from its start, to that many video frames."""
    from bench.data import media

    samples = media.read_audio(clip.audio, AUDIO_RATE)
    return samples if n_frames is None else np.resize(samples, n_frames * AUDIO_RATE // FPS)


def read_image(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a PNG."""
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DamagedStore(f"{path} is missing or cannot be read; run `emotalk prepare` again")
    return np.ascontiguousarray(image[..., ::-1])
