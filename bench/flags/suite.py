"""Flags of the verbs about the suite itself and the machine that it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from bench.flags.inherited import Common, Dataset


@dataclass
class Methods(Common):
    """List the methods that can stand in a row and what each is given."""


@dataclass
class Metrics(Common):
    """List the metrics with direction, unit and definition."""


@dataclass
class Datasets(Common):
    """List the datasets, their manifests and media policies."""


@dataclass
class Weights(Common):
    """List, fetch or verify pretrained weights."""

    action: Annotated[Literal["list", "fetch", "verify"], tyro.conf.Positional] = "list"
    """What to do."""
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Which weights; default all."""
    official: bool = False
    """Fetch from the authors' own address instead of the package index."""


@dataclass
class Doctor(Common):
    """What this machine has, what is missing, and the command that brings it; leaks; a dataset's folder and the work ahead."""

    dataset: Dataset | None = None
    """Look at this dataset's folder, and say what preparing and scoring it will cost."""
    root: Path | None = None
    """Folder of your copy of the dataset (not needed for those that are made or fetched here)."""
    measure: bool = False
    """Measure a few clips now, even if earlier runs on this machine left their rate."""


@dataclass
class Submit(Common):
    """Hand a command to Slurm: emotalk submit --hours 8 -- run --dataset mead --root DIR --jobs 16"""

    cluster: Literal["slurm", "local", "debug"] = "slurm"
    """Where: Slurm, a process of this machine, or this very process (to find out why a job fails)."""
    each: str | None = None
    """Comma-separated words: one job for each, in an array, with the word in the place of {} in the command."""
    hours: float = 12.0
    """Limit of each job; one that runs into it is queued again and goes on where it was."""
    memory: int = 8
    """Memory of each job, GB."""
    gpus: int = 0
    """GPUs of each job. It gets as many cores as its command has --jobs."""
    partition: str | None = None
    """Partition of the cluster."""
    settings: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(name="set", metavar="KEY=VALUE")] = ()
    """Any other option of sbatch, as --set account=faces --set mail-user=me; KEY=true for one without a value."""
    wait: bool = False
    """Stay until the jobs have ended, and end with their exit code."""
    command: tyro.conf.Suppress[tuple[str, ...]] = ()
    """What stands after --."""
