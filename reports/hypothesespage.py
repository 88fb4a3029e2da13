"""What became of the hypotheses, in words: for a terminal, as Markdown, and as the page docs/hypotheses.md."""

from __future__ import annotations

from collections import Counter

from bench.contract.comparison import MetricComparison
from bench.contract.hypotheses import HypothesesRecord, RowUsed, Tested
from reports.comparison import difference_in_words, own_only_changes, p_in_words
from reports.dosewords import read_as
from reports.textblock import Block
from reports.words import ARROW, join, number, plural, printable

STATIC = "static"
"""The still picture: a model that is not better than this at what it is made for is broken."""
VERDICTS = ("supported", "refuted", "not shown", "not tested")


def blocks(record: HypothesesRecord) -> list[Block]:
    """What there is to say, in the order in which it is read."""
    made = [_verdicts(record)]
    made += [_numbers(record)] if any(h.comparison and h.comparison.targets for h in record.hypotheses) else []
    made += [_rows(record)] if record.rows else []
    return made + ([_missing(record)] if record.missing else [])


def page(record: HypothesesRecord, body: str, seeds: str | None = None) -> str:
    """The page that `--write` writes: heading, how it was made, and `body` (the blocks as Markdown); `seeds`: of which method."""
    asked = f" --seeds {seeds}" if seeds else ""
    made = f"Written by `emotalk hypotheses{asked} --write docs/hypotheses.md` on {record.created[:10]}. Not edited by hand."
    return f"# Hypotheses\n\n{made}\n\n{body}"


def _verdicts(record: HypothesesRecord) -> Block:
    place = " · ".join(filter(None, (record.dataset, record.profile, record.part, f"protocol {record.protocol}")))
    counts = Counter(h.verdict for h in record.hypotheses)
    lead = (
        f"What was claimed before anything was measured, in {record.file}, and what came of it: "
        f"{join([f'{counts[v]} {v}' for v in VERDICTS if counts[v]])}. Whoever wants to know that the claims were not edited "
        f"afterwards compares the file's SHA-256, {record.file_sha256}.",
        "Each is one difference between two rows on their common clips, paired by clip, as emotalk compare finds it. "
        "Supported: the 95 % interval for NEW speakers leaves out 0 on the side that was claimed, and p after Holm's correction "
        f"over all hypotheses of the metric is at most {_fraction(record.alpha)} (one that is not tested counts as p = 1, so no "
        "verdict becomes weaker when its row comes). Refuted: the same on the other side. Not shown: neither. Beside it the same "
        "for THESE speakers, which metrics of the whole set do not have.",
    )
    rows = tuple(_verdict(h) for h in record.hypotheses)
    head = ("hypothesis", "claim", "rows", "metric", "NEW speakers", "THESE speakers")
    return Block("verdicts", f"What became of them · {place}", lead, head, rows, _broken(record), left=6)


def _verdict(h: Tested) -> tuple[str, ...]:
    these = "—" if h.these == "not tested" else h.these
    said = h.verdict.upper() if h.verdict == "refuted" else h.verdict
    cells = (h.id, h.claim, f"{h.better} better than {h.than}", h.metric, said, these)
    return tuple(printable(cell) for cell in cells)


def _broken(record: HypothesesRecord) -> tuple[str, ...]:
    """Against the still picture "not shown" is a failure; and what is not tested, by reason."""
    failed = [h for h in record.hypotheses if h.than == STATIC and h.verdict in ("refuted", "not shown")]
    notes = []
    for row in dict.fromkeys(h.better for h in failed):
        metrics = join([h.metric for h in failed if h.better == row])
        notes.append(f"{row} is not shown to be better than a still picture in {metrics}: it is broken there.")
    reasons: dict[str, list[str]] = {}
    for h in record.hypotheses:
        if h.verdict == "not tested" and not h.missing:
            reasons.setdefault(h.reason or "no reason recorded", []).append(h.id)
    notes += [f"Not tested: {join(ids)}: {reason}." for reason, ids in reasons.items()]
    changes = [(h.id, text) for h in record.hypotheses if h.comparison for text in own_only_changes(h.comparison)]
    notes += [f"{name}: {text}" for name, text in changes]
    return tuple(printable(note) for note in notes)


def _numbers(record: HypothesesRecord) -> Block:
    compared = [(h, h.comparison) for h in record.hypotheses if h.comparison and h.comparison.targets]
    doses = any(m.doses or m.not_in_doses for _, m in compared)
    head = ("hypothesis", "metric", "better", "than", "better by, NEW speakers [95 %]", "p", "p Holm")
    head += (f"seen in {100 * record.power:.0f} % (Holm)", "clips, speakers", *(("as large as",) if doses else ()))
    lead = (
        "Better by: how much less bad the first row is than the second, in the metric's unit; badness is -value (↑), value (↓), "
        f"or the distance to the ground truth (→gt). Seen in {100 * record.power:.0f} %: the true difference that would have been shown "
        "so often with this spread between these speakers, in brackets at Holm's worst step.",
    )
    rows = tuple(_line(h, m, doses) for h, m in compared)
    notes = ()
    if doses:
        notes = (
            "As large as: the dose of a damage to the real clips that moves the column as far, with the 95 % interval of the "
            f"response curve. The ruler was {record.ruler}.",
        )
    elif record.ruler:
        notes = (f"Not in doses: {record.ruler}.",)
    return Block("numbers", "The numbers", lead, head, rows, tuple(printable(note) for note in notes), left=len(head))


def _line(h: Tested, m: MetricComparison, doses: bool) -> tuple[str, ...]:
    difference, values, decimals = difference_in_words(m)
    new = m.targets.get("new-speakers")
    sizes = [h.detectable, h.detectable_holm]
    seen = "—"
    if None not in sizes:
        seen = f"{number(sizes[0], decimals)} ({number(sizes[1], decimals)})"
    unit = "" if m.unit == "1" else f" ({m.unit})"
    cells = (h.id, f"{m.metric} {ARROW[m.direction]}{unit}", *values, difference)
    cells += (p_in_words(new.p if new else None), p_in_words(new.p_holm if new else None))
    cells += (seen, f"{m.n_clips}, {m.n_speakers}")
    cells += (" = ".join(read_as(m.doses, m.not_in_doses, 2)) or "—",) if doses else ()
    return tuple(printable(cell) for cell in cells)


def _rows(record: HypothesesRecord) -> Block:
    rows = tuple(
        (
            printable(row.name),
            printable(row.version),
            _weights(row),
            str(row.method_seed),
            row.created[:10],
            printable(row.folder),
        )
        for row in record.rows
    )
    head = ("row", "version", "weights", "seed", "evaluated", "result")
    return Block("rows", "Rows that are there", (), head, rows, left=6)


def _weights(row: RowUsed) -> str:
    if row.checkpoint_sha256:
        return row.checkpoint_sha256[:12]
    parts = ", ".join(f"{printable(part)} {sha[:8]}" for part, sha in sorted(row.weights.items()))
    return f"as it comes ({parts})" if parts else "as it comes"


def _missing(record: HypothesesRecord) -> Block:
    needed = Counter(name for h in record.hypotheses for name in h.missing)
    lead = (f"{plural(len(record.missing), 'row')} could not be taken; what needs them is not tested.",)
    rows = tuple(
        (printable(row.name), str(needed[row.name]), printable(row.reason), row.command or "—")
        for row in record.missing
    )
    return Block("missing", "Rows that are missing", lead, ("row", "hypotheses", "why", "what makes it"), rows, left=4)


def _fraction(value: float) -> str:
    return f"{value:g}".removeprefix("0")
