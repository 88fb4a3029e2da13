"""A heading, sentences, a table and notes, written once and shown in a terminal, as Markdown and in a page alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.terminal import display_width, wrap
from reports.text import escape


@dataclass(frozen=True)
class Block:
    """`name` is for links; the first `left` columns are words, the others numbers; a figure stands in the page only."""

    name: str
    title: str
    lead: tuple[str, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    figure: Markup | None = None
    left: int = 1


def terminal(blocks: Sequence[Block], width: int = 100) -> str:
    """Plain text: sentences wrapped to `width`, tables as wide as they are."""
    lines = []
    for block in blocks:
        lines += [block.title, *(line for text in block.lead for line in wrap(text, width)), ""]
        if block.rows:
            lines += [*_aligned([block.head, *block.rows], block.left), ""]
        lines += [line for text in block.notes for line in wrap(text, width)] + ([""] if block.notes else [])
    return "\n".join(lines)


def markdown(blocks: Sequence[Block], level: int = 2) -> str:
    """One heading, sentences, table and list of notes for each block."""
    lines = []
    for block in blocks:
        lines += [f"{'#' * level} {escape(block.title)}", "", *(f"{escape(text)}\n" for text in block.lead)]
        if block.rows:
            lines += [f"| {' | '.join(map(escape, block.head))} |"]
            lines += [f"|{' --- |' * block.left}{' ---: |' * (len(block.head) - block.left)}"]
            lines += [f"| {' | '.join(map(escape, row))} |" for row in block.rows] + [""]
        lines += [f"- {escape(text)}" for text in block.notes] + ([""] if block.notes else [])
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    widths = [max(display_width(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for row in rows:
        gaps = [" " * (w - display_width(cell)) for cell, w in zip(row, widths, strict=True)]
        cells = (c + g if k < left else g + c for k, (c, g) in enumerate(zip(row, gaps, strict=True)))
        lines.append("  ".join(cells).rstrip())
    return [lines[0], "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * max(map(display_width, lines)), *lines[1:]]
