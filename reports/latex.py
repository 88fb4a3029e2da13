"""table.tex for papers: the same tables with booktabs, every character safe, footnotes under the table."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from reports.notes import general_notes
from reports.table import Block, Cell, Table
from reports.terminal import given_codes
from reports.words import printable

HEAD = r"""% Made by emotalk-bench. In the document: \usepackage{booktabs,graphicx} and \input{table}.
"""
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$", "|": "$|$", "`": "{`}", "'": "{'}",
    '"': r"\char34{}", "-": "{-}", "−": "$-$", "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "∞": r"$\infty$",
    "≤": r"$\leq$", "≥": r"$\geq$", "→": r"$\to$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "°": r"$^\circ$", "µ": r"$\mu$",
    "–": "--", "—": "---", "…": r"\ldots{}", "“": "``", "”": "''", "‘": "`", "’": "'", "\u00a0": "~", "ß": r"\ss{}",
    "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "[": "{[}", "]": "{]}", "*": "{*}",
}  # fmt: skip
"""Characters that LaTeX reads as commands, joins into others or does not have; brackets could be taken for an option of \\\\."""
ACCENTS = {
    0x300: "`", 0x301: "'", 0x302: "^", 0x303: "~", 0x304: "=", 0x306: "u", 0x307: ".", 0x308: '"', 0x30A: "r", 0x30B: "H",
    0x30C: "v", 0x327: "c", 0x328: "k",
}  # fmt: skip
GROUPS = {"ceiling": 0, "floor": 1, "method": 2, "request-control": 2}


def latex(tables: Sequence[Table]) -> str:
    r"""One `table` environment for each set of comparable results; needs booktabs and graphicx, ASCII only."""
    return HEAD + "\n".join(_table(table) for table in tables)


def escape(text: str) -> str:
    """`text` as LaTeX that prints it: specials and ligatures made harmless, accents composed, other characters as U+XXXX."""
    return "".join(_character(c) for c in printable(text))


def _character(c: str) -> str:
    if c in SPECIAL:
        return SPECIAL[c]
    if c.isascii():
        return c
    base, *marks = unicodedata.normalize("NFD", c)
    if base.isascii() and base.isalpha() and len(marks) == 1 and ord(marks[0]) in ACCENTS:
        letter = {"i": r"\i", "j": r"\j"}.get(base, base) if ord(marks[0]) not in (0x327, 0x328) else base
        return f"\\{ACCENTS[ord(marks[0])]}{{{letter}}}"
    return f"{{\\ttfamily U+{ord(c):04X}}}"


def _table(table: Table) -> str:
    """One environment per block of columns; the notes stand under the last."""
    return "\n".join(_block(table, block, last=block == table.blocks[-1]) for block in table.blocks)


def _block(table: Table, block: Block, last: bool) -> str:
    codes = given_codes(table)
    caption = f"{table.heading} · {block.title}" if block.title else table.heading
    first = block == table.blocks[0]
    header = [
        "Method",
        *(("Given", "Clips") if first else ()),
        *(escape(table.columns[j].header) for j in block.columns),
    ]
    lines = [
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{escape(caption)}}}\smallskip",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{@{{}}l{'lr' if first else ''}{'r' * len(block.columns)}@{{}}}}",
        r"\toprule",
        _line(header),
    ]
    before = None
    for row, cells in zip(table.rows, table.cells, strict=True):
        if GROUPS[row.role] != before:
            lines.append(r"\midrule")
            before = GROUPS[row.role]
        given = "".join(codes[g] for g in row.given) or "–"
        shown = (_cell(cells[j]) for j in block.columns)
        about = (row.label, given, row.clips) if first else (row.label,)
        lines.append(_line([*map(escape, about), *shown]))
    lines += [r"\bottomrule", r"\end{tabular}}"]
    if last:
        lines += [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize\raggedright"]
        lines += [note + r"\par" for note in _notes(table, codes)]
        lines.append(r"\end{minipage}")
    return "\n".join([*lines, r"\end{table}", ""])


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(cell: Cell) -> str:
    text = escape(cell.full_text())
    marks = rf"\textsuperscript{{{','.join(map(str, cell.notes))}}}" if cell.notes else ""
    # maths ignores \textbf: the ± of an interval and the minus of a value need \boldmath
    return (rf"{{\boldmath\textbf{{{text}}}}}" if cell.best else text) + marks


def _notes(table: Table, codes: dict[str, str]) -> list[str]:
    """Footnotes with their numbers, what the letters mean, then what must be known to read the table."""
    notes = [rf"\textsuperscript{{{k}}}~{escape(note)}" for k, note in enumerate(table.notes, 1)]
    if codes:
        notes.append(escape("Given: " + "; ".join(f"{code} {name}" for name, code in codes.items()) + "."))
    for row in table.rows:
        if row.coverage.substituted:
            notes.append(
                escape(
                    f"{row.label}: {row.coverage.own} of {row.coverage.expected} clips with an own output, "
                    f"{row.coverage.substituted} scored as the static image."
                )
            )
    return notes + [escape(note) for note in general_notes(table)]
