"""A measured response curve inverted: how large a dose is that moves a column so far."""

from __future__ import annotations

from collections.abc import Sequence

Knots = tuple[list[float], list[float]]
"""Doses and sizes of a curve, both rising."""


def rising(doses: Sequence[float], sizes: Sequence[float], begins: Sequence[float]) -> Knots:
    """From (0, 0) on if it `begins` there, without points that do not exceed all before them: of a plateau its first dose."""
    xs, ys = list(begins), list(begins)
    for x, y in zip(doses, sizes, strict=True):
        if y > max(ys, default=0.0):
            xs.append(x)
            ys.append(y)
    return xs, ys


def last_of_plateaus(doses: Sequence[float], sizes: Sequence[float], begins: Sequence[float]) -> Knots:
    """A curve that never falls, of each plateau its last dose, nothing below 0: inverted, the largest dose up to a size."""
    xs, ys = list(begins), list(begins)
    for x, y in zip(doses, sizes, strict=True):
        size = max(y, 0.0)
        if ys and size == ys[-1]:
            xs[-1] = x
        else:
            xs.append(x)
            ys.append(size)
    return xs, ys


def dose_of(size: float, knots: Knots) -> float | None:
    """The dose at which a rising curve reaches `size`; its first dose below that dose's size, None beyond its end."""
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import brentq

    doses, sizes = knots
    if not sizes or size > sizes[-1]:
        return None
    if size <= sizes[0]:
        return doses[0]
    curve = PchipInterpolator(doses, sizes)
    return float(brentq(lambda dose: float(curve(dose)) - size, doses[0], doses[-1]))
