"""Cells and lines of a sweep's tables: Markdown that is as easily read in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def number(value: float | None) -> str:
    """Four significant digits; nothing for None."""
    return "" if value is None else f"{value:.4g}"


def signed(value: float | None) -> str:
    """`number` with its sign."""
    return "" if value is None else f"{value:+.4g}"


def line(cells: Sequence[Any]) -> str:
    """One line of a table."""
    return "| " + " | ".join(map(_plain, cells)) + " |"


def rule(n: int) -> str:
    """The line between a head of `n` cells and what follows."""
    return line(["---"] * n)


def aligned(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A table whose columns stand under each other."""
    texts = [[_plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(row[place]) for row in texts)) for place in range(len(head))]
    padded = [line([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]) for row in texts]
    return [padded[0], line(["-" * width for width in widths]), *padded[1:]]


def _plain(cell: Any) -> str:
    return str(cell).replace("|", "/").replace("\n", " ")
