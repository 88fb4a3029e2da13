"""What each extractor and each frame metric costs: CPU time per frame, time to load, peak memory.

    python -m bench.extractor_cost --store work/store/puppet-quick --write docs/performance.md

Every line is measured in a process of its own, on one core, on the same decoded clips, without a cache.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS, Clip
from bench.contract.errors import Unscorable, UsageError
from bench.contract.seen import Video
from bench.data.store import Store
from bench.plan import Plan, kind_of, make_plan

BEGIN, END = "<!-- extractor-cost: begin -->", "<!-- extractor-cost: end -->"
CLIPS = 6


@dataclass(frozen=True)
class Cost:
    """One line: CPU milliseconds per frame, CPU seconds until the first result is there, MiB above the process before."""

    name: str
    what: str
    ms_per_frame: float
    load_seconds: float
    peak_mib: float


def costs(store: Path, clips: int = CLIPS, device: str = "cpu") -> tuple[list[Cost], list[str], int]:
    """Costs of everything that reads pictures or sound, what could not be measured, and on how many frames."""
    selection = _selection(store)
    rows = selection.scored[:clips]
    document = selection.document
    plan = make_plan(
        _protocol(), document["dataset"], document["data_version"], [row.clip.speaker for row in rows], device
    )
    names = [("face", "face")]
    names += [("extractor", name) for name in sorted(plan.extractors)]
    names += [("metric", m.name) for m in plan.measurable if kind_of(m) == "frames"]
    found = []
    for what, name in names:
        print(f"{what} {name}", file=sys.stderr, flush=True)
        # one process each: memory given back to one is no measure of the next
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found.append(pool.submit(_cost, what, name, plan, [row.clip for row in rows]).result())
    missing = sorted(f"{name} ({reason})" for name, (reason, _) in plan.missing.items())
    return found, missing, sum(row.clip.n_frames for row in rows)


def _protocol():
    from bench.protocols import load_protocol

    return load_protocol()


def _selection(store: Path):
    found = sorted((store / "selections").glob("*.json"))
    if not found:
        raise UsageError(f"--store {store}: expected the folder of a prepared store, as work/store/puppet-quick")
    path = next((p for p in found if p.stem.endswith("validation")), found[0])
    manifest, part = next(
        (path.stem.removesuffix(f"-{part}"), part)
        for part in ("validation", "test", "judge-train", "method-train")
        if path.stem.endswith(f"-{part}")
    )
    return Store(store).selection(manifest, part)


def _cost(what: str, name: str, plan: Plan, clips: Sequence[Clip]) -> Cost:
    from bench.progress import keep_freed_memory, torch_on_one_core

    torch_on_one_core(plan.device)
    keep_freed_memory()
    videos = [_video(clip) for clip in clips]
    before = _peak()
    started = time.process_time()
    call = _call(what, name, plan)  # a metric loads its weights here, an extractor at its first call
    call(videos[0])
    first = time.process_time() - started
    started = time.process_time()
    for video in videos:
        call(video)
    spent = time.process_time() - started
    frames = sum(len(video.cues) for video in videos)
    per_frame = spent / frames
    return Cost(name, what, 1000 * per_frame, max(0.0, first - per_frame * len(videos[0].cues)), _peak() - before)


def _peak() -> float:
    """Largest memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _video(clip: Clip) -> Video:
    from bench.data import media
    from bench.videos import reference_cues

    frames = np.stack(list(media.read_frames(clip.video, fps=FPS)))
    return Video(reference_cues(clip), frames, media.read_audio(clip.audio, AUDIO_RATE))


def _call(what: str, name: str, plan: Plan) -> Callable[[Video], Any]:
    if what == "face":
        from bench.data.prepare_clip import face_extractor

        return lambda video: face_extractor()(iter(video.frames))
    if what == "metric":
        from bench.engine import BATCH

        metric = next(m for m in plan.metrics if m.name == name)
        if metric.needs:
            metric.load({file: plan.weights[file] for file in metric.needs}, plan.device)

        def compare(video: Video) -> None:
            for start in range(0, len(video.frames), BATCH):
                batch = video.frames[start : start + BATCH]
                metric.frames(batch, batch[:, ::-1])  # another picture: equal ones are cheaper for some

        return compare
    extractor = plan.extractors[name].cls(dict(plan.extractors[name].weights), plan.device)

    def look(video: Video) -> None:
        with suppress(Unscorable):  # also an answer, and it has its price
            extractor(video)

    return look


def block(found: Sequence[Cost], missing: Sequence[str], clips: int, frames: int, device: str) -> str:
    """The section of docs/performance.md."""
    from bench.environment import machine

    here = machine()
    lines = [
        BEGIN,
        f"`python -m bench.extractor_cost`, {date.today().isoformat()}, {here.processor}, one of {here.cores} cores, "
        f"device {device}; {clips} clips of {frames} frames.",
        "",
        "| | kind | CPU ms per frame | s to load | peak memory, MiB |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {c.name} | {c.what} | {c.ms_per_frame:.2f} | {c.load_seconds:.1f} | {c.peak_mib:.0f} |"
        for c in sorted(found, key=lambda c: -c.ms_per_frame)
    ]
    total = sum(c.ms_per_frame for c in found)
    lines += [
        "",
        f"All together {total:.1f} ms for a frame of a generated video; the real side is read once for all rows.",
    ]
    if missing:
        lines += ["", f"Not measured, for want of weights: {', '.join(missing)}."]
    return "\n".join([*lines, END])


def written_into(page: str, text: str) -> str:
    """`page` with its block replaced, or with one at its end."""
    if BEGIN in page and END in page:
        return page[: page.index(BEGIN)] + text + page[page.index(END) + len(END) :]
    return f"{page.rstrip()}\n\n## Extractors and frame metrics\n\n{text}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("work/store/puppet-quick"), help="a prepared store")
    parser.add_argument("--clips", type=int, default=CLIPS, help="how many clips")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu")
    parser.add_argument("--write", type=Path, help="page whose section is replaced")
    flags = parser.parse_args()
    from bench.plan import choose_device

    device = choose_device(flags.device)
    found, missing, frames = costs(flags.store, flags.clips, device)
    text = block(found, missing, flags.clips, frames, device)
    if flags.write:
        flags.write.write_text(written_into(flags.write.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
