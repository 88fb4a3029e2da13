"""The ruler: a difference of a column read in doses, "0.012 SSIM = blur 0.4 px", by inverting measured response curves.

A calibration (bench/contract/calibration.py) says how far a column moves from its value on undamaged clips at three doses of
a damage. The curve through these points and (0, 0) is inverted by monotone interpolation (Fritsch and Carlson, SIAM J. Numer.
Anal. 17, 1980). It is laid only on the dataset, protocol and metric version that it was measured with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from itertools import accumulate
from math import isfinite
from pathlib import Path

from pydantic import ValidationError

from bench.contract.calibration import Calibration, DamageCurve, ResponseCell
from bench.contract.dose import Dose
from bench.contract.errors import UsageError
from bench.contract.metric import Direction
from bench.contract.result import Result
from reports.words import plural

LEAST_POINTS = 2
"""Doses with a value that a curve needs: with one, its shape would be a guess."""
FROZEN = "calibration-*.json"
_SHARE = re.compile(r"(share|relative change)( |$)")


@dataclass(frozen=True)
class _Scale:
    """One damage's curve of one column: how far it moves, and the band that its intervals leave. All start at (0, 0)."""

    curve: DamageCurve
    cell: ResponseCell
    middle: tuple[list[float], list[float]]
    lower: tuple[list[float], list[float]] | None
    upper: tuple[list[float], list[float]] | None
    smallest: float


@dataclass(frozen=True)
class Ruler:
    """All curves of one calibration that may be read backwards."""

    calibration: Calibration

    @cached_property
    def _scales(self) -> dict[str, list[_Scale]]:
        found: dict[str, list[_Scale]] = {}
        for curve, cell in self.calibration.cells():
            if (scale := _scale(curve, cell)) is not None:
                found.setdefault(cell.metric, []).append(scale)
        return found

    def read(self, metric: str, version: str, difference: float) -> list[Dose]:
        """`difference` of two shown values as a dose of every damage that moves this column as declared.

        The surest first: read as a dose before what lies beyond a curve, then by the width of the interval in doses. Empty
        for a column without such a damage, or of another version than the calibration's.
        """
        if not isfinite(difference):
            return []
        scales = [s for s in self._scales.get(metric, ()) if s.cell.version and s.cell.version == version]
        return sorted((_read(scale, abs(difference)) for scale in scales), key=_sureness)

    @property
    def made_of(self) -> str:
        """What was calibrated, in words."""
        c, d = self.calibration, self.calibration.dataset
        place = " ".join(filter(None, (d.name, d.profile, d.part)))
        return (
            f"calibrated on {place}: {plural(c.n_clips, 'clip')} of {plural(c.n_speakers, 'speaker')}, "
            f"protocol {c.protocol}, {c.created[:10]}"
        )


def find_ruler(result: Result, folders: Sequence[Path] = ()) -> Ruler | str:
    """The ruler for rows like `result`, or why there is none.

    Frozen calibrations come with the reports; `folders` are searched for calibration.json of the user's own. Of several
    the one on the result's own profile and part, then the one on the most clips. UsageError for a file that cannot be read.
    """
    every = list(_calibrations(folders))
    d, p = result.dataset, result.protocol
    of_dataset = [c for c in every if c.dataset.name == d.name]
    of_version = [c for c in of_dataset if c.dataset.data_version == d.data_version]
    fitting = [c for c in of_version if (c.protocol, c.protocol_sha256) == (p.name, p.sha256)]
    make = f"`emotalk calibrate --dataset {d.name}` makes one"
    if not of_dataset:
        return f"no calibration of the dataset {d.name}; {make}"
    if not of_version:
        return f"the calibration of {d.name} is of another version of its data; {make}"
    if not fitting:
        return f"the calibration of {d.name} was made under another protocol, or another version of it; {make}"
    own = (d.profile, d.part)
    return Ruler(max(fitting, key=lambda c: ((c.dataset.profile, c.dataset.part) == own, c.n_clips, c.created)))


def _calibrations(folders: Sequence[Path]) -> Iterator[Calibration]:
    frozen = resources.files("reports").joinpath("reference")
    files = [f for f in frozen.iterdir() if Path(f.name).match(FROZEN)] if frozen.is_dir() else []
    files += [path for folder in folders for path in sorted(Path(folder).glob("*/calibration.json"))]
    for file in files:
        try:
            yield Calibration.model_validate_json(file.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise UsageError(f"{file}: not a calibration ({str(error)[:200]}); run `emotalk calibrate` again") from None


def _scale(curve: DamageCurve, cell: ResponseCell) -> _Scale | None:
    """None where the column does not answer as declared, is to stay flat, or has too few doses with a value."""
    points = [p for p in cell.points if p.difference is not None and isfinite(p.difference) and p.dose > 0]
    if cell.verdict != "as-declared" or cell.says == "flat" or len(points) < LEAST_POINTS:
        return None
    points.sort(key=lambda p: p.dose)
    doses = [p.dose for p in points]
    sign = -1.0 if cell.says == "falls" else 1.0
    middle = _rising(doses, [sign * p.difference for p in points])
    if len(middle[0]) <= LEAST_POINTS:
        return None
    if any(p.low is None or p.high is None for p in points):
        return _Scale(curve, cell, middle, None, None, 0.0)
    ends = [sorted((sign * p.low, sign * p.high)) for p in points]
    # the true curve rises: what a dose moves at least, every larger one does; what it moves at most, no smaller one exceeds
    least = list(accumulate((low for low, _ in ends), max))
    most = list(accumulate((high for _, high in reversed(ends)), min))[::-1]
    return _Scale(curve, cell, middle, _rising(doses, least), _rising(doses, most), (ends[0][1] - ends[0][0]) / 2)


def _rising(doses: Sequence[float], sizes: Sequence[float]) -> tuple[list[float], list[float]]:
    """(doses, sizes) from (0, 0) on, without points that do not exceed all before them."""
    xs, ys = [0.0], [0.0]
    for x, y in zip(doses, sizes, strict=True):
        if y > ys[-1]:
            xs.append(x)
            ys.append(y)
    return xs, ys


def _dose_of(size: float, knots: tuple[list[float], list[float]]) -> float | None:
    """The dose at which a rising curve reaches `size`; None beyond its end."""
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import brentq

    doses, sizes = knots
    if size > sizes[-1]:
        return None
    curve = PchipInterpolator(doses, sizes)
    return float(brentq(lambda dose: float(curve(dose)) - size, 0.0, doses[-1]))


def _read(scale: _Scale, size: float) -> Dose:
    about = {
        "damage": scale.curve.damage, "unit": scale.curve.unit, "kind": scale.curve.kind, "says": scale.cell.says,
        "top": max(scale.curve.doses), "smallest": scale.smallest,
    }  # fmt: skip
    if size < scale.smallest or size == 0.0:
        return Dose(reads="too-small", **about)
    dose = _dose_of(size, scale.middle)
    if dose is None:
        return Dose(reads="more-than-top", **about)
    low = _dose_of(size, scale.upper) if scale.upper is not None else None
    high = _dose_of(size, scale.lower) if scale.lower is not None else None
    # between the doses the three interpolations may cross by a hair
    return Dose(
        reads="dose",
        dose=dose,
        low=None if low is None else min(low, dose),
        high=None if high is None else max(high, dose),
        **about,
    )


def _sureness(dose: Dose) -> tuple[int, float]:
    rank = ("dose", "more-than-top", "too-small").index(dose.reads)
    if dose.reads != "dose":
        return rank, 0.0
    known = dose.low is not None and dose.high is not None
    return rank, (dose.high - dose.low) / dose.dose if known else float("inf")


def in_short(doses: Sequence[Dose], n: int = 2) -> list[str]:
    """What stands beside a difference: of `Ruler.read` the `n` surest doses, of different kinds of damage as far as there are.

    Where none reads as a dose, what the difference exceeds; where it exceeds none, that it is too small; empty without a ruler.
    """
    if not doses:
        return []
    alike = [dose for dose in doses if dose.reads == doses[0].reads]
    if alike[0].reads == "too-small":
        return ["too small to read"]
    first = [next(dose for dose in alike if dose.kind == kind) for kind in dict.fromkeys(dose.kind for dose in alike)]
    rest = [dose for dose in alike if all(dose is not one for one in first)]
    return [in_words(dose) for dose in [*first, *rest][:n]]


def in_words(dose: Dose) -> str:
    """ "blur 0.42 px [0.35, 0.49]", "frames-dropped 30 % of frames", "blur > 2 px", "blur: too small to read"."""
    if dose.reads == "too-small":
        return f"{dose.damage}: too small to read"
    if dose.reads == "more-than-top":
        return f"{dose.damage} > {dose_in_words(dose.top, dose.unit)}"
    text = f"{dose.damage} {dose_in_words(dose.dose, dose.unit)}"
    if dose.low is None:
        return text
    low, top = (_short(value * _factor(dose.unit)) for value in (dose.low, dose.top))
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


def badness(direction: Direction, value: float | None, truth: float | None) -> float | None:
    """The shown value with less for better, the scale on which calibrations measure; None where it is not known."""
    if value is None or (direction == Direction.MATCH and truth is None):
        return None
    match direction:
        case Direction.HIGHER:
            return -value
        case Direction.LOWER:
            return value
        case Direction.ZERO:
            return abs(value)
        case Direction.MATCH:
            return abs(value - truth)
