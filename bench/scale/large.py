"""A dataset of MEAD's size whose files are one small clip: what start-up, scan, resume and report take when only the number counts."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from bench import evaluate as evaluation
from bench.atomic import read_json, write_json
from bench.contract.clip import EMOTIONS, Part
from bench.contract.metric import SetMetric
from bench.contract.result import Result
from bench.data import datasets, mead
from bench.data.manifests import load_manifest
from bench.data.prepare_clip import source_key
from bench.data.store import Selection, Store
from bench.prepare import prepare, selection_name
from bench.scale.memory import Peak
from bench.scoring import Job
from bench.workspace import Workspace

ROWS = 30_000
SPEAKERS = [f"M{n:03d}" for n in range(101, 125)] + [f"W{n:03d}" for n in range(101, 125)]
TAKES = 32
"""Sentences per speaker, emotion and level: with MEAD's 48 speakers, 8 emotions and 3 levels enough for 30,000 and more."""
LEVELS = [(emotion, level) for emotion in EMOTIONS for level in ((1,) if emotion == "neutral" else (1, 2, 3))]
ONE_TAKE = len(LEVELS) * len(SPEAKERS)
"""Clips of everybody in everything, once: sizes that are multiples of it hold the same mix of clips."""
NAMES = ("first", "second")
"""Rows of the report: it compares two."""


@dataclass(frozen=True)
class Step:
    """One thing a user does with that many clips: seconds until it has answered, processor seconds of this process."""

    name: str
    rows: int
    seconds: float
    processor: float
    peak_mib: float


def clip_ids(rows: int) -> list[str]:
    """Clips in MEAD's scheme, all speakers from the first few on. ValueError for more than there are names for."""
    names = [f"{s}_front_{e}_{n}_{take:03d}" for take, (e, n), s in product(range(1, TAKES + 1), LEVELS, SPEAKERS)]
    if rows > len(names):
        raise ValueError(f"expected at most {len(names)} rows, got {rows}")
    return names[:rows]


class Large:
    """A tree, a manifest, a prepared store and a folder of videos of `rows` clips below `folder`, all links to one clip."""

    def __init__(self, folder: Path, rows: int, example: Path):
        """`example`: the folder of a prepared clip in a store."""
        self.rows, self.root, self.videos = rows, folder / "mead", folder / "videos"
        self.manifest = folder / "large.csv"
        self.space = Workspace.open(folder / "work")
        self._example = example

    def build(self) -> None:
        """Write everything but the selection, which `prepare` makes."""
        ids = clip_ids(self.rows)
        self.manifest.parent.mkdir(parents=True, exist_ok=True)
        self.manifest.write_text("clip_id,part\n" + "".join(f"{i},test\n" for i in ids), encoding="utf-8")
        self._link("face.mp4", [self.root / mead.expected_path(i) for i in ids])
        self._link("face.mp4", [self.videos / f"{i}.mp4" for i in ids])
        store = Store(self.space.store("mead"))
        record = read_json(self._example / "record.json")
        for name in record["bytes"]:
            self._link(name, [store.clip_folder(i) / name for i in ids])
        clips, _ = datasets.scan_dataset("mead", self.root, load_manifest("mead", self.manifest), [Part.TEST])
        for clip in clips:
            of_clip = {n: getattr(clip, n) for n in ("clip_id", "dataset", "speaker", "emotion", "level", "sentence")}
            own = record | of_clip | {"key": source_key(clip), "data_version": None}
            write_json(store.clip_folder(clip.clip_id) / "record.json", own)

    def _link(self, name: str, places: Sequence[Path]) -> None:
        """The example's file at every place: hard links to a copy, which count as files and take no room."""
        copy = self.root.parent / f"{places[0].parent.name}-{name}"
        shutil.copyfile(self._example / name, copy)
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(copy, place)

    def prepare(self) -> Selection:
        """`emotalk prepare` of what is prepared: scan, keys of all sources, partners, reference images, tables."""
        done = prepare(
            "mead", root=self.root, profile=None, manifest=str(self.manifest), part="test", space=self.space, jobs=1
        )
        if done.prepared:
            raise RuntimeError(f"{done.prepared} of {self.rows} clips were not taken for prepared")
        return self.selection()

    def selection(self) -> Selection:
        loaded = load_manifest("mead", self.manifest)
        return Store(self.space.store("mead")).selection(selection_name(loaded), "test")

    def evaluate(self, name: str) -> Any:
        """`emotalk evaluate` of the folder under the default protocol."""
        return evaluation.evaluate(
            self.selection(), self.videos, name=name, out=self.space.results(name), cache=self.space.cache
        )


def steps(folder: Path, rows: int, example: Path) -> list[Step]:
    """What each step takes with that many clips; `folder` is made, filled and left."""
    large = Large(folder, rows, example)
    large.build()
    found: list[Step] = []

    def measured(name: str, step: Callable[[], Any]) -> Any:
        with Peak() as peak:
            wall, processor = time.monotonic(), time.process_time()
            out = step()
            wall, processor = time.monotonic() - wall, time.process_time() - processor
        found.append(Step(name, rows, wall, processor, peak.mib))
        return out

    measured("prepare, nothing to do (first time: reference images)", large.prepare)
    measured("prepare, nothing to do", large.prepare)
    measured("doctor: the folder, hours and disk", lambda: _doctor(large))
    with _scored_at_once():
        measured("evaluate: all but the scoring itself", lambda: large.evaluate(NAMES[0]))
    _copied(*(large.space.results(name) for name in NAMES))
    again = measured("evaluate, nothing to do", lambda: large.evaluate(NAMES[0]))
    assert again.reused
    folders = [large.space.results(name) for name in NAMES]
    measured("report of two rows", lambda: _report(folders, large.space.report))
    measured("compare two rows", lambda: _compare(folders))
    return found


def _copied(first: Path, second: Path) -> None:
    """The same result under another name: a second row to report and to compare with."""
    shutil.copytree(first, second)
    Result.load(first / "result.json").model_copy(update={"name": second.name}).save(second / "result.json")


def _doctor(large: Large) -> None:
    from bench.doctor import ahead, dataset

    manifest = load_manifest("mead", large.manifest)
    reading = dataset.read("mead", large.root)
    dataset.examine(reading, manifest, Part.TEST)
    ahead.steps("mead", manifest, Part.TEST, reading, large.space, embedded=None)


def _report(folders: Sequence[Path], out: Path) -> None:
    from reports.html import build

    build(folders, out)


def _compare(folders: Sequence[Path]) -> None:
    from bench.compare import compare_rows, load_row

    compare_rows([load_row(folder) for folder in folders])


@contextmanager
def _scored_at_once() -> Iterator[None]:
    """Scores come ready in place of four seconds of work per clip, so that what is left can be seen."""
    before = evaluation.score_under
    evaluation.score_under = ready
    try:
        yield
    finally:
        evaluation.score_under = before


def ready(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """What `score_under` gives for one clip, the numbers drawn from its name; metrics of the whole set have none."""
    return [_ready(job) for job in jobs]


def _ready(job: Job) -> dict[str, Any]:
    clip = job.row.clip
    drawn = sha256(clip.clip_id.encode()).digest()
    values = {}
    for place, metric in enumerate(job.plan.metrics):
        value = drawn[place % len(drawn)] / 255.0 + 0.1 * place
        none = isinstance(metric, SetMetric) or metric.name in job.plan.missing
        values[metric.name] = {
            "value": None if none else value,
            "truth": None if none else value + drawn[0] / 2550.0,
            "reason": "too-few-clips" if none else None,
            "detail": "not measured here" if none else None,
            "n_frames": clip.n_frames,
        }
    return {"clip_id": clip.clip_id, "status": "ok", "reason": None, "detail": None, "length_delta": 0, "residual": None,
            "flags": [], "sample": str(job.videos / f"{clip.clip_id}.mp4"), "values": values, "collected": {}}  # fmt: skip
