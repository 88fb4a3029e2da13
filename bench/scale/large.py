"""A dataset of MEAD's size whose files are one small clip: what start-up, scan, resume and report take when only the number counts.

Every step runs in a process of its own, as a command does: what an earlier one left in memory is no part of it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import evaluate as evaluation
from bench.atomic import read_json, write_json
from bench.contract.clip import EMOTIONS, Part
from bench.contract.metric import Metric, SetMetric
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
    """One thing a user does with that many clips: seconds until it has answered, processor seconds without its workers'."""

    name: str
    rows: int
    seconds: float
    processor: float
    peak_mib: float


Costs = tuple[float, float, float]
"""Wall seconds, processor seconds, peak of the process and its workers in MiB."""


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


def here(step: Callable[[], Any]) -> Costs:
    """What a step takes in this process."""
    with Peak() as peak:
        wall, processor = time.monotonic(), time.process_time()
        step()
        wall, processor = time.monotonic() - wall, time.process_time() - processor
    return wall, processor, peak.mib


def apart(step: Callable[[], Any]) -> Costs:
    """What a step takes in a fresh process, libraries that it loads at need included."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_alone, step).result()


def _alone(step: Callable[[], Any]) -> Costs:
    """`here`, and no worker left: this process would wait for those that wait for more work."""
    from joblib.externals.loky import get_reusable_executor

    costs = here(step)
    get_reusable_executor().shutdown(kill_workers=True)
    return costs


def steps(folder: Path, rows: int, example: Path, measure: Callable[[Callable[[], Any]], Costs] = apart) -> list[Step]:
    """What each step takes with that many clips, measured `apart` or `here`; `folder` is made, filled and left."""
    large = Large(folder, rows, example)
    large.build()
    folders = [large.space.results(name) for name in NAMES]
    todo = {
        "prepare, nothing to do (first time: reference images)": partial(_prepare, large),
        "prepare, nothing to do": partial(_prepare, large),
        "doctor: the folder, hours and disk": partial(_doctor, large),
        "evaluate: all but the scoring itself": partial(_evaluate_at_once, large),
        "evaluate, nothing to do": partial(_evaluate_again, large),
        "report of two rows": partial(_report, folders, large.space.report),
        "compare two rows": partial(_compare, folders),
    }
    found = []
    for name, step in todo.items():
        found.append(Step(name, rows, *measure(step)))
        if folders[0].is_dir() and not folders[1].is_dir():
            _copied(*folders)
    return found


def _copied(first: Path, second: Path) -> None:
    """The same result under another name: a second row to report and to compare with."""
    shutil.copytree(first, second)
    Result.load(first / "result.json").model_copy(update={"name": second.name}).save(second / "result.json")


def _prepare(large: Large) -> None:
    large.prepare()


def _evaluate_at_once(large: Large) -> None:
    with _scored_at_once():
        large.evaluate(NAMES[0])


def _evaluate_again(large: Large) -> None:
    if not large.evaluate(NAMES[0]).reused:
        raise RuntimeError("a result that stands was made again")


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
        none = _of_sets(metric) or metric.name in job.plan.missing
        values[metric.name] = {
            "value": None if none else value,
            "truth": None if none else value + drawn[0] / 2550.0,
            "reason": "too-few-clips" if none else None,
            "detail": "not measured here" if none else None,
            "n_frames": clip.n_frames,
        }
    return {"clip_id": clip.clip_id, "status": "ok", "reason": None, "detail": None, "length_delta": 0, "residual": None,
            "flags": [], "sample": str(job.videos / f"{clip.clip_id}.mp4"), "values": values, "collected": {}}  # fmt: skip


_sets: dict[str, bool] = {}


def _of_sets(metric: Metric) -> bool:
    """Looked up once: asking a metric's protocol takes as long as everything else that stands in for scoring."""
    if metric.name not in _sets:
        _sets[metric.name] = isinstance(metric, SetMetric)
    return _sets[metric.name]
