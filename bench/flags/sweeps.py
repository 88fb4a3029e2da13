"""Flags of the verb that trains one thing in many settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from bench.flags.inherited import Dataset, Mirrored, Part, Profile


@dataclass
class Sweep(Mirrored):
    """Train one thing in many settings, from a YAML file in W&B's sweep format; finished trials are never trained again."""

    file: Annotated[str, tyro.conf.Positional] = tyro.MISSING
    """The YAML file, or the name of one that comes along (bench/sweeps/)."""
    agents: int = 1
    """Processes that train trials side by side."""
    count: int | None = None
    """Trials at most, those from before included; random and bayes need it, or run_cap in the file."""
    dataset: Dataset | None = None
    """Instead of the file's own."""
    profile: Profile | None = None
    """Instead of the file's own."""
    split: Part | None = None
    """Not for sweep: what is trained says on which parts it is trained and chosen."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train."""
    cues_only: bool = False
    """Score trials by columns that face cues alone give, whatever the file says; nothing is rendered."""
    render: bool = False
    """Score trials by the whole row, whatever the file says: videos are made, for which the row needs its renderer's weights."""
    prepare: bool = False
    """First render and prepare the clips that are needed, of the embedded dataset."""
    trial: tuple[str, ...] = ()
    """Only this one trial, as --trial learning_rate=0.001 seed=1: how agents of W&B call it."""

    def __post_init__(self) -> None:
        """No part by default."""
