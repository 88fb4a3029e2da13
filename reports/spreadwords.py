"""Single things of the spread between protocols in words: a header, a cell, a pair of protocols, a definition."""

from __future__ import annotations

from bench.contract.metric import Direction
from bench.contract.spread import NOT_EVALUATED, NOT_IN_PROTOCOL, CellAt, ColumnAt, MetricSpread, PairAt, ProtocolAt
from reports.words import ARROW, decimals_for, join, number, plural, printable, reason_in_words, spread

REASONS = {NOT_IN_PROTOCOL: "not in this protocol", NOT_EVALUATED: "this row was not evaluated under this protocol"}


def status_mark(protocol: ProtocolAt) -> str:
    """What a column header must say of its protocol: "", "unverified · 3 unknown", "verified-on(SSIM) · 1 unknown"."""
    parts = [] if protocol.status == "ours" else [protocol.status]
    parts += [f"{len(protocol.unknown)} unknown"] if protocol.unknown else []
    return printable(" · ".join(parts))


def header(protocol: ProtocolAt) -> str:
    """Name and mark: "eat-like (unverified · 3 unknown)"."""
    mark = status_mark(protocol)
    return printable(protocol.name) + (f" ({mark})" if mark else "")


def unit_of(column: ColumnAt) -> str:
    """The unit, empty for a pure number."""
    return "" if column.unit == "1" else printable(column.unit)


def title_of(m: MetricSpread) -> str:
    """Name, direction, unit: "M-LMD ↓ (px)"; units that differ by protocol all stand there."""
    there = [column for column in m.columns if column]
    arrows = dict.fromkeys(ARROW[column.direction] for column in there)
    units = dict.fromkeys(filter(None, map(unit_of, there)))
    return f"{printable(m.metric)} {'/'.join(arrows)}" + (f" ({' or '.join(units)})" if units else "")


def decimals(m: MetricSpread, j: int) -> int:
    """Digits of the values under protocol j, by the rule of every table."""
    cells = [line[j] for line in m.cells if line[j].shown is not None]
    halves = [(c.high - c.low) / 2 for c in cells if c.low is not None and c.high is not None and c.high > c.low]
    return decimals_for(halves, [c.shown for c in cells])


def cell_text(m: MetricSpread, cell: CellAt, j: int) -> str:
    """ "0.713 ± 0.012", "+0.45 ± 0.10 (6.12)" under match, a dash without a value."""
    if cell.value is None:
        return "—"
    digits, match = decimals(m, j), m.columns[j].direction == Direction.MATCH
    if cell.shown is None:
        return f"({number(cell.value, digits)})"
    text = number(cell.shown, digits, signed=match)
    if cell.low is not None and cell.high is not None and cell.low <= cell.shown <= cell.high:
        text += f" {spread(cell.shown, cell.low, cell.high, digits)}"
    return f"{text} ({number(cell.value, digits)})" if match else text


def why_empty(cell: CellAt) -> str:
    """Why a cell has no value, in words."""
    return REASONS.get(cell.reason) or printable(reason_in_words(cell.reason))


def tau_text(pair: PairAt) -> str:
    """ "0.61 [0.43, 0.79]", or a dash."""
    if pair.tau is None:
        return "—"
    text = number(pair.tau, 2)
    if pair.low is not None and pair.high is not None:
        text += f" [{number(pair.low, 2)}, {number(pair.high, 2)}]"
    return text


def p_text(pair: PairAt) -> str:
    """p of tau; with what so few rows cannot go below where that is above .05."""
    if pair.p is None:
        return "—"
    text = "<.001" if pair.p < 0.001 else f"{pair.p:.3f}".removeprefix("0") if pair.p < 1 else "1"
    return text + (f" ({plural(pair.rows, 'row')}: never below {pair.least_p:.2g})" if pair.least_p > 0.05 else "")


def winner_text(pair: PairAt) -> str:
    """Who is best under both, or under each."""
    one, other = (", ".join(map(printable, names)) for names in pair.winners)
    share = f"; in {pair.same_winner:.0%} of resamplings alike" if pair.same_winner is not None else ""
    if pair.survives is None:
        return "fewer than two rows"
    if not pair.survives:
        return f"NO: {one} / {other}{share}"
    return f"yes: {one}{share}" if one == other else f"yes, by a tie: {one} / {other}{share}"


def lowest(m: MetricSpread) -> PairAt | None:
    """The pair of protocols whose orders agree least."""
    known = [pair for pair in m.pairs if pair.tau is not None]
    return min(known, key=lambda pair: pair.tau, default=None)


def definitions(m: MetricSpread) -> list[tuple[str, str]]:
    """(protocols that share it, definition with unit and version), in order."""
    found: dict[str, list[str]] = {}
    for column in m.columns:
        if column:
            text = f"{column.definition or 'no definition recorded'}; unit {column.unit}; version {column.version}"
            found.setdefault(text, []).append(column.protocol)
    return [(join(protocols), text) for text, protocols in found.items()]


def ratio_text(m: MetricSpread) -> str:
    """The ratio with two significant digits, a dash for none."""
    return "—" if m.ratio is None else "<0.001" if 0 < m.ratio < 0.001 else f"{m.ratio:.2g}"


def short(value: float | None) -> str:
    """Three significant digits, a dash for none."""
    return "—" if value is None else f"{value:.3g}"
