"""All measurements of one machine, interleaved and repeated: floor, rows, and the chain of other programs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from bench.contract.errors import UsageError
from bench.speed import chain
from bench.speed.floor import floor
from bench.speed.rows import PART, Rows, rows

PROFILE = "quick"
METHODS = ("gt-reencoded", "frozen-pose")
"""The first row and the second method on the same clips: videos that move as real ones do."""
ONCE = 60.0
"""A program of the chain that takes longer, wall seconds, is run once: its ratio is far from any aim."""
WEIGHTS = "fid_inception lpips_alex gaze_eth_xgaze head_pose_6drepnet arcface_mbf sface face_landmarker".split()


@dataclass
class Measured:
    """Everything that was measured, once per repeat."""

    clips: int
    frames: int
    floors: list[dict[tuple, float]] = field(default_factory=list)
    default: list[Rows] = field(default_factory=list)
    every_frame: list[Rows] = field(default_factory=list)
    tools: dict[str, list[chain.ToolTime]] = field(default_factory=dict)

    def best_ways(self) -> dict[str, tuple[tuple, float]]:
        """Network -> (its fastest way, median milliseconds per picture)."""
        names = {name for times in self.floors for name in times}
        medians = {name: median(times[name] for times in self.floors if name in times) for name in names}
        return {name[0]: min((m, n) for n, m in medians.items() if n[0] == name[0])[::-1] for name in sorted(names)}

    def bare(self, taken: Sequence[Rows], row: int = 0) -> dict[str, tuple[int, float]]:
        """Network -> (pictures that row `row` gives it, seconds of bare forward passes for them).

        The dataset's own experts are small: their time is what they took inside the row.
        """
        best = self.best_ways()
        passes = [one.rows[row].passes for one in taken]
        found = {}
        for name, items in passes[0].items.items():
            # LPIPS is counted in pairs, and its trunk sees both pictures
            pictures = 2 * items if name == "LPIPS" else items
            inside = median(one.seconds[name] for one in passes)
            found[name] = (pictures, best[name][1] * pictures / 1e3 if name in best else inside)
        return found


def measure(work: Path, clips: int, repeats: int, reference: Path | None, profile: str = PROFILE) -> Measured:
    """Measure on the first `clips` clips of a puppet profile; without `reference`, its environment's Python, no chain.

    Every measurement has a process of its own, one thread, and an empty cache; of each repeat every kind has one.
    """
    from bench import weights
    from bench.data.store import Store

    label = f"puppet-{profile}"
    store, folders = work / "store" / label, [work / "generated" / method / label for method in METHODS]
    if absent := [str(path) for path in (store, *folders) if not path.is_dir()]:
        raise UsageError(
            f"expected {', '.join(absent)}; run `emotalk run --dataset puppet --profile {profile} --methods {','.join(METHODS)} "
            f"--work {work}` first"
        )
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[threads] = "1"
    files = {name: weights.fetch(name) for name in WEIGHTS}
    chosen = [row.clip for row in Store(store).selection(profile, PART).limited(clips)]
    found = Measured(len(chosen), sum(clip.n_frames for clip in chosen))
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        programs, cache = Path(scratch) / "chain", Path(scratch) / "rows"
        if reference:
            _alone("chain's weights", chain.set_up, programs, chosen, folders[0], files)
        for repeat in range(1, repeats + 1):
            note = f"repeat {repeat} of {repeats}: "
            found.floors.append(_alone(f"{note}floor", floor, files, _worth_repeating(found.floors)))
            found.default.append(_alone(f"{note}rows", rows, store, profile, folders, cache, clips))
            found.every_frame.append(
                _alone(f"{note}row, Inception on every frame", rows, store, profile, folders[:1], cache, clips, True)
            )
            for tool in chain.TOOLS if reference else ():
                earlier = found.tools.setdefault(tool, [])
                if not earlier or earlier[0].wall < ONCE:
                    _say(f"{note}{tool}")
                    earlier.append(chain.run(reference, tool, programs))
    return found


def _worth_repeating(floors: Iterable[dict[tuple, float]]) -> set[tuple] | None:
    """After the first time only the two fastest ways of each network."""
    for times in floors:
        return {
            name
            for network in {name[0] for name in times}
            for name in sorted((n for n in times if n[0] == network), key=times.get)[:2]
        }
    return None


def _alone(what: str, work: Callable, *args: Any) -> Any:
    """`work(*args)` in a process of its own: memory, compiled code and threads of one are no help to the next."""
    _say(what)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args).result()


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
