"""How columns answer to damages of known dose: small multiples, one row per damage, one picture per column, as inline SVG."""

from __future__ import annotations

from collections import Counter
from typing import Any

from markupsafe import Markup

from bench.contract.calibration import Calibration, DamageCurve, Point, ResponseCell
from reports.dosewords import dose_in_words, doses_in_words
from reports.render import render, template
from reports.words import ARROW_MEANING, decimals_for, number, plural, printable

WIDTH, HEIGHT = 150, 92
LEFT, RIGHT, TOP, BOTTOM = 10, 10, 8, 16
"""A picture's size and the room around its plot, px."""
VERDICTS = {
    "as-declared": ("✓", "as declared"),
    "not-as-declared": ("✗", "not as declared"),
    "not-shown": ("?", "not shown"),
}
SAYS = {"rises": ("↗", "declared to rise"), "falls": ("↘", "declared to fall"), "flat": ("→", "declared to stay flat")}
DEVIATIONS = {"not-as-declared": "What did not come out as declared", "not-shown": "What was not shown"}
KINDS = {"picture": "Pictures", "sound": "Sound", "geometry": "Geometry (rendered anew)", "labels": "Labels and clips"}


def calibration_section(calibration: Calibration, opened: bool = True) -> Markup:
    """Counts, deviations, the figure, and the verdict table; the page must carry `calibration_style()` once.

    `opened`: the figure stands open; else it and the table are folded under their titles.
    """
    cells = calibration.cells()
    count = Counter(cell.verdict for _, cell in cells)
    return Markup(
        render(
            "calibration.html.j2",
            opened=opened,
            cannot_show=cannot_show(calibration),
            verdicts=[
                {"name": name, "symbol": symbol, "words": words, "n": count[name], "mark": _mark(name, 8, 8)}
                for name, (symbol, words) in VERDICTS.items()
            ],
            n=len(cells),
            says=list(SAYS.values()),
            kinds=_kinds(calibration),
            deviations=[
                {"title": title, "open": opened and name == "not-as-declared", "lines": lines}
                for name, title in DEVIATIONS.items()
                if (lines := [_line(curve, cell) for curve, cell in cells if cell.verdict == name])
            ],
            lines=[_line(curve, cell) for curve, cell in cells],
        )
    )


def cannot_show(calibration: Calibration) -> str:
    """One sentence where not one cell can be shown, told before all of them; empty where some can."""
    if calibration.can_show:
        return ""
    return (
        f"These clips come from {plural(calibration.n_speakers, 'speaker')}, which gives no interval for new speakers: every cell "
        "is \u201cnot shown\u201d, whatever its curve does."
    )


def calibration_style() -> str:
    """The rules of `calibration_section` for the page's style element."""
    return template("calibration.css")


def _kinds(calibration: Calibration) -> list[dict[str, Any]]:
    """The damages with their pictures, by what they damage."""
    found: dict[str, list[dict[str, Any]]] = {}
    for curve in calibration.damages:
        pictures = [_picture(curve, cell) for cell in curve.cells]
        found.setdefault(curve.kind, []).append(
            {
                "name": printable(curve.damage),
                "doses": printable(doses_in_words(curve.doses, curve.unit)),
                "pictures": pictures,
            }
        )
    return [{"title": title, "damages": found[kind]} for kind, title in KINDS.items() if kind in found]


def _line(curve: DamageCurve, cell: ResponseCell) -> dict[str, Any]:
    """One line of the verdict table."""
    symbol, words = VERDICTS[cell.verdict]
    decimals = _decimals(cell)
    arrow, says = SAYS[cell.says]
    unit = "" if cell.unit in ("1", "") else f" {printable(cell.unit)}"
    limit = cell.margin if cell.says == "flat" else cell.least
    counts = "" if limit is None else f"{'within ±' if cell.says == 'flat' else 'by at least'} {limit:g}{unit}"
    return {
        "damage": printable(curve.damage),
        "metric": printable(cell.metric),
        "says": says,
        "arrow": arrow,
        "counts": counts,
        "base": "—" if cell.base is None else number(cell.base, decimals),
        "points": [_point_in_words(curve, point, decimals) for point in cell.points],
        "verdict": cell.verdict,
        "symbol": symbol,
        "words": words,
        "reason": printable(cell.reason),
        "why": printable(cell.why),
    }


def _decimals(cell: ResponseCell) -> int:
    known = [p for p in cell.points if p.low is not None and p.high is not None]
    sizes = [abs(p.difference) for p in cell.points if p.difference is not None]
    return decimals_for([(p.high - p.low) / 2 for p in known], sizes)


def _point_in_words(curve: DamageCurve, point: Point, decimals: int) -> str:
    at = dose_in_words(point.dose, curve.unit)
    if point.difference is None:
        return f"at {at}: no value ({printable(point.reason or 'no reason recorded')})"
    text = f"at {at}: {number(point.difference, decimals, signed=True)}"
    if point.low is None or point.high is None:
        return text
    return f"{text} [{number(point.low, decimals, signed=True)}, {number(point.high, decimals, signed=True)}]"


def _picture(curve: DamageCurve, cell: ResponseCell) -> dict[str, Any]:
    """A picture with what stands around it: name, declared direction, verdict, and the difference at the top dose."""
    line = _line(curve, cell)
    known = [p for p in cell.points if p.difference is not None]
    decimals = _decimals(cell)
    top = number(known[-1].difference, decimals, signed=True) if known else "no value"
    unit = "" if cell.unit in ("1", "") else f" {printable(cell.unit)}"
    title = f"{line['metric']} under {line['damage']}: {line['says']}; {line['words']}. {'; '.join(line['points'])}."
    svg = _svg(curve, cell, known, title) if known else None
    return line | {"svg": svg, "top": f"{top}{unit}", "title": title, "meaning": ARROW_MEANING[cell.direction]}


def _svg(curve: DamageCurve, cell: ResponseCell, known: list[Point], title: str) -> Markup:
    """Dose on x from 0 to the top dose, difference on y; both with 0."""
    limit = cell.margin if cell.says == "flat" else cell.least
    declared = (
        [] if limit is None else [-limit, limit] if cell.says == "flat" else [limit if cell.says == "rises" else -limit]
    )
    values = [0.0, *declared, *(v for p in known for v in (p.difference, p.low, p.high) if v is not None)]
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 1.0
    low, high = low - room, high + room
    most = max(curve.doses)

    def x(dose: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * dose / most, 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)

    parts = []
    if cell.says == "flat" and limit is not None:
        parts.append(
            _tag(
                "rect",
                "band",
                x=x(0),
                y=y(limit),
                width=round(x(most) - x(0), 1),
                height=round(y(-limit) - y(limit), 1),
            )
        )
    parts.append(_tag("line", "zero", x1=x(0), x2=x(most), y1=y(0), y2=y(0)))
    if cell.says != "flat" and limit is not None:
        parts.append(_tag("line", "least", x1=x(0), x2=x(most), y1=y(declared[0]), y2=y(declared[0])))
    path = " ".join(f"{x(dose)},{y(value)}" for dose, value in [(0.0, 0.0), *((p.dose, p.difference) for p in known)])
    parts.append(_tag("polyline", "curve", points=path))
    for p in known:
        if p.low is not None and p.high is not None:
            parts.append(_tag("line", "interval", x1=x(p.dose), x2=x(p.dose), y1=y(p.low), y2=y(p.high)))
        parts.append(_mark(cell.verdict, x(p.dose), y(p.difference)))
    for dose in (0.0, *curve.doses):
        parts.append(_tag("line", "tick", x1=x(dose), x2=x(dose), y1=HEIGHT - BOTTOM + 1, y2=HEIGHT - BOTTOM + 4))
    ends = (
        (0.0, "0", "start", LEFT - 3),
        (most, dose_in_words(most, curve.unit).split(" ")[0], "end", WIDTH - RIGHT + 3),
    )
    for _, text, anchor, at in ends:
        parts.append(
            Markup('<text class="dose" text-anchor="{}" x="{}" y="{}">{}</text>').format(anchor, at, HEIGHT - 2, text)
        )
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, title, Markup("").join(parts)
    )


def _mark(verdict: str, x: float, y: float) -> Markup:
    """A point whose shape says the verdict as well as its colour: a disc, a cross, a ring."""
    if verdict == "as-declared":
        return _tag("circle", "point", cx=x, cy=y, r=3.2)
    if verdict == "not-shown":
        return _tag("circle", "point ring", cx=x, cy=y, r=2.9)
    a = 3.0
    path = f"M{x - a:.1f},{y - a:.1f} L{x + a:.1f},{y + a:.1f} M{x - a:.1f},{y + a:.1f} L{x + a:.1f},{y - a:.1f}"
    return _tag("path", "point cross", d=path)


def _tag(name: str, kind: str, **attributes: object) -> Markup:
    pairs = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in attributes.items())
    return Markup('<{0} class="{1}"{2}/>').format(Markup(name), kind, pairs)
