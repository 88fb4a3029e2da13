"""From a measured curve to its verdict: as declared, not as declared, or not shown. The rules: docs/calibration.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bench.contract.calibration import Point, Says, Verdict

ROUNDING = 1e-9
"""What two computations of one number may differ by: a curve that lies on a bound is not beyond it."""


UNCHANGED = "no clip's value changed: so few clips cannot exclude a rare change"
"""Why an interval of no width at 0 shows nothing, unless there is nothing that could have changed."""


class Judged(NamedTuple):
    """A verdict, what it rests on in words, and whether the curve is monotone (None: not asked, or not known)."""

    verdict: Verdict
    reason: str
    monotone: bool | None = None


def verdict_of(says: Says, effect: float, points: Sequence[Point]) -> Judged:
    """The verdict on one column under one damage; points in the order of their doses, `effect` > 0 in the column's unit."""
    valued = [point for point in points if point.difference is not None]
    if not valued:
        return Judged("not-shown", f"no value at any dose: {_reasons(points)}")
    known = [point for point in valued if point.low is not None and point.low90 is not None]
    if not known:
        return Judged("not-shown", f"no interval: {_reasons(valued)}")
    if says == "flat":
        return _flat(effect, points, known)
    if valued[-1] not in known:  # the highest dose with a value is what must reach the effect
        return Judged("not-shown", f"no interval at dose {valued[-1].dose:g}: {valued[-1].reason}")
    return _moves(says, effect, known)


def _flat(effect: float, points: Sequence[Point], known: Sequence[Point]) -> Judged:
    outside = [p for p in known if p.low > effect + ROUNDING or p.high < -effect - ROUNDING]
    if outside:
        worst = max(outside, key=lambda p: max(p.low, -p.high))
        return Judged("not-as-declared", f"{_at(worst)}: all of it outside -{effect:g} to {effect:g}")
    beyond = [p for p in known if p.low90 < -effect - ROUNDING or p.high90 > effect + ROUNDING]
    if beyond:
        worst = max(beyond, key=lambda p: max(p.high90, -p.low90))
        shown = f"{worst.low90:.3g} to {worst.high90:.3g}"
        return Judged("not-shown", f"90 % interval {shown} at dose {worst.dose:g} reaches beyond {effect:g}")
    if len(known) < len(points):
        lacking = next(point for point in points if point not in known)
        return Judged("not-shown", f"no interval at dose {lacking.dose:g}: {lacking.reason}")
    if all(point.unaltered for point in points):
        return Judged("as-declared", "by construction: what the column looks at is unaltered, byte for byte")
    # no spread is no knowledge of the spread: counts and lags of a dozen clips are often all alike
    still = next((p for p in known if max(abs(p.low), abs(p.high)) <= ROUNDING), None)
    if still:
        return Judged("not-shown", f"dose {still.dose:g}: {UNCHANGED}")
    return Judged("as-declared", f"90 % intervals at every dose within -{effect:g} to {effect:g}")


def _moves(says: Says, effect: float, known: Sequence[Point]) -> Judged:
    towards = 1.0 if says == "rises" else -1.0
    # seen in the declared direction, so that rising is what is asked for
    spans = [sorted((towards * point.low, towards * point.high)) for point in known]
    for later, point in enumerate(known):
        for earlier in range(later):
            if spans[later][1] < spans[earlier][0] - ROUNDING:
                reason = f"not monotone: {_at(point)}, on the wrong side of dose {known[earlier].dose:g}"
                return Judged("not-as-declared", reason, monotone=False)
    top, (low, high) = known[-1], spans[-1]
    if low > effect + ROUNDING:
        return Judged("as-declared", f"{_at(top)}: all of it beyond {towards * effect:g}", monotone=True)
    if high < effect - ROUNDING:
        return Judged("not-as-declared", f"{_at(top)}: all of it short of {towards * effect:g}", monotone=True)
    return Judged("not-shown", f"{_at(top)}: holds {towards * effect:g}", monotone=True)


def _at(point: Point) -> str:
    return f"{point.low:.3g} to {point.high:.3g} at dose {point.dose:g}"


def _reasons(points: Sequence[Point]) -> str:
    return "; ".join(dict.fromkeys(point.reason or "unknown" for point in points))
