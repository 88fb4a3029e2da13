"""The sections of docs/performance.md on many clips: cost against their number, a dataset of MEAD's size, the real ones ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import linear_regression

from bench.doctor.forecast import duration
from bench.doctor.machine import gigabytes
from bench.scale.ahead import Ahead
from bench.scale.cost import Run
from bench.scale.large import Step

HEADING = "## Many clips"


def begin(name: str) -> str:
    return f"<!-- scale-{name}: begin -->"


def end(name: str) -> str:
    return f"<!-- scale-{name}: end -->"


def written_into(page: str, name: str, lines: Sequence[str]) -> str:
    """`page` with its section of this name replaced, or with one at its end."""
    block = "\n".join([begin(name), *lines, end(name)])
    if begin(name) in page and end(name) in page:
        return page[: page.index(begin(name))] + block + page[page.index(end(name)) + len(end(name)) :]
    heading = "" if HEADING in page else f"\n\n{HEADING}"
    return f"{page.rstrip()}{heading}\n\n{block}\n"


def _measured_on(what: str) -> str:
    from bench.environment import machine

    here = machine()
    return (
        f"`python -m bench.scale`, {date.today().isoformat()}, {here.processor}, {here.cores} cores, device cpu; {what}"
    )


def cost_lines(runs: Sequence[Run]) -> list[str]:
    """Every run, then what they say: seconds per frame between sizes, and one worker against two."""
    lines = [
        _measured_on("every run a command of its own in a work folder of its own, start of the processes included."),
        "",
        "| stage | clips | frames | workers | s | ms per frame | peak memory of all processes, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.stage} | {r.clips} | {r.frames} | {r.workers} | {r.seconds:.1f} | {1000 * r.seconds / r.frames:.1f} | {r.peak_mib:.0f} |"
        for r in sorted(runs, key=lambda r: (r.stage, r.clips, r.workers))
    ]
    lines += ["", "Clips are those worked on: partners and reference clips are rendered and prepared, too. Render and prepare",
              "are one command, so they share a peak; shared pages count once per process.", ""]  # fmt: skip
    lines += [
        "| stage | twice the clips take, times as long | peak, largest against smallest | two workers against one "
        "| start-up, s | ms per frame after it | two workers against one after it, at least |",
        "|---|---|---|---|---|---|---|",
    ]
    for stage in dict.fromkeys(r.stage for r in runs):
        by_frames = sorted((r for r in runs if r.stage == stage and r.workers == 2), key=lambda r: r.frames)
        growth = ", ".join(f"{(b.seconds / a.seconds) * 2 * a.frames / b.frames:.2f}" for a, b in pairwise(by_frames))
        peak = f"{by_frames[-1].peak_mib / by_frames[0].peak_mib:.2f}"
        line = _line(by_frames)
        after = ("one size", "one size", "one size")
        if line:
            started = f"{line.start:.1f}" if line.start >= LEAST_START else "none seen"
            after = (started, f"{1000 * line.per_frame:.1f}", _speedup(runs, stage, line.start))
        shown = (stage, growth or "one size", peak, _speedup(runs, stage), *after)
        lines.append(f"| {' | '.join(shown)} |")
    lines += ["", "Growth is scaled to exactly twice the frames: 2 is linear, less shows the start of the processes. The start-up",
              "(imports, weights, and what else does not grow) is where the straight line through the runs with two workers meets",
              "no frames, its slope the cost of a frame; of two sizes nothing says how straight it is. One worker's start-up is taken",
              "to be as long. It starts no other process, so it can be shorter, and then two workers gain more than the last column",
              "says. Render and prepare are timed from inside the command, without its start."]  # fmt: skip
    return lines


LEAST_START = 0.05
"""Seconds of start-up that are shown as such."""


@dataclass(frozen=True)
class Line:
    """Seconds of a run as a start and a cost per frame; a start below none is none."""

    start: float
    per_frame: float


def _line(runs: Sequence[Run]) -> Line | None:
    """The least-squares line through runs of one stage and number of workers; None of a single size."""
    frames = [float(r.frames) for r in runs]
    if len(set(frames)) < 2:
        return None
    found = linear_regression(frames, [r.seconds for r in runs])
    return Line(max(0.0, found.intercept), found.slope)


def _speedup(runs: Sequence[Run], stage: str, start: float = 0.0) -> str:
    """Seconds of one worker over those of two at the same size, both without a start of so many seconds."""
    pairs = [
        (one, two)
        for one in runs
        for two in runs
        if one.stage == two.stage == stage and one.clips == two.clips and (one.workers, two.workers) == (1, 2)
    ]
    ratios = [f"{(one.seconds - start) / (two.seconds - start):.2f} ({one.clips} clips)" for one, two in pairs]
    return ", ".join(ratios) or "not measured"


def large_lines(steps: Sequence[Step], built: int) -> list[str]:
    """What a user waits for with a manifest of that many rows."""
    lines = [
        _measured_on(
            f"a manifest of {built:,} clips of 48 speakers in MEAD's layout, every file a link to one clip of 29 frames, "
            "so that only their number counts; every step in a process of its own."
        ),
        "",
        "| step | s | CPU s | peak memory, MiB |",
        "|---|---|---|---|",
    ]
    lines += [f"| {s.name} | {s.seconds:.1f} | {s.processor:.1f} | {s.peak_mib:.0f} |" for s in steps]
    lines += [
        "",
        "`evaluate: all but the scoring itself` has the scores handed to it: what is left is reading the selection, hashing the",
        "videos, sending every clip to a worker and back, tables, intervals and files, of all columns but those of the whole",
        "set. Reading real videos for their hashes takes what the disk takes: about 100 kB per clip.",
    ]
    return lines


def ahead_lines(rows: Sequence[Ahead], jobs: int) -> list[str]:
    """Hours and disk of the real datasets."""
    bases = sorted({s.basis for r in rows for s in (r.prepare, r.row) if s})
    lines = [
        _measured_on(f"with {jobs} processes; rates: {' and '.join(bases)} (docs/doctor.md)."),
        "",
        "| dataset, part | clips | frames at 25 fps | prepare | disk | one row, scored | disk |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        row = (duration(r.row.seconds), gigabytes(r.row.bytes)) if r.row else ("learning only", "")
        lines.append(
            f"| {r.dataset} {r.part} | {r.clips:,} | {r.frames:,} | {duration(r.prepare.seconds)} | {gigabytes(r.prepare.bytes)} "
            f"| {row[0]} | {row[1]} |"
        )
    lines += [
        "",
        "Assumed: MEAD's front view as `edtalk` lists it, three seconds a clip, 1920x1080 at 30 fps (cues at both rates); CREMA-D's",
        "480x360 at 29.97 fps, lengths from `data_manifests/cremad/lengths.csv`; a row under the whole default protocol. `emotalk",
        "doctor --dataset mead --root DIR` reads the lengths of your own copy and measures your own machine.",
    ]
    return lines
