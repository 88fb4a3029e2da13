"""The ruler: a difference of a column read in doses, "0.012 SSIM = blur 0.4 px", by inverting measured response curves.

A calibration (bench/contract/calibration.py) says how far a column moves from its value on undamaged clips at three doses of
a damage. The curve through these points and (0, 0) is inverted by monotone interpolation (Fritsch and Carlson, SIAM J. Numer.
Anal. 17, 1980). It is laid only on the dataset, protocol, metric version and networks that it was measured with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from itertools import accumulate
from math import isfinite
from pathlib import Path

from bench.contract.calibration import Calibration, DamageCurve, ResponseCell
from bench.contract.commands import emotalk
from bench.contract.comparison import MetricComparison
from bench.contract.dose import Dose
from bench.contract.errors import UsageError
from bench.contract.metric import Direction
from bench.contract.result import ExtractorRecord, MetricValue, Result
from reports.networks import not_laid_on, other_networks
from reports.response import Knots, dose_of, last_of_plateaus, rising
from reports.words import join, plural, printable

LEAST_POINTS = 2
"""Doses with a value that a curve needs: with one, its shape would be a guess."""
MOST_TIMES = 2.0
"""A column of the whole set is read only on rows of at most so many times the calibration's clips, and of at least one in so
many: how large FID, KID or a divergence is depends on how many clips it is made of."""
NOT_FROM_ZERO = {
    "codec": "CRF 0 is itself an encoding, and the undamaged clips were encoded at another",
    "gaze-shuffled": "a window below 2 frames has nothing that could change places",
    "pose-shuffled": "a window below 2 frames has nothing that could change places",
}
"""Damages whose dose 0 is not the undamaged clip, with the reason: their curves begin at the smallest dose, not at (0, 0)."""
UNDAMAGED = "gt-reencoded"
"""The row at dose 0 of every curve."""
FROZEN = "calibration-*.json"


@dataclass(frozen=True)
class _Scale:
    """One damage's curve of one column: how far it moves, and the band that its intervals leave."""

    curve: DamageCurve
    cell: ResponseCell
    middle: Knots
    lower: Knots | None
    upper: Knots | None
    smallest: float

    @property
    def n_clips(self) -> int:
        """Clips of the smallest dose with a value; no larger dose has fewer."""
        return next(p.n_clips for p in self.cell.points if p.difference is not None)

    def is_for(self, version: str, clips: int | None) -> bool:
        """True if values of this version of the metric are read, made of so many clips (None: of each clip by itself)."""
        if not self.cell.version or self.cell.version != version:
            return False
        return clips is None or self.n_clips <= MOST_TIMES * clips <= MOST_TIMES**2 * self.n_clips


@dataclass(frozen=True)
class Ruler:
    """All curves of one calibration that may be read backwards.

    `networks`: what read the rows that it is laid on; None: not asked. `skipped`: files that are no calibrations.
    """

    calibration: Calibration
    networks: Sequence[ExtractorRecord] | None = None
    skipped: tuple[str, ...] = ()

    @cached_property
    def _curves(self) -> dict[str, list[_Scale]]:
        found: dict[str, list[_Scale]] = {}
        for curve, cell in self.calibration.cells():
            if (scale := _scale(curve, cell)) is not None:
                found.setdefault(cell.metric, []).append(scale)
        return found

    @cached_property
    def _scales(self) -> dict[str, list[_Scale]]:
        return {metric: scales for metric, scales in self._curves.items() if metric not in self.refused}

    @cached_property
    def refused(self) -> dict[str, str]:
        """Columns with a curve that other networks made here than in the calibration, with the reason."""
        if self.networks is None:
            return {}
        said = {name: other_networks(name, self.calibration.extractors, self.networks) for name in self._curves}
        return {name: reason for name, reason in said.items() if reason is not None}

    def n_readable(self, result: Result) -> int:
        """Curves that can be read for rows like `result`."""
        cells = {m.metric: m for m in result.metrics}
        return sum(
            s.is_for(cells[metric].version, clips_of_set(cells[metric])) if metric in cells else bool(s.cell.version)
            for metric, scales in self._scales.items()
            for s in scales
        )

    def read(self, metric: str, version: str, difference: float, clips: int | None = None) -> list[Dose]:
        """`difference` of two shown values as a dose of every damage that moves this column as declared.

        `clips`: of how many the value of a column of the whole set is made, None of another column (`clips_of_set`). The
        surest first: read as a dose before what lies beyond a curve, then by the width of the interval in doses. Empty for
        a column without such a damage, of another version than the calibration's, made by other networks, or of too many
        or too few clips. The sign of `difference` is not read: who knows which row is nearer to the undamaged clips says so.
        """
        if not isfinite(difference):
            return []
        scales = [s for s in self._scales.get(metric, ()) if s.is_for(version, clips)]
        return sorted((_read(scale, abs(difference)) for scale in scales), key=_sureness)

    def other_size(self, metric: str, version: str, clips: int | None) -> str | None:
        """Why no curve of a column is read on a value of so many clips, where there are curves and that alone is why."""
        scales = [s for s in self._scales.get(metric, ()) if s.is_for(version, None)]
        if not scales or any(s.is_for(version, clips) for s in scales):
            return None
        measured = join([str(n) for n in sorted({s.n_clips for s in scales})])
        return f"measured on {measured} clips, this row has {clips}"

    @property
    def made_of(self) -> str:
        """What was calibrated, in words; the columns that it is not laid on, and files that were left out."""
        c, d = self.calibration, self.calibration.dataset
        place = " ".join(filter(None, (d.name, d.profile, d.part)))
        return (
            f"calibrated on {place}: {plural(c.n_clips, 'clip')} of {plural(c.n_speakers, 'speaker')}, "
            f"protocol {c.protocol}, {c.created[:10]}{not_laid_on(self.refused)}{_skipped(self.skipped)}"
        )


def find_ruler(result: Result, folders: Sequence[Path] = ()) -> Ruler | str:
    """The ruler for rows like `result`, or why there is none.

    Frozen calibrations come with the reports; `folders` are searched for calibration.json of the user's own, of which one
    that cannot be read is left out and named. Of several with curves that can be read the one on the result's own profile
    and part, then the one with the most such curves, then the one on the most clips. UsageError for a broken frozen file.
    """
    every, skipped = _calibrations(folders)
    d, p = result.dataset, result.protocol
    of_dataset = [c for c in every if c.dataset.name == d.name]
    of_version = [c for c in of_dataset if c.dataset.data_version == d.data_version]
    fitting = [c for c in of_version if (c.protocol, c.protocol_sha256) == (p.name, p.sha256)]
    command = emotalk("calibrate", d.name, profile=d.profile, split=d.part if d.part != "test" else None)
    make = f"`{command}` makes one{_skipped(skipped)}"
    if not of_dataset:
        return f"no calibration of the dataset {d.name}; {make}"
    if not of_version:
        return f"the calibration of {d.name} is of another version of its data; {make}"
    if not fitting:
        other = f"the calibration of {d.name} was made under another protocol, or another version of it"
        return f"{other}; `{command}` makes one under the protocol that its declaration names{_skipped(skipped)}"
    rulers = [Ruler(c, result.extractors, skipped) for c in fitting]
    readable = {id(one): n for one in rulers if (n := one.n_readable(result))}
    if not readable:
        if not any(one.calibration.can_show for one in rulers):
            speakers = plural(max(one.calibration.n_speakers for one in rulers), "speaker")
            return f"the calibration of {d.name} is on {speakers}, too few to show that any column answers as declared{_skipped(skipped)}"
        refused = not_laid_on({k: v for one in rulers for k, v in one.refused.items()})
        return f"the calibration of {d.name} has no curve that can be read{refused}; {make}"

    def rank(one: Ruler) -> tuple[bool, int, int, str]:
        c = one.calibration
        own = (c.dataset.profile, c.dataset.part) == (d.profile, d.part)
        return own, readable[id(one)], c.n_clips, c.created

    return max((one for one in rulers if id(one) in readable), key=rank)


def _calibrations(folders: Sequence[Path]) -> tuple[list[Calibration], tuple[str, ...]]:
    """Every calibration that can be read, and the user's files that cannot, by their last three folders' names."""
    found, skipped = [], []
    frozen = resources.files("reports").joinpath("reference")
    shipped = [f for f in frozen.iterdir() if Path(f.name).match(FROZEN)] if frozen.is_dir() else []
    for file in shipped:
        try:
            found.append(Calibration.model_validate_json(file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise UsageError(f"{file}: not a calibration ({str(error)[:200]}); install the suite again") from None
    for file in (path for folder in folders for path in sorted(Path(folder).glob("*/calibration.json"))):
        try:
            found.append(Calibration.load(file))
        except (OSError, ValueError):
            skipped.append("/".join(file.parts[-3:]))
    return found, tuple(skipped)


def _skipped(files: Sequence[str]) -> str:
    """What is said of files that are no calibrations."""
    if not files:
        return ""
    said = "is not a calibration" if len(files) == 1 else "are not calibrations"
    return printable(f"; {join(list(files))} {said}: remove or remake {'it' if len(files) == 1 else 'them'}")


def _scale(curve: DamageCurve, cell: ResponseCell) -> _Scale | None:
    """None where the column does not answer as declared, is to stay flat, or has too few doses with a value."""
    points = [p for p in cell.points if p.difference is not None and isfinite(p.difference) and p.dose > 0]
    if cell.verdict != "as-declared" or cell.says == "flat" or len(points) < LEAST_POINTS:
        return None
    points.sort(key=lambda p: p.dose)
    doses = [p.dose for p in points]
    sign = -1.0 if cell.says == "falls" else 1.0
    begins = () if curve.damage in NOT_FROM_ZERO else (0.0,)
    middle = rising(doses, [sign * p.difference for p in points], begins)
    if len(middle[0]) - len(begins) < LEAST_POINTS:
        return None
    if any(p.low is None or p.high is None for p in points):
        return _Scale(curve, cell, middle, None, None, 0.0)
    ends = [sorted((sign * p.low, sign * p.high)) for p in points]
    # the true curve rises: what a dose moves at least, every larger one does; what it moves at most, no smaller one exceeds
    least = list(accumulate((low for low, _ in ends), max))
    most = list(accumulate((high for _, high in reversed(ends)), min))[::-1]
    lower = last_of_plateaus(doses, least, begins)
    return _Scale(curve, cell, middle, lower, rising(doses, most, begins), (ends[0][1] - ends[0][0]) / 2)


def _read(scale: _Scale, size: float) -> Dose:
    about = {
        "damage": scale.curve.damage, "unit": scale.curve.unit, "kind": scale.curve.kind, "says": scale.cell.says,
        "top": max(scale.curve.doses), "smallest": scale.smallest,
        "bottom": scale.middle[0][0] if scale.curve.damage in NOT_FROM_ZERO else None,
    }  # fmt: skip
    if size < scale.smallest or size == 0.0:
        return Dose(reads="too-small", **about)
    if size < scale.middle[1][0]:
        return Dose(reads="less-than-bottom", **about)
    dose = dose_of(size, scale.middle)
    if dose is None:
        return Dose(reads="more-than-top", **about)
    low = dose_of(size, scale.upper) if scale.upper is not None else None
    high = dose_of(size, scale.lower) if scale.lower is not None else None
    # between the doses the three interpolations may cross by a hair
    return Dose(
        reads="dose",
        dose=dose,
        low=None if low is None else min(low, dose),
        high=None if high is None else max(high, dose),
        **about,
    )


def _sureness(dose: Dose) -> tuple[int, float]:
    rank = ("dose", "more-than-top", "less-than-bottom", "too-small").index(dose.reads)
    if dose.reads != "dose":
        return rank, 0.0
    known = dose.low is not None and dose.high is not None
    return rank, (dose.high - dose.low) / dose.dose if known else float("inf")


def clips_of_set(cell: MetricValue | MetricComparison) -> int | None:
    """Of how many clips the one value of a set is made; None of a column that is a mean over clips."""
    return cell.n_clips if cell.kind == "set" else None


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
