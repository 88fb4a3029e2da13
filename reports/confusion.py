"""What the judge of emotion took the clips of every row for, beside what it took the real clips for, as tables for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from bench.contract.confusion import Confusion, rank_stability
from reports.gazemap import place_of
from reports.render import render, template
from reports.words import number, plural, printable

LEVELS = 10
"""Steps of the shade: tenths of a row's clips."""


def confusion_section(figures: Sequence[tuple[str, Mapping[str, Any]]], opened: str | None = None) -> Markup:
    """One block per row, of which `opened` (else the first) stands open: (row label, document of `Confusion`); empty for no row.

    The page must carry `confusion_style()` once. Cells are percent of the clips of their line. Raises ValidationError for a
    document of another kind.
    """
    rows = [(label, Confusion.model_validate(document)) for label, document in figures]
    if not rows:
        return Markup("")
    return Markup(
        render(
            "confusion.html.j2",
            judge=rows[0][1].judge,
            opened=place_of(opened, [label for label, _ in rows]),
            stability=_stability([figure for _, figure in rows]),
            rows=[
                {
                    "label": printable(label),
                    "answers": [printable(answer) for answer in figure.answers],
                    "sides": [
                        {"name": name, "lines": _lines(figure, counts)}
                        for name, counts in (("real", figure.real), ("generated", figure.generated))
                    ],
                }
                for label, figure in rows
            ],
        )
    )


def confusion_style() -> str:
    """The rules of `confusion_section` for the page's style element."""
    return template("confusion.css")


def _lines(figure: Confusion, counts: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Lines of one side: emotion, how many clips, and cells (text, step of the shade, right answer or not, words)."""
    lines = []
    for emotion, total, line in zip(figure.emotions, figure.n_clips, counts, strict=True):
        cells = []
        for answer, count in zip(figure.answers, line, strict=True):
            share = count / total
            cells.append(
                {
                    "text": f"{100 * share:.0f}" if share >= 0.005 else "",
                    "step": min(LEVELS, round(LEVELS * share)),
                    "right": answer == emotion,
                    "title": f"{printable(emotion)}, taken for {printable(answer)}: {100 * share:.0f} %",
                }
            )
        lines.append({"emotion": printable(emotion), "clips": plural(total, "clip"), "cells": cells})
    return lines


def _stability(figures: Sequence[Confusion]) -> str:
    """How alike the judge's seeds order the rows, in words; empty where there is nothing to order."""
    seeds = min(len(figure.macro_f1_by_seed) for figure in figures)
    values = {f"seed {k}": [figure.macro_f1_by_seed[k] for figure in figures] for k in range(seeds)}
    found = [tau for _, _, tau, _ in rank_stability(values) if tau is not None]
    if not found:
        return ""
    between = (
        number(min(found), 2) if min(found) == max(found) else f"{number(min(found), 2)} to {number(max(found), 2)}"
    )
    return (
        f"The judge's {seeds} seeds order the {len(figures)} rows alike to Kendall's tau {between} (1: the same order)."
    )
