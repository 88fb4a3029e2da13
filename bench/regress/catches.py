"""Are damaged rows caught by the metric that should see them? `python -m bench.regress.catches REFERENCE FOLDER`, a Markdown table.

FOLDER holds the rows behind a calibration (`emotalk calibrate`, calibration/<dataset> in the work folder): each damage at each dose, and
gt-reencoded on the same clips. Every damaged row is held against gt-reencoded of its clips with the margins of REFERENCE.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.compare import Row, load_row, set_metric
from bench.contract.errors import EmotalkError
from bench.contract.regression import GateLine, Margin
from bench.regress.column import of_row
from bench.regress.judging import Held, judged
from bench.regress.reference import clips_of, load_reference, places
from bench.workspace import Workspace

BASE = "gt-reencoded"


@dataclass(frozen=True)
class Caught:
    """One damaged row: its name with the dose, and the verdicts on the gate's metrics that it was scored in."""

    name: str
    n_clips: int
    lines: tuple[GateLine, ...]


def catches(margins: Sequence[Margin], folder: Path, seed: int = 0) -> list[Caught]:
    """Every damaged row in `folder` that shares a metric of the gate with an undamaged row of the same clips."""
    rows = [load_row(path.parent) for path in sorted(folder.glob("*/result.json"))]
    bases = {row.result.dataset.store_sha256: row for row in rows if row.result.method.name == BASE}
    found = []
    for row in rows:
        base = bases.get(row.result.dataset.store_sha256)
        if base is None or row.result.method.name == BASE:
            continue
        if held := _held(row, base, margins):
            people = {clip.clip_id: clip for clip in clips_of(base)}
            lines = judged(held, people, seed)
            found.append(Caught(row.result.name, row.result.dataset.n_scored, tuple(lines)))
    return sorted(found, key=lambda one: (one.name.partition("~")[0], float(one.name.partition("~")[2] or 0)))


def _held(row: Row, base: Row, margins: Sequence[Margin]) -> list[Held]:
    held = []
    for margin in margins:
        cells = [side.result.metric(margin.metric) for side in (row, base)]
        if any(cell is None or cell.value is None for cell in cells):
            continue
        metric = set_metric(base.result, margin.metric) if cells[1].kind == "set" else None
        own, reference = (of_row(side, cell, metric) for side, cell in zip((row, base), cells, strict=True))
        if reference.clips <= own.clips:
            held.append(Held(cells[1], margin, own, reference, metric))
    return held


def markdown(found: Sequence[Caught]) -> str:
    """A table of what each damaged row is worse in."""
    lines = ["| damage, dose | clips | worse in | not shown | not worse or better |", "|" + " --- |" * 5]
    for one in found:
        of = {
            v: [line.metric for line in one.lines if line.verdict in v]
            for v in (("worse",), ("not shown",), ("not worse", "better"))
        }
        lines.append(
            f"| {one.name.replace('~', ' ')} | {one.n_clips} | "
            + " | ".join(", ".join(m) or "—" for m in of.values())
            + " |"
        )
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        frozen = load_reference(sys.argv[1], places(Workspace.open().root))
        print(markdown(catches(frozen.record.margins, Path(sys.argv[2]))))
    except EmotalkError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
