"""`emotalk generate`: a method and a prepared selection -> one mp4 per clip, resumable, failures recorded."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from baselines.registry import MethodSpec
from bench.atomic import read_json, whole_file, write_json
from bench.contract.clip import AUDIO_RATE, CROP_SIZE, FPS
from bench.contract.errors import EmotalkError, NotApplicable, Reason, UndeclaredInput, UsageError
from bench.contract.method import CueMethod, FileMethod
from bench.data.store import Selected, Selection, Store, key_of
from bench.progress import in_parallel
from bench.requests import audio_of, build_request

GENERATE_VERSION = "1"
VIDEO_CRF = 18


@dataclass
class Generated:
    """What one run of generate did."""

    method: str
    folder: Path
    made: int = 0
    reused: int = 0
    frames: int = 0
    seconds: float = 0.0
    items: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """status -> number of clips."""
        return dict(Counter(item["status"] for item in self.items))

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [item for item in self.items if item["status"] == "failed"]


def generate(
    spec: MethodSpec, selection: Selection, out: Path, *, seed: int = 0, jobs: int = 2, limit: int | None = None
) -> Generated:
    """Write `out`/<clip_id>.mp4 for every scored clip, `out`/items/<clip_id>.json with its status, and the card generated.json.

    An item is made again only if the method, its checkpoint, the seed, the clip or its companions changed. A method that
    fails on a clip gets a failed item with the exception's text, and the rest goes on.
    """
    started = time.monotonic()
    method = spec.load()
    rows = selection.limited(limit)
    report = Generated(spec.name, out)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "generated.json", card_of(spec, method, selection, seed))
    todo = []
    for row in rows:
        key = _key(spec, method.version, row, seed)
        item = read_json(out / "items" / f"{row.clip.clip_id}.json")
        if item and item["key"] == key and item["status"] != "failed" and _whole(out, item):
            report.reused += 1
            report.items.append(item)
        else:
            todo.append((row, key))
    work = [(spec, selection.store, row, out, seed, key) for row, key in todo]
    for item in in_parallel(_one, work, jobs, len(work), f"generate {spec.name}"):
        report.items.append(item)
        report.made += 1
        report.frames += item["n_frames"]
    report.items.sort(key=lambda item: item["clip_id"])
    report.seconds = time.monotonic() - started
    return report


def card_of(spec: MethodSpec, method: Any, selection: Selection, seed: int) -> dict[str, Any]:
    """What stands in generated.json: enough to know, later, what made the videos beside it."""
    return {
        "method": spec.name,
        "version": method.version,
        "kind": getattr(method, "kind", "plug-in"),
        "consumes": sorted(i.value for i in method.consumes),
        "altered": spec.altered,
        "identity": spec.identity(),
        "framing": "canonical",
        "seed": seed,
        "dataset": selection.document["dataset"],
        "profile": selection.document["profile"],
        "manifest": selection.document["manifest"],
        "part": selection.document["part"],
    }


def _key(spec: MethodSpec, version: str, row: Selected, seed: int) -> str:
    companions = (row.other_sentence, row.other_emotion, row.reference_clip, row.reference_sha256)
    return key_of(
        generate=GENERATE_VERSION,
        method=spec.identity(),
        version=version,
        clip=row.clip.video_sha256,
        companions=companions,
        seed=seed,
    )


def _whole(out: Path, item: dict[str, Any]) -> bool:
    """True if the item's file is there with the size it was written with."""
    if item["file"] is None:
        return True
    path = out / item["file"]
    return path.is_file() and path.stat().st_size == item["bytes"]


@lru_cache(maxsize=4)
def _method(spec: MethodSpec):
    return spec.load()


def _one(spec: MethodSpec, store: Store, row: Selected, out: Path, seed: int, key: str) -> dict[str, Any]:
    method = _method(spec)
    clip_id = row.clip.clip_id
    item = {"clip_id": clip_id, "key": key, "status": "ok", "reason": None, "detail": None, "file": None, "bytes": None}
    item["n_frames"] = 0
    # an output of an earlier version must not survive a failure of this one
    for name in (f"{clip_id}.mp4", f"{clip_id}.cues.safetensors"):
        (out / name).unlink(missing_ok=True)
    request = build_request(row, store, method.consumes, seed, spec.altered)
    try:
        item |= _write(method, request, row, out)
    except NotApplicable as error:
        item |= {"status": "n/a", "reason": str(error.reason), "detail": error.detail}
    except (UndeclaredInput, UsageError):
        raise
    except OSError as error:
        if error.errno in (28, 122):  # ENOSPC, EDQUOT: not the method's fault, and every later clip would fail too
            raise EmotalkError(
                f"no space left while writing {out}: free some and run the same command again"
            ) from error
        item |= _failure(error)
    except Exception as error:
        item |= _failure(error)
    write_json(out / "items" / f"{clip_id}.json", item)
    return item


def _failure(error: Exception) -> dict[str, Any]:
    return {"status": "failed", "reason": str(Reason.METHOD_FAILED), "detail": f"{type(error).__name__}: {error}"[:500]}


def _write(method: Any, request: Any, row: Selected, out: Path) -> dict[str, Any]:
    """Run the method on one request and write what it gives; returns the item's changed fields."""
    from bench.data import media

    target = out / f"{row.clip.clip_id}.mp4"
    if isinstance(method, FileMethod):
        with whole_file(target) as temporary:
            link_or_copy(method.file(request), temporary)
        return {"file": target.name, "bytes": target.stat().st_size, "n_frames": request.n_frames}
    try:
        frames = checked(method.generate(request), request.n_frames)
        first = next(frames)
    except NotApplicable as error:
        if error.reason != Reason.CUE_SPACE_ONLY or not isinstance(method, CueMethod):
            raise
        path = out / f"{row.clip.clip_id}.cues.safetensors"
        method.cues(request).save(path)
        return {"status": "cues", "reason": str(error.reason), "detail": error.detail, "file": path.name,
                "bytes": path.stat().st_size, "n_frames": request.n_frames}  # fmt: skip

    def all_frames() -> Iterator[np.ndarray]:
        yield first
        yield from frames

    count = media.write_video(
        target, all_frames(), fps=FPS, crf=VIDEO_CRF, audio=audio_of(row.clip), audio_rate=AUDIO_RATE
    )
    return {"file": target.name, "bytes": target.stat().st_size, "n_frames": count}


def checked(frames: Iterator[np.ndarray], n_frames: int) -> Iterator[np.ndarray]:
    """The frames of a method, each verified to be (256, 256, 3) uint8, and exactly n_frames of them; ValueError otherwise."""
    shape = (CROP_SIZE, CROP_SIZE, 3)
    count = 0
    for count, frame in enumerate(islice(iter(frames), n_frames + 1), start=1):
        if count > n_frames:
            raise ValueError(f"expected {n_frames} frames, the method yields more")
        if frame.shape != shape or frame.dtype != np.uint8:
            raise ValueError(f"expected frames of {shape} uint8 RGB, frame {count} is {frame.shape} {frame.dtype}")
        yield frame
    if count != n_frames:
        raise ValueError(f"expected {n_frames} frames, the method yielded {count}")


def link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
