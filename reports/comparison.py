"""A comparison of rows in words: what is shown for whom, then every metric, for a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bench.contract.comparison import ComparisonRecord, MetricComparison, PairComparison, Target
from bench.contract.metric import Direction
from reports.dosewords import in_words, read_as
from reports.render import render, template
from reports.terminal import display_width, wrap
from reports.text import escape
from reports.words import ARROW, NEW, THESE, decimals_for, join, number, printable, reason_in_words

NAMES = {NEW: "NEW speakers", THESE: "THESE speakers"}
DIFFERENCE = "row better by, NEW speakers"
HEAD = (
    "metric",
    "row",
    "other",
    DIFFERENCE,
    "p",
    "p Holm",
    "NEW speakers",
    "THESE speakers",
    "clips",
)
IN_DOSES = "as large as"
EXPLAINED = (
    "Better by: how much less bad the row is than the other on their common clips, in the metric's unit, with its 95 % interval "
    "for NEW speakers; badness is -value (↑), value (↓), |value| (→0), or the distance to the ground truth (→gt). "
    "p is two-sided; Holm's correction runs over the rows compared, within each primary endpoint (*); what stands without "
    "one is descriptive. THESE speakers: other clips of the same people; NEW speakers: other people."
)
DOSES_EXPLAINED = (
    "As large as: the dose of a damage to the real clips that moves this column as far, better or worse, with the 95 % interval of "
    "the response curve (not of the difference); only damages to which the column answers as declared; the surest reading first. "
    "What is better than the re-encoded real clips has none: damages only make worse."
)


def terminal(record: ComparisonRecord, width: int = 100) -> str:
    """Plain text, no line wider than `width` but the tables."""
    lines = []
    for pair in record.pairs:
        lines += [*wrap(_heading(record, pair), width), ""]
        rows = [_line(record, m, 1) for m in pair.metrics if m.targets]
        lines += [*aligned([_head(record), *rows]), ""] if rows else []
        lines += [line for text in [*summary(pair), *_uncompared(pair)] for line in wrap(text, width)]
        lines.append("")
    return "\n".join([*lines, *(line for text in _explained(record) for line in wrap(text, width)), ""])


def markdown(record: ComparisonRecord) -> str:
    """One heading, summary and table for each pair."""
    lines = []
    for pair in record.pairs:
        lines += [f"## {escape(_heading(record, pair))}", "", *(f"- {escape(text)}" for text in summary(pair)), ""]
        head = _head(record)
        lines += [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        for m in pair.metrics:
            if m.targets:
                lines.append(f"| {' | '.join(map(escape, _line(record, m, 2)))} |")
        lines += ["", *(f"- {escape(text)}" for text in _uncompared(pair)), ""]
    return "\n".join([*lines, *(line for text in _explained(record) for line in (text, ""))])


def html(record: ComparisonRecord) -> str:
    """A page of its own: summary and table of each pair; where there is a ruler, every difference in every dose."""
    pairs = [
        {
            "heading": _heading(record, pair),
            "summary": summary(pair),
            "uncompared": _uncompared(pair),
            "rows": [
                {
                    "cells": _cells(m),
                    "primary": m.primary,
                    "doses": read_as(m.doses, m.not_in_doses),
                    "every": [in_words(dose) for dose in m.doses],
                }
                for m in pair.metrics
                if m.targets
            ],
        }
        for pair in record.pairs
    ]
    return render(
        "comparison.html.j2",
        title=printable(record.row),
        head=HEAD,
        pairs=pairs,
        difference=DIFFERENCE,
        in_doses=IN_DOSES if _has_doses(record) else None,
        explained=_explained(record),
        style=Markup(template("report.css")),
    )


def _head(record: ComparisonRecord) -> tuple[str, ...]:
    return _beside(HEAD, IN_DOSES) if _has_doses(record) else HEAD


def _has_doses(record: ComparisonRecord) -> bool:
    return any(m.doses or m.not_in_doses for pair in record.pairs for m in pair.metrics)


def _line(record: ComparisonRecord, m: MetricComparison, n: int) -> tuple[str, ...]:
    """The cells of one metric, where there is a ruler with the `n` surest doses."""
    cells = _cells(m)
    return _beside(cells, " = ".join(read_as(m.doses, m.not_in_doses, n)) or "—") if _has_doses(record) else cells


def _beside(cells: tuple[str, ...], doses: str) -> tuple[str, ...]:
    """The doses stand beside the difference that they read."""
    place = HEAD.index(DIFFERENCE) + 1
    return (*cells[:place], doses, *cells[place:])


def _explained(record: ComparisonRecord) -> list[str]:
    if _has_doses(record):
        return [EXPLAINED, f"{DOSES_EXPLAINED} The ruler was {printable(record.ruler or '')}."]
    return [EXPLAINED, *([f"Not in doses: {printable(record.ruler)}."] if record.ruler else [])]


def _heading(record: ComparisonRecord, pair: PairComparison) -> str:
    place = " · ".join(filter(None, (record.dataset, record.profile, record.part, f"protocol {record.protocol}")))
    return printable(f"{record.row} against {pair.other} · {place}")


def summary(pair: PairComparison) -> list[str]:
    """What may be claimed: shown for NEW speakers, for THESE speakers only, and what is not shown."""
    new = {m.metric: _shown(m, NEW) for m in pair.metrics if m.targets}
    these = {m.metric: _shown(m, THESE) for m in pair.metrics if m.targets}
    out = []
    for name, said, others in ((NEW, new, None), (THESE, these, new)):
        for verdict in ("better", "worse"):
            metrics = [m for m, v in said.items() if v == verdict and (others is None or others[m] != verdict)]
            if metrics:
                only = f"{NAMES[name]}" if others is None else f"{NAMES[name]} only"
                out.append(f"Shown for {only}: {verdict} in {join(metrics)}.")
    rest = [m for m in new if not {new[m], these[m]} & {"better", "worse"}]
    out += [f"Not shown for either: {join(rest)}."] if rest else []
    return out + [line for name in (NEW, THESE) for line in _why_no_interval(pair, name)]


def _why_no_interval(pair: PairComparison, name: str) -> list[str]:
    """What keeps metrics from an interval, each reason once; the same for all of a small set of clips."""
    reasons: dict[str, int] = {}
    for m in pair.metrics:
        target = m.targets.get(name)
        if target is not None and target.verdict == "no interval":
            reason = printable(reason_in_words(target.interval.reason or "not computed"))
            reasons[reason] = reasons.get(reason, 0) + 1
    return [f"No interval for {NAMES[name]}, {n} metrics: {reason}." for reason, n in reasons.items()]


def _shown(m: MetricComparison, target: str) -> str:
    return m.targets[target].shown if target in m.targets else "no interval"


def _uncompared(pair: PairComparison) -> list[str]:
    """Metrics without a comparison, by reason; and what changes where only own outputs count."""
    reasons: dict[str, list[str]] = {}
    for m in pair.metrics:
        if not m.targets:
            reasons.setdefault(m.reason or "no reason recorded", []).append(m.metric)
    out = [f"Not compared: {join(names)}: {printable(reason_in_words(reason))}." for reason, names in reasons.items()]
    return out + [f"{m.metric}, {text}" for m in pair.metrics for text in own_only_changes(m)]


def own_only_changes(m: MetricComparison) -> list[str]:
    """Where the verdict is another one on clips that have an output of their own in both rows, one sentence for each target."""
    return [
        f"{NAMES[target]}: {m.targets[target].verdict} with the static images that stand for missing outputs, {own.verdict} on "
        f"the {m.n_own} clips where both rows have an output of their own."
        for target, own in m.own_only.items()
        if own.verdict != m.targets[target].verdict
    ]


def _cells(m: MetricComparison) -> tuple[str, ...]:
    new, these = m.targets.get(NEW), m.targets.get(THESE)
    difference, values, _ = difference_in_words(m)
    name = f"{m.metric}{'*' if m.primary else ''} {ARROW[m.direction]}"
    return (name, *values, difference, p_in_words(new.p if new else None), p_in_words(new.p_holm if new else None),
            _words(new), _words(these), str(m.n_clips))  # fmt: skip


def difference_in_words(m: MetricComparison) -> tuple[str, list[str], int]:
    """Of a column: "0.12 [0.05, 0.19]" (how much better, NEW speakers), both rows' values, and the decimals of them all."""
    new = m.targets.get(NEW)
    low, high = (new.interval.low, new.interval.high) if new else (None, None)
    known = low is not None and high is not None
    decimals = decimals_for([(high - low) / 2] if known else [], [v for v in (m.value, m.other) if v is not None])
    values = [number(v, decimals) if v is not None else "—" for v in (m.value, m.other)]
    if m.direction == Direction.MATCH and m.truth is not None:
        values = [
            f"{number(v - m.truth, decimals, signed=True)} ({t})"
            for v, t in zip((m.value, m.other), values, strict=True)
        ]
    if not known:
        return "—", values, decimals
    middle = number(-(low + high) / 2, decimals)
    return f"{middle} [{number(-high, decimals)}, {number(-low, decimals)}]", values, decimals


def p_in_words(p: float | None) -> str:
    """As ".012", "<.001", or a dash for none."""
    return "—" if p is None else "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _words(target: Target | None) -> str:
    if target is None:
        return "no interval"
    return {"better": "better", "worse": "WORSE", "no difference shown": "not shown"}.get(target.shown, target.shown)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table whose columns line up; a rule under the first."""
    widths = [max(display_width(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(cell + " " * (w - display_width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [lines[0], "─" * min(max(map(display_width, lines)), 200), *lines[1:]]
