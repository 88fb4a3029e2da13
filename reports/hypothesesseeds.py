"""How far a method's results lie apart between seeds, in words: for a terminal and as Markdown."""

from __future__ import annotations

from bench.contract.hypotheses import SeedSpread, SeedsRecord
from bench.contract.metric import Direction
from reports.textblock import Block
from reports.words import ARROW, decimals_for, join, number, plural, printable, reason_in_words


def blocks(record: SeedsRecord) -> list[Block]:
    """One block: what was found, the table, what is missing."""
    checkpoints = len({row.checkpoint_sha256 for row in record.rows})
    sampling = sorted({row.sampling_seed for row in record.rows})
    found = (
        f"{plural(len(record.rows), 'result')} of {record.method}: {plural(checkpoints, 'checkpoint')}, sampling seeds "
        f"{join([str(seed) for seed in sampling])}; {plural(record.n_clips, 'clip')}, {plural(record.n_speakers, 'speaker')}."
        if record.rows
        else f"No result of {record.method} is there."
    )
    explained = (
        "Between training seeds: SD of the checkpoints' means over their sampling seeds. Between sampling seeds: SD of results of "
        "the same checkpoint, pooled. Interval: half of the 95 % interval for NEW speakers of one result (of its value; differences "
        "between rows are paired and surer), the median over the results. An SD from three values is itself known to a factor of "
        ".5 to 6. Under →gt of the difference to the ground truth. * primary endpoint."
    )
    shown = [m for m in record.metrics if m.mean is not None]
    head = ("metric", "mean", "lowest to highest", "between training seeds", "between sampling seeds", "interval ±")
    return [
        Block(
            "seeds",
            "Between seeds",
            (printable(found), explained) if shown else (printable(found),),
            head,
            tuple(_line(m) for m in shown),
            _notes(record),
        )
    ]


def _line(m: SeedSpread) -> tuple[str, ...]:
    sds = [sd for sd in (m.training_sd, m.sampling_sd) if sd is not None]
    decimals = decimals_for([min(positive)] if (positive := [sd for sd in sds if sd > 0]) else [], [m.mean])
    signed = m.direction == Direction.MATCH
    unit = "" if m.unit == "1" else f" ({m.unit})"
    cells = (f"{m.metric}{'*' if m.primary else ''} {ARROW[m.direction]}{unit}", number(m.mean, decimals, signed))
    cells += (f"{number(m.low, decimals, signed)} to {number(m.high, decimals, signed)}",)
    sizes = (m.training_sd, m.sampling_sd, m.half_interval)
    return tuple(printable(c) for c in (*cells, *("—" if size is None else number(size, decimals) for size in sizes)))


def _notes(record: SeedsRecord) -> tuple[str, ...]:
    reasons: dict[str, list[str]] = {}
    for m in record.metrics:
        if m.mean is None:
            reasons.setdefault(m.reason or "", []).append(m.metric)
    notes = [f"Nothing to show: {join(names)}: {reason_in_words(reason)}." for reason, names in reasons.items()]
    notes += [f"Left out: {text}." for text in record.left_out]
    if record.lacking:
        seeds = join([str(seed) for seed in record.sampling_seeds])
        asked = f"{plural(len(record.training_seeds), 'checkpoint')} with sampling seeds {seeds} of each"
        notes.append(f"Asked for were {asked}: {'; '.join(record.lacking)}.")
        notes.append(f"One more is made by: {'; then '.join(record.commands)}.")
    return tuple(printable(note) for note in notes)
