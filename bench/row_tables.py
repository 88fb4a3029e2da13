"""The tables of one evaluated row, clips.parquet and items.parquet, and the cells made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
    """clips.parquet: one row per clip and metric, those without a value included with their reason."""
    import pandas as pd

    clips = {row.clip.clip_id: row.clip for row in rows}
    split = f"{selection.document['manifest']}/{selection.document['part']}"
    # a list per column: thirty thousand clips make more than a million lines, and a dict for each of them a gigabyte
    columns: dict[str, list[Any]] = {name: [] for name in CLIP_COLUMNS}
    for item in items:
        clip = clips[item["clip_id"]]
        for metric in plan.metrics:
            value = value_of(item, metric.name)
            status, reason = _status(item, value)
            line = {
                "dataset": clip.dataset,
                "split": split,
                "clip_id": clip.clip_id,
                "speaker": clip.speaker,
                "emotion": clip.emotion,
                "level": clip.level,
                "method": label,
                "protocol": protocol,
                "metric": metric.name,
                "value": value["value"],
                "truth": value.get("truth"),
                "status": status,
                "reason": reason,
                "n_frames": value["n_frames"],
            }
            for name, column in columns.items():
                column.append(line[name])
    return pd.DataFrame({name: pd.array(columns[name], dtype=dtype) for name, dtype in CLIP_COLUMNS.items()})


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
    by_metric = dict(list(clips.groupby("metric", sort=False)))
    out = []
    for metric in plan.metrics:
        rows = by_metric.get(metric.name, clips.iloc[:0])
        if isinstance(metric, SetMetric):
            one = cell(metric, sets.get(metric.name), rows, expected)
        else:
            one = summarise(rows, metric, n_expected=expected, seed=seed)
        without = unscored(metric, items)
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
    """Why clips have no value of a metric, the most frequent reason first; clips that are n/a by definition do not count."""
    found: dict[str, Unscored] = {}
    for item in sorted(items, key=lambda item: item["clip_id"]):
        value = value_of(item, metric.name)
        if item["status"] == "n/a" or value["value"] is not None or value.get("collected"):
            continue
        one = found.get(value["reason"])
        found[value["reason"]] = (
            Unscored(reason=value["reason"], n_clips=1, clip_id=item["clip_id"], detail=value["detail"])
            if one is None
            else one.model_copy(update={"n_clips": one.n_clips + 1})
        )
    return sorted(found.values(), key=lambda one: (-one.n_clips, one.reason))
