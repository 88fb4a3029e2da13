"""The page itself: tables, strips, clips side by side, what was rejected, provenance; one text that opens offline."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from bench.contract.sheet import Sheet
from reports.behind import behind
from reports.breakdown import breakdowns
from reports.calibration import calibration_style
from reports.clips import clips_note, clips_of
from reports.contact import contact_sheet, sheet_of
from reports.distribution import picture, spreads
from reports.doses import dose_sections
from reports.figures import cards, figure_sections, figure_styles
from reports.load import Loaded
from reports.media import MediaFolder, policies
from reports.notes import flags
from reports.pretraining import pretraining
from reports.provenance import provenance
from reports.published import load_published
from reports.publishedpage import blocks, frozen_scores, published_style
from reports.ranks import agreements
from reports.reading import readings
from reports.render import render, template
from reports.strip import strip
from reports.table import Block, Row, Table
from reports.unscored import came_through, problems, rejected
from reports.words import (
    ARROW_MEANING,
    CONTROL,
    FRAMING,
    MISSING,
    NEW,
    TARGET,
    THESE,
    join,
    plural,
    printable,
)


def page(
    results: Sequence[Loaded], tables: Sequence[Table], media: MediaFolder, sheets: Sequence[tuple[Sheet, Path]] = ()
) -> str:
    """The whole page; films that may be shown are copied through `media`, pictures of `sheets` are embedded."""
    allowed = policies(results)
    own = [allowed[table.results[0].dataset.name] for table in tables]
    sheet_at: dict[Path, int] = {}  # contact sheet -> the first table that it belongs to
    wanted = [sheet_of(table, policy, sheets) for table, policy in zip(tables, own, strict=True)]
    for n, sheet in enumerate(wanted, 1):
        if sheet is not None:
            sheet_at.setdefault(sheet[1], n)
    sections = [
        _section(n, table, policy, media)
        | {
            "sheet": contact_sheet(*sheet, len(sheet_at)) if sheet and sheet_at[sheet[1]] == n else None,
            "sheet_at": sheet_at[sheet[1]] if sheet and sheet_at[sheet[1]] != n else None,
        }
        for n, (table, policy, sheet) in enumerate(zip(tables, own, wanted, strict=True), 1)
    ]
    sections = [section | {"parts": _parts(section)} for section in sections]
    script = template("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return render(
        "report.html.j2",
        sections=sections,
        style=Markup("\n".join((template("report.css"), figure_styles(), calibration_style(), published_style()))),
        script=Markup(script),
        script_digest=digest,
        summary=_summary(tables),
        dates=_dates([r for t in tables for r in t.results]),
        published=blocks(load_published(), frozen_scores()),
        unfolded=(),
        targets=[(NEW, TARGET[NEW]), (THESE, TARGET[THESE])],
    )


def _summary(tables: Sequence[Table]) -> str:
    rows = sum(len(t.rows) for t in tables)
    metrics = len({c.metric for t in tables for c in t.columns})
    datasets = list(dict.fromkeys(t.results[0].dataset.name for t in tables))
    text = f"{plural(rows, 'row')}, {plural(metrics, 'metric')}, on {join(datasets)}"
    return text + (f", in {len(tables)} tables that must not be compared with each other" if len(tables) > 1 else "")


def _dates(results) -> str:
    dates = sorted({r.created[:10] for r in results})
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def _section(n: int, table: Table, policy: str, media: MediaFolder) -> dict:
    """What the templates read of one table, but for its contact sheet and the list of its parts."""
    results = table.results
    d, p = results[0].dataset, results[0].protocol
    clips, without = clips_of(n, table, policy, media)
    players = {clip.clip_id: f"#{clip.anchor}" for clip in clips if clip.cards}
    return {
        "n": n,
        "table": table,
        "heading": table.heading,
        "facts": _facts(d, p, results, table),
        "blocks": [_block(table, block) for block in table.blocks],
        "pretraining": pretraining(table),
        "body": [_body_row(row, cells) for row, cells in zip(table.rows, table.cells, strict=True)],
        "controls": [(row.label, CONTROL[m]) for row in table.rows if (m := _control_name(row)) in CONTROL],
        "first_method": next((i for i, row in enumerate(table.rows) if row.role in ("method", "request-control")), 0),
        "has_best": any(cell.best for line in table.cells for cell in line),
        "has_match": any(cell.difference for line in table.cells for cell in line),
        "targets": [t for t in (NEW, THESE) if t not in table.no_interval],
        "strips": _by_block(table, _strips(table)),
        "figures": [*figure_sections(table), *dose_sections(table)],
        "agreements": agreements(table),
        "cards": cards(table),
        "breakdowns": _numbered(_by_block(table, breakdowns(table))),
        "distributions": _by_block(table, _distributions(table, players)),
        "real": [(clip, clip.real) for clip in clips if clip.first and clip.real],
        "clips": clips,
        "clips_note": clips_note(table, policy, clips),
        "without_clips": without,
        "came": came_through(table),
        "rejected": rejected(table),
        "problems": problems(table),
        "readings": _by_block(table, readings(table)),
        "provenance": provenance(table),
    }  # fmt: skip


def _block(table: Table, block: Block) -> dict:
    columns = [table.columns[j] for j in block.columns]
    return {
        "block": block,
        "open": block == table.blocks[0],
        "notes": table.notes_of(block),
        "behind": behind(table, block.columns) if block.name != "primary" else [],
        "names": ", ".join(c.label for c in columns),
        "headers": [{"column": c, "meaning": ARROW_MEANING[c.direction]} for c in columns],
    }


def _by_block(table: Table, items: list) -> list[dict]:
    """`items` with a column each, sorted under the table's blocks, each item under the first that has its column."""
    columns = [item["column"] if isinstance(item, dict) else item.column for item in items]
    left, groups = dict(zip(map(id, columns), items, strict=True)), []
    for block in table.blocks:
        inside = [left.pop(id(c)) for j in block.columns if id(c := table.columns[j]) in left]
        if inside:
            names = ", ".join((item["column"] if isinstance(item, dict) else item.column).label for item in inside)
            groups.append({**_block(table, block), "items": inside, "open": not groups, "names": names})
    return groups


def _numbered(groups: list[dict]) -> list[dict]:
    """The same groups, each item with its place among all: {"place": 1, "item": ...}."""
    place = itertools.count(1)
    return [group | {"items": [{"place": next(place), "item": item} for item in group["items"]]} for group in groups]


def _parts(section: dict) -> list[tuple[str, str]]:
    """What the section has, for its list of links: (end of the id, title)."""
    parts = [
        ("table", "Table", True),
        ("scale", "Each metric on its scale", section["strips"]),
        *((figure["name"], figure["title"], True) for figure in section["figures"]),
        ("second", "Second opinions", section["agreements"]),
        ("groups", "By emotion and level", section["breakdowns"]),
        ("every", "Every clip", section["distributions"]),
        ("data", "What the data look like", section["real"] or section["sheet"] or section["sheet_at"]),
        ("clips", "Clips side by side", True),
        ("unscored", "What did not come through", True),
        ("reading", "How to read each metric", section["readings"]),
        ("origin", "Where the numbers come from", True),
    ]
    return [(name, title) for name, title, there in parts if there]


def _facts(d, p, results, table: Table) -> list[tuple[str, str]]:
    rejected = max(r.dataset.n_rejected for r in results)
    framings = dict.fromkeys(r.protocol.framing for r in results)
    facts = [
        ("Dataset", f"{d.name}, profile {d.profile}" if d.profile else d.name),
        ("Part", d.part),
        ("Clips", f"{plural(d.n_scored, 'clip')} of {plural(d.n_speakers, 'speaker')}"),
        ("Rejected inputs", str(rejected)),
        ("Protocol", f"{p.name} (status: {p.status})"),
        ("Framing", "; ".join(FRAMING.get(f, f) for f in framings)),
        ("Missing outputs", MISSING[p.missing]),
        ("Evaluated", _dates(results)),
    ]
    if d.data_version:
        facts.insert(1, ("Data version", d.data_version))
    if p.unknown:
        facts.append(("Not known of the published protocol, or done otherwise", "; ".join(p.unknown)))
    for flag, owners in flags(table).items():
        words = flag.removeprefix("Flag ")
        facts.append(("Flag", words if len(owners) == len(table.rows) else f"{words} ({join(owners)})"))
    return [(name, printable(text)) for name, text in facts]


def _body_row(row: Row, cells) -> dict:
    substituted = row.coverage.substituted
    return {
        "row": row,
        "given": ", ".join(row.given) or "nothing",
        "clips_words": _clips_in_words(row),
        "substituted": substituted,
        "cells": cells,
    }


def _control_name(row: Row) -> str:
    return row.loaded.result.method.name if row.role in ("ceiling", "floor") else ""


def _clips_in_words(row: Row) -> str:
    text = f"{row.coverage.own} of {plural(row.coverage.expected, 'clip')} with an own output"
    if row.coverage.substituted:
        text += f", {row.coverage.substituted} scored as the static image"
    if row.not_applicable:
        text += f"; for {row.not_applicable} more the row does not exist"
    return text


def _strips(table: Table) -> list[dict]:
    return [
        {"column": column, "svg": strip(table, j), "meaning": ARROW_MEANING[column.direction]}
        for j, column in enumerate(table.columns)
    ]


def _distributions(table: Table, players: dict[str, str]) -> list[dict]:
    made = []
    for j, column in enumerate(table.columns):
        if (svg := picture(table, j)) is not None:
            lines = spreads(table, j, players)
            made.append({"column": column, "meaning": ARROW_MEANING[column.direction], "svg": svg, "lines": lines})
    return made
