"""metrics.jsonl: the curve of a run, one line for each logged step and each validation."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.contract.files import whole_file


class Line(NamedTuple):
    """After `step` steps: `split` is "train" (means since the line before) or "validation"; seconds since the run began."""

    step: int
    split: str
    values: Mapping[str, float | None]
    seconds: float


class Curve:
    """Appends to metrics.jsonl; what stands behind the last checkpoint of a killed run is cut off when it is opened."""

    def __init__(self, path: Path, step: int):
        self.path = path
        self.lines = [line for line in read_curve(path) if line.step <= step]
        with whole_file(path) as temporary:
            temporary.write_text("".join(map(_text, self.lines)), encoding="utf-8")

    def add(self, line: Line) -> None:
        """Write one line."""
        line = line._replace(values=finite(line.values))
        self.lines.append(line)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_text(line))

    def last(self, split: str) -> Mapping[str, float | None]:
        """The last values of a split, empty if there are none."""
        return next((line.values for line in reversed(self.lines) if line.split == split), {})


class Means:
    """Means of named numbers since they were last taken."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def add(self, row: dict[str, float]) -> None:
        """The numbers of one step, which need not be those of every step."""
        self.rows.append(row)

    def take(self) -> dict[str, float]:
        """The means, each over the steps that had such a number; what comes next begins anew."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        means = {n: float(np.mean([row[n] for row in self.rows if n in row])) for n in names}
        self.rows = []
        return means


def read_curve(path: Path) -> Iterator[Line]:
    """The whole lines of a metrics.jsonl; nothing if it is not there."""
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield Line(**json.loads(text))
        except (ValueError, TypeError):  # cut while it was written
            return


def finite(values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> dict[str, float | None]:
    """Plain numbers by name; NaN and infinity are missing, and missing is null."""
    numbers = {name: float(value) if value is not None else math.nan for name, value in dict(values).items()}
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def _text(line: Line) -> str:
    return json.dumps(line._asdict(), allow_nan=False) + "\n"
