"""Flags of the regression gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from bench.flags.inherited import OnClips


@dataclass
class Regress(OnClips):
    """Is a checkpoint, or a folder of videos, worse than a frozen reference? Exit code 0 no, 1 yes, 5 could not tell."""

    reference: str = tyro.MISSING
    """Name of the reference (work folder, then those of the suite), or its .json file; with --freeze the name it gets."""
    method: str | None = None
    """Generate with this method: a known name, or path/file.py:Class (runs that code)."""
    checkpoint: Path | None = None
    """Given to the method's class."""
    videos: Path | None = None
    """Or score this folder of <clip_id>.mp4 files."""
    result: str | None = None
    """Or take a row that was evaluated: a result folder, or the name of one in results/ of the work folder."""
    freeze: bool = False
    """Make the row a reference, with margins from the controls in results/ of the work folder."""
    references: Path | None = None
    """Folder of references to read or write, alone; default: references/ in the work folder, then those of the suite."""
    root: Path | None = None
    """Folder of your copy of the dataset (not needed for puppet and cremad-sample)."""
    protocol: str | None = None
    """Protocol of a row to freeze; default emotalk. A row to judge is scored under the reference's."""
    framing: Literal["canonical", "source", "own"] | None = None
    """How the videos are framed; default: as the folder's generated.json says, else canonical."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where extractors and metrics compute; auto: cuda if there is a GPU."""
    out: Path | None = None
    """Folder of verdict.json, verdict.md and junit.xml; default regressions/<row>--against--<reference> in the work folder."""
