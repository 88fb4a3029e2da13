"""A sweep as its YAML file defines it: W&B's own sweep format, and under `emotalk:` what each trial trains (docs/sweeps.md)."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from bench.contract.errors import UsageError
from bench.sweeps.score import Score, score_of
from bench.sweeps.values import mapping, number

Search = Literal["grid", "random", "bayes"]
KEYS = (
    "name",
    "description",
    "project",
    "entity",
    "method",
    "metric",
    "parameters",
    "early_terminate",
    "run_cap",
    "emotalk",
)
METRIC_KEYS = ("name", "goal")
PARAMETER_KEYS = ("value", "values", "min", "max", "distribution", "q")
HALVING_KEYS = ("type", "min_iter", "max_iter", "s", "eta")
TRAINING_KEYS = (
    "method",
    "metric",
    "dataset",
    "profile",
    "manifest",
    "limit",
    "also",
    "patience",
    "baseline",
    "variants",
    "score",
)
DISTRIBUTIONS = (
    "constant",
    "categorical",
    "int_uniform",
    "uniform",
    "q_uniform",
    "log_uniform_values",
    "q_log_uniform_values",
)
GOALS = ("minimize", "maximize")
SEED, VARIANT = "seed", "variant"
"""Parameters of a sweep that are no fields of a Config: the run's seed, and a name of `emotalk: variants:`."""
NOT_DEFINING = ("name", "description", "project", "entity")
"""Keys that change nothing about the trials."""


@dataclass(frozen=True)
class Parameter:
    """One thing that a sweep varies: listed `values`, or numbers from `low` to `high`, evenly or evenly in their logarithm.

    `step`: only its multiples; those of a whole number are whole numbers.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None

    @property
    def multiples(self) -> range:
        """Which multiples of the step lie between low and high."""
        return range(math.ceil(self.low / self.step), math.floor(self.high / self.step) + 1)

    def multiple(self, times: int) -> float:
        """`times` the step, without the dust of floating point."""
        return times * self.step if isinstance(self.step, int) else round(times * self.step, 12)


@dataclass(frozen=True)
class Halving:
    """Early stopping at the 1st, eta-th, eta^2-th .. multiple of `first` validations: only the best 1/eta go on."""

    first: int
    eta: int


@dataclass(frozen=True)
class Definition:
    """One sweep; `training` are TRAINING_KEYS, `document` the whole file but for NOT_DEFINING."""

    name: str
    search: Search
    metric: str
    maximize: bool
    parameters: tuple[Parameter, ...]
    halving: Halving | None
    cap: int | None
    training: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    variants: Mapping[str, Mapping[str, Any]]
    project: str | None
    entity: str | None
    document: Mapping[str, Any]
    score: Score | None = None

    @property
    def varied(self) -> list[str]:
        """Names of the parameters that differ between groups of trials: those of several values, the seed left out."""
        return [p.name for p in self.parameters if p.name != SEED and len(p.values) != 1]

    def scored_in(self, render: bool) -> Definition:
        """The same sweep scored in pixels, or in cue space; its metric too. UsageError if it is scored in neither."""
        if self.score is None:
            raise UsageError(f"{self.name}: --cues-only and --render need a `score:` under `emotalk:` (docs/sweeps.md)")
        score = replace(self.score, render=render)
        own = self.metric.startswith(self.score.prefix)
        metric = score.prefix + self.metric.removeprefix(self.score.prefix) if own else self.metric
        return replace(self, score=score, metric=metric)


def shipped() -> list[str]:
    """Names of the sweeps that come with the suite."""
    return sorted(
        path.name.removesuffix(".yaml") for path in files("bench.sweeps").iterdir() if path.name.endswith(".yaml")
    )


def find(name: str) -> Path:
    """The YAML file meant by a path or by the name of a shipped sweep; UsageError if there is none."""
    path = Path(name)
    if path.is_file():
        return path
    if name in shipped():
        return Path(str(files("bench.sweeps") / f"{name}.yaml"))
    close = difflib.get_close_matches(name, shipped(), n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise UsageError(
        f"{name}: expected a YAML file or one of the sweeps that come along; {hint}there are: {', '.join(shipped())}"
    )


def read(path: Path) -> Definition:
    """The sweep of a YAML file; UsageError, with what is known, for anything that would not be obeyed."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read as YAML: {error}") from error
    return define(document, path.stem)


def define(document: Any, name: str) -> Definition:
    """The sweep that a parsed file defines; `name` is used if it gives itself none."""
    document = mapping(document, "a sweep", KEYS)
    for key in ("method", "metric", "parameters", "emotalk"):
        if key not in document:
            raise UsageError(
                f"the sweep has no {key!r}: expected method, metric, parameters and emotalk (docs/sweeps.md)"
            )
    search = document["method"]
    if search not in get_args(Search):
        raise UsageError(f"method: {search!r}: expected grid, random or bayes")
    metric = mapping(document["metric"], "metric", METRIC_KEYS)
    if not isinstance(metric.get("name"), str) or metric.get("goal") not in GOALS:
        raise UsageError(
            f"metric: expected a name, as validation/loss, and a goal, minimize or maximize; got {dict(metric)}"
        )
    parameters = tuple(_parameter(key, rows) for key, rows in mapping(document["parameters"], "parameters").items())
    endless = [p.name for p in parameters if not p.values and p.step is None]
    if search == "grid" and endless:
        raise UsageError(f"method: grid needs listed values, whole numbers or a q; {endless[0]} has neither")
    training = mapping(document["emotalk"], "emotalk", TRAINING_KEYS)
    if ("method" in training) == ("metric" in training):
        raise UsageError(
            "emotalk: expected either method: NAME or metric: NAME, as --method and --metric of emotalk train"
        )
    variants = _variants(training.get("variants", {}), parameters)
    cap = document.get("run_cap")
    if cap is not None and (not isinstance(cap, int) or cap < 1):
        raise UsageError(f"run_cap: {cap!r}: expected a number of trials, at least 1")
    return Definition(
        name=str(document.get("name", name)),
        search=search,
        metric=metric["name"],
        maximize=metric["goal"] == "maximize",
        parameters=parameters,
        halving=_halving(document["early_terminate"]) if "early_terminate" in document else None,
        cap=cap,
        training={key: value for key, value in training.items() if key not in ("baseline", "variants", "score")},
        baseline=_baseline(training.get("baseline"), parameters),
        variants=variants,
        project=document.get("project"),
        entity=document.get("entity"),
        document={key: value for key, value in document.items() if key not in NOT_DEFINING},
        score=score_of(training["score"]) if "score" in training else None,
    )


def _parameter(name: str, rows: Any) -> Parameter:
    where = f"parameters: {name}"
    rows = mapping(rows, where, PARAMETER_KEYS)
    if "value" in rows or "values" in rows:
        values = rows["values"] if "values" in rows else [rows["value"]]
        kind = rows.get("distribution", "categorical" if "values" in rows else "constant")
        if (
            not isinstance(values, list)
            or not values
            or ("value" in rows and "values" in rows)
            or {"min", "max", "q"} & set(rows)
        ):
            raise UsageError(f"{where}: expected either value, or a list as values, or min and max")
        if kind not in ("constant", "categorical"):
            raise UsageError(f"{where}: distribution {kind}: expected min and max instead of listed values")
        return Parameter(name, tuple(tuple(v) if isinstance(v, list) else v for v in values))
    low, high = (number(rows.get(key), f"{where}: {key}") for key in ("min", "max"))
    whole = all(isinstance(rows[key], int) for key in ("min", "max"))
    kind = rows.get("distribution", "int_uniform" if whole else "uniform")
    if kind not in DISTRIBUTIONS[2:]:
        raise UsageError(f"{where}: distribution {kind!r} is not supported; supported are: {', '.join(DISTRIBUTIONS)}")
    log, step = "log" in kind, 1 if kind == "int_uniform" else None
    if kind.startswith("q_"):
        step = number(rows.get("q", 1), f"{where}: q")
        step = int(step) if step.is_integer() else step
    elif "q" in rows:
        raise UsageError(f"{where}: q needs the distribution q_uniform or q_log_uniform_values")
    if not low < high or (log and low <= 0) or (kind == "int_uniform" and not whole):
        what = "whole numbers" if kind == "int_uniform" else "numbers above 0" if log else "numbers"
        raise UsageError(f"{where}: expected {what} with min below max, got {low:g} and {high:g}")
    parameter = Parameter(name, (), low, high, log, step)
    if step is not None and (step <= 0 or not parameter.multiples or (log and parameter.multiples[0] < 1)):
        raise UsageError(f"{where}: q {step:g} has no multiple above 0 between {low:g} and {high:g}")
    return parameter


def _halving(rows: Any) -> Halving:
    rows = mapping(rows, "early_terminate", HALVING_KEYS)
    whole = {key: value for key, value in rows.items() if key != "type"}
    if rows.get("type") != "hyperband" or not all(isinstance(v, int) and v >= 1 for v in whole.values()):
        raise UsageError(
            "early_terminate: expected type: hyperband and whole numbers for min_iter (or max_iter and s) and eta"
        )
    eta = whole.get("eta", 3)
    if eta < 2 or ("min_iter" in whole) == ({"max_iter", "s"} <= set(whole)):
        raise UsageError("early_terminate: expected either min_iter, or max_iter and s; eta at least 2")
    first = whole["min_iter"] if "min_iter" in whole else max(1, whole["max_iter"] // eta ** whole["s"])
    return Halving(first, eta)


def _variants(rows: Any, parameters: tuple[Parameter, ...]) -> Mapping[str, Mapping[str, Any]]:
    own = next((p for p in parameters if p.name == VARIANT), None)
    if own is None and rows:
        raise UsageError(f"emotalk: variants: no parameter {VARIANT!r} names them")
    if own is None or not rows:
        return {}
    known = {name: dict(fields or {}) for name, fields in mapping(rows, "emotalk: variants").items()}
    missing = [value for value in own.values if value not in known]
    if missing or not own.values:
        raise UsageError(
            f"parameters: {VARIANT}: expected names of emotalk: variants ({', '.join(known)}), got {missing}"
        )
    both = {p.name for p in parameters} & {field for fields in known.values() for field in fields}
    if both:
        raise UsageError(f"emotalk: variants: {min(both)} is a parameter of the sweep too")
    return known


def _baseline(rows: Any, parameters: tuple[Parameter, ...]) -> Mapping[str, Any] | None:
    if rows is None:
        return None
    varied = [p.name for p in parameters if p.name != SEED and len(p.values) != 1]
    return mapping(rows, "emotalk: baseline", varied)
