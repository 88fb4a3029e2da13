"""Flags that verbs of the command line inherit: of every verb, of those that W&B hears of, of those on a dataset and its clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.workspace import Workspace

Dataset = Literal["puppet", "puppet-cremad", "cremad", "cremad-sample", "mead"]
Profile = Literal["smoke", "quick", "bench", "pretrain", "full"]
Part = Literal["method-train", "judge-train", "validation", "test"]


@dataclass
class Common:
    """Flags of every verb."""

    work: Path | None = None
    """State folder; default $EMOTALK_WORK, else ./work."""
    profile: Profile = "quick"
    """Size of the embedded dataset; other datasets have none."""
    split: Part | None = None
    """Part of the manifest; default: test (of the profile pretrain: method-train, its only part)."""
    manifest: str | None = None
    """Named split (`emotalk datasets` lists them) or a csv of your own; default: the dataset's."""
    seed: int = 0
    """Seed of everything random."""
    limit: int | None = None
    """Only the first N scored clips."""
    jobs: int = 2
    """Processes at a time."""
    json: bool = False
    """Print one JSON document on stdout; progress and logs go to stderr."""
    strict: bool = False
    """Rejected inputs count as failures (exit code 4)."""

    def __post_init__(self) -> None:
        if self.split is None:
            only_training = self.profile == "pretrain" and getattr(self, "dataset", None) == "puppet"
            self.split = "method-train" if only_training else "test"


@dataclass
class Mirrored(Common):
    """Flags of the verbs that W&B can be told of (docs/tracking.md)."""

    wandb: Literal["auto", "on", "offline", "off"] = "auto"
    """Mirror to Weights & Biases; auto: as WANDB_MODE says, else online if there is a key, offline if not."""


@dataclass
class OnDataset(Mirrored):
    dataset: Dataset = "puppet"
    """Which dataset."""

    @property
    def label(self) -> str:
        from bench.data.datasets import is_embedded

        return Workspace.label(self.dataset, self.profile if is_embedded(self.dataset) else None)


@dataclass
class OnClips(OnDataset):
    """Flags of the verbs that work on one clip after another."""

    backend: Literal["loky", "ray", "dask"] = "loky"
    """Where: processes of this machine (loky), or workers of Ray or Dask (docs/clusters.md)."""
