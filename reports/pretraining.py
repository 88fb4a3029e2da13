"""The column "pre-training saw test speakers": what is declared with each method, in tables where any row declares it."""

from __future__ import annotations

from reports.table import UNDECLARED, Table
from reports.words import join

HEAD = "pre-training saw test speakers"
NEVER_LEARNT = "–"


def pretraining(table: Table) -> list[str]:
    """One answer per row: yes, no, unknown, "not declared", or a dash for controls; nothing where no row declares any."""
    methods = [result.method for result in table.results]
    if not any(method.saw_test_speakers for method in methods):
        return []
    silent = [NEVER_LEARNT if method.kind == "control" else UNDECLARED for method in methods]
    return [method.saw_test_speakers or other for method, other in zip(methods, silent, strict=True)]


def pretraining_notes(table: Table) -> list[str]:
    """The column in a sentence, for tables that have no room for it."""
    owners: dict[str, list[str]] = {}
    for row, answer in zip(table.rows, pretraining(table), strict=False):
        if answer != NEVER_LEARNT:
            owners.setdefault(answer, []).append(row.label)
    said = "; ".join(f"{answer}: {join(labels)}" for answer, labels in owners.items())
    return [f"Whether {HEAD}, as declared with each method: {said}."] if said else []
