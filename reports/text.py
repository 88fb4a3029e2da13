"""table.md for people and table.csv for programs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence

from reports.columns import interval
from reports.groups import conditions
from reports.notes import general_notes
from reports.pretraining import HEAD, pretraining
from reports.table import Cell, Table
from reports.words import NEW, THESE

CSV_COLUMNS = (
    *("table", "row", "label", "method", "role", "kind", "consumes", "altered", "result", "method_version"),
    "saw_test_speakers",
    *(
        "checkpoint_sha256",
        "method_seed",
        "metric",
        "metric_version",
        "family",
        "primary",
        "metric_kind",
        "direction",
        "unit",
    ),
    *("value", "reason", "truth", "difference_to_gt", "best", "cell_flags", "details"),
    *(f"{target}_{part}" for target in ("new", "these") for part in ("low", "high", "method", "reason")),
    *("n_clips", "n_speakers", "n_frames", "n_expected", "coverage", "n_substituted"),
    *("dataset", "profile", "part", "manifest", "manifest_sha256", "data_version", "store_sha256", "flags"),
    *("protocol", "protocol_status", "protocol_sha256", "framing", "missing"),
    *("seed", "created", "emotalk", "git_commit", "git_dirty", "definition"),
)


def csv_table(tables: Sequence[Table]) -> str:
    """One line per table, method and metric; full precision, an empty field for null; lists joined with "; "."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for t, table in enumerate(tables, 1):
        for i, row in enumerate(table.rows, 1):
            for column, cell in zip(table.columns, table.cells[i - 1], strict=True):
                writer.writerow({"table": t, "row": i, **_csv_row(row, column, cell, table)})
    return out.getvalue()


def _csv_row(row, column, cell: Cell, table: Table) -> dict:
    r, m = row.loaded.result, cell.measured
    c, e = conditions(r), r.environment
    line = {
        "label": row.label,
        "method": r.method.name,
        "role": row.role,
        "kind": r.method.kind,
        "consumes": "; ".join(r.method.consumes),
        "altered": r.method.altered,
        "saw_test_speakers": r.method.saw_test_speakers,
        "result": r.name,
        "method_version": r.method.version,
        "checkpoint_sha256": r.method.checkpoint_sha256,
        "method_seed": r.method.seed,
        "metric": column.metric,
        "metric_version": column.version,
        "family": column.family,
        "primary": "yes" if column.primary else "",
        "metric_kind": column.kind,
        "direction": str(column.direction),
        "unit": column.unit,
        "definition": column.definition,
        "value": None if cell.value is None else repr(cell.value),
        "reason": "not evaluated in this result" if m is None else m.reason,
        "difference_to_gt": None if cell.difference_value is None else repr(cell.difference_value),
        "best": "yes" if cell.best else "",
        "dataset": r.dataset.name,
        "profile": r.dataset.profile,
        "part": r.dataset.part,
        "manifest": r.dataset.manifest,
        "manifest_sha256": r.dataset.manifest_sha256,
        "data_version": r.dataset.data_version,
        "store_sha256": r.dataset.store_sha256,
        "flags": "; ".join(r.dataset.flags),
        "protocol": r.protocol.name,
        "protocol_status": c["status"],
        "protocol_sha256": r.protocol.sha256,
        "framing": r.protocol.framing,
        "missing": r.protocol.missing,
        "seed": r.seed,
        "created": r.created,
        "emotalk": e.emotalk,
        "git_commit": e.git_commit,
        "git_dirty": {True: "yes", False: "no", None: ""}[e.git_dirty],
    }
    if m is None:
        return line
    for name, target in (("new", NEW), ("these", THESE)):
        recorded = next((i for i in m.intervals if i.target == target), None)
        ends = interval(m, target)
        line |= {
            f"{name}_low": None if ends is None else repr(ends.low),
            f"{name}_high": None if ends is None else repr(ends.high),
            f"{name}_method": recorded.method if recorded else None,
            f"{name}_reason": recorded.reason if recorded else "not computed",
        }
    return line | {
        "truth": None if m.truth is None else repr(m.truth),
        "cell_flags": "; ".join(m.flags),
        "details": json.dumps(m.details, sort_keys=True) if m.details else None,
        "n_clips": m.n_clips,
        "n_speakers": m.n_speakers,
        "n_frames": m.n_frames,
        "n_expected": m.n_expected,
        "coverage": repr(m.coverage),
        "n_substituted": m.n_substituted,
    }


def markdown(tables: Sequence[Table]) -> str:
    """One heading, table and list of footnotes for each set of comparable results."""
    return "\n".join(_markdown_table(table) for table in tables)


def _markdown_table(table: Table) -> str:
    lines = [f"## {escape(table.heading)}", ""]
    for block in table.blocks:
        lines += [f"### {escape(block.title)}", ""] if block.title else []
        first = block == table.blocks[0]
        saw = pretraining(table) if first else []
        header = [
            "method",
            *(("kind", "given", "clips") if first else ()),
            *((HEAD,) if saw else ()),
            *(table.columns[j].header for j in block.columns),
        ]
        lines += [_line(map(escape, header)), _align((4 if first else 1) + bool(saw), len(block.columns))]
        for i, (row, cells) in enumerate(zip(table.rows, table.cells, strict=True)):
            given = ", ".join(row.given) or "nothing"
            shown = (_markdown_cell(cells[j]) for j in block.columns)
            about = (row.label, row.kind, given, row.clips, *saw[i : i + 1]) if first else (row.label,)
            lines.append(_line([*map(escape, about), *shown]))
        lines.append("")
    lines += [f"{k}. {escape(note)}" for k, note in enumerate(table.notes, 1)]
    lines += [""] if table.notes else []
    lines += [f"- {escape(note)}" for note in general_notes(table)]
    return "\n".join(lines) + "\n"


def _line(cells) -> str:
    return f"| {' | '.join(cells)} |"


def _align(n_about: int, n_metrics: int) -> str:
    return _line([*["---"] * min(3, n_about), *["---:"] * (n_metrics + n_about - min(3, n_about))])


def _markdown_cell(cell: Cell) -> str:
    text = escape(cell.full_text())
    marks = ",".join(map(str, cell.notes))
    return (f"**{text}**" if cell.best else text) + (f" <sup>{marks}</sup>" if marks else "")


def escape(text: str) -> str:
    """Markdown and HTML special characters made harmless, on one line."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    text = re.sub(r"([\\`*\[\]|~])", r"\\\1", text)
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)  # inside a word it is literal
