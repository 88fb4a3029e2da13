"""`emotalk train`: prepared clips and a trainable -> a run folder and, for an evaluator, an expert with its card."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import cli
from bench.atomic import read_json, write_json
from bench.cli import Outcome
from bench.contract.clip import Clip, Part
from bench.contract.errors import EmotalkError, ExitCode, UsageError
from bench.data.store import Selection, Store
from bench.experts import family_of
from bench.tracking.mirror import SILENT, Mirror
from bench.train import Job, train
from bench.training.callbacks import EarlyStopping, MirrorCurve
from bench.training.config import make_config
from bench.training.export import check_size, export, whole
from bench.training.processes import ALONE, Processes, joined, launched, only_first_speaks
from bench.training.reader import StoreReader
from bench.training.record import (
    HELD_OUT,
    Source,
    close_run,
    fingerprint_of,
    finished,
    open_run,
    refuse_leaks,
    run_id,
    speakers_of,
)
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
    seeds, device = _seeds(flags), _device(flags.device)
    clips = _Clips(flags, space, trainable)
    rows = []
    with joined(processes, device):
        for seed in seeds:
            job = _job(flags, space, mirror, trainable, config, seed, device, clips, len(seeds) > 1, processes, pruner)
            ...
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


@dataclass
class _Clips:
    """The clips of the two parts, and who they are of."""

    training: list[Clip]
    validation: list[Clip]
    source: Source

    def __init__(self, flags: cli.Train, space: Workspace, trainable: Any):
        from bench import verbs
        from bench.data.manifests import speaker_of
        from bench.prepare import selection_name

        manifest = verbs.manifest_of(flags)
        store = Store(space.store(flags.label))
        selections = [_prepared(flags, store, selection_name(manifest), part, manifest) for part in trainable.speakers]
        self.training, self.validation = ([row.clip for row in s.limited(flags.limit)] for s in selections)
        for profile in flags.also:
            self.training += _further(replace(flags, profile=profile, also=()), space, trainable.speakers[0])
        held = {speaker_of(entry.name) for entry in manifest.entries if entry.part in HELD_OUT}
        refuse_leaks(self.training, self.validation, held)
        version = _text(selections[0].document.get("data_version"))
        self.source = Source(
            dataset=flags.dataset,
            profile=verbs.profile_of(flags),
            family=family_of(flags.dataset),
            manifest="+".join([selections[0].document["manifest"], *flags.also]),
            manifest_sha256=manifest.sha256,
            data_version=version,
            parts=tuple(map(str, trainable.speakers)),
            train_speakers=speakers_of(self.training),
            validation_speakers=speakers_of(self.validation),
            train_clips=len(self.training),
            validation_clips=len(self.validation),
            fingerprint=fingerprint_of(self.training, self.validation, version),
        )


def _further(flags: cli.Train, space: Workspace, part: Part) -> list[Clip]:
    """The training clips of one more profile; UsageError if the dataset has none."""
    from bench import verbs
    from bench.data.datasets import get_dataset
    from bench.prepare import selection_name

    if not get_dataset(flags.dataset).embedded:
        raise UsageError(f"--also {flags.profile}: {flags.dataset} has no profiles; leave the flag out")
    manifest = verbs.manifest_of(replace(flags, manifest=None))
    flags = replace(flags, manifest=None)
    selection = _prepared(flags, Store(space.store(flags.label)), selection_name(manifest), part, manifest)
    return [row.clip for row in selection.limited(flags.limit)]


def _prepared(flags: cli.Train, store: Store, manifest: str, part: Part, wanted: Any) -> Selection:
    try:
        selection = store.selection(manifest, part, flags.limit)
    except UsageError as error:
        raise UsageError(f"{part} is not prepared: run `{_prepare(flags, part)}` first") from error
    if selection.document["manifest_sha256"] != wanted.sha256:
        raise UsageError(f"manifest {wanted.name} changed since the store was prepared; run `{_prepare(flags, part)}`")
    return selection


def _prepare(flags: cli.Train, part: Part) -> str:
    return f"emotalk prepare {_data_flags(flags)} --split {part}"


def _data_flags(flags: cli.Train) -> str:
    from bench import verbs

    words = ["--dataset", flags.dataset]
    words += ["--profile", flags.profile] if verbs.profile_of(flags) else []
    words += ["--manifest", flags.manifest] if flags.manifest else []
    words += ["--limit", str(flags.limit)] if flags.limit else []
    return shlex.join(words)


def recipe(flags: cli.Train) -> str:
    """The command that trains the same weights again on any machine: no path of this one is in it."""
    words = ["--metric", flags.metric] if flags.metric else ["--method", flags.method]
    for setting in flags.settings:
        words += ["--set", setting]
    words += ["--config", flags.config.name] if flags.config else []
    words += ["--also", *flags.also] if flags.also else []
    words += ["--seeds", flags.seeds] if flags.seeds else ["--seed", str(flags.seed)] if flags.seed else []
    words += ["--patience", str(flags.patience)] if flags.patience else []
    return f"emotalk train {shlex.join(words)} {_data_flags(flags)}"


def _one(
    flags: cli.Train,
    space: Workspace,
    command: str,
    mirror: Mirror,
    trainable: Any,
    config: Any,
    seed: int,
    device: str,
    clips: _Clips,
    several: bool,
) -> dict[str, Any]:
    """Train, or take from before, one run; returns its row of the verb's document."""
    source, name = clips.source, trainable.name
    callbacks = [MirrorCurve(mirror)]
    if flags.patience:
        callbacks.append(EarlyStopping(trainable.chosen_by, flags.patience))
    job = Job(
        trainable=trainable,
        config=config,
        seed=seed,
        device=device,
        folder=Path(),
        training=clips.training,
        validation=clips.validation,
        reader=StoreReader(space.cache, flags.jobs),
        callbacks=callbacks,
        title=f"train {name}" + (f" seed {seed}" if several else ""),
    )
    identity = run_id(job, source, flags.patience)
    job.folder = space.run(name, identity)
    expert = None
    if trainable.kind in EXPORTED:
        folder = flags.out or space.experts(source.family)
        expert = folder / f"{name}{f'-{seed}' if several else ''}.safetensors"
    row = {"name": name, "run_id": identity, "run": str(job.folder), "seed": seed, "reused": False, "expert": None}
    run = finished(job.folder)
    card = read_json(job.folder / "card.json")
    if run and (expert is None or (whole(expert) and card == read_json(expert.with_suffix(".json")))):
        return row | {
            "reused": True,
            "steps": run["steps"],
            "best": run["best"],
            "expert": str(expert) if expert else None,
        }
    mirror.begin("train", f"train {name} {flags.label} seed {seed}", **source.document(), seed=seed, run_id=identity)
    started = time.monotonic()
    try:
        if expert is not None:
            check_size(trainable, trainable.build(config))
        open_run(job.folder, job, source, command)
        trained = train(job)
        if expert is not None:
            card = export(job, trained, expert, {**source.document(), "recipe": recipe(flags)})
            write_json(job.folder / "card.json", card)
            row["expert"], row["chosen_by"] = str(expert), card["chosen_by"]
        close_run(job.folder, job, source, command, trained)
    except EmotalkError as error:
        mirror.failed(str(error))
        raise
    best = {"step": trained.best_step, "value": trained.best_value}
    return row | {"steps": trained.steps, "stopped_early": trained.stopped, "best": best,
                  "seconds": round(time.monotonic() - started, 1)}  # fmt: skip


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


def _text(version: Any) -> str | None:
    return None if version is None else str(version)
