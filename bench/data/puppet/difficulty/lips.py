"""Lips against sound, per emotion: closures closed, open vowels open, the mouth's lag behind the loudness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.contract.clip import EMOTIONS
from bench.data.puppet.difficulty.clips import Spot, speakers, take_of

LAGS = range(-4, 5)
AJAR = 1.5
"""Gap in px over which lips are not closed."""


@dataclass(frozen=True)
class Lips:
    """One emotion's mouths, gaps in px.

    Of a p, b or m the smallest gap counts (from 20 ms before it to its end), of a stressed open vowel the largest:
    widest_closure and narrowest_opening are the worst of them over all sounds. ajar: share of the frames inside a p, b or m
    with a gap over AJAR, those at the burst. lag in frames of the best mean correlation of gap with loudness, that
    correlation, and the share of clips whose own lag is within one frame of 0.
    """

    closures: int
    widest_closure: float
    ajar: float
    openings: int
    narrowest_opening: float
    median_opening: float
    lag: int
    correlation: float
    within_one: float


def mouths(names: int = 4, size: int = 256) -> dict[str, Lips]:
    """Emotion -> lips over `names` judge-training speakers, every level and sentence once per emotion; true geometry in px."""
    found = {}
    for i, emotion in enumerate(EMOTIONS):
        levels = (1, 1, 1) if emotion == "neutral" else (1, 2, 3)
        wanted = [
            Spot(name, emotion, level, 1 + (i + k + j) % 3)
            for k, name in enumerate(speakers(names))
            for j, level in enumerate(levels)
        ]
        found[emotion] = _lips(wanted, size)
    return found


def _lips(wanted: Sequence[Spot], size: int) -> Lips:
    from bench.data.puppet.render import Performance, renderer_of
    from bench.data.puppet.truth import RENDERER_SEX
    from bench.data.puppet.visemes import BILABIAL, OPEN

    closures, openings, matches, sounding = [], [], [], []
    for spot in wanted:
        take = take_of(spot)
        renderer = renderer_of(take.speaker.seed, RENDERER_SEX[take.speaker.sex], size)
        gap = renderer.lip_gap(Performance(take.actions, take.gaze, take.pose, take.position))
        for p in take.phonemes:
            inside = [t for t in range(len(take)) if p.start - 0.02 <= t / 25 <= p.end]
            inside = inside or [round((p.start + p.end) / 2 * 25)]
            if p.code in BILABIAL:
                closures.append(gap[inside].min())
                sounding += [gap[t] for t in range(len(take)) if p.start <= t / 25 <= p.end]
            elif p.code in OPEN and p.stress:
                openings.append(gap[inside].max())
        matches.append(match(gap, loudness(take.samples, take.rate, len(take))))
    mean = np.mean(matches, axis=0)
    own = np.array([LAGS[int(np.argmax(m))] for m in matches])
    return Lips(
        closures=len(closures),
        widest_closure=float(max(closures)),
        ajar=float((np.array(sounding) > AJAR).mean()),
        openings=len(openings),
        narrowest_opening=float(min(openings)),
        median_opening=float(np.median(openings)),
        lag=LAGS[int(np.argmax(mean))],
        correlation=float(mean.max()),
        within_one=float((np.abs(own) <= 1).mean()),
    )


def loudness(samples: np.ndarray, rate: int, frames: int) -> np.ndarray:
    """Root mean square (frames,) of the sound within 40 ms about each frame."""
    hop = rate // 50
    centres = (np.arange(frames) / 25 * rate).astype(int)
    return np.array([np.sqrt(np.mean(samples[max(0, c - hop) : c + hop] ** 2)) for c in centres])


def match(gap: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """Correlation of gap[t + lag] with loud[t] for each of `LAGS`: a positive lag is a late mouth."""
    n = len(gap)
    return np.array([np.corrcoef(gap[max(0, k) : n + min(0, k)], loud[max(0, -k) : n - max(0, k)])[0, 1] for k in LAGS])
