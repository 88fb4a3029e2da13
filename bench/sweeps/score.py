"""What a finished trial is worth. Every score of every trial comes from here, and from the trial's own files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.atomic import read_json
from bench.contract.errors import UsageError
from bench.contract.result import Result
from bench.sweeps.values import mapping
from bench.training.curve import read_curve

VALIDATION, CUES, PIXELS = "validation/", "cues/", "pixels/"
"""What names of scores begin with: numbers of the training's own validation; columns of the table, of cues alone or of videos."""
KEYS = ("method", "render", "clips", "columns")


class CannotScore(UsageError):
    """No trial of the sweep can be scored as its file asks."""


@dataclass(frozen=True)
class Score:
    """What a trial's weights are scored by on validation speakers: as the checkpoint of `method`, in pixels if `render`.

    `clips`: so many, spread over all (None: all); `columns` of the table, () for all that there are.
    """

    method: str
    render: bool = False
    clips: int | None = None
    columns: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of its scores begin with."""
        return PIXELS if self.render else CUES


def score_of(rows: Any) -> Score:
    """`emotalk: score:` of a sweep's file; UsageError for what it cannot be."""
    where = "emotalk: score"
    rows = mapping(rows, where, KEYS)
    columns, clips, render = rows.get("columns", []), rows.get("clips"), rows.get("render", False)
    if not isinstance(rows.get("method"), str):
        raise UsageError(f"{where}: expected method: NAME, the row that takes the trained weights as its checkpoint")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise UsageError(f"{where}: columns: expected a list of columns, got {columns!r}")
    if clips is not None and (type(clips) is not int or clips < 1):
        raise UsageError(f"{where}: clips: expected a number of clips, at least 1, got {clips!r}")
    if not isinstance(render, bool):
        raise UsageError(f"{where}: render: expected true or false, got {render!r}")
    return Score(rows["method"], render, clips, tuple(columns))


def scores(run: Path, rows: Mapping[str, Path] | None = None) -> dict[str, float | None]:
    """Numbers of a finished trial by name; a sweep's `metric` names one of them.

    validation/<name>: those of the validation whose weights were kept, from the folder of the run. Of `rows` (prefix ->
    result folder) every column of the result, as cues/<column> or pixels/<column>.
    """
    document = read_json(run / "run.json") or {}
    step = document["best"]["step"]
    lines = [line for line in read_curve(run / "metrics.jsonl") if line.split == "validation" and line.step == step]
    found = {VALIDATION + name: value for name, value in lines[-1].values.items()} if lines else {}
    for prefix, folder in (rows or {}).items():
        found |= {prefix + cell.metric: cell.value for cell in Result.load(folder / "result.json").metrics}
    return found
