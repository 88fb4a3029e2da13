"""A row against a frozen reference: refused where they were not measured alike, else a verdict for every metric and the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bench.compare import Row, set_metric
from bench.contract.errors import UsageError
from bench.contract.metric import Direction, SetMetric
from bench.contract.regression import Moved, ReferenceColumn, RegressionRecord
from bench.contract.result import MetricValue
from bench.regress.column import Column, of_row, shown_of_clips
from bench.regress.conditions import MissingValues, of_cues, refuse_other_space, refuse_unlike
from bench.regress.judging import Held, People, judged, overall, paired_by_clip
from bench.regress.reference import Frozen
from metrics.noninferiority import ALPHA
from metrics.statistics import reading

MOST_NAMED = 5


def gate(row: Row, frozen: Frozen, seed: int = 0, command: str = "") -> RegressionRecord:
    """The verdict on `row`.

    UsageError where it was not measured as the reference was, MissingValues where it lacks values that the reference has.
    """
    record = frozen.record
    refuse_unlike(record.name, record, row.result, row.result.name)
    refuse_other_space(record.name, of_cues(record.ungated), of_cues(row.result.metrics), row.result.name)
    _refuse_redefined(row, record.columns, {margin.metric for margin in record.margins})
    _refuse_failed(row)
    columns = _columns(row, frozen)
    _refuse_missing(row, frozen, columns)
    people = {clip.clip_id: clip for clip in record.clips}
    held = [
        Held(record.column(m.metric), m, columns[m.metric], frozen.columns[m.metric], _metric(row, frozen, m.metric))
        for m in record.margins
    ]
    lines = judged(held, people, seed)
    moved, others = _moved(row, frozen, people, seed)
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


def _refuse_redefined(row: Row, columns: Sequence[ReferenceColumn], gated: set[str]) -> None:
    for column in columns:
        own = row.result.metric(column.metric)
        if column.metric not in gated or own is None:
            continue
        if (own.version, own.definition, own.direction) != (column.version, column.definition, column.direction):
            raise UsageError(
                f"{column.metric} has another version or definition ({own.version}) than in the reference "
                f"({column.version}); freeze it again"
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
    if said := [
        f"{m} on {', '.join(clips[:MOST_NAMED])}{' ...' * (len(clips) > MOST_NAMED)}"
        for m, clips in lacking.items()
        if clips
    ]:
        raise MissingValues(
            f"{row.result.name}: values that the reference has are missing, no verdict: {'; '.join(said)}"
        )


def _moved(row: Row, frozen: Frozen, people: People, seed: int) -> tuple[list[Moved], int]:
    """Columns outside the gate whose difference is shown, and how many were compared; each on the clips that both have."""
    gated, found, compared = {margin.metric for margin in frozen.record.margins}, [], 0
    for column in frozen.record.columns:
        cell = row.result.metric(column.metric)
        if column.metric in gated or column.kind == "set" or not _same(cell, column):
            continue
        own, reference = of_row(row, cell, None), frozen.columns[column.metric]
        clips = sorted(own.clips & reference.clips)
        interval = paired_by_clip(own, reference, clips, people, seed).interval if clips else None
        if interval is None or interval.low is None:
            continue
        compared += 1
        # of badness: less is better
        if (said := reading(Direction.LOWER, interval)) in ("better", "worse"):
            (value, _), (of_reference, truth) = (shown_of_clips(side, clips) for side in (own, reference))
            about = {"metric": column.metric, "direction": column.direction, "unit": column.unit, "verdict": said}
            found.append(Moved(value=value, reference=of_reference, truth=truth, **about))
    return found, compared


def _same(cell: MetricValue | None, column: ReferenceColumn) -> bool:
    return (
        cell is not None
        and cell.value is not None
        and (cell.version, cell.definition) == (column.version, column.definition)
    )
