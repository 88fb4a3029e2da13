"""Which settings come next: every combination in order, or draws that depend on the seed and their number alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from bench.sweeps.definition import Definition, Parameter


def grid(parameters: Sequence[Parameter]) -> Iterator[dict[str, Any]]:
    """Every combination in the order of the file, the last parameter fastest."""
    names = [p.name for p in parameters]
    lists = [p.values or [p.multiple(times) for times in p.multiples] for p in parameters]
    for values in product(*lists):
        yield dict(zip(names, values, strict=True))


def draws(parameters: Sequence[Parameter], seed: int, count: int) -> Iterator[dict[str, Any]]:
    """`count` independent draws; draw n is the same whatever their number."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        yield {p.name: _drawn(p, rng) for p in parameters}


def planned(definition: Definition, seed: int, count: int | None) -> Iterator[dict[str, Any]]:
    """The settings of a grid or random search, at most `count`; equal ones may come again."""
    if definition.search == "random":
        yield from draws(definition.parameters, seed, count)
        return
    for number, settings in enumerate(grid(definition.parameters)):
        if number == count:
            return
        yield settings


def as_setting(value: Any) -> str:
    """A value as `--set KEY=VALUE` takes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(as_setting, value))
    return str(value)


def _drawn(parameter: Parameter, rng: np.random.Generator) -> Any:
    if parameter.values:
        return parameter.values[rng.integers(len(parameter.values))]
    low, high = parameter.low, parameter.high
    if parameter.step is not None:  # every multiple has an equal part of the line (or of its logarithm)
        low, high = (parameter.multiples[0] - 0.5) * parameter.step, (parameter.multiples[-1] + 0.5) * parameter.step
    value = math.exp(rng.uniform(math.log(low), math.log(high))) if parameter.log else rng.uniform(low, high)
    if parameter.step is None:
        return float(value)
    return parameter.multiple(min(max(round(value / parameter.step), parameter.multiples[0]), parameter.multiples[-1]))


def mapped(settings: Mapping[str, Any], variants: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The fields of the Config that a trial's settings stand for: a variant's instead of its name, no seed."""
    fields = {name: value for name, value in settings.items() if name not in ("seed", "variant")}
    return {**fields, **variants[settings["variant"]]} if variants else fields
