"""A sweep on this machine: checked before anything runs, then trial after trial, each a training of the one trainer."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.contract.errors import EmotalkError, NothingDoneError, UsageError
from bench.contract.metric import Direction
from bench.data.datasets import is_embedded
from bench.data.store import key_of
from bench.flags.clips import Train
from bench.flags.inherited import Dataset, Profile
from bench.sweeps import learned
from bench.sweeps.definition import SEED, VARIANT, Definition
from bench.sweeps.score import VALIDATION, CannotScore, scores
from bench.sweeps.search import as_setting, mapped, planned
from bench.sweeps.trial_rows import TrialRows
from bench.sweeps.trials import Trial, TrialFolder
from bench.tracking.mirror import SILENT, Mirror
from bench.train import TRAINER_VERSION
from bench.train_verb import EXPORTED, find_trainable, train_verb
from bench.training.clips import TrainingClips
from bench.training.config import as_document, make_config, typed
from bench.training.curve import read_curve
from bench.workspace import Workspace

MAY_SAY = {
    "method": str,
    "metric": str,
    "dataset": Dataset,
    "profile": Profile,
    "manifest": str,
    "limit": int,
    "also": tuple[Profile, ...],
    "patience": int,
}
"""Keys of `emotalk:` that are flags of `emotalk train`, and what they may be."""


class Sweep:
    """One sweep in its folder. UsageError, before anything runs, if a trial could not be what the file says.

    `flags` are those of every trial's training (`training_flags`); `count` trials at most; `prepare` is
    given what is trained as soon as nothing but its data can be missing.
    """

    def __init__(
        self,
        definition: Definition,
        flags: Train,
        space: Workspace,
        count: int | None = None,
        prepare: Callable[[Any], None] | None = None,
    ):
        self.flags, self.space, self.began = flags, space, time.time()
        self.count = min((n for n in (count, definition.cap) if n is not None), default=None)
        if self.count is None and definition.search != "grid":
            raise UsageError(f"method: {definition.search} has no end: give --count N, or run_cap in the file")
        if definition.halving and flags.patience:
            raise UsageError("early_terminate and emotalk: patience: expected one of the two")
        self.trainable = find_trainable(flags)
        self.rows = TrialRows(definition.score, flags, space) if definition.score else None
        self.definition = self._checked(definition)
        if prepare is not None:
            prepare(self.trainable)
        clips = TrainingClips(flags, space, self.trainable)  # what is not prepared is said before anything runs
        scored = {"metric": definition.metric, "score": self.rows.identity} if self.rows else {}
        self.hash = key_of(
            document=dict(definition.document),
            **scored,
            seed=flags.seed,
            training=self.training(),
            data=clips.source.fingerprint,
            versions=[TRAINER_VERSION, self.trainable.version],
        )[:8]
        name = re.sub("[^A-Za-z0-9_-]+", "-", definition.name)
        self.folder = TrialFolder(space.sweep(f"{name}-{self.hash}"))

    def canonical(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings, as values or as text, with the types that the Config has; UsageError for what it does not take."""
        kept: dict[str, Any] = {}
        for name, value in settings.items():
            if name == SEED:
                kept[name] = _seed(value)
            elif name == VARIANT and self.definition.variants:
                kept[name] = str(value)
            else:
                config = make_config(self.trainable.Config, None, [f"{name}={as_setting(value)}"])
                kept[name] = as_document(config)[name]
        return kept

    def training(self) -> dict[str, Any]:
        """What is trained on which data, as the flags of every trial say; keys that say nothing are left out."""
        said = {name: getattr(self.flags, name) for name in MAY_SAY}
        if not is_embedded(self.flags.dataset):
            del said["profile"]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items() if value}

    def fields(self, trial: Trial) -> dict[str, Any]:
        """The fields of the Config that a trial sets."""
        return mapped(trial.settings, self.definition.variants)

    def propose(self, trials: Sequence[Trial]) -> dict[str, Any] | None:
        """The settings of the next trial, None if all have begun."""
        if self.definition.search == "bayes":
            return learned.suggested(self.definition, trials, self.flags.seed) if len(trials) < self.count else None
        known = {trial.key for trial in trials}
        for settings in map(self.canonical, planned(self.definition, self.flags.seed, self.count)):
            if Trial(0, settings, 0).key not in known:
                return settings
        return None

    def run(self, command: str, mirror: Mirror = SILENT) -> None:
        """Train what is not finished yet and nobody else trains. A trial that fails is recorded, and the others go on."""
        while True:
            with self.folder.next(self.propose, self.flags.seed, self._to_do) as trial:
                if trial is None:
                    return
                self.train(trial, command, mirror)

    def train(self, trial: Trial, command: str, mirror: Mirror = SILENT) -> bool:
        """Train one trial, or go on with it, and write its document; whoever calls this holds it.

        True if its run was finished before.
        """
        settings = tuple(f"{name}={as_setting(value)}" for name, value in self.fields(trial).items())
        flags = replace(self.flags, settings=settings, seed=trial.seed, out=self.folder.output(trial))
        trial.status, trial.reason, trial.validations, started = "running", None, [], time.monotonic()
        reused = False
        self.folder.save(trial)
        try:
            steps = make_config(self.trainable.Config, None, settings).steps
            outcome = train_verb(flags, self.space, command, mirror, Watch(self, trial, steps))
            [row] = outcome.document["runs"]
            self._finish(trial, row, command, mirror)
            reused = row["reused"]
        except CannotScore:
            raise
        except EmotalkError as error:
            trial.status, trial.reason = "failed", str(error)
        except Exception as error:  # a crash of one trial is no crash of the sweep; its traceback is told
            traceback.print_exc()
            trial.status, trial.reason = "failed", f"{type(error).__name__}: {error}"
        trial.seconds, trial.ended = round(time.monotonic() - started, 1), time.time()
        self.folder.save(trial)
        return reused

    def _finish(self, trial: Trial, row: Mapping[str, Any], command: str, mirror: Mirror) -> None:
        run, metric = Path(row["run"]), self.definition.metric
        trial.run, trial.steps = str(run.relative_to(self.space.root)), row["steps"]
        status = "stopped" if self.definition.halving and row["stopped_early"] else "finished"
        trial.scores = scores(run, self._scored(trial, row, command) if status == "finished" else None)
        if self.rows:
            mirror.log(trial.steps, self.told(trial))
        trial.score = trial.scores.get(metric)
        if trial.score is None:
            raise NothingDoneError(f"the run has no finite {metric}")
        trial.status = status
        if metric.startswith(VALIDATION):
            curve = read_curve(run / "metrics.jsonl")  # of a run from before nobody was told
            name = metric.removeprefix(VALIDATION)
            trial.validations = [line.values.get(name) for line in curve if line.split == "validation"]

    def _scored(self, trial: Trial, row: Mapping[str, Any], command: str) -> dict[str, Path] | None:
        """Prefix -> result folder of the trial, which is made here; None if the sweep asks for none."""
        if self.rows is None:
            return None
        said = {name: trial.settings[name] for name in self.definition.varied} | {SEED: trial.seed}
        name = " ".join(f"{key}={as_setting(value)}" for key, value in said.items())
        return {self.rows.prefix: self.rows.make(Path(row["expert"]), self.folder.output(trial), name, command)}

    def told(self, trial: Trial) -> dict[str, float]:
        """What W&B is told of a trial beside its curve: the columns that it was scored."""
        return {
            name: value for name, value in trial.scores.items() if value is not None and not name.startswith(VALIDATION)
        }

    def _to_do(self, trial: Trial) -> bool:
        """Killed ones, and those that failed in an earlier command."""
        return trial.status == "running" or (trial.status == "failed" and (trial.ended or 0.0) < self.began)

    def _checked(self, definition: Definition) -> Definition:
        """The definition with every listed value in the type of its field; UsageError for a wrong field, value or goal."""
        self.definition, parameters = definition, []
        for p in definition.parameters:
            ends = [p.multiple(p.multiples[i]) for i in (0, -1)] if p.step is not None else [p.low, p.high]
            values = tuple(self.canonical({p.name: value})[p.name] for value in p.values or ends)
            kept = tuple(tuple(value) if isinstance(value, list) else value for value in values)
            parameters.append(replace(p, values=kept) if p.values else p)
        variants = {name: self.canonical(fields) for name, fields in definition.variants.items()}
        baseline = definition.baseline and self.canonical(definition.baseline)
        self._check_metric(definition)
        if learned.needed(definition):
            learned.optuna()
        return replace(definition, parameters=tuple(parameters), variants=variants, baseline=baseline)

    def _check_metric(self, definition: Definition) -> None:
        """UsageError unless trials have the sweep's metric, and its goal is what is better."""
        metric, direction = self.trainable.chosen_by
        goal = "maximize" if direction == Direction.HIGHER else "minimize"
        if definition.metric == VALIDATION + metric and definition.maximize != (goal == "maximize"):
            raise UsageError(f"metric: {self.trainable.name} is chosen by {definition.metric} with the goal {goal}")
        if self.rows and self.trainable.kind not in EXPORTED:
            raise UsageError(f"emotalk: score: {self.trainable.name} exports no weights that a row could take")
        if definition.metric.startswith(VALIDATION):
            return
        if self.rows is None:
            raise UsageError(f"metric: {definition.metric}: expected a number of validation, as {VALIDATION}{metric}")
        self.rows.check_metric(definition.metric, definition.maximize)
        if definition.halving:
            raise UsageError(
                f"early_terminate stops trials by their validations; {definition.metric} is known at their end only: "
                f"expected a metric as {VALIDATION}{metric}"
            )


class Watch:
    """Told of every validation of a trial: keeps it in the trial's document, and ends a run that falls behind the others."""

    def __init__(self, sweep: Sweep, trial: Trial, steps: int):
        self.sweep, self.trial, self.steps = sweep, trial, steps
        self.identity = f"sweep {sweep.hash}" if sweep.definition.halving else None

    def __call__(self, event: str, step: int, values: Mapping[str, float], run: Path) -> bool:
        """True if the run ends here; CannotScore if it has no such number."""
        if event != "validation" or not self.sweep.definition.metric.startswith(VALIDATION):
            return False
        sweep, trial = self.sweep, self.trial
        name = sweep.definition.metric.removeprefix(VALIDATION)
        if name not in values:
            known = ", ".join(VALIDATION + name for name in values)
            raise CannotScore(f"metric: {sweep.definition.metric} is none of what {sweep.trainable.name} has: {known}")
        trial.validations.append(values[name])
        stops = False
        if sweep.definition.halving and step < self.steps:
            others = [t for t in sweep.folder.trials() if t.key != trial.key]
            together = sorted([*others, trial], key=lambda t: t.number)
            stops = learned.falls_behind(sweep.definition, together, trial)
        sweep.folder.save(trial)
        return stops


def training_flags(definition: Definition, given: Mapping[str, Any], **where: Any) -> Train:
    """The flags of the trials' trainings: what the file says, what was `given` instead, and `where` they run."""
    said = {**definition.training, **given}
    kept = {key: typed(value, MAY_SAY[key], f"emotalk: {key}") for key, value in said.items()}
    return Train(**kept, **where)


def _seed(value: Any) -> int:
    text = str(value)
    if not text.isdecimal():
        raise UsageError(f"parameters: seed: expected whole numbers from 0 on, got {value!r}")
    return int(text)
