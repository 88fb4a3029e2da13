"""The page of the spread between protocols: one file that opens offline."""

from __future__ import annotations

import math

from markupsafe import Markup

from bench.contract.spread import MetricSpread, SpreadRecord, SpreadSection
from reports.render import render, template
from reports.spread import (
    EXPLAINED,
    LEFT_OUT,
    headline,
    left_out,
    left_out_rows,
    metric_notes,
    moving,
    name_of,
    survival,
)
from reports.spreadfigure import key, ranks, values
from reports.spreadwords import (
    cell_text,
    lowest,
    p_text,
    ratio_text,
    short,
    status_mark,
    tau_text,
    title_of,
    why_empty,
)
from reports.words import FAMILY, plural, printable

OPEN = 6
"""So many metrics stand open: those whose winner is lost first, then primary endpoints, the largest ratios first."""
LEAST_RATIO = 0.01
WIDTH, LABEL, RIGHT, ROW, TOP, BOTTOM = 720, 190, 40, 22, 8, 30


def page(record: SpreadRecord) -> str:
    """The whole page; the same record gives the same bytes."""
    return render(
        "spread.html.j2",
        sections=[_section(n, section) for n, section in enumerate(record.sections, 1)],
        explained=EXPLAINED,
        left_out_title=LEFT_OUT,
        left_out=left_out_rows(record),
        style=Markup(template("report.css") + "\n" + template("spread.css")),
    )


def _section(n: int, section: SpreadSection) -> dict:
    found = moving(section)
    telling = sorted(found, key=lambda m: (survival(m)[0] == survival(m)[1], not m.primary))
    opened = {m.metric for m in telling[:OPEN]}
    place = " · ".join(filter(None, (section.dataset, section.profile, section.part)))
    return {
        "n": n,
        "name": name_of(section),
        "facts": [
            ("Clips", f"{place}: {plural(section.n_clips, 'clip')} of {plural(section.n_speakers, 'speaker')}"),
            ("Rows", f"{len(section.rows)}; ranked: {section.ranked_are}"),
            ("Protocols", str(len(section.protocols))),
            ("Missing outputs", section.missing),
        ],
        "headline": headline(section),
        "protocols": [
            {"key": key(j), "name": printable(p.name), "status": printable(p.status), "title": printable(p.title or "—"),
             "unknown": [printable(text) for text in p.unknown], "sha256": p.sha256[:12],
             "alone": [printable(name) for name in section.alone.get(p.name, [])]}
            for j, p in enumerate(section.protocols)
        ],
        "ratios": ratios(found),
        "overview": [_line(n, m) for m in found],
        "notes": left_out(section),
        "metrics": [_metric(n, section, m, m.metric in opened) for m in found],
    }  # fmt: skip


def _line(n: int, m: MetricSpread) -> dict:
    pair, (kept, asked) = lowest(m), survival(m)
    return {
        "title": title_of(m),
        "link": _anchor(n, m),
        "primary": m.primary,
        "ratio": ratio_text(m),
        "over_protocols": short(m.over_protocols),
        "over_rows": short(m.over_rows),
        "tau": tau_text(pair) if pair else "—",
        "between": f"{pair.first} / {pair.second}" if pair else "",
        "p": p_text(pair) if pair else "—",
        "survives": f"{kept} of {asked}" if asked else "—",
        "lost": kept < asked,
    }


def _metric(n: int, section: SpreadSection, m: MetricSpread, opened: bool) -> dict:
    there = [j for j, column in enumerate(m.columns) if column]
    return {
        "id": _anchor(n, m),
        "title": title_of(m),
        "family": FAMILY.get(m.family, "Other"),
        "open": opened,
        "ratio": ratio_text(m),
        "strip": values(section, m),
        "ranks": ranks(section, m),
        "reason": m.ratio_reason,
        "headers": [
            {"key": key(j), "name": printable(section.protocols[j].name), "mark": status_mark(section.protocols[j]),
             "unit": m.columns[j].unit if m.columns[j].unit != "1" else ""}
            for j in there
        ],
        "rows": [
            {"row": row, "cells": [_cell(m, line[j], j) for j in there]}
            for row, line in zip(section.rows, m.cells, strict=True)
        ],
        "notes": metric_notes(section, m),
    }  # fmt: skip


def _cell(m: MetricSpread, cell, j: int) -> dict:
    value, _, rest = cell_text(m, cell, j).partition(" ")
    return {
        "value": value,
        "rest": rest,
        "why": why_empty(cell) if cell.value is None else "",
        "rank": "" if cell.rank is None else f"{cell.rank:g}",
    }


def _anchor(n: int, m: MetricSpread) -> str:
    return f"s{n}-" + "".join(c if c.isalnum() else "-" for c in m.metric)


def ratios(found: list[MetricSpread]) -> Markup:
    """Range over protocols / range over rows of every metric that has one, on a logarithmic scale; a guide at 1."""
    shown = [m for m in found if m.ratio]
    if not shown:
        return Markup("")
    # below LEAST_RATIO nothing moves that a reader would care to tell apart: such dots stand at the edge, hollow
    least = math.log(max(LEAST_RATIO, min(0.5, *(m.ratio for m in shown))))
    most = math.log(max(2.0, *(m.ratio for m in shown)))
    bottom = TOP + ROW * len(shown)

    def x(ratio: float) -> float:
        return round(LABEL + (max(math.log(ratio), least) - least) / (most - least) * (WIDTH - LABEL - RIGHT), 1)

    parts = []
    steps = [s * 10.0**e for e in range(-4, 5) for s in (1, 2, 5)]
    ticks = [t for t in steps if least - 1e-9 <= math.log(t) <= most + 1e-9]
    ticks = ticks if len(ticks) <= 8 else [t for t in ticks if math.log10(t) % 1 == 0]
    for tick in ticks:
        kind = "one" if tick == 1 else "rail"
        parts.append(
            Markup(
                '<line class="{0}" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/><text class="tick" x="{1}" y="{4}">{5}</text>'
            ).format(kind, x(tick), TOP, bottom, bottom + 18, f"{tick:g}")
        )
    for i, m in enumerate(shown):
        y = TOP + ROW * (i + 0.5)
        kept, asked = survival(m)
        kind = ("lost" if kept < asked else "kept") + (" beyond" if math.log(m.ratio) < least else "")
        words = f"{m.metric}: ratio {m.ratio:.2f}; the winner survives in {kept} of {asked} pairs of protocols"
        parts.append(
            Markup(
                '<g class="{}"><title>{}</title><text class="name {}" text-anchor="end" x="{}" y="{}">{}</text>'
                '<line class="reach" x1="{}" x2="{}" y1="{}" y2="{}"/><circle cx="{}" cy="{}" r="5"/></g>'
            ).format(
                kind, words, "method" if m.primary else "control", LABEL - 12, y + 4, printable(m.metric),
                *sorted((x(1) if least <= 0 <= most else x(math.exp(least)), x(m.ratio))), y, y, x(m.ratio), y,
            )
        )  # fmt: skip
    name = f"{plural(len(shown), 'metric')}: range over protocols divided by range over rows, logarithmic, with a line at 1"
    return Markup('<svg class="wide" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, bottom + BOTTOM, name, Markup("").join(parts)
    )
