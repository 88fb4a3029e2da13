"""How often the gate errs on a frozen reference's own clips: `python -m bench.regress.rates REFERENCE [DRAWS]`, a Markdown table.

Equal rows: both sides draw their clips anew, with replacement, from the same clips of the reference (of one speaker and emotion; where
that is a single clip, metrics with a value per clip draw from all of the speaker's, metrics of the set from all of the emotion). The
true difference is none, so every "worse" is a false alarm. Worse rows: the same, with every clip of a metric with a value per
clip worse by so many margins.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.compare import set_metric
from bench.contract.errors import UsageError
from bench.contract.metric import Collected, Direction
from bench.contract.regression import GateLine, Margin, Reference, ReferenceClip
from bench.regress.column import Column
from bench.regress.judging import Held, judged
from bench.regress.reference import Frozen, load_reference, places
from bench.workspace import Workspace

DRAWS = 200
WORSE_BY = (0.0, 1.0, 2.0)
"""Margins."""


@dataclass(frozen=True)
class Rates:
    """At one true worsening: the share of draws in which a row regresses, and metric -> verdict -> share of draws."""

    worse_by: float
    regressed: float
    verdicts: dict[str, dict[str, float]]


def rates(frozen: Frozen, draws: int = DRAWS, seed: int = 0, worse_by: Sequence[float] = WORSE_BY) -> list[Rates]:
    """One per entry of `worse_by`; metrics of the whole set only where nothing is made worse."""
    record, found = frozen.record, []
    people = {clip.clip_id: clip for clip in record.clips}
    metrics = {m.metric: set_metric(record, m.metric) if _of_set(record, m) else None for m in record.margins}
    for size in worse_by:
        of_clips = [m for m in record.margins if metrics[m.metric] is None]
        lines: list[list[GateLine]] = []
        for draw in range(draws):
            rng = np.random.default_rng([seed, draw])
            held = []
            for margin in record.margins if size == 0.0 else of_clips:
                column, of_set = frozen.columns[margin.metric], metrics[margin.metric] is not None
                row, reference = (_drawn(column, record.clips, of_set, rng) for _ in range(2))
                row = row if size == 0.0 else worse(row, reference, size * margin.margin)
                held.append(Held(record.column(margin.metric), margin, row, reference, metrics[margin.metric]))
            lines.append(judged(held, people, seed))
        alarms = sum(any(line.verdict == "worse" for line in one) for one in lines)
        found.append(Rates(size, alarms / draws, _shares(lines)))
    return found


def _of_set(record: Reference, margin: Margin) -> bool:
    return record.column(margin.metric).kind == "set"


def _shares(lines: Sequence[Sequence[GateLine]]) -> dict[str, dict[str, float]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in lines:
        for line in one:
            counts[line.metric][line.verdict] += 1
    return {metric: {verdict: n / len(lines) for verdict, n in seen.items()} for metric, seen in counts.items()}


def _drawn(column: Column, clips: Sequence[ReferenceClip], of_set: bool, rng: np.random.Generator) -> Column:
    """The column with every clip's data taken from a clip of its cell, drawn with replacement."""
    there = [clip for clip in clips if clip.clip_id in column.clips]
    cells: dict[tuple, list[str]] = defaultdict(list)
    single = max(Counter((c.speaker, c.emotion) for c in there).values()) < 2

    def cell(clip: ReferenceClip) -> tuple:
        if not single:
            return clip.speaker, clip.emotion
        return (clip.emotion,) if of_set else (clip.speaker,)

    for clip in there:
        cells[cell(clip)].append(clip.clip_id)
    source = {clip.clip_id: str(rng.choice(cells[cell(clip)])) for clip in there}
    if of_set:
        gave = {c: Collected(column.collected[c].labels, column.collected[s].arrays) for c, s in source.items()}
        return replace(column, collected=gave)
    values = {c: column.values[s] for c, s in source.items()}
    if column.direction == Direction.MATCH:
        # the distance to its own real clip goes with a clip
        values = {c: column.truths[c] + column.values[s] - column.truths[s] for c, s in source.items()}
    return replace(column, values=values, truths={c: t for c, t in column.truths.items() if c in source})


def worse(row: Column, reference: Column, by: float) -> Column:
    """Every clip worse by `by`; under MATCH and ZERO on the side where the reference lies."""
    sign = {Direction.HIGHER: -1.0, Direction.LOWER: 1.0}.get(row.direction)
    if sign is None:
        off = [
            v - (reference.truths[c] if row.direction == Direction.MATCH else 0.0) for c, v in reference.values.items()
        ]
        sign = -1.0 if sum(off) < 0.0 else 1.0
    return replace(row, values={clip: value + sign * by for clip, value in row.values.items()})


def markdown(record: Reference, found: Sequence[Rates], draws: int) -> str:
    """A table of verdicts in percent of draws."""
    lines = [
        f"{len(record.clips)} clips, {draws} draws; a share of 5 % is known to ± {196 * (0.05 * 0.95 / draws) ** 0.5:.1f} points."
    ]
    lines += ["", "| truly worse by | metric | better | not worse | not shown | worse |", "|" + " --- |" * 6]
    for one in found:
        name = "nothing" if one.worse_by == 0.0 else f"{one.worse_by:g} margin{'s' * (one.worse_by != 1.0)}"
        for metric, shares in one.verdicts.items():
            cells = [f"{100 * shares.get(v, 0.0):.1f}" for v in ("better", "not worse", "not shown", "worse")]
            lines.append(f"| {name} | {metric} | {' | '.join(cells)} |")
        lines.append(f"| {name} | **any: regressed** | | | | {100 * one.regressed:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    draws = int(sys.argv[2]) if len(sys.argv) == 3 else DRAWS
    try:
        frozen = load_reference(sys.argv[1], places(Workspace.open().root))
    except UsageError as error:
        sys.exit(str(error))
    print(markdown(frozen.record, rates(frozen, draws), draws))


if __name__ == "__main__":
    main()
