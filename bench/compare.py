"""`emotalk compare A B [C ...]`: what is shown of the difference between row A and each other, on their common clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.contract.clip_table import ClipTable
from bench.contract.comparison import ComparisonRecord, MetricComparison, PairComparison, Target
from bench.contract.errors import EmotalkError, NothingDoneError, UsageError
from bench.contract.metric import Collected, Direction, Metric, SetMetric
from bench.contract.result import COLLECTED, MetricValue, Result
from bench.contract.seen import Labels

if TYPE_CHECKING:
    from reports.ruler import Ruler

NEW, THESE = "new-speakers", "these-speakers"
COMPARED = ("dataset", "clip_id", "speaker", "emotion", "level", "metric", "value", "truth", "status")


@dataclass(frozen=True)
class Row:
    """One result folder with its per-clip table, COMPARED of its columns."""

    folder: Path
    result: Result
    clips: ClipTable


def find_row(name: str, results: Path) -> Path:
    """The result folder meant by a path or by the name (or the only ending of a name) of a folder in `results`."""
    path = Path(name)
    if (path / "result.json").is_file():
        return path
    if path.name == "result.json" and path.is_file():
        return path.parent
    known = sorted(p.parent.name for p in results.glob("[!.]*/result.json"))
    meant = [n for n in known if n == name] or [n for n in known if n.endswith(f"--{name}")]
    if len(meant) == 1:
        return results / meant[0]
    if meant:
        raise UsageError(f"{name}: several results end so: {', '.join(meant)}; give one of them whole")
    near = get_close_matches(name, [*known, *(n.rpartition("--")[2] for n in known)], n=1)
    suggestion = f" did you mean {near[0]}?" if near else ""
    listed = f" results there: {', '.join(known)}" if known else " there are none; run `emotalk evaluate` first"
    raise UsageError(f"{name}: expected a result folder, or the name of one in {results};{suggestion}{listed}")


def load_row(folder: Path) -> Row:
    """UsageError if the folder's files cannot be read."""
    try:
        clips = ClipTable.read(folder / "clips.parquet", COMPARED)
        return Row(folder, Result.load(folder / "result.json"), clips)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: not a whole result ({str(error)[:300]}); evaluate again") from error


def compare_rows(rows: Sequence[Row], seed: int = 0, ruler: Ruler | str | None = None) -> ComparisonRecord:
    """The first row against every other. UsageError if rows may not be compared, NothingDoneError if nothing is common.

    `ruler`: what reads differences in doses, or why nothing does (reports/ruler.py).
    """
    first, *others = rows
    for other in others:
        _refuse_unlike(first, other)
    labels = _labels(rows)
    pairs = [
        PairComparison(other=label, metrics=metric_lines(first, other, seed))
        for label, other in zip(labels[1:], others, strict=True)
    ]
    if not any(m.targets for pair in pairs for m in pair.metrics):
        raise NothingDoneError(f"{labels[0]}: no metric has a value on clips common with {', '.join(labels[1:])}")
    _adjust(pairs)
    if ruler is not None and not isinstance(ruler, str):
        _read_in_doses(pairs, first.result, [other.result for other in others], ruler)
    d = first.result.dataset
    return ComparisonRecord(
        row=labels[0],
        dataset=d.name,
        profile=d.profile,
        part=d.part,
        protocol=first.result.protocol.name,
        seed=seed,
        ruler=ruler if ruler is None or isinstance(ruler, str) else ruler.made_of,
        pairs=pairs,
    )


def compare_metric(
    one: Row, other: Row, name: str, seed: int = 0, ruler: Ruler | str | None = None
) -> MetricComparison:
    """One column of two rows, without Holm's correction. UsageError if the rows may not be compared, or lack the column."""
    _refuse_unlike(one, other)
    for row in (one, other):
        if row.result.metric(name) is None:
            raise UsageError(f"{row.folder.name} has no column {name}: evaluate again")
    line = _metric(one, other, one.result.metric(name), other.result.metric(name), seed)
    if ruler is not None and not isinstance(ruler, str):
        _read_in_doses([PairComparison(other=other.result.name, metrics=[line])], one.result, [other.result], ruler)
    return line


def _refuse_unlike(one: Row, other: Row) -> None:
    """Rows on other clips, under another protocol or with other networks measure other things."""
    from reports.groups import conditions

    a, b = conditions(one.result), conditions(other.result)
    # how missing outputs were counted may differ: own outputs are compared as well
    differing = [name for name in a if a[name] != b[name] and name != "missing"]
    if differing:
        shown = "; ".join(f"{name}: {a[name] or 'none'} against {b[name] or 'none'}" for name in differing)
        raise UsageError(f"{one.folder.name} and {other.folder.name} cannot be compared: {shown}")
    used = [{e.name: (e.version, e.weights) for e in row.result.extractors} for row in (one, other)]
    unlike = sorted(name for name in used[0].keys() & used[1].keys() if used[0][name] != used[1][name])
    if unlike:
        raise UsageError(
            f"{one.folder.name} and {other.folder.name} were made with other versions or weights of {', '.join(unlike)}; "
            "evaluate both again"
        )


def _labels(rows: Sequence[Row]) -> list[str]:
    names = [row.result.name for row in rows]
    return [n if names.count(n) == 1 else row.folder.name for n, row in zip(names, rows, strict=True)]


def metric_lines(one: Row, other: Row, seed: int) -> list[MetricComparison]:
    """Every metric of both rows compared, or why it is not."""
    there = {m.metric: m for m in other.result.metrics}
    return [_metric(one, other, m, there[m.metric], seed) for m in one.result.metrics if m.metric in there]


def _metric(one: Row, other: Row, a: MetricValue, b: MetricValue, seed: int) -> MetricComparison:
    line = MetricComparison(
        metric=a.metric,
        family=a.family,
        primary=a.primary,
        kind=a.kind,
        direction=a.direction,
        unit=a.unit,
        value=None,
        other=None,
    )
    if (a.version, a.definition, a.direction) != (b.version, b.definition, b.direction):
        return line.model_copy(update={"reason": "the two rows were made with different definitions of it"})
    if a.value is None or b.value is None:
        whose = " and ".join(row.result.name for row, m in ((one, a), (other, b)) if m.value is None)
        return line.model_copy(update={"reason": f"no value of {whose}: {a.reason or b.reason}"})
    try:
        found = _of_set(one, other, a, seed) if a.kind == "set" else _of_clips(one, other, a, seed)
    except (EmotalkError, ValueError) as error:
        return line.model_copy(update={"reason": str(error)})
    return line.model_copy(update=found)


def _of_clips(one: Row, other: Row, m: MetricValue, seed: int) -> dict[str, Any]:
    from metrics.comparison import badness_of_clips
    from metrics.statistics import SCORED, mean

    sides = [row.clips.of_metric(m.metric) for row in (one, other)]
    found = badness_of_clips(*sides, m.direction, seed)
    usable = [t[t["status"].isin(SCORED) & t["value"].notna()].set_index("clip_id") for t in sides]
    both = usable[0].index.intersection(usable[1].index)
    if m.direction == Direction.MATCH:  # the distance to the real clips is known only where they have a value
        truths = usable[0].loc[both, "truth"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
        both = both[np.isfinite(truths)]
    truth = usable[0].loc[both, "truth"].dropna()
    values = [t.loc[both, "value"].to_numpy() for t in usable]
    if m.direction == Direction.ZERO:
        values = [np.abs(v) for v in values]
    line = {
        "value": mean(values[0]),
        "other": mean(values[1]),
        "truth": mean(truth.to_numpy()) if m.direction == Direction.MATCH and len(truth) else None,
        "n_clips": found.n_clips,
        "n_speakers": found.n_speakers,
        "n_left_out": found.n_left_out,
        "targets": {THESE: _target(found.these_speakers), NEW: _target(found.new_speakers)},
    }
    if any((t.loc[both, "status"] == "static").any() for t in usable):
        own = badness_of_clips(*sides, m.direction, seed, own=True)
        line["own_only"] = {THESE: _target(own.these_speakers), NEW: _target(own.new_speakers)}
        line["n_own"] = own.n_clips
    return line


def _of_set(one: Row, other: Row, m: MetricValue, seed: int) -> dict[str, Any]:
    """Both rows' arrays of the common clips, estimated anew on them alone, and the jackknife of the difference."""
    from metrics.comparison import badness_of_sets

    metric = set_metric(one.result, m.metric)
    sides = [{c.labels.clip_id: c for c in load_collected(row, metric)} for row in (one, other)]
    both = sorted(sides[0].keys() & sides[1].keys())
    if not both:
        raise ValueError("nothing to compare: no clip gave its arrays in both rows")
    speakers = np.array([sides[0][clip_id].labels.speaker for clip_id in both])
    estimates = [metric.estimate([side[clip_id] for clip_id in both], seed) for side in sides]
    a, b = (estimate.statistic for estimate in estimates)
    truth = estimates[0].truth
    everyone = np.ones(len(both), bool)
    difference = badness_of_sets(a, b, m.direction, speakers, truth)
    return {
        "value": a(everyone),
        "other": b(everyone),
        "truth": truth(everyone) if truth and m.direction == Direction.MATCH else None,
        "n_clips": len(both),
        "n_speakers": len(set(speakers.tolist())),
        "n_left_out": len(sides[0].keys() ^ sides[1].keys()),
        "targets": {NEW: _target(difference)},
    }


def load_collected(row: Row, metric: SetMetric) -> list[Collected]:
    """What the row's clips gave to a metric of the whole set, from the files beside its result; ValueError if they lack."""
    from safetensors.numpy import load_file

    path = row.folder / "sets" / f"{metric.collection}.safetensors"
    if not path.is_file():
        raise ValueError(f"sets/{path.name} of {row.result.name} is not there: evaluate again")
    arrays: dict[str, dict[str, np.ndarray]] = {}
    for key, array in load_file(path).items():
        clip_id, _, name = key.rpartition("/")
        arrays.setdefault(clip_id, {})[name] = array
    lines = row.clips.of_metric(metric.name)
    known = {line.clip_id: line for line in lines[lines["status"] == COLLECTED].itertuples()}
    lacking = sorted(known.keys() - arrays.keys())
    if lacking:
        raise ValueError(f"sets/{path.name} of {row.result.name} lacks {lacking[0]}: evaluate again")
    return [Collected(_labels_of(known[clip_id]), arrays[clip_id]) for clip_id in sorted(known)]


def _labels_of(line: Any) -> Labels:
    import pandas as pd

    level = None if pd.isna(line.level) else int(line.level)
    emotion = None if pd.isna(line.emotion) else str(line.emotion)
    return Labels(str(line.clip_id), str(line.dataset), str(line.speaker), emotion, level)


def set_metric(result: Result, name: str) -> SetMetric:
    """The metric of the whole set as the result's protocol defines it today; ValueError if it is none any more."""
    from bench.protocols import load_protocol
    from metrics.registry import get_metrics

    protocol = load_protocol(result.protocol.name)
    metric: Metric = get_metrics([name], protocol.options)[0]
    if not isinstance(metric, SetMetric):
        raise ValueError(f"{name} has become a metric of single clips; evaluate again")
    return metric


def _target(difference: Any) -> Target:
    from metrics.statistics import reading

    said = reading(Direction.LOWER, difference.interval)
    return Target(interval=difference.interval, p=difference.p, verdict=said)


def _adjust(pairs: Sequence[PairComparison]) -> None:
    """Holm over the rows, within each primary metric and target; everything else is descriptive."""
    from metrics.statistics import holm

    for metric in dict.fromkeys(m.metric for pair in pairs for m in pair.metrics if m.primary):
        for target in (THESE, NEW):
            cells = [
                m.targets[target] for pair in pairs for m in pair.metrics if m.metric == metric and target in m.targets
            ]
            for cell, adjusted in zip(cells, holm([cell.p for cell in cells]), strict=True):
                cell.p_holm = adjusted


def _read_in_doses(pairs: Sequence[PairComparison], result: Result, others: Sequence[Result], ruler: Ruler) -> None:
    """What stands in the table as the difference, read as doses of the damages that move the column.

    Not where a row is better than the undamaged clips: doses go from these to worse, and say nothing of better.
    """
    from reports.ruler import UNDAMAGED, badness, clips_of_set

    for pair, other in zip(pairs, others, strict=True):
        undamaged = [side.method.name == UNDAMAGED for side in (other, result)]
        for m in pair.metrics:
            cell = result.metric(m.metric)
            interval = m.targets[NEW].interval if NEW in m.targets else None
            if interval is not None and interval.low is not None and interval.high is not None:
                difference = (interval.low + interval.high) / 2
            else:
                sides = [badness(m.direction, value, m.truth) for value in (m.value, m.other)]
                difference = None if None in sides else sides[0] - sides[1]
            if cell is None or difference is None or not m.targets:
                continue
            if not undamaged[difference > 0]:  # the worse one of the two
                m.doses = ruler.read(m.metric, cell.version, difference, clips_of_set(m))
                m.not_in_doses = ruler.other_size(m.metric, cell.version, clips_of_set(m))
