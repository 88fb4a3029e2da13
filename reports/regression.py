"""The verdict of the regression gate in words: one sentence per metric, a table, for a terminal or as Markdown."""

from __future__ import annotations

from bench.contract.metric import Direction
from bench.contract.regression import GateLine, Margin, Moved, RegressionRecord
from reports.comparison import aligned
from reports.dosewords import TOO_SMALL, read_as
from reports.terminal import wrap
from reports.text import escape
from reports.words import ARROW, decimals_for, join, number, plural, printable, reason_in_words

HEAD = ("metric", "row", "reference", "worse by [95 %]", "margin", "as large as", "can show", "p Holm", "verdict")
OVERALL = {
    "not worse": "Not worse: every primary endpoint is within its margin{guards}.",
    "regressed": "Regressed: worse in {worse}.",
    "could not tell": "Could not tell: {unknown}; more clips, or more speakers, are needed.",
}
EXPLAINED = (
    "Worse by: badness of the row minus that of the reference on the same clips, in the metric's unit; positive is worse. Not "
    "worse: the one-sided 95 % bound lies within the margin. Worse: shown to be worse (one-sided, Holm over the metrics of the "
    "gate at .05) and by more than the margin as best known. Not shown: neither. Can show: the worsening that these clips show in "
    "80 % of draws; where it is larger than the margin, a row that is equal in truth often stays not shown.",
    "For whom: metrics with a value per clip for THESE speakers (clips resampled), metrics of the whole set for NEW speakers "
    "(one speaker left out at a time).",
)


def terminal(record: RegressionRecord, width: int = 100) -> str:
    """A short text: the table, the verdict, and what moved outside the gate; the sentences stand in verdict.md and junit.xml."""
    lines = [
        *wrap(heading(record), width),
        "",
        *aligned([_head(record), *(_cells(record, line, 1) for line in record.lines)]),
    ]
    return "\n".join([*lines, "", *(part for text in _notes(record) for part in wrap(text, width))])


def markdown(record: RegressionRecord) -> str:
    """The same with a sentence per metric, the margins and what they were made from."""
    head = _head(record)
    lines = [f"# {escape(heading(record))}", "", *(f"- {escape(text)}" for text in _notes(record)), ""]
    lines += [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(map(escape, _cells(record, line, 2)))} |" for line in record.lines]
    lines += ["", *(f"- {escape(sentence(line))}" for line in record.lines), "", "## Margins", ""]
    lines += [f"- {escape(margin_in_words(line))}" for line in record.lines]
    if record.ruler:
        lines += ["", f"Doses: {escape(printable(record.ruler))}."]
    return "\n".join([*lines, "", *(part for text in EXPLAINED for part in (escape(text), ""))])


def heading(record: RegressionRecord) -> str:
    """Row, reference and place."""
    d = record.dataset
    place = " · ".join(filter(None, (d.name, d.profile, d.part, f"protocol {record.protocol}")))
    size = f"{plural(d.n_scored, 'clip')}, {plural(d.n_speakers, 'speaker')}"
    return printable(
        f"{record.row} against the reference {record.reference} ({record.reference_row}) · {place} · {size}"
    )


def verdict_in_words(record: RegressionRecord) -> str:
    """One sentence for the row."""
    worse = [line.metric for line in record.lines if line.verdict == "worse"]
    unknown, guards = (
        [line.metric for line in record.lines if (line.verdict, line.margin.role) == ("not shown", role)]
        for role in ("primary", "guard")
    )
    return OVERALL[record.verdict].format(
        worse=join(worse),
        unknown=f"{join(unknown)} not shown" if unknown else "no metric of the gate could be judged",
        guards=f"; of the guards not shown: {join(guards)}" if guards else "",
    )


def sentence(line: GateLine) -> str:
    """What is known of one metric, with its margin."""
    n = _decimals(line)
    unit = "" if line.unit == "1" else f" {line.unit}"
    by, margin = (
        f"{number(line.difference, n, signed=True)}{unit}",
        f"{number(line.margin.margin, n)}{unit}{_as_large_as(line.margin)}",
    )
    if line.upper is None:
        return f"{line.metric} not shown: {reason_in_words(line.interval.reason)}; margin {margin}."
    between = f"[{number(line.interval.low, n)}, {number(line.interval.high, n)}]"
    shown = f"{line.metric} {line.verdict}: badness {by} {between} against the reference, margin {margin}"
    if line.verdict in ("better", "not worse"):
        return f"{shown}; at most {number(max(line.upper, 0.0), n)}{unit} worse (one-sided 95 %)."
    if line.verdict == "worse":
        return f"{shown}; p {_p(line.p_holm)} after Holm."
    return f"{shown}; these clips show a worsening of {number(line.detectable, n)}{unit} or more in 80 % of draws."


def margin_in_words(line: GateLine) -> str:
    """A margin with the values that it came from."""
    margin, n = line.margin, _decimals(line)
    worst = next(one for one in margin.considered if one.control == margin.control)
    others = [f"{o.control} {number(o.distance, n)}" if o.distance is not None else f"{o.control}: {reason_in_words(o.reason)}"
              for o in margin.considered if o.control != margin.control]  # fmt: skip
    beside = f" (beside it {', '.join(others)})" if others else ""
    return printable(
        f"{line.metric}: {number(margin.margin, n)} = {100 * margin.share:.0f} % of {number(worst.distance, n)}, how much worse "
        f"{margin.control} ({number(worst.value, n)}) is than gt-reencoded ({number(worst.base, n)}) on {plural(worst.n_clips, 'clip')}"
        f"{f', real clips {number(worst.truth, n)}' if worst.truth is not None else ''}"
        f"{beside}{_as_large_as(margin)}."
    )


def _as_large_as(margin: Margin) -> str:
    if not margin.doses:
        return ""
    if margin.doses[0].reads == "too-small":
        return f", {TOO_SMALL} in doses"
    return f", as large as {' = '.join(read_as(margin.doses, None))}"


def _notes(record: RegressionRecord) -> list[str]:
    out = [verdict_in_words(record)]
    for verdict in ("worse", "better"):
        found = [_moved(m) for m in record.moved if m.verdict == verdict]
        out += (
            [f"Outside the gate, {verdict} (descriptive, of {plural(record.n_others, 'column')}): {join(found)}."]
            if found
            else []
        )
    out += [f"Not in the gate: {one.metric}: {printable(reason_in_words(one.reason))}." for one in record.ungated]
    return out


def _moved(moved: Moved) -> str:
    n = decimals_for([], [moved.value, moved.reference])
    return f"{moved.metric} {number(moved.value, n)} ({number(moved.reference, n)})"


def _head(record: RegressionRecord) -> tuple[str, ...]:
    return HEAD if _has_doses(record) else tuple(name for name in HEAD if name != "as large as")


def _has_doses(record: RegressionRecord) -> bool:
    return any(line.margin.doses or line.margin.not_in_doses for line in record.lines)


def _decimals(line: GateLine) -> int:
    """So many that the margin has two significant digits, as what is held against it must be read as finely."""
    return decimals_for([line.margin.margin], [])


def _cells(record: RegressionRecord, line: GateLine, n_doses: int) -> tuple[str, ...]:
    n = _decimals(line)
    values = [line.value, line.reference]
    if line.direction == Direction.MATCH and line.truth is not None:
        values = [value - line.truth for value in values]
    known = line.interval.low is not None
    between = f" [{number(line.interval.low, n)}, {number(line.interval.high, n)}]" if known else " no interval"
    doses = " = ".join(read_as(line.margin.doses, line.margin.not_in_doses, n_doses)) or "—"
    cells = [
        f"{line.metric} {ARROW[line.direction]}{'' if line.unit == '1' else f' ({line.unit})'}",
        *(number(value, n) for value in values),
        f"{number(line.difference, n, signed=True)}{between}",
        number(line.margin.margin, n),
        *([doses] if _has_doses(record) else []),
        "—" if line.detectable is None else number(line.detectable, n),
        "—" if line.p_holm is None else _p(line.p_holm),
        "WORSE" if line.verdict == "worse" else line.verdict,
    ]
    return tuple(printable(cell) for cell in cells)


def _p(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
