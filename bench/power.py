"""`emotalk power`: from rows that are there, the smallest difference that a part of a dataset can show, before anyone trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bench.compare import Row, load_collected, set_metric
from bench.contract.errors import EmotalkError, UsageError
from bench.contract.metric import Collected, Direction, SetMetric
from bench.contract.power import MetricPower, PowerRecord, Smallest
from bench.contract.result import SCORED, MetricValue
from bench.progress import in_parallel
from reports.words import plural

if TYPE_CHECKING:
    from reports.ruler import Ruler

NOT_RENDERED = "gt"
"""The real files themselves: nothing was rendered, and what compares a row with them compares it with a constant."""
SPEAKERS = (4, 12, 40)
"""Numbers of speakers that are always told beside the part's own."""
LEAST_ROWS = 2
NOTHING = 1e-12
"""An SD below this is rounding: the rows differ by the same amount for every speaker, mostly by none."""


@dataclass(frozen=True)
class Side:
    """What one row has of one metric, by clip: the speaker, and values (with the truth under MATCH) or collected arrays."""

    speakers: Mapping[str, str]
    values: Mapping[str, tuple[float, float]] = field(repr=False, default_factory=dict)
    collected: Mapping[str, Collected] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class SpreadJob:
    """One metric in all rows; everything it needs travels to the worker."""

    cell: MetricValue
    sides: tuple[Side, ...]
    metric: SetMetric | None
    seed: int


@dataclass(frozen=True)
class Spread:
    """SD of the paired speaker differences of each pair of rows, or why a pair, or all of them, has none."""

    sds: tuple[float, ...] = ()
    reason: str | None = None


def comparable(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rendered rows of the largest set that may be compared (the newest of equal ones), and what was left out."""
    from reports.groups import conditions

    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        if row.result.method.name != NOT_RENDERED:
            groups.setdefault(tuple(conditions(row.result).items()), []).append(row)
    if not groups:
        return [], []
    chosen = max(groups.values(), key=lambda group: (len(group), max(row.result.created for row in group)))
    own = conditions(chosen[0].result)
    left_out = []
    for group in groups.values():
        if group is not chosen:
            other = conditions(group[0].result)
            unlike = ", ".join(name for name in own if own[name] != other[name])
            left_out += [f"{row.folder.name}: other {unlike}" for row in group]
    return chosen, left_out


def power_of_rows(
    rows: Sequence[Row],
    left_out: Sequence[str] = (),
    speakers: Sequence[int] = (),
    comparisons: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    ruler: Ruler | str | None = None,
) -> PowerRecord:
    """The record for rows that may be compared; `speakers`: further numbers of speakers, `comparisons`: rows per row (Holm).

    UsageError below two rows. A metric without a pair of rows to learn from has a reason.
    """
    from metrics.power import ALPHA, POWER, sd_known_within
    from metrics.statistics import LEAST_SPEAKERS

    if len(rows) < LEAST_ROWS:
        raise UsageError(f"expected two or more rendered rows to learn from, got {len(rows)}")
    result = rows[0].result
    own = result.dataset.n_speakers
    wanted = list(dict.fromkeys([own, *sorted({*SPEAKERS, *speakers})]))
    tests = comparisons or len(rows) - 1
    spreads = _spreads(rows, seed, jobs)
    metrics = [_metric(cell, spreads[cell.metric], wanted, tests) for cell in _cells(rows)]
    if ruler is not None and not isinstance(ruler, str):
        _read_in_doses(metrics, {cell.metric: cell for cell in _cells(rows)}, ruler)
    return PowerRecord(
        dataset=result.dataset.name,
        profile=result.dataset.profile,
        part=result.dataset.part,
        protocol=result.protocol.name,
        n_clips=result.dataset.n_scored,
        n_speakers=own,
        rows=[row.result.name for row in rows],
        left_out=list(left_out),
        power=POWER,
        alpha=ALPHA,
        comparisons=tests,
        sd_known_within=sd_known_within(own) if own >= LEAST_SPEAKERS else None,
        ruler=ruler if ruler is None or isinstance(ruler, str) else ruler.made_of,
        seed=seed,
        metrics=metrics,
    )


def _read_in_doses(metrics: Sequence[MetricPower], cells: Mapping[str, MetricValue], ruler: Ruler) -> None:
    from reports.ruler import clips_of_set

    for m in metrics:
        if m.smallest and m.smallest[0].middle is not None:
            clips = clips_of_set(cells[m.metric])
            m.doses = ruler.read(m.metric, m.version, m.smallest[0].middle, clips)
            m.not_in_doses = ruler.other_size(m.metric, m.version, clips)


def _cells(rows: Sequence[Row]) -> list[MetricValue]:
    """One cell of every metric, the first that has a value."""
    found: dict[str, MetricValue] = {}
    for row in rows:
        for cell in row.result.metrics:
            if cell.metric not in found or (found[cell.metric].value is None and cell.value is not None):
                found[cell.metric] = cell
    return list(found.values())


def _metric(cell: MetricValue, spread: Spread, wanted: Sequence[int], tests: int) -> MetricPower:
    from metrics.power import smallest_difference

    sds = [sd for sd in spread.sds if sd > NOTHING]
    line = MetricPower(
        metric=cell.metric,
        version=cell.version,
        family=cell.family,
        primary=cell.primary,
        kind=cell.kind,
        direction=cell.direction,
        unit=cell.unit,
        n_pairs=len(sds),
        n_alike=len(spread.sds) - len(sds),
    )
    if not sds:
        nothing = f"no two rows have a value{f': {cell.reason}' if cell.reason else ''}"
        alike = "every pair of rows differs alike for every speaker" if spread.sds else nothing
        return line.model_copy(update={"reason": spread.reason or alike})
    middle, low, high = float(np.median(sds)), min(sds), max(sds)
    smallest = [
        Smallest(
            speakers=n,
            middle=smallest_difference(middle, n),
            low=smallest_difference(low, n),
            high=smallest_difference(high, n),
            holm=smallest_difference(middle, n, tests),
        )
        for n in wanted
    ]
    return line.model_copy(update={"sd": middle, "sd_low": low, "sd_high": high, "smallest": smallest})


def _spreads(rows: Sequence[Row], seed: int, jobs: int) -> dict[str, Spread]:
    found, sets = {}, []
    for cell in _cells(rows):
        try:
            metric = set_metric(rows[0].result, cell.metric) if cell.kind == "set" else None
            sides = tuple(side for row in rows if (side := _side(row, cell, metric)) is not None)
        except (EmotalkError, ValueError) as error:
            found[cell.metric] = Spread(reason=str(error))
            continue
        job = SpreadJob(cell, sides, metric, seed)
        if metric is None:
            found |= dict([_spread(job)])
        else:
            sets.append((job,))
    return found | dict(in_parallel(_spread, sets, jobs, len(sets), "metrics of the whole set", unit="metric"))


def _side(row: Row, cell: MetricValue, metric: SetMetric | None) -> Side | None:
    """None if the row has no value of the metric, or one of another version or definition."""
    own = row.result.metric(cell.metric)
    if own is None or own.value is None or (own.version, own.definition) != (cell.version, cell.definition):
        return None
    if metric is not None:
        gave = {c.labels.clip_id: c for c in load_collected(row, metric)}
        return Side({clip: c.labels.speaker for clip, c in gave.items()}, collected=gave)
    table = row.clips.of_metric(cell.metric)
    table = table[table["status"].isin(SCORED) & table["value"].notna()]
    if cell.direction == Direction.MATCH:
        table = table[table["truth"].notna()]
    truths = table["truth"].fillna(float("nan"))
    values = dict(zip(table["clip_id"], zip(table["value"], truths, strict=True), strict=True))
    return Side(dict(zip(table["clip_id"], table["speaker"], strict=True)), values=values)


def _spread(job: SpreadJob) -> tuple[str, Spread]:
    from metrics.power import speaker_sd
    from metrics.statistics import LEAST_SPEAKERS

    known: dict[tuple[int, tuple[str, ...]], np.ndarray | str] = {}
    sds, reason = [], None
    for i, j in combinations(range(len(job.sides)), 2):
        clips = tuple(sorted(job.sides[i].speakers.keys() & job.sides[j].speakers.keys()))
        n_speakers = len({job.sides[i].speakers[clip] for clip in clips})
        if n_speakers < LEAST_SPEAKERS:
            reason = f"{plural(n_speakers, 'speaker')}, {LEAST_SPEAKERS} are needed"
            continue
        for k in (i, j):
            if (k, clips) not in known:
                known[k, clips] = _parts(job, job.sides[k], clips)
        one, other = known[i, clips], known[j, clips]
        if isinstance(one, str) or isinstance(other, str):
            reason = one if isinstance(one, str) else other
        else:
            sds.append(speaker_sd(one, other))
    return job.cell.metric, Spread(tuple(sds), reason)


def _parts(job: SpreadJob, side: Side, clips: tuple[str, ...]) -> np.ndarray | str:
    """(G,) badness of a row without each speaker in turn, or why there is none."""
    from metrics.comparison import badness_of_set
    from metrics.power import parts_of_clips, parts_of_set

    speakers = np.array([side.speakers[clip] for clip in clips], str)
    direction = job.cell.direction
    if job.metric is None:
        values, truth = np.array([side.values[clip] for clip in clips], np.float64).T
        return parts_of_clips(values, truth, direction, speakers)
    try:
        estimate = job.metric.estimate([side.collected[clip] for clip in clips], job.seed)
        parts = parts_of_set(partial(badness_of_set, estimate.statistic, direction, estimate.truth), speakers)
    except (EmotalkError, ValueError) as error:
        return str(error)
    return parts if np.isfinite(parts).all() else "no value without some speaker: too few clips of the others"
