"""Features of videos, extracted once and kept under a key made of their content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from bench.atomic import unless_full
from bench.contract.cues import Cues
from bench.data.prepare_clip import face_extractor, face_identity
from bench.data.store import key_of


def cues_key(stream_sha256: str, transform: object) -> str:
    """Cache key: packets of the stream, transform, weights, the extractor's VERSION."""
    return key_of(stream=stream_sha256, transform=transform, face=face_identity(), dtype="float32")


def face_cues(cache: Path, stream_sha256: str, transform: object, frames: Callable[[], Iterable[np.ndarray]]) -> Cues:
    """The cues of `frames()`, from the cache if these packets under this transform were seen before."""
    key = cues_key(stream_sha256, transform)
    path = cache / "cues" / key[:2] / f"{key}.safetensors"
    if path.is_file():
        try:
            return Cues.load(path)
        except Exception:  # a cache entry that cannot be read is made again: safetensors raises its own error types
            path.unlink(missing_ok=True)
    cues = face_extractor()(frames())
    with unless_full():
        cues.save(path)
    return cues
