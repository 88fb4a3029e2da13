"""How often people of the dataset blink, emotion by emotion, counted on the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.data.puppet.difficulty.clips import Spot, take_of

CLOSED = 0.5
"""A blink is a run of frames whose lids are closed by more than this share."""


@dataclass(frozen=True)
class Rate:
    """Blinks per minute, its 95 % interval over speakers, the number of blinks, and the prototype's own rate parameter."""

    per_minute: float
    low: float
    high: float
    blinks: int
    asked: float


def by_emotion(wanted: Sequence[Spot]) -> dict[str, Rate]:
    """Emotion -> rate over its clips of `wanted`: all blinks by all minutes, Student t over the speakers' own rates."""
    from scipy.stats import t

    from bench.contract.clip import FPS
    from bench.data.puppet.actions import ACTIONS
    from bench.data.puppet.emotion import PROTOTYPES

    column = ACTIONS.index("blink")
    counted: dict[str, dict[str, list[float]]] = {}
    for spot in wanted:
        lids = take_of(spot).actions[:, column]
        own = counted.setdefault(spot.emotion, {}).setdefault(spot.speaker, [0, 0.0])
        own[0] += blinks_in(lids)
        own[1] += len(lids) / FPS / 60
    found = {}
    for emotion, people in counted.items():
        count, minutes = np.array(list(people.values())).T
        rates = count / minutes
        half = t.ppf(0.975, len(rates) - 1) * rates.std(ddof=1) / np.sqrt(len(rates)) if len(rates) > 1 else np.inf
        found[emotion] = Rate(
            per_minute=float(count.sum() / minutes.sum()),
            low=float(max(0.0, rates.mean() - half)),
            high=float(rates.mean() + half),
            blinks=int(count.sum()),
            asked=float(PROTOTYPES[emotion].blinks),
        )
    return found


def blinks_in(lids: np.ndarray) -> int:
    """Number of runs of closed frames in a track of lid closure (T,), 0 open to 1 closed."""
    return int((np.diff((np.asarray(lids) > CLOSED).astype(int), prepend=0) == 1).sum())
