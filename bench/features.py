"""Features of videos, extracted once and kept under a key made of their content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import numpy as np

from bench.atomic import unless_full
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.files import whole_file
from bench.data.prepare_clip import face_extractor, face_identity
from bench.data.store import key_of

Arrays = dict[str, np.ndarray]
PASSING = (Reason.METRIC_FAILED, Reason.WEIGHTS_MISSING, Reason.EXPERT_MISSING)
"""Reasons that may be gone at the next run: tried again, never kept."""


def cues_key(stream_sha256: str, transform: object) -> str:
    """Cache key: packets of the stream, transform, weights, the extractor's VERSION."""
    return key_of(stream=stream_sha256, transform=transform, face=face_identity(), dtype="float32")


def face_cues(cache: Path, stream_sha256: str, transform: object, frames: Callable[[], Iterable[np.ndarray]]) -> Cues:
    """The cues of `frames()`, from the cache if these packets under this transform were seen before."""
    path = place(cache, "cues", cues_key(stream_sha256, transform))
    if path.is_file():
        try:
            return Cues.load(path)
        except Exception:  # a cache entry that cannot be read is made again: safetensors raises its own error types
            path.unlink(missing_ok=True)
    cues = face_extractor()(frames())
    with unless_full():
        cues.save(path)
    return cues


def kept_arrays(cache: Path, kind: str, key: str, make: Callable[[], Mapping[str, np.ndarray]]) -> Arrays:
    """`make()`, kept under cache/<kind>/<kk>/<key>.safetensors; where it raised Unscorable that is kept, and raised again.

    An entry that cannot be read is made again, one that cannot be written is not kept.
    """
    path = place(cache, kind, key)
    if path.is_file():
        try:
            return load_arrays(path)
        except Unscorable:
            raise
        except Exception:  # as above: damaged, or written by something else
            path.unlink(missing_ok=True)
    try:
        # row by row in memory: safetensors writes the buffer as it lies
        arrays = {name: np.asarray(value, order="C") for name, value in make().items()}
    except Unscorable as nothing:
        if nothing.reason not in PASSING:
            with unless_full():
                save_arrays(path, {}, {"reason": str(nothing.reason), "detail": nothing.detail})
        raise
    with unless_full():
        save_arrays(path, arrays)
    return arrays


def place(cache: Path, kind: str, key: str, suffix: str = "safetensors") -> Path:
    """Where a cache entry lies."""
    return cache / kind / key[:2] / f"{key}.{suffix}"


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray], notes: dict[str, str] | None = None) -> None:
    """Write arrays whole, with words beside them."""
    from safetensors.numpy import save

    with whole_file(path) as temporary:  # a full disk is an OSError here, unlike in safetensors' own writer
        temporary.write_bytes(save(dict(arrays), metadata=notes))


def load_arrays(path: Path) -> Arrays:
    """Read arrays; raises the Unscorable that was kept in their place."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        notes = file.metadata() or {}
        if "reason" in notes:
            raise Unscorable(Reason(notes["reason"]), notes["detail"])
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)


class Features(Mapping):
    """Features by extractor name; one that could not be had raises its Unscorable when a metric asks for it."""

    def __init__(self, found: Mapping[str, Arrays], refused: Mapping[str, Unscorable] | None = None):
        self._found, self._refused = dict(found), dict(refused or {})

    def __getitem__(self, name: str) -> Arrays:
        if name in self._refused:
            self._refuse(name)
        return self._found[name]

    def _refuse(self, name: str) -> NoReturn:
        why = self._refused[name]
        raise Unscorable(why.reason, why.detail) from why

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._found, *self._refused]))

    def __len__(self) -> int:
        return len(list(iter(self)))
