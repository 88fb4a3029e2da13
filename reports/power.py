"""The record of `emotalk power` as a table with its assumptions, for a terminal or as Markdown."""

from __future__ import annotations

from bench.contract.power import MetricPower, PowerRecord, Smallest
from reports.comparison import aligned
from reports.dosewords import read_as
from reports.terminal import wrap
from reports.text import escape
from reports.words import ARROW, decimals_for, join, number, plural, printable, reason_in_words


def terminal(record: PowerRecord, width: int = 100) -> str:
    """Plain text, no line wider than `width` but the table."""
    rows = [_cells(record, m, 1) for m in record.metrics if m.smallest]
    lines = [*wrap(_heading(record), width), ""]
    lines += [*aligned([_head(record), *rows]), ""] if rows else []
    return "\n".join([*lines, *(line for text in _notes(record) for line in wrap(text, width)), ""])


def markdown(record: PowerRecord) -> str:
    """One heading, table and notes."""
    head = _head(record)
    lines = [f"# {escape(_heading(record))}", "", f"| {' | '.join(map(escape, head))} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(map(escape, _cells(record, m, 2)))} |" for m in record.metrics if m.smallest]
    return "\n".join([*lines, "", *(f"- {escape(text)}" for text in _notes(record)), ""])


def _heading(record: PowerRecord) -> str:
    place = " · ".join(filter(None, (record.dataset, record.profile, record.part, f"protocol {record.protocol}")))
    size = f"{plural(record.n_clips, 'clip')}, {plural(record.n_speakers, 'speaker')}"
    return printable(f"The smallest difference that can be shown · {place} · {size}")


def _others(record: PowerRecord) -> list[int]:
    """The numbers of speakers that are told beside the part's own, in order."""
    return sorted({s.speakers for m in record.metrics for s in m.smallest} - {record.n_speakers})


def _head(record: PowerRecord) -> list[str]:
    head = ["metric", "smallest difference [over pairs]", f"Holm, {plural(record.comparisons, 'row')}"]
    head += [f"with {n} speakers" for n in _others(record)]
    return [*head, "as large as"] if _has_doses(record) else head


def _has_doses(record: PowerRecord) -> bool:
    return any(m.doses or m.not_in_doses for m in record.metrics)


def _cells(record: PowerRecord, m: MetricPower, n_doses: int) -> list[str]:
    at = {s.speakers: s for s in m.smallest}
    own = at[record.n_speakers]
    decimals = decimals_for([s.middle for s in m.smallest if s.middle is not None], [])
    unit = "" if m.unit == "1" else f" {m.unit}"
    name = f"{m.metric}{'*' if m.primary else ''} {ARROW[m.direction]}"
    cells = [f"{name}{f' ({m.unit})' if unit else ''}", _with_range(own, decimals), _value(own.holm, decimals)]
    cells += [_value(at[n].middle, decimals) for n in _others(record)]
    if _has_doses(record):
        cells.append(" = ".join(read_as(m.doses, m.not_in_doses, n_doses)) or "—")
    return [printable(cell) for cell in cells]


def _with_range(own: Smallest, decimals: int) -> str:
    if own.middle is None:
        return "—"
    return f"{number(own.middle, decimals)} [{number(own.low, decimals)}, {number(own.high, decimals)}]"


def _value(value: float | None, decimals: int) -> str:
    return "—" if value is None else number(value, decimals)


def _notes(record: PowerRecord) -> list[str]:
    """What the numbers say and assume, where there are any; what there is none of, and why."""
    notes = _explained(record) if any(m.smallest for m in record.metrics) else []
    reasons: dict[str, list[str]] = {}
    for m in record.metrics:
        if not m.smallest:
            reasons.setdefault(m.reason or "", []).append(m.metric)
    notes += [f"Nothing to learn from: {join(names)}: {reason_in_words(reason)}." for reason, names in reasons.items()]
    notes += [f"{m.metric}: {plural(m.n_alike, 'pair')} of rows left out that differ alike for every speaker."
              for m in record.metrics if m.n_alike and m.smallest]  # fmt: skip
    notes += [f"Left out: {printable(text)}." for text in record.left_out]
    return notes


def _explained(record: PowerRecord) -> list[str]:
    share = f"{100 * record.power:.0f} %"
    notes = [
        f"A true difference of this size between two rows is shown (95 % interval for NEW speakers leaves out 0, two-sided) in {share} "
        f"of draws of {record.n_speakers} speakers; a smaller one less often. In the metric's unit of badness: distances to the "
        "ground truth under →gt, sizes under →0. * primary endpoint.",
        f"From the spread of paired speaker differences in {join([printable(row) for row in record.rows])}: the median over "
        "pairs of rows, in brackets the smallest and the largest pair. Methods that fail differently from speaker to speaker "
        "than these rows do need more.",
        f"Holm: at .05 / {record.comparisons}, the worst step of the correction when one row is compared with "
        f"{plural(record.comparisons, 'other')}; what passes there passes whatever the others give.",
        "With other numbers of speakers: as many clips of each, speakers as unlike as these. Of set metrics also that the value "
        "keeps its meaning at that number of clips.",
    ]
    if record.sd_known_within:
        low, high = record.sd_known_within
        notes.append(
            f"A spread estimated from {record.n_speakers} speakers is itself known to within × {low:.2f} to × {high:.2f} (95 %), and so is "
            "every number here."
        )
    if _has_doses(record):
        notes.append(
            "As large as: the dose of a damage to the real clips that moves the column as far, with the 95 % interval of the "
            f"response curve. The ruler was {record.ruler}."
        )
    elif record.ruler:
        notes.append(f"Not in doses: {record.ruler}.")
    return notes
