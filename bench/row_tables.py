"""The tables of one evaluated row, clips.parquet and items.parquet, and the cells made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.contract.files import whole_file
from bench.contract.metric import Metric, SetMetric
from bench.contract.result import CLIP_COLUMNS, COLLECTED, MetricValue, Unscored
from bench.data.store import Selected, Selection
from bench.engine import nothing
from bench.plan import Plan
from bench.set_scores import cell

Item = Mapping[str, Any]
"""What bench.scoring.score_clip gives for one clip."""


def value_of(item: Item, metric: str) -> dict[str, Any]:
    """What a clip has of a metric; the reason of the clip where it has no values at all."""
    return item["values"].get(metric) or nothing(item["reason"], item["detail"])


def clips_table(
    items: Sequence[Item], rows: Sequence[Selected], selection: Selection, label: str, plan: Plan, protocol: str
) -> Any:
    """clips.parquet: one row per clip and metric, those without a value included with their reason.

    Words that many rows share are categories: thirty thousand clips make more than a million and a half rows.
    """
    import numpy as np
    import pandas as pd

    by_id = {row.clip.clip_id: row.clip for row in rows}
    clips = [by_id[item["clip_id"]] for item in items]
    metrics = [metric.name for metric in plan.metrics]
    values, truths, statuses, reasons, frames = [], [], [], [], []
    for item in items:
        for metric in metrics:
            value = value_of(item, metric)
            status, reason = _status(item, value)
            values.append(value["value"])
            truths.append(value.get("truth"))
            statuses.append(status)
            reasons.append(reason)
            frames.append(value["n_frames"])

    def of_clip(words: Sequence[str | None]) -> Any:
        return _category(words).repeat(len(metrics))

    def of_all(word: str) -> Any:
        return _category([word]).repeat(len(clips) * len(metrics))

    columns = {
        "dataset": of_clip([clip.dataset for clip in clips]),
        "split": of_all(f"{selection.document['manifest']}/{selection.document['part']}"),
        "clip_id": of_clip([clip.clip_id for clip in clips]),
        "speaker": of_clip([clip.speaker for clip in clips]),
        "emotion": of_clip([clip.emotion for clip in clips]),
        "level": pd.array([clip.level for clip in clips], dtype=CLIP_COLUMNS["level"]).repeat(len(metrics)),
        "method": of_all(label),
        "protocol": of_all(protocol),
        "metric": _category(metrics).take(np.tile(np.arange(len(metrics)), len(clips))),
        "value": np.array(values, np.float64),
        "truth": np.array(truths, np.float64),
        "status": _category(statuses),
        "reason": pd.array(reasons, dtype=CLIP_COLUMNS["reason"]),
        "n_frames": pd.array(frames, dtype=CLIP_COLUMNS["n_frames"]),
    }
    return pd.DataFrame({name: columns[name] for name in CLIP_COLUMNS})


def _category(words: Sequence[str | None]) -> Any:
    import pandas as pd

    return pd.Categorical(pd.array(words, dtype="string"))


ROW_GROUP = 2**20
"""Rows of clips.parquet that are written at once: as many as Arrow puts into a group of its own accord."""


def write_clips(path: Path, clips: Any) -> None:
    """Write `clips_table` whole, its categories as the words they stand for (CLIP_COLUMNS)."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    none = pd.DataFrame({name: pd.array([], dtype=dtype) for name, dtype in CLIP_COLUMNS.items()})
    schema = pa.Schema.from_pandas(none, preserve_index=False)
    with whole_file(path) as temporary, pq.ParquetWriter(temporary, schema) as file:
        for start in range(0, len(clips), ROW_GROUP):
            group = pa.Table.from_pandas(clips.iloc[start : start + ROW_GROUP], preserve_index=False)
            file.write_table(group.cast(schema), row_group_size=ROW_GROUP)


def _status(item: Item, value: Mapping[str, Any]) -> tuple[str, str | None]:
    """Status and reason of a line. Where the static image stood in, the reason is why there was no output."""
    if item["status"] not in ("ok", "cues", "static"):
        return item["status"], item["reason"]
    stood_in = item["reason"] if item["status"] == "static" else None
    if value.get("collected"):
        return COLLECTED, stood_in
    if value["value"] is None:
        return "null", value["reason"]
    return ("static" if item["status"] == "static" else "ok"), stood_in


def items_table(items: Sequence[Item]) -> Any:
    """items.parquet: one row per clip with what was done to its video."""
    import pandas as pd

    columns = {"clip_id": "string", "status": "string", "reason": "string", "detail": "string", "length_delta": "Int64",
               "residual": "Float64"}  # fmt: skip
    table = pd.DataFrame([{name: item[name] for name in columns} for item in items]).astype(columns)
    return table.assign(flags=[" ".join(item["flags"]) for item in items])


def cells(clips: Any, items: Sequence[Item], plan: Plan, sets: Mapping[str, Mapping], seed: int) -> list[MetricValue]:
    """One cell per metric, in the order of the table; `sets` are the estimates of set metrics."""
    from metrics.summary import summarise

    expected = sum(item["status"] != "n/a" for item in items)
    by_metric = dict(list(clips.groupby("metric", sort=False, observed=True)))
    in_order = sorted(items, key=lambda item: item["clip_id"])
    out = []
    for metric in plan.metrics:
        rows = by_metric.get(metric.name, clips.iloc[:0])
        if isinstance(metric, SetMetric):
            one = cell(metric, sets.get(metric.name), rows, expected)
        else:
            one = summarise(rows, metric, n_expected=expected, seed=seed)
        without = unscored(metric, in_order)
        detail = one.detail or next((u.detail for u in without if u.reason == one.reason), None)
        out.append(one.model_copy(update={"unscored": without, "detail": detail if one.value is None else None}))
    return with_doubts_of_families(out, plan.metrics)


def with_doubts_of_families(cells: Sequence[MetricValue], metrics: Sequence[Metric]) -> list[MetricValue]:
    """The flags of a metric that `vouches_for` a family (gaze: do two estimators agree?) on every cell of that family too."""
    doubts: dict[str, list[str]] = {}
    for metric, one in zip(metrics, cells, strict=True):
        if (family := getattr(metric, "vouches_for", None)) is not None:
            doubts.setdefault(family, []).extend(one.flags)
    return [
        one.model_copy(update={"flags": list(dict.fromkeys([*one.flags, *doubts.get(metric.family, [])]))})
        for metric, one in zip(metrics, cells, strict=True)
    ]


def unscored(metric: Metric, items: Sequence[Item]) -> list[Unscored]:
    """Why clips have no value of a metric, the most frequent reason first; clips that are n/a by definition do not count.

    Of each reason the first of `items` is named.
    """
    counts: Counter[str] = Counter()
    first: dict[str, tuple[str, str | None]] = {}
    for item in items:
        value = value_of(item, metric.name)
        if item["status"] == "n/a" or value["value"] is not None or value.get("collected"):
            continue
        reason = value["reason"]
        counts[reason] += 1
        if reason not in first:
            first[reason] = item["clip_id"], value["detail"]
    return [
        Unscored(reason=reason, n_clips=counts[reason], clip_id=first[reason][0], detail=first[reason][1])
        for reason in sorted(counts, key=lambda reason: (-counts[reason], reason))
    ]
