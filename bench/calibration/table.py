"""The verdict table of a calibration, for the terminal and in Markdown."""

from __future__ import annotations

from collections import Counter

from bench.contract.calibration import Calibration, DamageCurve, ResponseCell

WORDS = {"as-declared": "as declared", "not-as-declared": "NOT AS DECLARED", "not-shown": "not shown"}
CHANCE = 0.05


def counts(calibration: Calibration) -> dict[str, int]:
    """verdict -> number of cells, every verdict named."""
    found = Counter(cell.verdict for _, cell in calibration.cells())
    return {verdict: found[verdict] for verdict in WORDS}


def summary(calibration: Calibration) -> list[str]:
    """How many cells came out how, and how many by chance alone could be wrong."""
    found, cells = counts(calibration), calibration.cells()
    flat = sum(cell.says == "flat" for _, cell in cells)
    doses = len(calibration.damages) and sum(len(d.doses) for d in calibration.damages) / len(calibration.damages)
    by_chance = CHANCE * flat + CHANCE / 2 * (len(cells) - flat)
    return [
        f"{len(cells)} cells of {len(calibration.damages)} damages on {calibration.n_clips} clips of "
        f"{calibration.n_speakers} speakers: " + ", ".join(f"{n} {WORDS[v].lower()}" for v, n in found.items()),
        f"{len(cells) - flat} declared to move, {flat} to stay flat at {doses:g} doses each. If nothing were as declared, at most "
        f"{by_chance:.0f} would come out as declared by chance (.025 and .05 a cell).",
    ]


def terminal(calibration: Calibration) -> str:
    """One line per cell, the deviations again at the end."""
    lines = []
    for curve in calibration.damages:
        doses = ", ".join(f"{dose:g}" for dose in curve.doses)
        lines.append(f"{curve.damage} ({curve.kind}; {doses} {curve.unit})")
        lines += [f"  {c.metric:16} {c.says:6} {_curve(c):58} {WORDS[c.verdict]}" for c in curve.cells]
    lines += ["", *summary(calibration)]
    for verdict in ("not-as-declared", "not-shown"):
        cells = [(d, c) for d, c in calibration.cells() if c.verdict == verdict]
        if cells:
            lines += ["", f"{WORDS[verdict]}:"]
            lines += [f"  {d.damage}: {c.metric} {c.says}: {c.reason}" for d, c in cells]
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
    """The lines of a table of every cell that did not come out as declared; none if all did."""
    cells = [(curve, cell) for curve, cell in calibration.cells() if cell.verdict != "as-declared"]
    cells.sort(key=lambda found: found[1].verdict)  # what is not as declared first
    lines = [
        f"| {curve.damage} | {cell.metric} | {_declared(cell)} | {WORDS[cell.verdict]} | {_plain(cell.reason)} |"
        for curve, cell in cells
    ]
    return ["| damage | column | declared | verdict | why |", "|---|---|---|---|---|", *lines] if lines else []


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
