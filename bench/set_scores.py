"""Metrics of the whole set: their cells, with the jackknife over speakers, from what the clips gave."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.atomic import read_json, unless_full, write_json
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, SetEstimate, SetMetric
from bench.contract.result import COLLECTED, Interval, MetricValue
from bench.data.store import Selected, key_of
from bench.features import PASSING, Arrays, place, save_arrays
from bench.plan import Plan
from bench.progress import in_parallel, torch_on_one_core
from bench.sides import Failed, blamed
from bench.videos import labels_of

SET_VERSION = "2"
EMPTY: dict[str, Any] = {"details": {}, "flags": [], "figure": None, "intervals": [], "truth": None, "difference": None,
                         "difference_intervals": []}  # fmt: skip
FIELDS = ("value", "reason", "detail", *EMPTY)


@dataclass(frozen=True)
class SetJob:
    """One metric of the whole set to estimate; everything it needs travels to the worker."""

    metric: SetMetric
    clips: tuple[Collected, ...]
    seed: int
    path: Path
    """Where the estimate is kept."""


def estimates(
    plan: Plan,
    items: Sequence[Mapping[str, Any]],
    rows: Sequence[Selected],
    cache: Path,
    seed: int,
    jobs: int,
    label: str,
) -> dict[str, dict[str, Any]]:
    """Set metric -> {value, reason, detail and the keys of EMPTY}, from all collected clips of the row.

    Kept under the content of the arrays, so that only what changed is estimated again. A metric that breaks has no value.
    """
    work = []
    for metric in plan.measurable:
        if not isinstance(metric, SetMetric):
            continue
        clips = collected(metric, items, rows)
        if clips:
            content = [(c.labels, sorted((n, _digest(a)) for n, a in c.arrays.items())) for c in clips]
            key = key_of(set=SET_VERSION, metric=plan.identity_of(metric), clips=content, seed=seed)
            work.append((SetJob(metric, tuple(clips), seed, place(cache, "sets", key, "json")),))
    done = in_parallel(_estimate, work, jobs, len(work), f"estimate {label}", unit="metric")
    return dict(done)


def collected(metric: SetMetric, items: Sequence[Mapping[str, Any]], rows: Sequence[Selected]) -> list[Collected]:
    """What the clips gave to a metric, in the order of their ids."""
    clips = {row.clip.clip_id: row.clip for row in rows}
    return [
        Collected(labels_of(clips[item["clip_id"]]), item["collected"][metric.collection])
        for item in sorted(items, key=lambda item: item["clip_id"])
        if item["values"].get(metric.name, {}).get("collected")
    ]


def _digest(array: np.ndarray) -> str:
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def _estimate(job: SetJob) -> tuple[str, dict[str, Any]]:
    known = read_json(job.path)
    if isinstance(known, dict) and set(known) == set(FIELDS):
        return job.metric.name, known
    found = _fresh(job)
    if found["reason"] not in PASSING:
        with unless_full():
            write_json(job.path, found)
    return job.metric.name, found


def _fresh(job: SetJob) -> dict[str, Any]:
    if "torch" in sys.modules:
        torch_on_one_core()
    try:
        with blamed(job.metric.name):
            estimate = job.metric.estimate(job.clips, job.seed)
            return _asked(estimate, job.clips)
    except Unscorable as nothing:
        return _nothing(nothing.reason, nothing.detail)
    except Failed as failure:
        return _nothing(failure.unscorable.reason, failure.unscorable.detail)


def _nothing(reason: object, detail: str) -> dict[str, Any]:
    return {"value": None, "reason": str(reason), "detail": detail} | EMPTY


def _asked(estimate: SetEstimate, clips: Sequence[Collected]) -> dict[str, Any]:
    """The estimate on all clips and its intervals; where the real clips have a value of their own, the difference to it."""
    everything = np.ones(len(clips), bool)
    value = float(estimate.statistic(everything))
    if not np.isfinite(value):
        too_little = f"what the {len(clips)} clips hold together is too little for a number (the statistic is {value})"
        raise Unscorable(Reason.NOT_FINITE, too_little)
    speakers = np.array([clip.labels.speaker for clip in clips], str)
    return {
        "value": value,
        "reason": None,
        "detail": None,
        "details": {name: _plain(v) for name, v in estimate.details.items()},
        "flags": list(estimate.flags),
        "figure": estimate.figure,
        "intervals": [i.model_dump() for i in intervals(estimate.statistic, speakers)],
        **_against_truth(estimate, speakers),
    }


def _against_truth(estimate: SetEstimate, speakers: np.ndarray) -> dict[str, Any]:
    none = {name: EMPTY[name] for name in ("truth", "difference", "difference_intervals")}
    if estimate.truth is None:
        return none
    everything = np.ones(len(speakers), bool)
    truth = float(estimate.truth(everything))
    if not np.isfinite(truth):
        return none

    def difference(mask: np.ndarray) -> float:
        return float(estimate.statistic(mask)) - float(estimate.truth(mask))

    found = [i.model_dump() for i in intervals(difference, speakers)]
    return {"truth": truth, "difference": difference(everything), "difference_intervals": found}


def intervals(statistic: Callable[[np.ndarray], float], speakers: np.ndarray) -> list[Interval]:
    """None for these speakers, with the reason; for new ones a delete-one-speaker jackknife, or the reason against it."""
    from metrics.statistics import jackknife_new_speakers

    these = Interval(
        target="these-speakers",
        method="none",
        reason="a number of the whole set: a bootstrap of its clips lies above the value itself",
    )
    try:
        new = jackknife_new_speakers(statistic, speakers).interval
    except ValueError as error:
        new = Interval(target="new-speakers", method="delete-one-speaker jackknife", reason=str(error))
    return [these, new]


def _plain(value: Any) -> float | int | str | None:
    """A number or word as JSON has it; NaN is null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is not None and not isinstance(value, bool | int | float | str):
        raise TypeError(f"details of a set metric are numbers, words or None; got {type(value).__name__}")
    return value


def cell(metric: SetMetric, found: Mapping[str, Any] | None, table: Any, n_expected: int) -> MetricValue:
    """The cell of a set metric; `table` are its rows of clips.parquet."""
    from metrics.summary import why_nothing

    gave = table[table["status"] == COLLECTED]
    found = found or _nothing(why_nothing(table), "")
    frames = found["details"].get("n_frames")
    return MetricValue(
        metric=metric.name,
        kind="set",
        family=metric.family,
        primary=metric.primary,
        direction=metric.direction,
        unit=metric.unit,
        definition=metric.definition,
        version=metric.version,
        value=found["value"],
        reason=found["reason"],
        detail=found["detail"] or None,
        intervals=found["intervals"],
        n_clips=len(gave),
        n_speakers=gave["speaker"].nunique(),
        n_frames=frames if isinstance(frames, int) else int(gave["n_frames"].fillna(0).sum()),
        n_expected=n_expected,
        coverage=len(gave) / n_expected if n_expected else 0.0,
        n_substituted=int(gave["reason"].notna().sum()),
        truth=found["truth"],
        difference=found["difference"],
        difference_intervals=found["difference_intervals"],
        n_paired=len(gave) if found["difference"] is not None else 0,
        details=found["details"],
        flags=found["flags"],
    )


def write_sets(folder: Path, items: Sequence[Mapping[str, Any]], found: Mapping[str, Mapping]) -> None:
    """folder/sets/<collection>.safetensors ("<clip_id>/<array>") and folder/figures/<metric>.json."""
    arrays: dict[str, Arrays] = {}
    for item in sorted(items, key=lambda item: item["clip_id"]):
        for collection, given in item["collected"].items():
            here = arrays.setdefault(collection, {})
            here |= {f"{item['clip_id']}/{name}": value for name, value in sorted(given.items())}
    for collection, named in arrays.items():
        (folder / "sets").mkdir(exist_ok=True)
        save_arrays(folder / "sets" / f"{collection}.safetensors", named)
    for name, one in found.items():
        if one["figure"] is not None:
            write_json(folder / "figures" / f"{file_name(name)}.json", one["figure"])


def file_name(metric: str) -> str:
    """A metric's name as a file name."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in metric)
