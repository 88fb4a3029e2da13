"""Reads the clips of a store for a training, and keeps on disk what does not change with an epoch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.atomic import read_json, unless_full
from bench.contract.clip import AUDIO_RATE, FPS, Clip
from bench.contract.cues import Cues
from bench.contract.errors import DamagedStore
from bench.contract.files import whole_file
from bench.progress import in_parallel

KEPT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}\Z")


@dataclass(frozen=True)
class StoreReader:
    """A ClipReader (bench/contract/train.py); small, so that worker processes get it whole."""

    cache: Path
    jobs: int = 1

    def frames(self, clip: Clip) -> np.ndarray:
        """(T, 256, 256, 3) uint8 RGB at 25 fps."""
        from bench.data import media

        return np.stack(list(media.read_frames(clip.video, fps=FPS)))

    def audio(self, clip: Clip) -> np.ndarray:
        """(N,) float32 16 kHz in -1..1."""
        from bench.data import media

        return media.read_audio(clip.audio, AUDIO_RATE)

    def cues(self, clip: Clip) -> Cues:
        """The cues of the real video, as `prepare` extracted them."""
        return Cues.load(clip.cues)

    def keep(self, name: str, clip: Clip, make: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
        """`make()`, kept as cache/kept/<name>/<content>.safetensors; say the version of what is kept in its name."""
        from safetensors.numpy import load_file, save

        if not KEPT_NAME.match(name):
            raise ValueError(f"keep: a name has 1 to 80 characters of A-Z a-z 0-9 _ . -, got {name!r}")
        key = content_of(clip)
        path = self.cache / "kept" / name / key[:2] / f"{key}.safetensors"
        if path.is_file():
            try:
                return load_file(path)
            except Exception:  # an entry that cannot be read is made again: safetensors raises its own error types
                path.unlink(missing_ok=True)
        arrays = {key: np.ascontiguousarray(value) for key, value in make().items()}
        with unless_full(), whole_file(path) as temporary:
            temporary.write_bytes(save(arrays))
        return arrays

    def each(self, function: Callable[..., Any], clips: Sequence[Clip]) -> list[Any]:
        """function(clip, reader) of every clip, in order, in `jobs` processes; the function must be importable."""
        found: list[Any] = [None] * len(clips)
        work = [(function, index, clip, self) for index, clip in enumerate(clips)]
        for index, result in in_parallel(_indexed, work, self.jobs, len(work), "read"):
            found[index] = result
        return found


def content_of(clip: Clip) -> str:
    """The content hash that `prepare` wrote of a clip: its video, sound and cues."""
    record = read_json(clip.folder / "record.json")
    if record is None or "content_sha256" not in record:
        raise DamagedStore(f"{clip.folder / 'record.json'} is missing or broken; run `emotalk prepare` again")
    return record["content_sha256"]


def _indexed(function: Callable[..., Any], index: int, clip: Clip, reader: StoreReader) -> tuple[int, Any]:
    return index, function(clip, reader)
