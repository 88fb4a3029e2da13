"""`emotalk sweep`: registered with W&B where there is an account, else run here; one folder and one table in both cases."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from bench import verbs
from bench.atomic import read_json, write_json
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError
from bench.data.datasets import is_embedded
from bench.flags.clips import Prepare, Train
from bench.flags.sweeps import Sweep as Flags
from bench.sweeps import account, table
from bench.sweeps.definition import find, read
from bench.sweeps.sweep import Sweep, training_flags
from bench.sweeps.trials import Trial
from bench.tracking.mirror import SILENT, Mirror
from bench.training.callbacks import MirrorCurve
from bench.training.curve import read_curve
from bench.training.processes import ALONE, launched
from bench.workspace import Workspace

OVERRIDES = ("dataset", "profile", "manifest", "limit")


def sweep_verb(flags: Flags, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    """What `emotalk sweep` does."""
    _refuse_wrong_flags(flags)
    definition = read(find(flags.file))
    if flags.render or flags.cues_only:
        definition = definition.scored_in(render=flags.render)
    given = {name: getattr(flags, name) for name in OVERRIDES if getattr(flags, name) is not None}
    where = {"seed": flags.seed, "device": flags.device, "jobs": flags.jobs}
    training = training_flags(definition, given, **where)
    prepare = partial(_prepare, training, space, command, mirror) if flags.prepare else None
    sweep = Sweep(definition, training, space, flags.count, prepare)
    _describe(sweep)
    if flags.trial:
        settings = dict(setting.partition("=")[::2] for setting in flags.trial)
        with sweep.folder.of(_complete(sweep, settings), flags.seed) as trial:
            if sweep.train(trial, command, mirror):
                _tell_again(mirror, sweep, trial)
        return _outcome(sweep, only=trial.number)
    if not account.agreed(flags, sweep):
        _here(flags, sweep, command, mirror)
    return _outcome(sweep)


def _refuse_wrong_flags(flags: Flags) -> None:
    if flags.split is not None:
        raise UsageError("sweep takes no --split: what is trained says on which parts it is trained and chosen")
    if launched() != ALONE:
        raise UsageError("a sweep is not started by torchrun: --agents N trains N trials side by side")
    if flags.render and flags.cues_only:
        raise UsageError("expected either --cues-only or --render")
    for name, value in (("--agents", flags.agents), ("--count", 1 if flags.count is None else flags.count)):
        if value < 1:
            raise UsageError(f"{name} {value}: expected a number, at least 1")


def _prepare(training: Train, space: Workspace, command: str, mirror: Mirror, trainable: Any) -> None:
    """Render and prepare the parts that are trained on and scored, of the embedded dataset; what is there stays."""
    if not is_embedded(training.dataset):
        return  # its files lie where nobody has said; if it is not prepared, the sweep says how it is done
    names = ("work", "dataset", "profile", "manifest", "limit", "jobs")
    said = {name: getattr(training, name) for name in names}
    wanted = [said | {"split": str(part)} for part in trainable.speakers]
    wanted += [said | {"split": str(trainable.speakers[0]), "profile": p, "manifest": None} for p in training.also]
    for one in wanted:
        verbs.say(verbs.prepare(Prepare(**one), space, command, mirror).text)


def _complete(sweep: Sweep, settings: Mapping[str, str]) -> dict[str, Any]:
    """The settings of one trial, typed, in the order of the file; UsageError if they are not those of the sweep."""
    names = [p.name for p in sweep.definition.parameters]
    if set(settings) != set(names):
        raise UsageError(f"--trial: expected a value for each of {', '.join(names)}; got {', '.join(settings)}")
    return sweep.canonical({name: settings[name] for name in names})


def _tell_again(mirror: Mirror, sweep: Sweep, trial: Trial) -> None:
    """The curve of a run from before, for the W&B run that asked for it."""
    run = sweep.space.root / trial.run
    mirror.begin("train", f"sweep trial {trial.number}", run_id=run.name, **trial.settings)
    told = MirrorCurve(mirror)
    for line in read_curve(run / "metrics.jsonl"):
        told(line.split, line.step, line.values, run)
    mirror.log(trial.steps, sweep.told(trial))


def _describe(sweep: Sweep) -> None:
    path = sweep.folder.path / "sweep.json"
    if read_json(path) is None:
        definition = sweep.definition
        write_json(path, {"name": definition.name, "seed": sweep.flags.seed, **definition.document})


def _here(flags: Flags, sweep: Sweep, command: str, mirror: Mirror) -> None:
    """Trial after trial in this process, or in several that share the folder."""
    if flags.agents == 1:
        sweep.run(command, mirror)
        return
    threads = str(max(1, (os.cpu_count() or 1) // flags.agents))
    environment = {"OMP_NUM_THREADS": threads, **os.environ}
    words = [sys.executable, "-m", "bench.cli", "sweep", *_words(flags), "--agents", "1"]
    agents = [subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) for _ in range(flags.agents)]
    try:
        for agent in agents:
            agent.wait()
    finally:
        for agent in agents:
            agent.terminate()


def _words(flags: Flags) -> list[str]:
    """The same command for another process."""
    named = {"--count": flags.count, "--dataset": flags.dataset, "--profile": flags.profile, "--manifest": flags.manifest,
             "--limit": flags.limit, "--seed": flags.seed, "--device": flags.device, "--jobs": max(1, flags.jobs // flags.agents),
             "--wandb": flags.wandb, "--work": os.environ["EMOTALK_WORK"]}  # fmt: skip
    words = [word for name, value in named.items() if value is not None for word in (name, str(value))]
    return [flags.file, *words, *account.space_words(flags)]


def _outcome(sweep: Sweep, only: int | None = None) -> Outcome:
    """The table, written and told; exit code 4 if some trials failed or are not finished, 3 if none is."""
    trials = sweep.folder.trials()
    document = table.tabulate(sweep.definition, trials, sweep.training(), sweep.rows, sweep.folder.output)
    table.write(sweep.folder.path, document)
    counted = [trial for trial in trials if only is None or trial.number == only]
    done = [trial for trial in counted if trial.status in ("finished", "stopped")]
    code = ExitCode.DONE if len(done) == len(counted) else ExitCode.SOME_FAILED if done else ExitCode.NOTHING_DONE
    document = {"folder": str(sweep.folder.path), **document, "exit_code": int(code)}
    return Outcome(code, document, f"{table.markdown(document)}\n{sweep.folder.path}")
