"""The ruler in the report: how far rows lie from the undamaged clips and from one another, in doses, for each primary endpoint."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from reports.calibration import calibration_section
from reports.columns import Column
from reports.dosewords import TOO_SMALL, read_as
from reports.render import render
from reports.ruler import UNDAMAGED, Ruler, badness, clips_of_set, find_ruler
from reports.table import Cell, Row, Table
from reports.words import join

TITLE = "How far, in doses"
NEARER = "better than the undamaged clips: no damage reads that"


def dose_sections(table: Table) -> list[dict[str, Any]]:
    """[{name, title, html}] of the table: distances in doses and the calibration behind them, or why there are none."""
    beside = dict.fromkeys(row.loaded.folder.parent / "calibration" for row in table.rows)
    ruler = find_ruler(table.results[0], list(beside))
    if isinstance(ruler, str):
        html = Markup('<p class="small">Not in doses: {}.</p>').format(ruler)
        return [{"name": "doses", "title": TITLE, "html": html}]
    columns, without = _columns(table, ruler)
    html = render(
        "doses.html.j2",
        made_of=ruler.made_of,
        origin=_origin(table) is not None,
        columns=columns,
        without=join(without),
        calibration=calibration_section(ruler.calibration, opened=False),
    )
    return [{"name": "doses", "title": TITLE, "html": Markup(html)}]


def _columns(table: Table, ruler: Ruler) -> tuple[list[dict[str, Any]], list[str]]:
    """The primary endpoints with a line for each row, the best first; and the names of those that no damage can measure."""
    found, without = [], []
    for j, column in enumerate(table.columns):
        if not column.primary:
            continue
        lines = _lines(table, j, column, ruler)
        if any(line["far"] or line["step"] for line in lines):
            found.append({"column": column, "lines": lines})
        else:
            without.append(column.label)
    return found, without


def _origin(table: Table) -> int | None:
    return next((i for i, row in enumerate(table.rows) if _is(row, UNDAMAGED)), None)


def _is(row: Row, *names: str) -> bool:
    return row.role == "ceiling" and row.loaded.result.method.name in names


def _lines(table: Table, j: int, column: Column, ruler: Ruler) -> list[dict[str, Any]]:
    zero = _origin(table)
    start = None if zero is None else _badness(table.cells[zero][j], column)
    known = [
        (value, row, table.cells[i][j])
        for i, row in enumerate(table.rows)
        if (value := _badness(table.cells[i][j], column)) is not None and not _is(row, "gt", UNDAMAGED)
    ]
    known.sort(key=lambda one: one[0])
    lines, before = [], None
    for value, row, cell in known:
        clips = clips_of_set(cell.measured)
        why_not = ruler.other_size(column.metric, column.version, clips)
        far, step = (
            [] if than is None else read_as(ruler.read(column.metric, column.version, value - than, clips), why_not)
            for than in (start, before)
        )
        if start is not None and value < start and far and far[0] not in (TOO_SMALL, why_not):
            # curves go from the undamaged clips to worse: what was measured there says nothing of better
            far = [NEARER]
        lines.append({"row": row, "value": cell.difference or cell.text, "far": far, "step": step})
        before = value
    return lines


def _badness(cell: Cell, column: Column) -> float | None:
    if cell.difference_value is not None:  # match: how far, on either side
        return abs(cell.difference_value)
    return badness(column.direction, cell.value, None)
