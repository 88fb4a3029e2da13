"""Rows evaluated in one process, one after another, with processor time, wall time and what of it was forward passes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.speed.passes import Passes, watched

PART = "test"
EVERY = 10_000
"""More frames than a clip has."""


@dataclass(frozen=True)
class RowTime:
    """One evaluated row: seconds, its forward passes, and how many columns of it have a value."""

    method: str
    cpu: float
    wall: float
    passes: Passes
    columns: int

    @property
    def network(self) -> float:
        return sum(self.passes.seconds.values())


@dataclass(frozen=True)
class Rows:
    """Rows in the order in which they were evaluated; `startup` is what the process spent on imports, weights and compiling."""

    startup: float
    rows: tuple[RowTime, ...]


def rows(
    store: Path,
    manifest: str,
    videos: Sequence[Path],
    scratch: Path,
    clips: int,
    every_frame: bool = False,
    device: str = "cpu",
) -> Rows:
    """Evaluate the folders `videos` (<method>/<label>) against the first `clips` clips of a store, in one process.

    Nothing is cached before; the second row finds what the first has left of the real side. One clip is scored before the
    clock starts, so that imports, weights and compiled code are not in it. `every_frame` lets Inception see all frames.
    """
    import torch  # noqa: F401  (before the passes are watched, and in the start-up)

    from bench.data.store import Store
    from bench.evaluate import evaluate
    from metrics.extractors import inception

    if every_frame:
        inception.FRAMES_PER_CLIP = EVERY
    selection = Store(store).selection(manifest, PART)
    shutil.rmtree(scratch, ignore_errors=True)

    def score(folder: Path, limit: int, name: str) -> tuple[float, float, int]:
        cpu, wall = time.process_time(), time.monotonic()
        done = evaluate(
            selection,
            folder,
            name=folder.parent.name,
            out=scratch / f"result-{name}",
            cache=scratch / f"cache-{name.partition('@')[2]}",
            jobs=1,
            limit=limit,
            device=device,
        )
        columns = sum(metric.value is not None for metric in done.result.metrics)
        return time.process_time() - cpu, time.monotonic() - wall, columns

    found = []
    with watched() as passes:
        score(videos[0], 1, "warm@first")
        warm_again = score(videos[0], 1, "warm@again")[0]
        startup = time.process_time() - 2 * warm_again
        for folder in videos:
            before = passes.copy()
            cpu, wall, columns = score(folder, clips, f"{folder.parent.name}@timed")
            found.append(RowTime(folder.parent.name, cpu, wall, passes.since(before), columns))
    shutil.rmtree(scratch, ignore_errors=True)
    return Rows(startup, tuple(found))
