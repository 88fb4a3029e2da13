"""Bayesian search and early stopping by optuna, which is given the trials so far and keeps nothing of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.contract.errors import UsageError
from bench.sweeps.definition import Definition, Parameter
from bench.sweeps.trials import Trial

STATES = {"running": "RUNNING", "finished": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL"}
ATTEMPTS = 20
"""Suggestions in a row that are trials already before the search counts as exhausted."""


def needed(definition: Definition) -> bool:
    """Whether the sweep cannot be run here without optuna."""
    return definition.search == "bayes" or definition.halving is not None


def optuna() -> Any:
    """The package; UsageError that names the extra where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise UsageError(
            "method: bayes and early_terminate need optuna where W&B does not search: pip install 'emotalk-bench[sweep]', "
            "or use method: grid or random without early_terminate"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def suggested(definition: Definition, trials: Sequence[Trial], seed: int) -> dict[str, Any] | None:
    """What TPE tries next, from these trials and the seed alone; None if it has nothing new any more."""
    known = {trial.key for trial in trials}
    spaces = {p.name: _space(p) for p in definition.parameters if len(p.values) != 1}
    for attempt in range(ATTEMPTS):
        sampler = optuna().samplers.TPESampler(seed=_seed(seed, len(trials), attempt))
        asked = _study(definition, trials, sampler).ask(spaces).params
        settings = {p.name: _value(p, asked.get(p.name, 0)) for p in definition.parameters}
        if Trial(0, settings, 0).key not in known:
            return settings
    return None


def falls_behind(definition: Definition, trials: Sequence[Trial], trial: Trial) -> bool:
    """Whether early stopping ends `trial`, one of `trials`, at its last validation; what it must remember goes into `rungs`."""
    halving = definition.halving
    pruner = optuna().pruners.SuccessiveHalvingPruner(min_resource=halving.first, reduction_factor=halving.eta)
    study = _study(definition, trials, None)
    place = [t.key for t in trials].index(trial.key)
    stops = pruner.prune(study, study.trials[place])
    trial.rungs = {name: value for name, value in study.trials[place].system_attrs.items() if "rung" in name}
    return stops


def _study(definition: Definition, trials: Sequence[Trial], sampler: Any) -> Any:
    direction = "maximize" if definition.maximize else "minimize"
    study = optuna().create_study(direction=direction, sampler=sampler)
    study.add_trials([_as_optuna(definition, trial) for trial in trials])
    return study


def _as_optuna(definition: Definition, trial: Trial) -> Any:
    varied = [p for p in definition.parameters if len(p.values) != 1]
    state = "FAIL" if trial.status == "finished" and trial.score is None else STATES[trial.status]
    so_far = {n: math.nan if value is None else value for n, value in enumerate(trial.validations, 1)}
    return optuna().trial.create_trial(
        state=getattr(optuna().trial.TrialState, state),
        value=trial.score if state == "COMPLETE" else None,
        params={p.name: _place(p, trial.settings[p.name]) for p in varied},
        distributions={p.name: _space(p) for p in varied},
        intermediate_values=so_far,
        system_attrs=dict(trial.rungs),
    )


def _space(parameter: Parameter) -> Any:
    """Listed values go by their place, so that they may be of any type."""
    spaces = optuna().distributions
    if parameter.values:
        return spaces.CategoricalDistribution(range(len(parameter.values)))
    if parameter.step is not None:
        return spaces.IntDistribution(parameter.multiples[0], parameter.multiples[-1], log=parameter.log)
    return spaces.FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _value(parameter: Parameter, asked: Any) -> Any:
    if parameter.values:
        return parameter.values[asked]
    return asked if parameter.step is None else parameter.multiple(asked)


def _place(parameter: Parameter, value: Any) -> Any:
    if parameter.values:
        return parameter.values.index(tuple(value) if isinstance(value, list) else value)
    return value if parameter.step is None else round(value / parameter.step)


def _seed(seed: int, count: int, attempt: int) -> int:
    return (seed * 1_000_003 + count) * ATTEMPTS + attempt & 0xFFFFFFFF
