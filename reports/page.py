"""The page itself: tables, strips, clips side by side, what was rejected, provenance; one text that opens offline."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from reports.load import Loaded
from reports.media import Film, MediaFolder, clip_ids, may_show, policies
from reports.notes import commit, flags
from reports.strip import strip
from reports.table import Row, Table, interval
from reports.unscored import came_through, problems, rejected
from reports.words import (
    ARROW_MEANING,
    CONTROL,
    FRAMING,
    MISSING,
    NEW,
    STATUS,
    TARGET,
    THESE,
    is_not_applicable,
    join,
    number,
    plural,
    printable,
    reason_in_words,
)


def page(results: Sequence[Loaded], tables: Sequence[Table], media: MediaFolder) -> str:
    """The whole page; films that may be shown are copied through `media`."""
    allowed = policies(results)
    sections = [_section(n, table, allowed[table.results[0].dataset.name], media) for n, table in enumerate(tables, 1)]
    script = _template("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "plural": plural, "printable": printable}
    return environment.from_string(_template("report.html.j2")).render(
        sections=sections,
        style=Markup(_template("report.css")),
        script=Markup(script),
        script_digest=digest,
        summary=_summary(tables),
        dates=_dates([r for t in tables for r in t.results]),
        targets=[(NEW, TARGET[NEW]), (THESE, TARGET[THESE])],
    )


def _template(name: str) -> str:
    return resources.files("reports").joinpath("templates", name).read_text(encoding="utf-8")


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
    results = table.results
    d, p = results[0].dataset, results[0].protocol
    clips, without = _clips(n, table, policy, media)
    return {
        "n": n,
        "table": table,
        "heading": table.heading,
        "facts": _facts(d, p, results, table),
        "headers": [{"column": c, "meaning": ARROW_MEANING[c.direction]} for c in table.columns],
        "body": [_body_row(row, cells) for row, cells in zip(table.rows, table.cells, strict=True)],
        "controls": [(row.label, CONTROL[m]) for row in table.rows if (m := _control_name(row)) in CONTROL],
        "first_method": next((i for i, row in enumerate(table.rows) if row.role in ("method", "request-control")), 0),
        "has_best": any(cell.best for line in table.cells for cell in line),
        "has_match": any(cell.difference for line in table.cells for cell in line),
        "targets": [t for t in (NEW, THESE) if t not in table.no_interval],
        "strips": [{"column": c, "svg": strip(table, j), "meaning": ARROW_MEANING[c.direction]} for j, c in enumerate(table.columns)],
        "clips": clips,
        "clips_note": _clips_note(table, policy, clips),
        "without_clips": without,
        "came": came_through(table),
        "rejected": rejected(table),
        "problems": problems(table),
        "provenance": _provenance(table),
    }  # fmt: skip


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
        facts.append(("Not known of the published protocol", join(p.unknown)))
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
        "cells": [{"cell": c, "definition": c.measured.definition if c.measured else ""} for c in cells],
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


def _clips(n: int, table: Table, policy: str, media: MediaFolder) -> tuple[list[dict], list[str]]:
    """Per clip: one card for each row that keeps films; and the labels of the rows that keep none."""
    showing = [row for row in table.rows if may_show(row, policy) and row.loaded.samples]
    without = [row.label for row in table.rows if row not in showing] if showing else []
    clips = []
    for clip_id in clip_ids(table, policy):
        facts = next((f for row in table.rows if (f := row.loaded.facts.get(clip_id))), None)
        cards = [_card(n, table, row, clip_id, media) for row in showing]
        about = (
            [f"speaker {facts.speaker}", facts.emotion, f"level {facts.level}" if facts.level else ""] if facts else []
        )
        clips.append({"clip_id": clip_id, "about": ", ".join(a for a in about if a), "cards": cards})
    return clips, without


def _card(n: int, table: Table, row: Row, clip_id: str, media: MediaFolder) -> dict:
    problem = next((p for p in row.loaded.result.problems if p.clip_id == clip_id), None)
    film: Film | str = "No clip was kept here."
    source = row.loaded.samples.get(clip_id)
    if source is not None:
        film = media.add(n, table.rows.index(row) + 1, row.label, clip_id, source)
    note = ""
    if problem is not None:
        note = f"{STATUS.get(problem.status, problem.status)}: {reason_in_words(problem.reason, problem.detail)}"
    values = []
    for j, column in enumerate(table.columns):
        found = (row.loaded.clips or {}).get((clip_id, column.metric))
        if found is not None and table.cells[table.rows.index(row)][j].measured is not None:
            text = number(found.value, column.decimals) if found.value is not None else _nothing(found)
            values.append((column.label, text, column.shown_unit))
    return {
        "label": row.label,
        "role": row.role,
        "truth": row.role == "ceiling" and row.loaded.result.method.name == "gt",
        "film": film if isinstance(film, Film) else None,
        "why": film if isinstance(film, str) else "",
        "note": printable(note),
        "scores": values,
    }


def _nothing(found) -> str:
    return "n/a" if found.status == "n/a" or is_not_applicable(found.reason) else "—"


def _clips_note(table: Table, policy: str, clips: list[dict]) -> str:
    name = table.results[0].dataset.name
    kept = any(row.loaded.samples for row in table.rows)
    if policy == "none":
        return f"No clips are shown: the media policy of {name} is “none”, so its footage must not leave the machine it is on."
    if not kept:
        return "No clips are shown: none were kept beside these results."
    if not clips:
        return (
            f"No clips are shown: the media policy of {name} allows generated video only, and only controls kept clips."
        )
    if policy == "generated":
        return f"The media policy of {name} allows generated video only: ground truth and controls are not shown."
    return ""


def _provenance(table: Table) -> dict:
    results = table.results
    d, p = results[0].dataset, results[0].protocol
    rows = []
    for row in table.rows:
        r = row.loaded.result
        rows.append(
            {
                "label": row.label,
                "result": printable(r.name),
                "version": printable(r.method.version),
                "checkpoint": r.method.checkpoint_sha256 or "none",
                "seeds": f"{r.method.seed} / {r.seed}",
                "created": r.created.replace("T", " "),
                "seconds": f"{r.wall_seconds:.1f}",
                "commit": commit(r),
                "command": printable(r.command),
            }
        )
    return {
        "hashes": [
            (f"Manifest {printable(d.manifest)}", d.manifest_sha256),
            ("Clips scored (ids and videos)", d.store_sha256),
            (f"Protocol {printable(p.name)}", p.sha256),
        ],
        "extractors": _alike(table, lambda r: sorted((e.name, e.version, tuple(sorted(e.weights.items()))) for e in r.extractors)),
        "environments": _alike(table, lambda r: [(r.environment.python, r.environment.platform, r.environment.emotalk)]),
        "packages": _alike(table, lambda r: sorted(r.environment.packages.items())),
        "metrics": [(c.label, c.version, c.definition, _interval_methods(table, j)) for j, c in enumerate(table.columns)],
        "rows": rows,
    }  # fmt: skip


def _alike(table: Table, read) -> list[tuple[object, str]]:
    """Each item that any result has, with the rows that have it: "all rows" or their labels."""
    owners: dict[object, list[str]] = {}
    for row in table.rows:
        for item in read(row.loaded.result):
            owners.setdefault(item, []).append(row.label)
    return [(item, "all rows" if len(who) == len(table.rows) else join(who)) for item, who in owners.items()]


def _interval_methods(table: Table, j: int) -> str:
    found = dict.fromkeys(
        f"{target.replace('-', ' ')}: {i.method}"
        for target in (NEW, THESE)
        for line in table.cells
        if line[j].measured is not None and (i := interval(line[j].measured, target)) is not None
    )
    return printable("; ".join(found)) or "none"
