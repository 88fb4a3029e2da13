"""`emotalk train`: prepared clips and a trainable -> a run folder and, for an evaluator, an expert with its card."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from bench import cli
from bench.atomic import read_json, write_json
from bench.cli import Outcome
from bench.contract.errors import EmotalkError, ExitCode, UsageError
from bench.contract.train import Callback
from bench.tracking.mirror import SILENT, Mirror
from bench.train import Job, Trained, train
from bench.training.callbacks import EarlyStopping, MirrorCurve, Pruner
from bench.training.clips import TrainingClips, data_flags
from bench.training.config import as_document, make_config
from bench.training.export import check_size, export, whole
from bench.training.processes import Processes, joined, launched, only_first_speaks
from bench.training.reader import StoreReader
from bench.training.record import close_run, finished, open_run, run_id
from bench.workspace import Workspace

EXPORTED = ("judge", "sync-expert", "syncnet", "cohesion", "generator", "method")
"""Kinds whose weights are written with a card; those of losses stay in their run folder."""


def train_verb(
    flags: cli.Train, space: Workspace, command: str, mirror: Mirror = SILENT, pruner: Pruner | None = None
) -> Outcome:
    """What `emotalk train` does; one run for each seed. Of several processes (torchrun) all call it alike."""
    processes = launched()
    only_first_speaks(processes)
    trainable = find_trainable(flags)
    if needs := getattr(trainable, "needs", ()):
        from bench import weights

        trainable.weights = {name: weights.fetch(name) for name in needs}
    config = make_config(trainable.Config, flags.config, flags.settings)
    runs = _Runs(flags, space, command, mirror, trainable, config, processes, pruner)
    with joined(processes, runs.device):
        rows = [runs.run(seed) for seed in runs.seeds]
        processes.told()  # none ends before the first one has written everything
    document = {"runs": rows, "exit_code": int(ExitCode.DONE)}
    return Outcome(ExitCode.DONE, document, "\n".join(_words(row) for row in rows))


def find_trainable(flags: cli.Train) -> Any:
    """The trainable that the flags name; UsageError if they name none, two, or a method that learns nothing."""
    if bool(flags.metric) == bool(flags.method):
        from metrics.trainables import TRAINABLES

        known = ", ".join(TRAINABLES) or "none yet"
        raise UsageError(f"train: expected either --metric NAME (there are: {known}) or --method NAME")
    if flags.patience is not None and flags.patience < 1:
        raise UsageError(f"--patience {flags.patience}: expected a number of validations, at least 1")
    if flags.split is not None:
        raise UsageError("train takes no --split: what is trained says on which parts it is trained and chosen")
    if flags.metric:
        from metrics.trainables import trainable_class

        return trainable_class(flags.metric)()
    from baselines.registry import find_method
    from baselines.trainables import TRAINABLES, trainable_class
    from bench.contract.train import Trainable

    if flags.method in TRAINABLES:
        return trainable_class(flags.method)()
    method = find_method(flags.method).load()
    if not isinstance(method, Trainable):
        raise UsageError(
            f"--method {flags.method}: there is nothing to train in it (it has no data, build, loss and validate; "
            "bench/contract/train.py says what a trainable method has)"
        )
    return method


def recipe(flags: cli.Train) -> str:
    """The command that trains the same weights again on any machine: no path of this one is in it."""
    words = ["--metric", flags.metric] if flags.metric else ["--method", flags.method]
    for setting in flags.settings:
        words += ["--set", setting]
    words += ["--config", flags.config.name] if flags.config else []
    words += ["--also", *flags.also] if flags.also else []
    words += ["--seeds", flags.seeds] if flags.seeds else ["--seed", str(flags.seed)] if flags.seed else []
    words += ["--patience", str(flags.patience)] if flags.patience else []
    return f"emotalk train {shlex.join(words)} {data_flags(flags)}"


class _Runs:
    """The runs of one command: one trainable, configuration and set of clips, several seeds."""

    def __init__(
        self,
        flags: cli.Train,
        space: Workspace,
        command: str,
        mirror: Mirror,
        trainable: Any,
        config: Any,
        processes: Processes,
        pruner: Pruner | None,
    ):
        self.flags, self.space, self.command, self.mirror = flags, space, command, mirror
        self.trainable, self.config, self.processes, self.pruner = trainable, config, processes, pruner
        self.seeds, self.device = _seeds(flags), _device(flags.device)
        self.clips = TrainingClips(flags, space, trainable)

    def run(self, seed: int) -> dict[str, Any]:
        """Train, or take from before, one run; returns its row of the verb's document."""
        trainable, source, mirror, several = self.trainable, self.clips.source, self.mirror, len(self.seeds) > 1
        job = self._job(seed)
        job.folder = self.space.run(trainable.name, run_id(job, source, self._ends_by()))
        expert = None
        if trainable.kind in EXPORTED:
            folder = self.flags.out or self.space.experts(source.family)
            expert = folder / f"{trainable.name}{f'-{seed}' if several else ''}.safetensors"
        row = {"name": trainable.name, "run_id": job.folder.name, "run": str(job.folder), "seed": seed, "reused": False,
               "expert": str(expert) if expert else None}  # fmt: skip
        if known := self.processes.told(_from_before(job.folder, expert)):
            return row | {
                "reused": True,
                "steps": known["steps"],
                "stopped_early": known["stopped_early"],
                "best": known["best"],
            }
        started = time.monotonic()
        if self.processes.first:
            facts = {
                **source.document(),
                "seed": seed,
                "run_id": job.folder.name,
                "configuration": as_document(job.config),
            }
            mirror.begin("train", f"train {trainable.name} {self.flags.label} seed {seed}", **facts)
        try:
            if expert is not None:
                check_size(trainable, trainable.build(self.config))
            trained = self._trained(job, expert)
        except EmotalkError as error:
            mirror.failed(str(error))
            raise
        if self.processes.first and expert is not None:
            row["chosen_by"] = read_json(job.folder / "card.json")["chosen_by"]
        best = {"step": trained.best_step, "value": trained.best_value}
        return row | {"steps": trained.steps, "stopped_early": trained.stopped, "best": best,
                      "seconds": round(time.monotonic() - started, 1)}  # fmt: skip

    def _job(self, seed: int) -> Job:
        callbacks: list[Callback] = [MirrorCurve(self.mirror)]
        if self.flags.patience:
            callbacks.append(EarlyStopping(self.trainable.chosen_by, self.flags.patience))
        if self.pruner:
            callbacks.append(self.pruner)
        return Job(
            trainable=self.trainable,
            config=self.config,
            seed=seed,
            device=self.device,
            folder=Path(),
            training=self.clips.training,
            validation=self.clips.validation,
            reader=StoreReader(self.space.cache, self.flags.jobs),
            callbacks=callbacks,
            title=f"train {self.trainable.name}" + (f" seed {seed}" if len(self.seeds) > 1 else ""),
            processes=self.processes,
        )

    def _ends_by(self) -> int | str | None:
        """What may end a run before its last step: part of its identity."""
        if self.pruner is None or self.pruner.identity is None:
            return self.flags.patience
        return f"{self.pruner.identity}, patience {self.flags.patience}"

    def _trained(self, job: Job, expert: Path | None) -> Trained:
        """Train; the first process keeps the record and exports."""
        source = self.clips.source
        if not self.processes.first:
            return train(job)
        open_run(job.folder, job, source, self.command)
        trained = train(job)
        if expert is not None:
            card = export(job, trained, expert, {**source.document(), "recipe": recipe(self.flags)})
            write_json(job.folder / "card.json", card)
        close_run(job.folder, job, source, self.command, trained)
        return trained


def _from_before(run: Path, expert: Path | None) -> dict[str, Any] | None:
    """run.json of a run that is finished and, if it has one, whose expert is still what it exported; else None."""
    known = finished(run)
    if known is None or expert is None:
        return known
    same = whole(expert) and read_json(run / "card.json") == read_json(expert.with_suffix(".json"))
    return known if same else None


def _words(row: dict[str, Any]) -> str:
    how = (
        "from before"
        if row["reused"]
        else f"{row['seconds']:.0f} s" + (", stopped early" if row["stopped_early"] else "")
    )
    best = f"best {row['best']['value']:.4g} at step {row['best']['step']}"
    text = f"{row['name']} seed {row['seed']}: {row['steps']} steps ({how}), {best}; {row['run']}"
    return text + (f"\n  expert: {row['expert']}" if row["expert"] else "")


def _seeds(flags: cli.Train) -> list[int]:
    try:
        seeds = [int(s) for s in flags.seeds.split(",")] if flags.seeds else [flags.seed]
    except ValueError as error:
        raise UsageError(f"--seeds {flags.seeds}: expected whole numbers separated by commas, as 0,1,2") from error
    if min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise UsageError(f"--seeds {flags.seeds or flags.seed}: expected different numbers from 0 on")
    return seeds


def _device(wanted: str) -> str:
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch sees no GPU here; use --device cpu or auto")
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda":  # cuBLAS is reproducible only with a workspace of fixed size
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    print(f"training on {wanted}", file=sys.stderr, flush=True)
    return wanted
