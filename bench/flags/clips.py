"""Flags of the verbs that make something of the clips of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from bench.flags.inherited import OnClips, OnDataset, Part, Profile


@dataclass
class Run(OnClips):
    """The whole pipeline: prepare, generate, evaluate, report."""

    root: Path | None = None
    """Folder of your copy of the dataset (not needed for puppet and cremad-sample)."""
    methods: str = "controls"
    """Comma-separated methods or groups; `emotalk methods` lists them."""
    protocol: str = "emotalk"
    """Protocol, or several separated by commas: one decode, one result each."""
    missing: Literal["static", "exclude", "fail"] = "static"
    """What a missing or failed output counts as."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where extractors and metrics compute; auto: cuda if there is a GPU."""
    sheet: bool = True
    """Show a contact sheet of the dataset's speakers in the report, where its media policy allows."""


@dataclass
class Prepare(OnClips):
    """Dataset tree -> clip store: crop, resample, extract face cues; rejected clips with their reasons."""

    root: Path | None = None
    """Folder of your copy of the dataset (not needed for puppet and cremad-sample)."""
    verify: bool = False
    """Check every file against the published SHA-256 where there is one (CREMA-D)."""


@dataclass
class Train(OnDataset):
    """Train an evaluator or a method on prepared clips; a killed run goes on where it was."""

    split: Part | None = None
    """Not for train: what is trained says on which parts it is trained and chosen."""
    metric: str | None = None
    """What to train for evaluation: judge, sync-expert ..; a wrong name lists them."""
    method: str | None = None
    """Or which method to train."""
    settings: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(name="set", metavar="KEY=VALUE")] = ()
    """One field of its configuration, as --set steps=2000; may be given several times."""
    config: Path | None = None
    """TOML file with fields of its configuration; --set goes before it."""
    also: tuple[Profile, ...] = ()
    """Further profiles of the embedded dataset whose training speakers are trained on too, as --also pretrain."""
    seeds: str | None = None
    """Several runs, as 0,1,2; their experts are called NAME-0, NAME-1, NAME-2. Default: one run with --seed."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train."""
    patience: int | None = None
    """Stop after this many validations in a row without progress."""
    out: Path | None = None
    """Folder of the expert; default experts/<family> in the work folder."""

    def __post_init__(self) -> None:
        """No part by default."""


@dataclass
class Generate(OnClips):
    """A method makes one video per prepared clip."""

    method: str = tyro.MISSING
    """A known name or path/file.py:Class (runs that code);
    @other-audio, @other-emotion, @first-frame, @cues may follow (docs/add-a-method.md)."""
    checkpoint: Path | None = None
    """Given to the method's class."""
    out: Path | None = None
    """Folder of the videos; default generated/<method>/<dataset> in the work folder."""


@dataclass
class Evaluate(OnClips):
    """Score a folder of <clip_id>.mp4 files."""

    videos: Path = tyro.MISSING
    """The folder of videos."""
    name: str | None = None
    """Name of the row; default: the method that made the folder, else the folder's name."""
    framing: Literal["canonical", "source", "own"] | None = None
    """How the videos are framed; default: as the folder's generated.json says, else canonical."""
    protocol: str = "emotalk"
    """Protocol, or several separated by commas: one decode, one result each."""
    missing: Literal["static", "exclude", "fail"] = "static"
    """What a missing or failed output counts as."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where extractors and metrics compute; auto: cuda if there is a GPU."""
    out: Path | None = None
    """Folder of the result; default results/<name> in the work folder."""


@dataclass
class Calibrate(OnClips):
    """Damage the real clips by known amounts: does every column answer as was declared beforehand?"""

    root: Path | None = None
    """Folder of your copy of the dataset (not needed for puppet and cremad-sample)."""
    damages: str | None = None
    """Only these damages of data_manifests/calibration.toml, separated by commas; default: all."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where extractors and metrics compute; auto: cuda if there is a GPU."""
    out: Path | None = None
    """Folder of calibration.json and calibration.md; default results/calibration/<dataset> in the work folder."""
