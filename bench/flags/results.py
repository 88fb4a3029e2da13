"""Flags of the verbs that read results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from bench.flags.inherited import Common, Dataset, Mirrored, Part, Profile


@dataclass
class Report(Mirrored):
    """Results -> table (terminal, Markdown, CSV, LaTeX) and an HTML page."""

    results: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Result folders, result.json files, or folders of result folders."""
    out: Path | None = None
    """Folder of the report; default report/ in the work folder."""
    sheet: bool = True
    """Show a contact sheet of the dataset's speakers, where its media policy allows."""
    spread: bool = False
    """Instead: how far the same videos move between the protocols of these results (spread.html)."""


@dataclass
class Compare(Common):
    """One row against others on their common clips: which differences are shown, which are not, and for whom."""

    rows: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """The row, then one or more others: result folders, or names of folders in results/ of the work folder."""
    out: Path | None = None
    """Folder of compare.json, compare.md and compare.html; default comparisons/<row>--against--<others> in the work folder."""


@dataclass
class Power(Common):
    """The smallest difference that a part can show per metric, from the rows that are there: before anyone trains."""

    dataset: Dataset = "puppet"
    """Which dataset."""
    protocol: str = "emotalk"
    """Protocol of the rows."""
    speakers: tuple[int, ...] = ()
    """Further numbers of speakers to tell it for, beside the part's own, 4, 12 and 40."""
    comparisons: int | None = None
    """Rows that one row will be compared with, for Holm's correction; default: all rows found but one."""
    out: Path | None = None
    """Folder of power.json and power.md; default power/<dataset>--<split>--<protocol> in the work folder."""


@dataclass
class Hypotheses(Common):
    """Claims written before anything was measured, each tested on the rows that it names: supported, refuted or not shown."""

    file: Annotated[Path | None, tyro.conf.Positional] = None
    """The claims; default: those that come along (reports/hypotheses.toml)."""
    profile: Profile | None = None
    """Not for hypotheses: the file says on which clips."""
    split: Part | None = None
    """Not for hypotheses: the file says on which part."""
    seeds: str | None = None
    """Also: how far the results of this method lie apart between training seeds and sampling seeds, as two_stage@cues."""
    write: Path | None = None
    """Also write the page there (docs/hypotheses.md)."""
    out: Path | None = None
    """Folder of hypotheses.json, hypotheses.md and seeds.json; default hypotheses/<dataset>--<part>--<protocol> in the work folder."""

    def __post_init__(self) -> None:
        """No part by default."""


@dataclass
class Published(Common):
    """What others printed, how far apart it lies, and EAT's published per-clip scores under our statistics."""

    out: Path | None = None
    """Folder for published.html, published.md and eat100-scores.json; default: print only."""
