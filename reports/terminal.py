"""The table for a terminal: plain text that fits the width, metrics in as many blocks as it takes."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from reports.load import load
from reports.notes import general_notes
from reports.table import ONE_BLOCK, UNDECLARED, Table, tables
from reports.words import plural

NARROWEST = 80
FEW_ROWS = 2
"""Rows up to which every metric is listed, one under the other."""
NAME_WIDTH = 24
CELL_WIDTH = 34
GAP = "  "
GIVEN = {
    "audio": "A",
    "emotion": "E",
    "level": "L",
    "reference image": "I",
    "reference cues": "C",
    "emotion-source video": "S",
    "true video": "V",
    "true cues": "T",
    "real video, other sentence": "O",
    "real video, other emotion": "X",
    "sound, other sentence": "B",
    "true cues, other sentence": "U",
    "true rendering parameters": "R",
    "true rendering parameters, other sentence": "P",
    UNDECLARED: "?",
}
"""Consumed inputs as one letter each; the legend is printed under the table."""


def terminal(results: Sequence[Path], width: int | None = None) -> str:
    """The tables of `results` (folders or result.json files) as plain text without colour codes.

    No line is wider than `width` columns: the terminal's own width if not given, at least 80.
    Raises UsageError as `reports.load.load` does.
    """
    width = max(NARROWEST, width or shutil.get_terminal_size((100, 24)).columns)
    return "\n".join(_table(table, width) for table in tables(load(results)))


def _table(table: Table, width: int) -> str:
    """Primary endpoints of many rows, every metric of one or two: a screen holds one or the other."""
    codes = given_codes(table)
    lines = [*wrap(table.heading, width), ""]
    if len(table.columns) > ONE_BLOCK and len(table.rows) <= FEW_ROWS:
        shown = list(range(len(table.columns)))
        lines += [*_listing(table, width), ""]
    else:
        shown = list(table.blocks[0].columns)
        for block in _blocks(_first_columns(table, codes), _metric_columns(table, shown), width):
            lines += [*_render(block, width, _first_method(table)), ""]
    if left := len(table.columns) - len(shown):
        lines += [*wrap(f"{plural(left, 'more column')} in table.md, table.csv and report.html.", width), ""]
    lines += _notes(table, codes, width, shown)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _first_columns(table: Table, codes: dict[str, str]) -> list[_Column]:
    return [
        _column("method", [_pieces(row.label) for row in table.rows], left=True),
        _column("given", [["".join(codes[g] for g in row.given) or "–"] for row in table.rows], left=True),
        _column("clips", [[_clips(row)] for row in table.rows]),
    ]


def _metric_columns(table: Table, shown: Sequence[int]) -> list[_Column]:
    return [
        _column(table.columns[j].header, [_pieces(_cell_text(line[j]), CELL_WIDTH) for line in table.cells])
        for j in shown
    ]


def _listing(table: Table, width: int) -> list[str]:
    """One line per metric, one column per row of the table, families parted; the primary endpoints carry a star."""
    out = []
    for block in table.blocks:
        if block.name == "primary":
            continue
        heads = [f"{'* ' if table.columns[j].primary else ''}{table.columns[j].header}" for j in block.columns]
        columns = [_Column([block.title], [[head] for head in heads], left=True)]
        for row, line in zip(table.rows, table.cells, strict=True):
            columns.append(_column(row.label, [_pieces(_cell_text(line[j]), CELL_WIDTH) for j in block.columns]))
        out += [*_render(columns, width, 0), ""]
    return [*out, "* primary endpoint"]


def given_codes(table: Table) -> dict[str, str]:
    """Consumed input -> its letter, for the inputs that some row is given."""
    used = dict.fromkeys(g for row in table.rows for g in row.given)
    spare = iter("BDFGHJKMNPQUWYZ" + "abcdefghijklmnopqrstuvwxyz")
    return {g: GIVEN.get(g) or next(spare, "?") for g in used}


def _pieces(label: str, widest: int = NAME_WIDTH) -> list[str]:
    """A label in pieces of at most `widest` columns, broken after a space or sign where there is one."""
    pieces, piece = [], ""
    for part in _parts(label):
        if piece and display_width(piece + part) > widest:
            pieces.append(piece.rstrip())
            piece = ""
        for character in part:
            if display_width(piece + character) > widest:
                pieces.append(piece)
                piece = ""
            piece += character
    return [*pieces, piece.rstrip()]


def _parts(label: str) -> list[str]:
    parts = [""]
    for character in label:
        parts[-1] += character
        if character in " -@/_":
            parts.append("")
    return parts


def _clips(row) -> str:
    return row.coverage.text.split(" ·")[0]


def _cell_text(cell) -> str:
    return ("*" if cell.best else "") + cell.full_text() + "".join(f"[{k}]" for k in cell.notes)


def display_width(text: str) -> int:
    """Terminal columns that `text` takes: wide East Asian characters two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class _Column:
    def __init__(self, header: list[str], cells: list[list[str]], left: bool):
        self.header, self.cells, self.left = header, cells, left
        self.width = max(display_width(piece) for pieces in [header, *cells] for piece in pieces)

    def pad(self, text: str) -> str:
        space = " " * (self.width - display_width(text))
        return text + space if self.left else space + text


def _column(header: str, cells: list[list[str]], left: bool = False) -> _Column:
    return _Column(_pieces(header), cells, left)


def _blocks(first: list[_Column], metrics: list[_Column], width: int) -> list[list[_Column]]:
    """Metric columns in blocks that fit beside the row names; clips and given inputs stand in every block."""
    room = width - sum(c.width + len(GAP) for c in first)
    blocks: list[list[_Column]] = []
    left = 0
    for column in metrics:
        if not blocks or column.width + len(GAP) > left:
            blocks.append([*first])
            left = room + len(GAP)
        blocks[-1].append(column)
        left -= column.width + len(GAP)
    return blocks or [[*first]]


def _first_method(table: Table) -> int:
    """The row before which a line parts the scale of controls from the methods; 0 if there is only one kind."""
    return next((i for i, row in enumerate(table.rows) if row.role in ("method", "request-control")), 0)


def _render(columns: list[_Column], width: int, divider: int) -> list[str]:
    total = min(width, sum(c.width for c in columns) + len(GAP) * (len(columns) - 1))
    out = _row_lines(columns, [c.header for c in columns])
    out.append("─" * total)
    for i in range(len(columns[0].cells)):
        out += ["╌" * total] if i and i == divider else []
        out += _row_lines(columns, [c.cells[i] for c in columns])
    return out


def _row_lines(columns: list[_Column], pieces: list[list[str]]) -> list[str]:
    height = max(map(len, pieces))
    return [
        GAP.join(c.pad(p[k] if k < len(p) else "") for c, p in zip(columns, pieces, strict=True)).rstrip()
        for k in range(height)
    ]


def _notes(table: Table, codes: dict[str, str], width: int, shown: Sequence[int]) -> list[str]:
    used = {k for line in table.cells for j in shown for k in line[j].notes}
    out = [f"[{k}] {note}" for k, note in enumerate(table.notes, 1) if k in used]
    for row in table.rows:
        if row.coverage.substituted:
            out.append(
                f"{row.label}: {row.coverage.own} of {row.coverage.expected} clips with an own output, "
                f"{row.coverage.substituted} scored as the static image."
            )
        if row.not_applicable:
            clips = plural(row.not_applicable, "more clip" if row.coverage.expected else "clip")
            out.append(f"{row.label}: does not exist for {clips} (n/a).")
    if codes:
        out.append("given: " + "; ".join(f"{code} {name}" for name, code in codes.items()) + ".")
    if any(line[j].best for line in table.cells for j in shown):
        out.append("* best method.")
    lines = [line for note in out for line in wrap(note, width)]
    return [*lines, *([""] if lines else []), *(line for note in general_notes(table) for line in wrap(note, width))]


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns, later lines indented by two."""
    lines, line = [], ""
    for word in text.split():
        while display_width(word) > width - 2:
            cut = next(k for k in range(len(word), 0, -1) if display_width(word[:k]) <= width - 2)
            lines += [line] if line.strip() else []
            lines.append("  " + word[:cut] if lines else word[:cut])
            word, line = word[cut:], "  "
        candidate = f"{line}{' ' if line.strip() else ''}{word}"
        if display_width(candidate) > width:
            lines.append(line)
            candidate = f"  {word}"
        line = candidate
    return [*lines, line]
