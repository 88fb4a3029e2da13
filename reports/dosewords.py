"""Doses in words: "blur 0.42 px [0.35, 0.49]", "frames-dropped 30 % of frames"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.contract.dose import Dose

TOO_SMALL = "too small to read"
_SHARE = re.compile(r"(share|relative change)( |$)")


def in_short(doses: Sequence[Dose], n: int = 2) -> list[str]:
    """What stands beside a difference: of `Ruler.read` the `n` surest doses, of different kinds of damage as far as there are.

    Where none reads as a dose, what the difference exceeds; where it exceeds none, that it is too small; empty without a ruler.
    """
    if not doses:
        return []
    alike = [dose for dose in doses if dose.reads == doses[0].reads]
    if alike[0].reads == "too-small":
        return [TOO_SMALL]
    first = [next(dose for dose in alike if dose.kind == kind) for kind in dict.fromkeys(dose.kind for dose in alike)]
    rest = [dose for dose in alike if all(dose is not one for one in first)]
    return [in_words(dose) for dose in [*first, *rest][:n]]


def read_as(doses: Sequence[Dose], why_not: str | None, n: int = 2) -> list[str]:
    """What stands beside a difference in a table: `in_short`, or why it is not read; empty where there is nothing to read it by."""
    return in_short(doses, n) or ([why_not] if why_not else [])


def in_words(dose: Dose) -> str:
    """ "blur 0.42 px [0.35, 0.49]", "frames-dropped 30 % of frames", "blur > 2 px", "codec < 24 CRF", "blur: too small to read"."""
    if dose.reads == "too-small":
        return f"{dose.damage}: {TOO_SMALL}"
    if dose.reads == "more-than-top":
        return f"{dose.damage} > {dose_in_words(dose.top, dose.unit)}"
    if dose.reads == "less-than-bottom":
        return f"{dose.damage} < {dose_in_words(dose.bottom, dose.unit)}"
    text = f"{dose.damage} {dose_in_words(dose.dose, dose.unit)}"
    if dose.low is None:
        return text
    low, top = (_short(value * _factor(dose.unit)) for value in (dose.low, dose.top))
    low = f"≤ {low}" if dose.low == dose.bottom else low
    return f"{text} [{low}, {f'> {top}' if dose.high is None else _short(dose.high * _factor(dose.unit))}]"


def dose_in_words(dose: float, unit: str) -> str:
    """ "0.42 px", "1 frame", "30 % of frames" for a share of frames; a bare number without a unit."""
    said = _short(dose * _factor(unit))
    return f"{said} {_unit(unit).removesuffix('s') if said == '1' else _unit(unit)}".rstrip()


def doses_in_words(doses: Sequence[float], unit: str) -> str:
    """ "0.5, 1, 2 px"."""
    return f"{', '.join(_short(dose * _factor(unit)) for dose in doses)} {_unit(unit)}".rstrip()


def _unit(unit: str) -> str:
    return f"% {_SHARE.sub('', unit)}".rstrip() if _SHARE.match(unit) else unit


def _factor(unit: str) -> float:
    """Shares are told in percent."""
    return 100.0 if _SHARE.match(unit) else 1.0


def _short(value: float) -> str:
    """Two significant digits; from 10 on whole numbers."""
    return f"{float(f'{value:.1e}'):g}" if abs(value) < 10 else f"{value:.0f}"
