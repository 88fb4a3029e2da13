"""A short measurement: a few clips of the very dataset go through `prepare` in this process, and are thrown away."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.contract.clip import SourceClip
from bench.contract.errors import RejectedInput, WeightsError
from bench.doctor.forecast import Cost
from bench.workspace import Workspace

CLIPS = 3
LONGEST = 10.0
"""Seconds after which no further clip is begun."""


def measure_prepare(clips: Sequence[SourceClip], space: Workspace) -> Cost | None:
    """Prepare CLIPS clips drawn by hash, one after the other, in a scratch folder of the work folder's disk.

    None if the face landmarker is not here, or no clip could be prepared. Nothing is left behind.
    """
    from bench.data.prepare_clip import face_extractor, prepare_clip

    try:
        face_extractor()
    except WeightsError:
        return None
    drawn = sorted(clips, key=lambda clip: hashlib.sha256(clip.clip_id.encode()).digest())
    rates: list[float] = []  # seconds per frame, the first clip's among them
    sizes = frames = 0
    with _scratch(space) as folder, _one_core():
        began = time.monotonic()
        for clip in drawn[: 2 * CLIPS + 1]:
            started = time.monotonic(), time.process_time()
            with suppress(RejectedInput, OSError):
                record = prepare_clip(clip, folder / clip.clip_id, None, "measured")
                took = min(time.monotonic() - started[0], time.process_time() - started[1])
                rates.append(took / record["n_frames"])
                sizes += sum(record["bytes"].values())
                frames += record["n_frames"]
            if len(rates) > CLIPS or time.monotonic() - began > LONGEST:
                break
    if not rates:
        return None
    # the first clip also loads libraries and compiles kernels: it counts only if there is no other
    # and other work on the cores only ever adds, so the least of the others is nearest to the truth
    each = min(rates[1:] or rates)
    count = max(1, len(rates) - 1)
    source = f"{count} of these clips in this process, {1 / each:.0f} frames per second"
    return Cost(each, sizes / frames, "measured now", source)


@contextmanager
def _scratch(space: Workspace) -> Iterator[Path]:
    folder = space.cache / "measure" / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another doctor may be at work in there
            folder.parent.rmdir()


@contextmanager
def _one_core() -> Iterator[None]:
    """As in the worker processes of `prepare`, where parallelism is by clip."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
