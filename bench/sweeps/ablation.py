"""The columns of the benchmark's table trial by trial: each setting's, and what differs from the baseline on the same clips."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.compare import NEW, Row, compare_rows, load_row
from bench.contract.comparison import ALPHA, MetricComparison
from bench.contract.errors import EmotalkError
from bench.contract.metric import Direction
from bench.contract.result import Interval, MetricValue
from bench.sweeps.markdown import aligned, number, signed

Rows = Mapping[str, Mapping[int, Path]]
"""Setting -> seed of the training -> folder of the trial's result."""
HEAD = ("column", "setting", "value", "difference", "95 % interval", "")
SEEDS = ("SD of seeds", "seeds")
NOT_SHOWN = "no difference shown"


def ablation(folders: Rows, baseline: str | None, seed: int) -> dict[str, Any] | None:
    """What the finished trials were scored, column by column; None if none was.

    A value is the mean over the seeds of a setting. `difference`: badness (docs/statistics.md) minus that of the baseline
    of the same seed on the same clips, below 0 for better, as `emotalk compare` gives it with its interval for new speakers. Of several
    seeds difference and interval are means: such an interval is never narrower than that of the mean difference. A
    primary column differs if it does so after Holm's correction under every seed.
    """
    rows = {name: {s: load_row(path) for s, path in of_seed.items()} for name, of_seed in folders.items() if of_seed}
    if not rows:
        return None
    base = rows.get(baseline, {})
    compared, failures = _compared(base, {name: r for name, r in rows.items() if name != baseline}, seed)
    one = next(iter(base.values()), None) or next(iter(next(iter(rows.values())).values()))
    columns = []
    for metric in one.result.metrics:
        settings = [
            {
                **_values(name, of_seed, metric.metric),
                "difference": _difference(compared.get((name, metric.metric), {})),
            }
            for name, of_seed in rows.items()
        ]
        facts = {"column": metric.metric, "unit": metric.unit, "direction": str(metric.direction), "real": metric.truth}
        columns.append({**facts, "primary": metric.primary, "settings": settings})
    data = one.result.dataset
    found = {"clips": data.n_scored, "speakers": data.n_speakers, "part": data.part, "baseline": baseline}
    return {**found, "columns": columns, "not_compared": failures}


def lines(document: Mapping[str, Any], prefix: str, row: str) -> list[str]:
    """The table to read."""
    from reports.words import ARROW

    space = "cue space: no pixels were made" if prefix == "cues/" else "pixels: videos were made"
    out = [
        f"**{space}; {document['part']} speakers.** Columns of the benchmark's table for {row} with each trial's weights: "
        f"{document['clips']} clips of {document['speakers']} speakers, the same for all trials.",
        "",
    ]
    if document["baseline"] is not None:
        out += [
            f"Difference: badness minus that of {document['baseline']} of the same seed on the same clips; below 0 is better, "
            "whatever the column's direction. Interval: for other speakers than these, as `emotalk compare` gives it; of several "
            "seeds the mean of theirs. After Holm's correction over the settings in primary columns (*), otherwise descriptive.",
            "",
        ]
    several = any(len(one["seeds"]) > 1 for column in document["columns"] for one in column["settings"])
    cells = []
    for column in document["columns"]:
        arrow = ARROW[Direction(column["direction"])]
        names = [f"{column['column']}{'*' if column['primary'] else ''} {arrow} {column['unit']}".rstrip()]
        names += [f"(real clips: {number(column['real'])})"] if column["real"] is not None else []
        for place, one in enumerate(column["settings"]):
            row = [names[place] if place < len(names) else "", *_cells(one, one["setting"] == document["baseline"])]
            cells.append([*row, number(one["sd"]), len(one["seeds"])] if several else row)
    out += aligned([*HEAD, *SEEDS] if several else HEAD, cells)
    out += [f"\n{text}" for text in _without_value(document["columns"])]
    return out + [f"\nNot compared: {text}" for text in document["not_compared"]]


def _without_value(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why settings have no value of a column, each reason once."""
    found = []
    for column in columns:
        reasons: dict[str, list[str]] = {}
        for one in column["settings"]:
            if one["mean"] is None:
                reasons.setdefault(str(one["reason"]), []).append(one["setting"])
        found += [f"{column['column']}, no value of {', '.join(names)}: {reason}" for reason, names in reasons.items()]
    return found


def _compared(
    base: Mapping[int, Row], others: Mapping[str, Mapping[int, Row]], seed: int
) -> tuple[dict[tuple[str, str], dict[int, MetricComparison]], list[str]]:
    """(setting, column) -> seed -> the baseline against it; and why a seed could not be compared."""
    found: dict[tuple[str, str], dict[int, MetricComparison]] = {}
    failures = []
    for of_seed, first in base.items():
        names = [name for name, rows in others.items() if of_seed in rows]
        if not names:
            continue
        try:
            record = compare_rows([first, *(others[name][of_seed] for name in names)], seed)
        except EmotalkError as error:
            failures.append(f"seed {of_seed}: {error}")
            continue
        for name, pair in zip(names, record.pairs, strict=True):
            for metric in pair.metrics:
                found.setdefault((name, metric.metric), {})[of_seed] = metric
    return found, failures


def _values(name: str, rows: Mapping[int, Row], column: str) -> dict[str, Any]:
    cells: dict[int, MetricValue | None] = {seed: row.result.metric(column) for seed, row in sorted(rows.items())}
    values = {seed: cell.value for seed, cell in cells.items() if cell is not None and cell.value is not None}
    without = next(
        (cell.detail or cell.reason for cell in cells.values() if cell is not None and cell.value is None), None
    )
    return {
        "setting": name,
        "seeds": list(values),
        "mean": statistics.fmean(values.values()) if values else None,
        "sd": statistics.stdev(values.values()) if len(values) > 1 else None,
        "reason": without,
    }


def _difference(compared: Mapping[int, MetricComparison]) -> dict[str, Any] | None:
    """What a setting's badness is above the baseline's; None if they were not compared."""
    from metrics.statistics import reading

    seeds = {seed: _one(metric) for seed, metric in sorted(compared.items())}
    known = {seed: one for seed, one in seeds.items() if one["mean"] is not None}
    if not known:
        reason = next((one["reason"] for one in seeds.values()), None)
        return {"mean": None, "reason": reason} if seeds else None

    def mean(name: str) -> float | None:
        values = [one[name] for one in known.values()]
        return None if None in values else statistics.fmean(values)

    interval = Interval(target=NEW, low=mean("low"), high=mean("high"), method="mean over seeds")
    verdict = reading(Direction.LOWER, interval)
    if verdict in ("better", "worse") and any((one["p_holm"] or 0.0) > ALPHA for one in known.values()):
        verdict = NOT_SHOWN
    return {
        "mean": mean("mean"),
        "sd": statistics.stdev(one["mean"] for one in known.values()) if len(known) > 1 else None,
        "low": interval.low,
        "high": interval.high,
        "verdict": verdict,
        "reason": next((one["reason"] for one in known.values() if one["reason"]), None),
        "by_seed": known,
    }


def _one(m: MetricComparison) -> dict[str, Any]:
    """One seed: the comparison of the baseline with a setting, turned round."""
    from reports.ruler import badness

    target = m.targets.get(NEW)
    sides = [badness(m.direction, value, m.truth) for value in (m.value, m.other)]
    found = {
        "mean": None if None in sides else sides[1] - sides[0],
        "low": None,
        "high": None,
        "p": None,
        "p_holm": None,
        "clips": m.n_clips,
        "speakers": m.n_speakers,
        "reason": m.reason,
    }
    if target is None:
        return found
    interval = target.interval
    found |= {"p": target.p, "p_holm": target.p_holm, "reason": interval.reason}
    if interval.low is not None and interval.high is not None:
        found |= {"mean": -(interval.low + interval.high) / 2, "low": -interval.high, "high": -interval.low}
    return found


def _cells(one: Mapping[str, Any], is_base: bool) -> list[str]:
    """Setting, value, difference with its interval, and what that says."""
    name = one["setting"].removeprefix("variant=") if " " not in one["setting"] else one["setting"]
    if one["mean"] is None:
        return [name, "-", "", "", "no value"]
    found, value = one["difference"], number(one["mean"])
    if is_base or found is None:
        return [name, value, "", "", "baseline" if is_base else ""]
    if found["mean"] is None:
        return [name, value, "", "", "not compared"]
    interval = "" if found["low"] is None else f"{signed(found['low'])} to {signed(found['high'])}"
    said = "not shown" if found["verdict"] == NOT_SHOWN else found["verdict"]
    return [name, value, signed(found["mean"]), interval, said]
