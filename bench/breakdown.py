"""A result seen closer: each metric by emotion and by level, how its clip values spread, and which clips to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.clip import EMOTIONS, Clip
from bench.contract.errors import Reason
from bench.contract.metric import Direction, Metric
from bench.contract.result import SCORED, ClipScore, Distribution, GroupValue

if TYPE_CHECKING:
    import pandas as pd

NO_LEVEL = "none"
WORST = 3
SHOWCASE = 6
SHOWN_FIRST = ("happy", "angry", "sad", "surprised", "fear", "disgusted", "contempt", "neutral")


@dataclass(frozen=True)
class _Rows:
    """Rows of clips.parquet of one metric as arrays: what tables are slow at is asked hundreds of times."""

    value: np.ndarray
    truth: np.ndarray
    scored: np.ndarray
    status: np.ndarray
    reason: np.ndarray
    """Empty where there is none."""
    clip_id: np.ndarray
    speaker: np.ndarray
    emotion: np.ndarray
    level: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame) -> _Rows:
        value, truth = (rows[n].astype("Float64").to_numpy(np.float64, na_value=np.nan) for n in ("value", "truth"))
        status = rows["status"].to_numpy(object)
        words = {n: rows[n].to_numpy(object) for n in ("clip_id", "speaker", "emotion")}
        return cls(
            value=value,
            truth=truth,
            scored=np.isin(status.astype(str), SCORED) & np.isfinite(value),
            status=status,
            reason=rows["reason"].fillna("").to_numpy(object),
            level=rows["level"].astype("string").fillna(NO_LEVEL).to_numpy(object),
            **words,
        )

    def __getitem__(self, mask: np.ndarray) -> _Rows:
        return _Rows(**{field.name: getattr(self, field.name)[mask] for field in fields(self)})


def breakdown(clips: pd.DataFrame, metrics: Sequence[Metric]) -> list[GroupValue]:
    """The value of every metric over the clips of each emotion and of each level, with its interval for new speakers.

    clips: rows of clips.parquet. The value is the mean over the group's scored clips. Groups without a clip that could
    have a value are left out; a group whose clips have none has value None and the most frequent reason.
    """
    by_metric = dict(list(clips.groupby("metric", sort=False)))
    return [
        _group(rows, metric, by, group)
        for metric in metrics
        if metric.name in by_metric
        for by, group, rows in _groups(_Rows.of(by_metric[metric.name]))
        if (rows.status != "n/a").any()
    ]


def _groups(rows: _Rows) -> Iterator[tuple[str, str, _Rows]]:
    for emotion in EMOTIONS:
        if (here := rows.emotion == emotion).any():
            yield "emotion", emotion, rows[here]
    for level in sorted(set(rows.level.tolist())):
        yield "level", level, rows[rows.level == level]


def _group(rows: _Rows, metric: Metric, by: str, group: str) -> GroupValue:
    from metrics.statistics import mean, new_speakers

    counted = rows[rows.scored]
    values, speakers = counted.value, counted.speaker.astype(str)
    if metric.direction == Direction.ZERO:  # as in the table
        values = np.abs(values)
    reasons = Counter(r for r, status in zip(rows.reason, rows.status, strict=True) if r and status != "n/a")
    most = min(reasons, key=lambda reason: (-reasons[reason], reason)) if reasons else str(Reason.METRIC_FAILED)
    return GroupValue(
        metric=metric.name,
        by=by,
        group=group,
        value=mean(values) if len(values) else None,
        reason=None if len(values) else most,
        interval=new_speakers(values, speakers) if len(values) else None,
        n_clips=len(values),
        n_speakers=len(set(speakers.tolist())),
        n_expected=int((rows.status != "n/a").sum()),
        n_substituted=int((counted.status == "static").sum()),
    )


def distributions(clips: pd.DataFrame, metrics: Sequence[Metric]) -> list[Distribution]:
    """Quartiles and worst clips of every metric that has a value; clips are ranked by value, then by id."""
    out = []
    by_metric = dict(list(clips.groupby("metric", sort=False)))
    for metric in metrics:
        if metric.name not in by_metric:
            continue
        rows = _Rows.of(by_metric[metric.name])
        rows = rows[rows.scored]
        if not len(rows.value):
            continue
        values = rows.value
        low, q1, q2, q3, high = (float(v) for v in np.quantile(values, (0.0, 0.25, 0.5, 0.75, 1.0)))
        badness = _badness(metric.direction, values, rows.truth)
        worst = []
        if badness is not None:  # where all are equal none is the worst
            ranked = sorted(zip(-badness, rows.clip_id, values, strict=True))
            worst = [one for one in ranked[:WORST] if -one[0] > badness.min()]
        out.append(
            Distribution(
                metric=metric.name,
                n_clips=len(values),
                minimum=low,
                lower_quartile=q1,
                median=q2,
                upper_quartile=q3,
                maximum=high,
                worst=[ClipScore(clip_id=str(clip_id), value=float(value)) for _, clip_id, value in worst],
            )
        )
    return out


def _badness(direction: Direction, values: np.ndarray, truths: np.ndarray) -> np.ndarray | None:
    """Larger is worse; under MATCH the distance to the real clip's own value, None where there is no such value."""
    if direction == Direction.MATCH:
        away = np.abs(values - truths)
        return away if np.isfinite(away).all() else None
    return {Direction.HIGHER: -values, Direction.LOWER: values, Direction.ZERO: np.abs(values)}[direction]


def showcase(clips: Sequence[Clip], count: int = SHOWCASE) -> list[str]:
    """Ids of `count` clips of different emotions and different speakers as far as there are, the strongest levels first.

    Depends on the scored clips alone, so that every row of a table shows the same ones.
    """
    ranked = sorted(clips, key=lambda c: (-(c.level or 0), c.clip_id))
    options = {e: {} for e in SHOWN_FIRST}
    for clip in ranked:
        options[clip.emotion].setdefault(clip.speaker, clip.clip_id)
    taken: dict[str, str] = {}  # speaker -> emotion

    def assign(emotion: str, tried: set[str]) -> bool:
        """Augmenting path: this emotion gets a speaker, moving another emotion to another of its speakers if need be."""
        for speaker in options[emotion]:
            if speaker in tried:
                continue
            tried.add(speaker)
            if speaker not in taken or assign(taken[speaker], tried):
                taken[speaker] = emotion
                return True
        return False

    chosen = sum(1 for emotion in SHOWN_FIRST if len(taken) < count and assign(emotion, set()))
    found = [options[emotion][speaker] for speaker, emotion in taken.items()]
    if chosen < count:
        rest = [c for c in sorted(clips, key=lambda c: c.clip_id) if c.clip_id not in found]
        emotions = {c.emotion for c in clips if c.clip_id in found}
        rest.sort(key=lambda c: c.emotion in emotions)
        found += [c.clip_id for c in rest[: count - chosen]]
    order = {c.clip_id: (SHOWN_FIRST.index(c.emotion), c.clip_id) for c in clips}
    return sorted(found, key=order.__getitem__)
