"""Render, prepare and evaluate so and so many clips of the embedded dataset: wall time, frames and peak memory of each.

Every run is a command of its own in a work folder of its own, so nothing is reused and memory given back to one run is no
measure of the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import rates
from bench.contract.errors import EmotalkError
from bench.scale.memory import Peak
from bench.workspace import Workspace

PROFILE, PART = "bench", "test"
"""The only part with 160 scored clips; nothing is chosen by what is measured on it, which is time."""
METHOD = "gt-reencoded"
"""Its videos go through the codec like any method's, and cost next to nothing to make."""
SIZES = (40, 80, 160)
WHOLE = (12, 24)
"""Clips for the whole default row, which costs seconds each."""
LIGHT, ROW = "emotalk-light", "emotalk"


@dataclass(frozen=True)
class Run:
    """One measured run. `clips` and `frames` are those worked on: companions of scored clips are prepared, too."""

    stage: str
    clips: int
    frames: int
    workers: int
    seconds: float
    peak_mib: float


def runs(folder: Path, sizes: Sequence[int] = SIZES, whole: Sequence[int] = WHOLE, profile: str = PROFILE) -> list[Run]:
    """All runs: each size with two workers, the smallest with one, too."""
    from bench.data.puppet.dataset import plan

    found = []
    for clips, workers in [(sizes[0], 1), *((size, 2) for size in sizes)]:
        space = Workspace(folder / f"{clips}-{workers}")
        print(f"{clips} clips, {workers} workers", file=sys.stderr, flush=True)
        common = [
            "--dataset",
            "puppet",
            "--profile",
            profile,
            "--split",
            PART,
            "--work",
            str(space.root),
            "--wandb",
            "off",
        ]
        common += ["--jobs", str(workers), "--json"]
        limit = ["--limit", str(clips)]
        _, _, peak = _command(["prepare", *common, *limit])
        planned = plan(profile, (PART,), "mead", clips)
        frames_in_all = sum(clip.frames for clip in planned)
        for rate in rates.load(space.cache):
            found.append(Run(rate.kind, len(planned), frames_in_all, workers, rate.wall_seconds, peak))
        made, _, _ = _command(["generate", "--method", METHOD, *common, *limit])
        frames = {item["clip_id"]: item["n_frames"] for item in made["items"]}
        evaluate = ["evaluate", "--videos", made["folder"], *common]
        # the whole row first: what the other protocol leaves in the cache would spare it the faces
        rows = [
            (ROW, n)
            for n in whole
            if (clips, workers) in ((sizes[0], 1), (sizes[-1], 2)) and (workers == 2 or n == whole[0])
        ]
        for protocol, some in [*rows, (LIGHT, clips)]:
            _command(["prepare", *common, "--limit", str(some)])  # nothing to do but the selection of these few
            cold = space.root / f"cold-{protocol}-{some}"
            _as_new(space, cold)
            _, seconds, peak = _command(_at([*evaluate, "--protocol", protocol, "--limit", str(some)], cold))
            scored = sorted(frames)[:some]
            found.append(Run(f"evaluate {protocol}", some, sum(frames[c] for c in scored), workers, seconds, peak))
    return found


def example(folder: Path) -> Path:
    """The folder of one small prepared clip."""
    space = Workspace(folder)
    _command(["prepare", "--dataset", "puppet", "--profile", "smoke", "--limit", "1", "--work", str(folder), "--json"])
    return min(path for path in (space.store("puppet-smoke") / "clips").glob("[!.]*"))


def _as_new(space: Workspace, cold: Path) -> None:
    """A work folder with the same store and nothing in its cache."""
    cold.mkdir()
    (cold / "store").symlink_to(space.root / "store", target_is_directory=True)


def _at(command: Sequence[str], work: Path) -> list[str]:
    place = list(command).index("--work") + 1
    return [*command[:place], str(work), *command[place + 1 :]]


def _command(arguments: Sequence[str]) -> tuple[dict[str, Any], float, float]:
    """What an emotalk command says with --json, its wall seconds, and the peak of its processes, MiB."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    started = time.monotonic()
    with (
        subprocess.Popen(
            [sys.executable, "-m", "bench.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process,
        Peak(process.pid) as peak,
    ):
        said, errors = process.communicate()
    if process.returncode:
        raise EmotalkError(f"emotalk {' '.join(arguments)} ended with {process.returncode}: {errors[-500:]}")
    return json.loads(said), time.monotonic() - started, peak.mib
