"""A row against a frozen reference: a verdict for every metric of the gate, and one for the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from bench.compare import Row, set_metric
from bench.contract.errors import EmotalkError, UsageError
from bench.contract.metric import Direction, SetMetric
from bench.contract.regression import GateLine, Margin, Moved, Overall, ReferenceColumn, RegressionRecord
from bench.contract.result import MetricValue
from bench.regress.column import Column, arrays_of, estimate_of, of_row, shown
from bench.regress.conditions import MissingValues, refuse_unlike
from bench.regress.reference import Frozen
from metrics.noninferiority import ALPHA, Paired, detectable, judge, of_clips, of_sets
from metrics.statistics import holm, reading

MOST_NAMED = 5


@dataclass(frozen=True)
class _Compared:
    """One metric of both rows on the reference's clips, before Holm."""

    column: ReferenceColumn
    margin: Margin
    paired: Paired
    value: float
    reference: float
    truth: float | None
    n_clips: int
    n_speakers: int


def gate(row: Row, frozen: Frozen, seed: int = 0, command: str = "") -> RegressionRecord:
    """The verdict on `row`.

    UsageError where it was not measured as the reference was, MissingValues where it lacks values that the reference has.
    """
    record = frozen.record
    refuse_unlike(record.name, record, row.result, row.result.name)
    _refuse_redefined(row, record.columns, {margin.metric for margin in record.margins})
    _refuse_failed(row)
    columns = _columns(row, frozen)
    _refuse_missing(row, frozen, columns)
    compared = [
        _compare(frozen, margin, columns[margin.metric], _metric(row, frozen, margin.metric), seed)
        for margin in record.margins
    ]
    corrected = holm([one.paired.p_worse for one in compared])
    lines = [_line(one, p) for one, p in zip(compared, corrected, strict=True)]
    moved, others = _moved(row, frozen, seed)
    return RegressionRecord(
        row=row.result.name,
        method=row.result.method,
        reference=record.name,
        reference_row=record.row,
        reference_sha256=frozen.sha256,
        dataset=record.dataset,
        protocol=record.protocol.name,
        protocol_sha256=record.protocol.sha256,
        alpha=ALPHA,
        seed=seed,
        lines=lines,
        ungated=record.ungated,
        moved=moved,
        n_others=others,
        ruler=record.ruler,
        command=command,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=overall(lines),
    )


def overall(lines: Sequence[GateLine]) -> Overall:
    """Regressed if one metric is worse, could not tell if one is not shown or none was judged, else not worse."""
    found = {line.verdict for line in lines}
    if "worse" in found:
        return "regressed"
    return "could not tell" if "not shown" in found or not found else "not worse"


def _refuse_redefined(row: Row, columns: Sequence[ReferenceColumn], gated: set[str]) -> None:
    for column in columns:
        own = row.result.metric(column.metric)
        if column.metric not in gated or own is None:
            continue
        if (own.version, own.definition, own.direction) != (column.version, column.definition, column.direction):
            raise UsageError(
                f"{column.metric} has another version or definition ({own.version}) than in the reference ({column.version}); freeze it again"
            )


def _refuse_failed(row: Row) -> None:
    bad = [p for p in row.result.problems if p.status in ("static", "excluded", "failed")]
    if bad:
        named = "; ".join(f"{p.clip_id}: {p.reason} ({p.detail})" for p in bad[:MOST_NAMED])
        raise MissingValues(f"{row.result.name}: {len(bad)} outputs lack or failed, no verdict: {named}")


def _columns(row: Row, frozen: Frozen) -> dict[str, Column]:
    """The row's columns of the gate; MissingValues for one without a value at all."""
    found = {}
    for margin in frozen.record.margins:
        cell = row.result.metric(margin.metric)
        if cell is None or cell.value is None:
            reason = "not among its columns" if cell is None else cell.detail or cell.reason
            raise MissingValues(f"{row.result.name}: no value of {margin.metric}, no verdict: {reason}")
        try:
            found[margin.metric] = of_row(row, cell, _metric(row, frozen, margin.metric))
        except ValueError as error:
            raise MissingValues(str(error)) from None
    return found


def _metric(row: Row, frozen: Frozen, name: str) -> SetMetric | None:
    return set_metric(row.result, name) if frozen.record.column(name).kind == "set" else None


def _refuse_missing(row: Row, frozen: Frozen, columns: Mapping[str, Column]) -> None:
    lacking = {m: sorted(frozen.columns[m].clips - column.clips) for m, column in columns.items()}
    if said := [f"{m} on {', '.join(clips[:MOST_NAMED])}{' ...' * (len(clips) > MOST_NAMED)}" for m, clips in lacking.items() if clips]:
        raise MissingValues(f"{row.result.name}: values that the reference has are missing, no verdict: {'; '.join(said)}")


def _compare(frozen: Frozen, margin: Margin, own: Column, metric: SetMetric | None, seed: int) -> _Compared:
    reference, column = frozen.columns[margin.metric], frozen.record.column(margin.metric)
    clips = sorted(reference.clips)
    speakers, _ = _people(frozen, clips)
    try:
        if metric is None:
            paired = _paired(own, reference, clips, frozen, seed)
        else:
            row, base = (estimate_of(side, clips, metric, seed) for side in (own, reference))
            paired = of_sets(row.statistic, base.statistic, base.truth, column.direction, speakers)
        (value, _), (of_reference, truth) = (shown(side, clips, metric, seed) for side in (own, reference))
    except (EmotalkError, ValueError) as error:
        raise MissingValues(f"{margin.metric}: cannot be compared, no verdict: {error}") from None
    return _Compared(column, margin, paired, value, of_reference, truth, len(clips), len(set(speakers.tolist())))


def _line(one: _Compared, p_holm: float | None) -> GateLine:
    column, paired = one.column, one.paired
    return GateLine(
        metric=column.metric,
        kind=column.kind,
        direction=column.direction,
        unit=column.unit,
        value=one.value,
        reference=one.reference,
        truth=one.truth,
        n_clips=one.n_clips,
        n_speakers=one.n_speakers,
        difference=paired.estimate,
        interval=paired.interval,
        upper=paired.upper,
        p_worse=paired.p_worse,
        p_holm=p_holm,
        detectable=None if paired.error is None else detectable(paired.error, paired.df),
        margin=one.margin,
        verdict=judge(paired, one.margin.margin, p_holm),
    )


def _moved(row: Row, frozen: Frozen, seed: int) -> tuple[list[Moved], int]:
    """Columns outside the gate whose difference is shown, and how many were compared; each on the clips that both have."""
    gated, found, compared = {margin.metric for margin in frozen.record.margins}, [], 0
    for column in frozen.record.columns:
        cell = row.result.metric(column.metric)
        if column.metric in gated or column.kind == "set" or not _same(cell, column):
            continue
        own, reference = of_row(row, cell, None), frozen.columns[column.metric]
        clips = sorted(own.clips & reference.clips)
        interval = _paired(own, reference, clips, frozen, seed).interval if clips else None
        if interval is None or interval.low is None:
            continue
        compared += 1
        # of badness: less is better
        if (said := reading(Direction.LOWER, interval)) in ("better", "worse"):
            (value, _), (of_reference, truth) = (shown(side, clips, None, seed) for side in (own, reference))
            found.append(
                Moved(metric=column.metric, direction=column.direction, unit=column.unit, value=value,
                      reference=of_reference, truth=truth, verdict=said)  # fmt: skip
            )
    return found, compared


def _same(cell: MetricValue | None, column: ReferenceColumn) -> bool:
    return cell is not None and cell.value is not None and (cell.version, cell.definition) == (column.version, column.definition)


def _paired(own: Column, reference: Column, clips: Sequence[str], frozen: Frozen, seed: int) -> Paired:
    speakers, emotions = _people(frozen, clips)
    (a, _), (b, truth) = arrays_of(own, clips), arrays_of(reference, clips)
    return of_clips(a, b, truth, reference.direction, speakers, emotions, seed)


def _people(frozen: Frozen, clips: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(N,) names of speakers and of emotions."""
    about = {clip.clip_id: clip for clip in frozen.record.clips}
    speakers = np.array([about[clip].speaker for clip in clips], str)
    return speakers, np.array([about[clip].emotion or "" for clip in clips], str)
