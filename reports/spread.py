"""The spread between protocols in words and numbers: what stands in spread.md, spread.csv and the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from bench.contract.spread import MetricSpread, SpreadRecord, SpreadSection
from reports.spreadwords import (
    cell_text,
    definitions,
    header,
    lowest,
    p_text,
    ratio_text,
    short,
    tau_text,
    title_of,
    why_empty,
    winner_text,
)
from reports.terminal import wrap
from reports.text import escape
from reports.textblock import Block
from reports.textblock import markdown as blocks_as_markdown
from reports.textblock import terminal as blocks_in_terminal
from reports.words import join, plural, printable

EXPLAINED = (
    "Over protocols: by how much one row moves when only the protocol changes (largest minus smallest value, median over the ranked "
    "rows). Over rows: how far the ranked rows lie apart under one protocol (the same, median over protocols). A ratio above 1 says "
    "that the choice of the protocol moves a number more than the choice of the method does.",
    "Order: Kendall's tau-b between the orders of the ranked rows under two protocols, 1 the same, −1 reversed; in brackets the middle "
    "95 % of tau when clips are resampled inside speaker x emotion, the same draws for all rows and both protocols (THESE "
    "speakers; resampling adds noise, so it errs towards disagreement). p is the share of all orders at least as far from 0; "
    "k rows cannot go below 2 / k!. For NEW speakers there is none: a rank has no jackknife.",
    "Winner: the best ranked row under one protocol is best under the other (ties count), and the share of resamplings in which it is so.",
)
KIND = {"clip": "with a value per clip", "set": "of the whole set"}
LEFT_OUT = "Left out"
CSV_COLUMNS = (
    "section", "dataset", "profile", "part", "metric", "protocol", "protocol_status", "protocol_unknown", "protocol_sha256",
    "row", "role", "ranked", "direction", "unit", "value", "shown", "low", "high", "rank", "reason", "n_clips", "n_expected",
    "metric_version", "definition",
)  # fmt: skip


def survival(m: MetricSpread) -> tuple[int, int]:
    """(pairs of protocols in which the winner survives, pairs in which that can be asked)."""
    asked = [pair.survives for pair in m.pairs if pair.survives is not None]
    return sum(asked), len(asked)


def moving(section: SpreadSection) -> list[MetricSpread]:
    """Metrics whose numbers the protocols change: the largest ratio first, then those without one."""
    found = [m for m in section.metrics if comparable(m) and not m.same_numbers]
    return sorted(found, key=lambda m: (m.ratio is None, -(m.ratio or 0.0), m.metric))


def comparable(m: MetricSpread) -> bool:
    """True if some ranked row has a value under two protocols."""
    return any(sum(cell.rank is not None for cell in line) > 1 for line in m.cells)


def headline(section: SpreadSection) -> list[str]:
    """What the section shows, in sentences."""
    found, shared = moving(section), [m for m in section.metrics if comparable(m)]
    still = [m.metric for m in shared if m.same_numbers]
    with_ratio = [m for m in found if m.ratio is not None]
    more = [m.metric for m in with_ratio if m.ratio > 1]
    lost = [m.metric for m in found if survival(m)[0] < survival(m)[1]]
    asked = [m for m in found if survival(m)[1]]
    out = [
        f"{plural(len(shared), 'metric')} can be compared between two or more of these {len(section.protocols)} protocols; in "
        f"{len(found)} of them the protocol changes the numbers. Ranked are {section.ranked_are}."
    ]
    if with_ratio:
        out.append(
            f"The protocol moves a row further than the rows lie apart in {len(more)} of {len(with_ratio)}: {join(more)}."
            if more
            else f"In none of {len(with_ratio)} does the protocol move a row further than the rows lie apart."
        )
    if asked:
        out.append(
            f"The best row does not stay best between some two protocols in {len(lost)} of {len(asked)}: {join(lost)}."
            if lost
            else f"The best row stays best between every two protocols, in all {len(asked)}."
        )
    if still:
        out.append(f"The same numbers under every protocol that has them: {join(still)}.")
    if empty := [m.metric for m in section.metrics if not comparable(m)]:
        out.append(f"In two or more protocols, but with no row that has a value under two of them: {join(empty)}.")
    return [printable(text) for text in out]


def overview(section: SpreadSection) -> Block:
    """One line per metric whose numbers move."""
    rows = []
    for m in moving(section):
        pair, (kept, asked) = lowest(m), survival(m)
        rows.append(
            (
                title_of(m),
                "all" if all(m.columns) else ", ".join(c.protocol for c in m.columns if c),
                ratio_text(m),
                short(m.over_protocols),
                short(m.over_rows),
                tau_text(pair) if pair else "—",
                p_text(pair) if pair else "—",
                f"{kept} of {asked}" if asked else "—",
            )
        )
    head = (
        "metric",
        "protocols",
        "ratio",
        "over protocols",
        "over rows",
        "lowest tau",
        "its p",
        "winner survives, pairs",
    )
    return Block("overview", "Every metric", tuple(headline(section)), head, tuple(rows), left_out(section), None, 2)


def left_out(section: SpreadSection) -> tuple[str, ...]:
    """Why metrics have no ratio, and why tau has no interval, each reason once."""
    ratios: dict[str, list[str]] = {}
    taus: dict[str, list[str]] = {}
    found = moving(section)
    for m in found:
        if m.ratio_reason:
            ratios.setdefault(m.ratio_reason, []).append(m.metric)
        for reason in dict.fromkeys(pair.reason for pair in m.pairs if pair.reason and pair.tau is not None):
            taus.setdefault(reason, []).append(m.metric)
    kinds = {f"every metric {words}": [m.metric for m in found if m.kind == kind] for kind, words in KIND.items()}

    def named(names: list[str]) -> str:
        return next((words for words, all_of in kinds.items() if len(names) > 1 and names == all_of), join(names))

    notes = [f"No ratio for {named(names)}: {why}." for why, names in ratios.items()]
    notes += [f"No interval of tau for {named(names)}: {why}." for why, names in taus.items()]
    return tuple(map(printable, notes))


def protocols_block(section: SpreadSection) -> Block:
    """Each protocol with its status; under it everything unknown of it, and the metrics that it alone has."""
    rows = tuple((p.name, p.status, printable(p.title or "—"), p.sha256[:12]) for p in section.protocols)
    notes = [f"Not known of {p.name}: {'; '.join(p.unknown)}." for p in section.protocols if p.unknown]
    notes += [f"Only in {name}: {join(metrics)}." for name, metrics in section.alone.items() if metrics]
    return Block(
        "protocols",
        "The protocols",
        (),
        ("protocol", "status", "what", "SHA-256"),
        rows,
        tuple(map(printable, notes)),
        None,
        4,
    )


def metric_block(section: SpreadSection, m: MetricSpread) -> Block:
    """One metric: rows x protocols; under it what differs, why cells are empty, and the pairs of protocols."""
    there = [j for j, column in enumerate(m.columns) if column]
    head = ("row", *(header(section.protocols[j]) for j in there))
    rows = tuple(
        (printable(row.label), *(cell_text(m, line[j], j) for j in there))
        for row, line in zip(section.rows, m.cells, strict=True)
    )
    return Block(m.metric, title_of(m), (), head, rows, tuple(metric_notes(section, m)))


def metric_notes(section: SpreadSection, m: MetricSpread) -> list[str]:
    """Pairs of protocols, definitions, reasons of empty cells."""
    notes = []
    if m.ratio is not None:
        notes.append(
            f"Over protocols {short(m.over_protocols)}, over rows {short(m.over_rows)}: ratio {ratio_text(m)}."
        )
    elif m.ratio_reason:
        notes.append(f"No ratio: {m.ratio_reason}.")
    for pair in m.pairs:
        why = f" No interval: {pair.reason}." if pair.reason and pair.tau is not None else ""
        if pair.without_tau and not pair.reason:
            why = f" {plural(pair.without_tau, 'resampling')} in which one order is all ties have no tau."
        notes.append(
            f"{pair.first} and {pair.second}, {plural(pair.rows, 'row')}: tau {tau_text(pair)}, p {p_text(pair)}; "
            f"winner survives: {winner_text(pair)}.{why}"
        )
    notes += [f"{protocol}: {text}" for protocol, text in definitions(m)]
    reasons: dict[str, list[str]] = {}
    for row, line in zip(section.rows, m.cells, strict=True):
        for j, cell in enumerate(line):
            if cell.value is None and m.columns[j]:
                reasons.setdefault(why_empty(cell), []).append(f"{row.label} under {section.protocols[j].name}")
    notes += [f"No value, {why}: {join(where)}." for why, where in reasons.items()]
    return [printable(note) for note in notes]


def name_of(section: SpreadSection) -> str:
    """ "puppet · quick · test: emotalk, eat-like"."""
    place = " · ".join(filter(None, (section.dataset, section.profile, section.part)))
    return printable(f"{place}: {', '.join(p.name for p in section.protocols)}")


def section_blocks(section: SpreadSection, every: bool = True) -> list[Block]:
    """Overview and protocols; with `every` also each metric whose numbers move."""
    blocks = [overview(section), protocols_block(section)]
    return blocks + [metric_block(section, m) for m in moving(section)] if every else blocks


def markdown(record: SpreadRecord) -> str:
    """One part for each set of clips, with every metric whose numbers move; what was left out."""
    lines = ["# Spread between protocols", "", *(f"{text}\n" for text in EXPLAINED)]
    for section in record.sections:
        lines += [f"## {name_of(section)}", "", blocks_as_markdown(section_blocks(section), level=3)]
    if record.left_out:
        lines += [f"## {LEFT_OUT}", "", *(f"- {escape(text)}" for text in left_out_rows(record)), ""]
    return "\n".join(lines).rstrip() + "\n"


def terminal(record: SpreadRecord, width: int = 100) -> str:
    """Overview and protocols of each set of clips; what was left out."""
    parts = [f"{name_of(s)}\n\n{blocks_in_terminal(section_blocks(s, every=False), width)}" for s in record.sections]
    if record.left_out:
        parts.append("\n".join([LEFT_OUT, *(line for text in left_out_rows(record) for line in wrap(text, width)), ""]))
    return "\n".join(parts)


def left_out_rows(record: SpreadRecord) -> list[str]:
    """Sentences on rows that stand in no section."""
    return [printable(f"{text}.") for text in record.left_out]


def csv_table(record: SpreadRecord) -> str:
    """One line per section, metric, protocol and row; full precision; an empty field for null."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for k, section in enumerate(record.sections, 1):
        for m in section.metrics:
            writer.writerows(_csv_lines(k, section, m))
    return out.getvalue()


def _csv_lines(k: int, section: SpreadSection, m: MetricSpread) -> Sequence[dict]:
    lines = []
    for j, (protocol, column) in enumerate(zip(section.protocols, m.columns, strict=True)):
        for row, cells in zip(section.rows, m.cells, strict=True):
            cell = cells[j]
            numbers = {name: getattr(cell, name) for name in ("value", "shown", "low", "high", "rank")}
            lines.append(
                {
                    "section": k,
                    "dataset": section.dataset,
                    "profile": section.profile,
                    "part": section.part,
                    "metric": m.metric,
                    "protocol": protocol.name,
                    "protocol_status": protocol.status,
                    "protocol_unknown": "; ".join(protocol.unknown),
                    "protocol_sha256": protocol.sha256,
                    "row": row.label,
                    "role": row.role,
                    "ranked": "yes" if row.ranked else "",
                    "direction": str(column.direction) if column else None,
                    "unit": column.unit if column else None,
                    **{name: None if v is None else repr(v) for name, v in numbers.items()},
                    "reason": cell.reason,
                    "n_clips": cell.n_clips,
                    "n_expected": cell.n_expected,
                    "metric_version": column.version if column else None,
                    "definition": column.definition if column else None,
                }
            )
    return lines
