"""Pieces of a Markdown page: wrapped prose, lists, tables, and figures as table cells."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from bench.extractor_error.figures import Figure

WIDTH = 140


def prose(text: str) -> str:
    """One paragraph per blank-line-separated part of `text`, whatever its line breaks, wrapped at WIDTH."""
    parts = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return "\n\n".join(textwrap.fill(p, WIDTH, break_long_words=False, break_on_hyphens=False) for p in parts)


def bullets(items: Sequence[str]) -> str:
    """A list, each item wrapped at WIDTH."""
    wrap = textwrap.TextWrapper(
        WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrap.fill(" ".join(item.split())) for item in items)


def grid(first: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table: heading of the first column, the other headings, and (label, cells) for each row."""
    lines = [f"| {first} | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    lines += [f"| {label} | " + " | ".join(cells) + " |" for label, cells in rows]
    return "\n".join(lines)


def percent(figure: Figure) -> str:
    """A share as percent; without an interval where it is the same for all people, since that shows no spread to judge by."""
    bounds = (None, None) if figure.low == figure.high else (figure.low, figure.high)
    low, high = (None if bound is None else 100 * bound for bound in bounds)
    text = Figure(100 * figure.value, low, high, figure.people).text(1)
    return text if text == "-" else f"{text} %"


def signed(figure: Figure) -> str:
    """A figure with one digit and its sign."""
    return figure.text(1) if figure.value < 0 else f"+{figure.text(1)}"
