"""Columns of a row against those of a reference: the paired difference of each, Holm over all, and the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.contract.errors import EmotalkError
from bench.contract.metric import SetMetric
from bench.contract.regression import GateLine, Margin, Overall, ReferenceClip, ReferenceColumn
from bench.contract.result import MetricValue
from bench.regress.column import Column, arrays_of, estimate_of, shown_of_clips, shown_of_set
from bench.regress.conditions import MissingValues
from metrics.noninferiority import Paired, detectable, judge, of_clips, of_sets
from metrics.statistics import holm

People = Mapping[str, ReferenceClip]
"""Clip id -> whose it is, and which emotion it shows."""


@dataclass(frozen=True)
class Held:
    """One metric of a row, held against the reference's on the reference's clips; `metric` where it is of the whole set."""

    about: ReferenceColumn | MetricValue
    margin: Margin
    own: Column
    reference: Column
    metric: SetMetric | None


@dataclass(frozen=True)
class _Found:
    """The difference, and both values with the real clips' under MATCH."""

    paired: Paired
    value: float
    reference: float
    truth: float | None


def judged(held: Sequence[Held], people: People, seed: int) -> list[GateLine]:
    """A line per metric; MissingValues where one cannot be compared at all."""
    found = [_found(one, people, seed) for one in held]
    corrected = holm([one.paired.p_worse for one in found])
    return [_line(*parts, people) for parts in zip(held, found, corrected, strict=True)]


def overall(lines: Sequence[GateLine]) -> Overall:
    """Regressed if one metric is worse, could not tell if a primary one is not shown or none was judged, else not worse."""
    if any(line.verdict == "worse" for line in lines):
        return "regressed"
    primary = {line.verdict for line in lines if line.margin.role == "primary"}
    return "could not tell" if "not shown" in primary or not primary else "not worse"


def paired_by_clip(own: Column, reference: Column, clips: Sequence[str], people: People, seed: int) -> Paired:
    """The difference of two columns with a value per clip, on these clips."""
    (a, _), (b, truth) = arrays_of(own, clips), arrays_of(reference, clips)
    emotions = np.array([people[clip].emotion or "" for clip in clips], str)
    return of_clips(a, b, truth, reference.direction, _speakers(clips, people), emotions, seed)


def _found(one: Held, people: People, seed: int) -> _Found:
    clips = sorted(one.reference.clips)
    try:
        if one.metric is None:
            paired = paired_by_clip(one.own, one.reference, clips, people, seed)
            (value, _), (reference, truth) = (shown_of_clips(side, clips) for side in (one.own, one.reference))
        else:
            row, base = (estimate_of(side, clips, one.metric, seed) for side in (one.own, one.reference))
            paired = of_sets(row.statistic, base.statistic, base.truth, one.about.direction, _speakers(clips, people))
            (value, _), (reference, truth) = (
                shown_of_set(side, one.about.direction, len(clips)) for side in (row, base)
            )
    except (EmotalkError, ValueError) as error:
        raise MissingValues(f"{one.about.metric}: cannot be compared, no verdict: {error}") from None
    return _Found(paired, value, reference, truth)


def _line(one: Held, found: _Found, p_holm: float | None, people: People) -> GateLine:
    clips, paired = one.reference.clips, found.paired
    return GateLine(
        metric=one.about.metric,
        kind=one.about.kind,
        direction=one.about.direction,
        unit=one.about.unit,
        value=found.value,
        reference=found.reference,
        truth=found.truth,
        n_clips=len(clips),
        n_speakers=len({people[clip].speaker for clip in clips}),
        difference=paired.estimate,
        interval=paired.interval,
        upper=paired.upper,
        p_worse=paired.p_worse,
        p_holm=p_holm,
        detectable=None if paired.error is None else detectable(paired.error, paired.df),
        margin=one.margin,
        verdict=judge(paired, one.margin.margin, p_holm),
    )


def _speakers(clips: Sequence[str], people: People) -> np.ndarray:
    return np.array([people[clip].speaker for clip in clips], str)
