"""The verdict table of a calibration, for the terminal and in Markdown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from bench.contract.calibration import Calibration, DamageCurve, ResponseCell
from reports.calibration import cannot_show
from reports.words import plural

WORDS = {"as-declared": "as declared", "not-as-declared": "NOT AS DECLARED", "not-shown": "not shown"}
CHANCE = 0.05


class Alike(NamedTuple):
    """Cells of one damage that came out otherwise for one and the same reason."""

    damage: str
    cells: list[ResponseCell]


def counts(calibration: Calibration) -> dict[str, int]:
    """verdict -> number of cells, every verdict named."""
    found = Counter(cell.verdict for _, cell in calibration.cells())
    return {verdict: found[verdict] for verdict in WORDS}


def summary(calibration: Calibration) -> list[str]:
    """That nothing can be shown, where that is so; how many cells came out how, and how many by chance alone could be wrong."""
    found, cells = counts(calibration), [cell for _, cell in calibration.cells()]
    flat = sum(cell.says == "flat" for cell in cells)
    certain = sum(cell.by_construction for cell in cells)
    open_cells = [c for c in cells if not c.by_construction and any(p.low is not None for p in c.points)]
    open_flat = sum(cell.says == "flat" for cell in open_cells)
    by_chance = math.ceil(CHANCE * open_flat + CHANCE / 2 * (len(open_cells) - open_flat))
    doses = len(calibration.damages) and sum(len(d.doses) for d in calibration.damages) / len(calibration.damages)
    shown = ", ".join(f"{n} {WORDS[v].lower()}" for v, n in found.items())
    lines = [
        *filter(None, [cannot_show(calibration)]),
        f"{plural(len(cells), 'cell')} of {plural(len(calibration.damages), 'damage')} on "
        f"{plural(calibration.n_clips, 'clip')} of {plural(calibration.n_speakers, 'speaker')}: {shown}.",
        f"As declared by construction: {certain} (the damage does not alter what the column looks at).",
        f"{len(cells) - flat} declared to move, {flat} to stay flat at {doses:g} doses each. Where there is an interval and "
        f"nothing by construction ({plural(len(open_cells), 'cell')}) at most {by_chance} would come out as declared by chance if none "
        "were (.025 and .05 a cell).",
    ]
    if calibration.failed:
        lines.append(f"{calibration.failed} clips or values failed that should not have.")
    return lines


def took(calibration: Calibration) -> str:
    """How long it took, where that says what a calibration costs."""
    return f"took {calibration.wall_seconds:.0f} s" if calibration.fresh else "made from the cache, in part or whole"


def terminal(calibration: Calibration) -> str:
    """One line per cell, the deviations again at the end."""
    lines = []
    for curve in calibration.damages:
        doses = ", ".join(f"{dose:g}" for dose in curve.doses)
        lines.append(f"{curve.damage} ({curve.kind}; {doses} {curve.unit})")
        lines += [f"  {c.metric:16} {c.says:6} {_curve(c):58} {WORDS[c.verdict]}" for c in curve.cells]
    lines += ["", *summary(calibration)]
    for verdict in ("not-as-declared", "not-shown"):
        groups = [group for group in _alike(calibration) if group.cells[0].verdict == verdict]
        if groups:
            lines += ["", f"{WORDS[verdict]}:"]
            lines += [
                f"  {g.damage}: {', '.join(f'{c.metric} {c.says}' for c in g.cells)}: {g.cells[0].reason}"
                for g in groups
            ]
    return "\n".join(lines)


def markdown(calibration: Calibration) -> str:
    """The whole record as tables: what came out otherwise, then every damage."""
    d = calibration.dataset
    lines = [
        f"# Calibration: {' '.join(filter(None, (d.name, d.profile, d.part)))}, protocol {calibration.protocol}",
        "",
        f"Made by `{calibration.command}` on {calibration.created[:10]}; declaration {calibration.declaration_sha256[:12]}. "
        "Differences to the undamaged clips (`gt-reencoded`), with 95 % intervals for new speakers.",
        "",
        *summary(calibration),
        "",
    ]
    if deviations := markdown_deviations(calibration):
        lines += ["## Not as declared, or not shown", "", *deviations, ""]
    for curve in calibration.damages:
        lines += _of_damage(curve)
    return "\n".join(lines) + "\n"


def markdown_deviations(calibration: Calibration) -> list[str]:
    """The lines of a table of every cell that did not come out as declared, one for all of a damage that share a reason."""
    groups = sorted(_alike(calibration), key=lambda group: group.cells[0].verdict)  # what is not as declared first
    lines = [
        f"| {group.damage} | {', '.join(cell.metric for cell in group.cells)} | {_declared_of(group.cells)} | "
        f"{WORDS[group.cells[0].verdict]} | {_plain(group.cells[0].reason)} |"
        for group in groups
    ]
    return ["| damage | column | declared | verdict | why |", "|---|---|---|---|---|", *lines] if lines else []


def _alike(calibration: Calibration) -> list[Alike]:
    """Every cell that did not come out as declared; those of one damage with the same verdict and reason together."""
    found: dict[tuple[str, str, str], list[ResponseCell]] = {}
    for curve, cell in calibration.cells():
        if cell.verdict != "as-declared":
            found.setdefault((curve.damage, cell.verdict, cell.reason), []).append(cell)
    return [Alike(damage, cells) for (damage, _, _), cells in found.items()]


def _declared_of(cells: Sequence[ResponseCell]) -> str:
    if len(cells) == 1:
        return _declared(cells[0])
    return ", ".join(f"{n} {says}" for says, n in Counter(cell.says for cell in cells).items())


def _of_damage(curve: DamageCurve) -> list[str]:
    heads = " | ".join(f"{dose:g} {curve.unit}" for dose in curve.doses)
    lines = [f"## {curve.damage}", "", f"| column | declared | undamaged | {heads} | verdict |"]
    lines.append("|---|---|---|" + "---|" * (len(curve.doses) + 1))
    for cell in curve.cells:
        values = " | ".join(_difference(point) for point in cell.points)
        base = "-" if cell.base is None else f"{cell.base:.4g}"
        unit = "" if cell.unit == "1" else f" ({cell.unit})"
        lines.append(f"| {cell.metric}{unit} | {_declared(cell)} | {base} | {values} | {WORDS[cell.verdict]} |")
    return [*lines, ""]


def _declared(cell: ResponseCell) -> str:
    return f"flat within {cell.margin:g}" if cell.says == "flat" else f"{cell.says} by over {cell.least:g}"


def _difference(point) -> str:
    if point.difference is None:
        return _plain(point.reason or "-")
    if point.low is None:
        return f"{point.difference:+.3g}"
    return f"{point.difference:+.3g} ({point.low:.3g} to {point.high:.3g})"


def _curve(cell: ResponseCell) -> str:
    known = [f"{p.difference:+.3g}" if p.difference is not None else "-" for p in cell.points]
    top = next((p for p in reversed(cell.points) if p.low is not None), None)
    interval = f"  {top.low:.3g} to {top.high:.3g} at {top.dose:g}" if top else ""
    effect = cell.margin if cell.says == "flat" else cell.least
    return f"{' '.join(known)}{interval}  (effect {effect:g})"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
