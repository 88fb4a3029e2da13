"""Hours and disk of a part before it is prepared and scored, from rates measured here, a short measurement, or the docs."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Literal

from bench import rates
from bench.contract.clip import FPS
from bench.doctor.findings import Finding
from bench.doctor.machine import cores, gigabytes
from bench.doctor.sources import Sources
from bench.rates import Kind, Rate

GROUP = "Forecast"
Basis = Literal["earlier run", "measured now", "documented"]
NEAR = 1.3
"""A rate holds for sources whose number of pixels differs by at most this factor."""
MARGIN = 1.2
"""Predicted bytes are asked for with this reserve: the disk forecast is held to it by a test."""
LEFT_FREE = 10**9
SLOWER = 1.3
"""Slowdown by other work from which on it is said."""
FRAMES_ONLY = "-pretrain"
"""How the label of the embedded dataset's frames-only profile ends."""
STARTING = 3.0
"""Seconds that a stage takes beside its frames: worker processes load their libraries (docs/doctor.md)."""


@dataclass(frozen=True)
class Cost:
    """What one stage costs per 25 fps frame: seconds of one process that has a core to itself, bytes; where this is from."""

    frame_seconds: float
    frame_bytes: float
    basis: Basis
    source: str


@dataclass(frozen=True)
class Step:
    """One predicted stage of the work ahead."""

    stage: str
    clips: int
    frames: float
    seconds: float
    bytes: float
    basis: Basis
    source: str

    def document(self) -> dict[str, Any]:
        """The step as it stands in the --json document."""
        return {
            "stage": self.stage,
            "clips": self.clips,
            "frames": round(self.frames),
            "seconds": round(self.seconds, 1),
            "bytes": round(self.bytes),
            "basis": self.basis,
            "source": self.source,
        }


def step(stage: str, clips: int, frames: float, cost: Cost, jobs: int, heads: int = 0) -> Step:
    """A stage over `clips` with `frames` in all, on `jobs` processes; more than there are cores gain nothing.

    `heads`: speakers of the embedded dataset whose heads have to be built.
    """
    workers = max(1, min(jobs, cores(), clips or 1))
    seconds = STARTING + (frames + rates.HEAD_FRAMES * heads) * cost.frame_seconds / workers if clips else 0.0
    return Step(stage, clips, frames, seconds, frames * cost.frame_bytes, cost.basis, cost.source)


def prepare_cost(known: Iterable[Rate], sources: Sources) -> Cost | None:
    """From the newest runs of `prepare` on sources like these on this machine; None if there was none of today's code."""
    from bench.data.prepare_clip import PREPARE_VERSION

    pixels = sources.width * sources.height
    like = [
        r for r in known
        if r.kind == "prepare" and r.code == PREPARE_VERSION and r.native == sources.native and r.width and r.height
        and r.label.endswith(FRAMES_ONLY) == sources.stills
        and max(pixels, r.width * r.height) <= NEAR * min(pixels, r.width * r.height)
    ]  # fmt: skip
    return _from_runs(like)


def stage_cost(kind: Kind, known: Iterable[Rate], label: str) -> Cost | None:
    """From the newest runs of `render` or `rows` on this machine, of the same dataset where there are any.

    What rendering CREMA-D's layout takes, larger and at 29.97 fps, says nothing of MEAD's, and the other way round.
    """
    from bench.data.puppet.version import PUPPET_VERSION

    of_kind = [r for r in known if r.kind == kind]
    if kind == "render":
        of_kind = [r for r in of_kind if r.code == str(PUPPET_VERSION) and _in_cremad(r.label) == _in_cremad(label)]
    return _from_runs([r for r in of_kind if r.label == label] or of_kind)


def documented_prepare(sources: Sources) -> Cost:
    """From the figures of docs/performance.md, linear in the number of pixels between and beyond the sizes given there."""
    table = sorted(_documented()["prepare"], key=lambda row: row["width"] * row["height"])
    pixels = sources.width * sources.height
    milliseconds = _at(pixels, [(r["width"] * r["height"], r["all"]) for r in table])
    size = float(_documented()["bytes"]["store"])
    if sources.stills:
        milliseconds, size = _documented()["stills"]["ms"], float(_documented()["stills"]["bytes"])
    if sources.native:
        per_frame = sources.fps / FPS
        milliseconds += per_frame * _at(pixels, [(r["width"] * r["height"], r["native"]) for r in table])
        size += per_frame * _documented()["bytes"]["native"]
    return _from_docs(milliseconds, size)


def documented_stage(kind: Kind, label: str = "") -> Cost:
    """From the docs' figures of rendering (`render`) or of generating and evaluating a control (`rows`)."""
    row = _documented()[kind]
    return _from_docs(
        row["ms_cremad" if kind == "render" and _in_cremad(label) else "ms"], _documented()["bytes"][kind]
    )


def _in_cremad(label: str) -> bool:
    return label.startswith("puppet-cremad")


def findings(steps: Sequence[Step], free: int, jobs: int, part: str) -> list[Finding]:
    """One finding per step, and the sum against the free disk."""
    rows, said = [], False
    for s in steps:
        if not s.clips:
            rows.append(Finding(GROUP, s.stage, "ok", "nothing left to do", data=s.document()))
            continue
        found = (
            f"{s.clips} clips, {'' if s.stage == 'render' else 'about '}{s.frames:,.0f} frames: {duration(s.seconds)}, "
            f"{gigabytes(s.bytes)}\n{s.basis}"
        )
        if s.basis != "documented":
            found += f": {s.source}"
        elif not said:
            found, said = f"{found}: {s.source}", True
        rows.append(Finding(GROUP, s.stage, "ok", found, data=s.document()))
    seconds, size = sum(s.seconds for s in steps), sum(s.bytes for s in steps)
    slower = slowdown(jobs)
    if slower > SLOWER and size:
        found = f"other work keeps the cores busy (load {_load():.1f} on {cores()}): while it lasts, {slower:.1f} times as long"
        rows.append(Finding(GROUP, "busy now", "note", found, data={"load": _load(), "times": round(slower, 2)}))
    data = {"part": part, "jobs": jobs, "seconds": round(seconds, 1), "bytes": round(size), "free": free}
    found = f"{duration(seconds)} with --jobs {jobs}, {gigabytes(size)} of {gigabytes(free)} free"
    wanted = size * MARGIN + LEFT_FREE * (size > 0)
    if wanted > free:
        do = (
            f"free {gigabytes(wanted - free)} more, choose another disk with --work, or prepare less (--limit, --split)"
        )
        rows.append(Finding(GROUP, f"all of {part}", "LACK", f"the disk is too small: {found}", do, data))
    else:
        rows.append(Finding(GROUP, f"all of {part}", "ok", found, data=data))
    return rows


def slowdown(jobs: int) -> float:
    """How many times as long work on `jobs` processes takes if the cores are shared fairly with what runs now; 1 or more."""
    workers = max(1, min(jobs, cores()))
    return max(1.0, (workers + _load()) / cores())


def _load() -> float:
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def duration(seconds: float) -> str:
    """`42 s`, `3 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _from_runs(like: list[Rate]) -> Cost | None:
    if not like:
        return None
    # the newest is of today's code and today's machine; runs too short to show a rate give way to longer ones
    newest = like[-5:]
    chosen = max(reversed(newest), key=lambda r: min(r.frames, 1000))
    source = (
        f"{chosen.label}, {chosen.frames:,} frames, {1 / chosen.frame_seconds:.0f} per second and process"
        if (chosen.frame_seconds > 0)
        else chosen.label
    )
    frame_bytes = sum(r.bytes for r in newest) / sum(r.frames for r in newest)
    return Cost(chosen.frame_seconds, frame_bytes, "earlier run", f"{source}, {chosen.at[:10]}")


def _from_docs(milliseconds: float, size: float) -> Cost:
    source = "nothing was measured here; these are the figures of docs/performance.md, made on another machine"
    return Cost(milliseconds / 1e3, size, "documented", source)


@cache
def _documented() -> dict[str, Any]:
    return tomllib.loads(files("bench.doctor").joinpath("documented.toml").read_text(encoding="utf-8"))


def _at(x: float, points: list[tuple[float, float]]) -> float:
    """Linear through the points, the last and first pieces continued, never below the smallest value."""
    pieces = list(pairwise(points))
    (x0, y0), (x1, y1) = next((p for p in pieces if x <= p[1][0]), pieces[-1])
    return max(min(y for _, y in points), y0 + (y1 - y0) * (x - x0) / (x1 - x0))


def known_rates(space: Any) -> list[Rate]:
    """What earlier runs measured on this machine, in this work folder."""
    return rates.load(space.cache)
