"""What stands behind the numbers of a family: nulls, floors and counts of set metrics, and clips that have no value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.contract.errors import Reason
from reports.columns import Column
from reports.table import Table
from reports.words import MINUS, plural, printable, reason_in_words

ALL_ROWS = "all rows"
SAID_IN_FULL = (Reason.WEIGHTS_MISSING, Reason.EXPERT_MISSING)
"""Their footnotes hold all that is known."""


@dataclass(frozen=True)
class Behind:
    """One column: what its result names beside the value, a line per name and a text per row; what is alike in all rows."""

    column: Column
    labels: list[str]
    lines: list[tuple[str, list[str]]]
    shared: list[tuple[str, str]]
    without: list[str]
    """Whose clips have no value and why, one of them with the details."""


def behind(table: Table, columns: Sequence[int]) -> list[Behind]:
    """One for each of `columns` of which there is something to say."""
    found = (_behind(table, j) for j in columns)
    return [one for one in found if one.lines or one.shared or one.without]


def _behind(table: Table, j: int) -> Behind:
    rows = [(row.label, line[j].measured) for row, line in zip(table.rows, table.cells, strict=True)]
    with_details = [(label, m) for label, m in rows if m is not None and m.details]
    names = dict.fromkeys(name for _, m in with_details for name in m.details)
    lines, shared = [], []
    for name in names:
        texts = [_text(m.details.get(name)) for _, m in with_details]
        words = printable(name.replace("_", " "))
        if len(set(texts)) == 1:
            shared.append((words, texts[0]))
        else:
            lines.append((words, texts))
    return Behind(table.columns[j], [label for label, _ in with_details], lines, shared, _without(rows))


def _without(rows: list) -> list[str]:
    """One sentence for each reason, rows that share it together: "static: 1 of 24 clips: too few frames (as M101_1: ...)"."""
    owners: dict[tuple[str, str], list[str]] = {}
    for label, m in rows:
        if m is None:
            continue
        for u in m.unscored:
            if u.reason in SAID_IN_FULL:
                continue
            how_many = f"{u.n_clips} of {plural(m.n_expected, 'clip')}"
            example = f" (as {u.clip_id}: {u.detail})" if u.detail else ""
            owners.setdefault((how_many, f"{reason_in_words(u.reason)}{example}"), []).append(label)
    there = sum(m is not None for _, m in rows)
    return [
        printable(
            f"{ALL_ROWS if len(labels) == there > 1 else ', '.join(labels)}: {how_many}: {words}".rstrip(".") + "."
        )
        for (how_many, words), labels in owners.items()
    ]


def _text(value: float | int | str | None) -> str:
    """Four significant digits of a number; a dash for none."""
    if value is None:
        return "—"
    return printable(f"{value:.4g}".replace("-", MINUS) if isinstance(value, float) else str(value))
