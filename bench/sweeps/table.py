"""The table of a sweep: its trials, the seeds of one setting together, and what differs from the baseline, seed by seed."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.atomic import write_json
from bench.contract.files import whole_file
from bench.sweeps import ablation
from bench.sweeps.definition import SEED, Definition
from bench.sweeps.markdown import line, number, rule
from bench.sweeps.score import VALIDATION
from bench.sweeps.search import as_setting
from bench.sweeps.trials import Trial

if TYPE_CHECKING:
    from bench.sweeps.trial_rows import TrialRows

LEAST_SEEDS = 3
"""Common seeds from which a difference has an interval."""
LEVEL = 0.95


def tabulate(
    definition: Definition,
    trials: Sequence[Trial],
    training: Mapping[str, Any],
    scored_by: TrialRows | None = None,
    output: Callable[[Trial], Path] | None = None,
) -> dict[str, Any]:
    """The table as a document: `trials` in their order, `groups` best first; `training` says what is trained on which data.

    A group's mean, standard deviation, least and largest value are over its finished trials. `difference`: its value minus
    the baseline's under the same seed, mean, SD and a Student t interval over the common seeds. Of a sweep that scores its
    trials by `scored_by`, whose folders `output` gives, `ablation` has the columns (bench.sweeps.ablation).
    """
    varied = definition.varied
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_label(trial, varied), []).append(trial)
    baseline = _baseline(definition, groups, varied)
    rows = [_group(name, members, groups.get(baseline), definition.maximize) for name, members in groups.items()]
    for row in rows:
        row["baseline"] = row["settings"] == baseline
    sign = -1.0 if definition.maximize else 1.0
    rows.sort(key=lambda row: math.inf if row["mean"] is None else sign * row["mean"])
    table = {
        "sweep": definition.name,
        "search": definition.search,
        "metric": definition.metric,
        "goal": "maximize" if definition.maximize else "minimize",
        "training": dict(training),
        "baseline": baseline,
        "groups": rows,
        "trials": [_trial(trial, varied) for trial in trials],
    }
    if scored_by is not None:
        folders = {
            name: {t.seed: scored_by.result(output(t)) for t in members if t.status == "finished"}
            for name, members in groups.items()
        }
        found = ablation.ablation(folders, baseline, scored_by.flags.seed)
        table |= {"scored": {"row": scored_by.row, "prefix": scored_by.prefix}, "ablation": found}
    return table


def markdown(table: Mapping[str, Any]) -> str:
    """The table to read."""
    said, scored = table["training"], table.get("scored")
    data = " ".join(said[key] for key in ("dataset", "profile", "manifest") if said.get(key))
    better = "more is better" if table["goal"] == "maximize" else "less is better"
    lines = [f"# {table['sweep']}", ""]
    lines += [f"{said.get('method') or said.get('metric')} on {data}, {table['search']} search. {table['metric']} of the kept weights, "
              f"{better}: of validation speakers, nothing of test speakers."]  # fmt: skip
    if table["metric"].startswith(VALIDATION):
        lines[-1] += " Spread and intervals are over training seeds alone, not over speakers or clips."
        lines += ["", *_group_lines(table)]
    if scored is not None:
        found = table["ablation"]
        lines += ["", *(ablation.lines(found, **scored) if found else ["No trial is finished and scored yet."])]
    lines += ["", line(["trial", "setting", "seed", "status", table["metric"], "steps", "s", "why"]), rule(8)]
    for row in table["trials"]:
        cells = [row["number"], row["setting"], row["seed"], row["status"], number(row["score"])]
        lines.append(line([*cells, row["steps"] or "", row["seconds"] or "", row["reason"] or ""]))
    return "\n".join(lines) + "\n"


def _group_lines(table: Mapping[str, Any]) -> list[str]:
    """The settings by the sweep's metric, best first."""
    lines = []
    if table["baseline"] is not None:
        lines += [f"Differences are to {table['baseline']}, pair by pair of equal seeds.", ""]
    head = ["setting", "seeds", "mean", "SD", "from", "to"]
    head += ["difference", "SD", f"{LEVEL:.0%} interval", "pairs", ""] if table["baseline"] is not None else []
    lines += [line(head), rule(len(head))]
    for row in table["groups"]:
        cells = [row["settings"], row["n"], *(number(row[name]) for name in ("mean", "sd", "least", "largest"))]
        if table["baseline"] is not None:
            cells += _difference_cells(row)
        lines.append(line(cells))
    return lines


def write(folder: Path, table: Mapping[str, Any]) -> None:
    """table.md, table.json and table.csv (one line a trial)."""
    write_json(folder / "table.json", table)
    for name, text in (("table.md", markdown(table)), ("table.csv", _csv(table))):
        with whole_file(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _group(name: str, members: Sequence[Trial], baseline: Sequence[Trial] | None, maximize: bool) -> dict[str, Any]:
    values = _by_seed(members)
    row: dict[str, Any] = {
        "settings": name,
        "n": len(values),
        "seeds": sorted(values),
        "mean": statistics.fmean(values.values()) if values else None,
        "sd": statistics.stdev(values.values()) if len(values) > 1 else None,
        "least": min(values.values(), default=None),
        "largest": max(values.values(), default=None),
        "difference": None,
    }
    if baseline is not None and baseline is not members:
        row["difference"] = _difference(values, _by_seed(baseline), maximize)
    return row


def _difference(values: Mapping[int, float], base: Mapping[int, float], maximize: bool) -> dict[str, Any] | None:
    """Mean of the paired differences; `low` and `high` are None below LEAST_SEEDS pairs, and `verdict` says so."""
    from scipy import stats

    pairs = [values[seed] - base[seed] for seed in sorted(values.keys() & base.keys())]
    if not pairs:
        return None
    mean, sd, low, high = statistics.fmean(pairs), None, None, None
    if len(pairs) > 1:
        sd = statistics.stdev(pairs)
    if len(pairs) >= LEAST_SEEDS:
        half = float(stats.t.ppf((1 + LEVEL) / 2, len(pairs) - 1)) * sd / math.sqrt(len(pairs))
        low, high = mean - half, mean + half
    verdict = f"fewer than {LEAST_SEEDS} pairs"
    if low is not None:
        verdict = "not shown" if low <= 0 <= high else "better" if (mean > 0) == maximize else "worse"
    return {"mean": mean, "sd": sd, "low": low, "high": high, "pairs": len(pairs), "verdict": verdict}


def _difference_cells(row: Mapping[str, Any]) -> list[Any]:
    if row["baseline"]:
        return ["", "", "", "", "baseline"]
    found = row["difference"]
    if found is None:
        return ["", "", "", 0, "no common seed"]
    interval = "" if found["low"] is None else f"{found['low']:+.4g} to {found['high']:+.4g}"
    return [f"{found['mean']:+.4g}", number(found["sd"]), interval, found["pairs"], found["verdict"]]


def _by_seed(trials: Sequence[Trial]) -> dict[int, float]:
    return {t.seed: t.score for t in trials if t.status == "finished" and t.score is not None}


def _baseline(definition: Definition, groups: Mapping[str, Sequence[Trial]], varied: Sequence[str]) -> str | None:
    """The setting that the file names; of a grid over seeds that names none, the first one."""
    if definition.baseline is not None:
        for name, members in groups.items():
            if all(members[0].settings[key] == value for key, value in definition.baseline.items()):
                return name
        return None
    seeds = next((p.values for p in definition.parameters if p.name == SEED), ())
    return next(iter(groups), None) if definition.search == "grid" and len(seeds) > 1 and varied else None


def _trial(trial: Trial, varied: Sequence[str]) -> dict[str, Any]:
    return {
        "number": trial.number,
        "setting": _label(trial, varied),
        "settings": trial.settings,
        "seed": trial.seed,
        "status": "unfinished" if trial.status == "running" else trial.status,
        "score": trial.score,
        "scores": trial.scores,
        "steps": trial.steps,
        "seconds": trial.seconds,
        "run": trial.run,
        "reason": trial.reason,
    }


def _label(trial: Trial, names: Sequence[str]) -> str:
    return " ".join(f"{name}={_short(trial.settings[name])}" for name in names) or "(as configured)"


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else as_setting(value)


def _csv(table: Mapping[str, Any]) -> str:
    trials = table["trials"]
    settings = list(dict.fromkeys(name for row in trials for name in row["settings"] if name != SEED))
    scores = list(dict.fromkeys(name for row in trials for name in row["scores"]))
    plain = ["number", "seed", "status", "score", "steps", "seconds", "run", "reason"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*plain, *(f"settings/{name}" for name in settings), *scores])
    for row in trials:
        values = [row[name] for name in plain] + [row["settings"].get(n) for n in settings]
        writer.writerow([*values, *(row["scores"].get(n) for n in scores)])
    return text.getvalue()
