"""Rates measured on this machine by the runs themselves: how long and how large rendering, preparing and scoring were.

$EMOTALK_WORK/cache/rates.json, written whole, the newest records kept; it may be deleted at any time and losing it harms
nothing. `emotalk doctor` predicts from it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any, Literal

from bench import backends
from bench.atomic import read_json, write_json

SCHEMA = 1
KEPT = 200
LOADING = 2.0
"""Processor seconds that a rendering worker spends on libraries and compiled kernels before its first frame (docs/doctor.md)."""
HEAD_FRAMES = 25
"""Building a speaker's head takes as long as so many frames of it (bench/data/puppet/render.py); counted as frames of `render`."""
Kind = Literal["render", "prepare", "rows"]


@dataclass(frozen=True)
class Rate:
    """One measured stage.

    kind: render (frames of the embedded dataset) | prepare (clips of one source size) | rows (generate and evaluate the
    controls; `clips` and `frames` counted once per row). `frames` are those of the 25 fps clips. `frame_seconds` is what one
    process needs for one frame when it has a core to itself: the smaller of processor and wall time, so that it does not
    depend on what else the machine was doing; of `render` HEAD_FRAMES more frames are counted for every speaker; `wall_seconds` is
    what the stage took in the end. `bytes`: written. `width`, `height`, `native` (over 25.5 fps, cues also at the source's
    own rate): of the source, None or False where there is none. `code`: version of what was measured.
    """

    kind: Kind
    label: str
    clips: int
    frames: int
    frame_seconds: float
    wall_seconds: float
    workers: int
    bytes: int
    width: int | None
    height: int | None
    native: bool
    code: str
    machine: str
    at: str


def path_of(cache_folder: Path) -> Path:
    """Where the rates of a work folder are."""
    return cache_folder / "rates.json"


def load(cache_folder: Path) -> list[Rate]:
    """The records of this machine, oldest first; a file that cannot be understood counts as none."""
    with suppress(OSError, TypeError, KeyError, AttributeError):
        document = read_json(path_of(cache_folder))
        if document and document["schema_version"] == SCHEMA:
            names = {f.name for f in fields(Rate)}
            rates = [Rate(**row) for row in document["records"] if set(row) == names]
            return [rate for rate in rates if rate.machine == machine()]
    return []


def add(cache_folder: Path, rates: Iterable[Rate]) -> None:
    """Append records; whatever keeps them from being written is passed over, because the work itself is done.

    Work on a cluster leaves none: its machines are not this one.
    """
    rates = list(rates)
    if not rates or backends.on_cluster():
        return
    with suppress(OSError, TypeError, KeyError, AttributeError):
        cache_folder.mkdir(parents=True, exist_ok=True)
        with (cache_folder / ".rates.lock").open("w") as file:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            document = read_json(path_of(cache_folder))
            known = document["records"] if document and document.get("schema_version") == SCHEMA else []
            records = [*known, *(asdict(rate) for rate in rates)][-KEPT:]
            write_json(path_of(cache_folder), {"schema_version": SCHEMA, "records": records})


def rate(
    kind: Kind,
    label: str,
    *,
    clips: int,
    frames: int,
    frame_seconds: float,
    wall_seconds: float,
    workers: int,
    written: int,
    code: str,
    size: tuple[int, int] | None = None,
    native: bool = False,
) -> Rate:
    """A record of now and here."""
    width, height = size or (None, None)
    return Rate(
        kind=kind,
        label=label,
        clips=clips,
        frames=frames,
        frame_seconds=round(frame_seconds, 6),
        wall_seconds=round(wall_seconds, 3),
        workers=max(1, min(workers, clips)),
        bytes=int(written),
        width=width,
        height=height,
        native=native,
        code=code,
        machine=machine(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


class PrepareClock:
    """Collects what `prepare` did with each clip, and gives one record per kind of source."""

    def __init__(self, label: str, jobs: int, code: str):
        self.label, self.jobs, self.code = label, jobs, code
        self._kinds: dict[tuple[tuple[int, int], bool], list[tuple[int, float, int]]] = {}
        self._wall = 0.0

    def clip(self, record: dict[str, Any], seconds: float) -> None:
        """One clip that was prepared just now in `seconds` of a worker's time; `record` is its record.json."""
        with suppress(KeyError, TypeError, ValueError):
            width, height = (int(side) for side in record["source_size"])
            kind = (width, height), "cues_native.safetensors" in record["bytes"]
            if frames := int(record["n_frames"]):
                self._kinds.setdefault(kind, []).append((frames, seconds, sum(record["bytes"].values())))

    def timed(self, seconds: float) -> None:
        """Wall seconds of one pass over clips."""
        self._wall += seconds

    def rates(self) -> list[Rate]:
        """One record per kind of source: the median over clips, since a worker's first one also loads the libraries."""
        total = sum(frames for rows in self._kinds.values() for frames, _, _ in rows)
        return [
            rate(
                "prepare",
                self.label,
                clips=len(rows),
                frames=(frames := sum(row[0] for row in rows)),
                frame_seconds=median(row[1] / row[0] for row in rows),
                wall_seconds=self._wall * frames / total,
                workers=self.jobs,
                written=sum(row[2] for row in rows),
                code=self.code,
                size=size,
                native=native,
            )
            for (size, native), rows in self._kinds.items()
        ]


class RenderClock:
    """A progress callback around another one: how fast clips of the embedded dataset came once the workers ran."""

    def __init__(self, inner: Callable[[int, int], None], folder: Path):
        self._inner, self._folder = inner, folder
        self._before, self._start = bytes_below([folder]), (monotonic(), family_seconds())
        self._marks: list[tuple[float, float, int]] = []  # wall and processor seconds since the start, clips finished

    def __call__(self, done: int, total: int) -> None:
        """`done` more clips are finished, of `total`; the first call counts those that were there before."""
        self._marks.append((monotonic() - self._start[0], family_seconds() - self._start[1], done))
        self._inner(done, total)

    def rates(self, label: str, frames: int, jobs: int, code: str, speakers: int = 0) -> list[Rate]:
        """The record of this rendering, none if nothing was made.

        `frames` and `speakers` are those of all clips asked for; if some of them were there before, the made ones are taken
        to be of average length, and their speakers to be as many as their share.
        """
        groups = self._marks[1:]
        made, before = sum(done for _, _, done in groups), sum(done for _, _, done in self._marks[:1])
        if not made or not frames:
            return []
        workers = max(1, min(jobs, len(groups)))
        frames = max(1, frames * made // (made + before))
        heads = HEAD_FRAMES * speakers * made / (made + before)
        # the first group of each worker pays for its start; the later ones show the rate
        first = groups[workers - 1] if len(groups) >= 3 * workers else (0.0, 0.0, 0)
        counted = sum(done for _, _, done in groups[workers:]) if first[2] else made
        wall, processor = groups[-1][0] - first[0], groups[-1][1] - first[1]
        if not first[2]:
            loading = min(LOADING * workers, processor / 2)
            wall, processor = wall - loading / workers, processor - loading
        return [
            rate(
                "render",
                label,
                clips=made,
                frames=frames,
                frame_seconds=_undisturbed(wall * workers, processor) * made / counted / (frames + heads),
                wall_seconds=groups[-1][0],
                workers=workers,
                written=max(0, bytes_below([self._folder]) - self._before),
                code=code,
            )
        ]


class RowsClock:
    """How long and how large generating and evaluating the controls is, counted only where nothing was there before."""

    FOLDERS = ("generated", "results", "cache")

    def __init__(self, work: Path, label: str, jobs: int, methods: str):
        self.label, self.jobs = label, jobs
        self._folders = [work / name for name in self.FOLDERS]
        self._count = 0
        # other methods than the controls have costs of their own
        self._whole = methods == "controls"
        self._before = bytes_below(self._folders) if self._whole else 0
        self._start = monotonic(), family_seconds()

    def row(self, fresh: bool) -> None:
        """One row was made and scored; not `fresh` if some of it was there before."""
        self._count += 1
        self._whole = self._whole and fresh

    def rates(self, frames: Sequence[int], code: str) -> list[Rate]:
        """The record of all rows, none if they were not the controls or not all fresh; `frames` of each scored clip."""
        if not self._whole or not self._count or not sum(frames):
            return []
        wall, processor = monotonic() - self._start[0], family_seconds() - self._start[1]
        workers = min(self.jobs, len(frames))
        total = sum(frames) * self._count
        return [
            rate(
                "rows",
                self.label,
                clips=len(frames) * self._count,
                frames=total,
                frame_seconds=_undisturbed(wall * workers, processor) / total,
                wall_seconds=wall,
                workers=workers,
                written=max(0, bytes_below(self._folders) - self._before),
                code=code,
            )
        ]


def _undisturbed(wall: float, processor: float) -> float:
    """What work takes on cores of its own; wall time alone on a system that does not tell processor time (NaN)."""
    return min(wall, processor) if processor > 0 else wall


def family_seconds() -> float:
    """Processor seconds of this process, of the workers it runs now, and of those it has waited for; NaN without /proc.

    Children in a session of their own are left out: the mirror to W&B is no part of the work.
    """
    own, found = os.times(), 0.0
    ticks, session = os.sysconf("SC_CLK_TCK"), os.getsid(0)
    parents: dict[int, list[tuple[int, float]]] = {}
    try:
        for name in os.listdir("/proc"):
            if name.isdigit():
                with suppress(OSError, ValueError, IndexError):
                    # the name of the program, in brackets, may hold anything
                    fields_ = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
                    spent = sum(int(field) for field in fields_[11:15]) / ticks
                    if int(fields_[3]) != session:
                        continue
                    parents.setdefault(int(fields_[1]), []).append((int(name), spent))
    except OSError:
        return float("nan")
    pending = [os.getpid()]
    while pending:
        for child, spent in parents.get(pending.pop(), ()):
            found += spent
            pending.append(child)
    return found + own.user + own.system + own.children_user + own.children_system


def bytes_below(folders: Iterable[Path]) -> int:
    """Bytes of all files below some folders; what cannot be read counts as nothing."""
    total = 0
    pending = [str(folder) for folder in folders]
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as listing:
            for entry in listing:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


@cache
def machine() -> str:
    """What a rate holds for: the processor's name and how many cores there are; no name of the machine itself."""
    import platform

    name = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores"
