"""What a paired test on a handful of speakers would need to show a given difference (the test itself: metrics/power.py).

Two methods scored on the same speakers differ with standard deviation s_d between speakers. Where only one of them is
known, with speaker means that spread by s, and the other is taken to spread alike and to correlate by r, then
s_d = s sqrt(2 (1 - r)), the variance of a difference.
"""

from __future__ import annotations

from math import sqrt

from metrics.power import POWER, power_of, smallest_difference
from metrics.statistics import LEAST_SPEAKERS

MOST_SPEAKERS = 10_000


def spread_of_differences(spread: float, correlation: float) -> float:
    """SD between speakers of the difference of two methods whose speaker means each spread by `spread`."""
    return spread * sqrt(2.0 * (1.0 - correlation))


def correlation_needed(difference: float, spread: float, speakers: int) -> float:
    """How the two methods' speaker means must correlate at least for `difference` to be shown; -1 or less: always shown.

    `spread` > 0 is that of either method. ValueError below 3 speakers.
    """
    smallest = smallest_difference(1.0, speakers)
    if smallest is None:
        raise ValueError(f"expected {LEAST_SPEAKERS} or more speakers, got {speakers}")
    return 1.0 - (abs(difference) / smallest / spread) ** 2 / 2.0


def speakers_needed(difference: float, sd: float, power: float = POWER) -> int | None:
    """The fewest speakers, 3 at least, with which `difference` is shown; `sd` > 0 of the differences. None above 10,000."""

    def enough(speakers: int) -> bool:
        return power_of(difference, sd, speakers) >= power

    if enough(LEAST_SPEAKERS):
        return LEAST_SPEAKERS
    low, high = LEAST_SPEAKERS, MOST_SPEAKERS
    if not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def least_sign_p(speakers: int) -> float:
    """The smallest two-sided p of a test that looks at signs or ranks alone: all speakers agree, 2 / 2^speakers."""
    return min(1.0, 2.0 ** (1 - speakers))
