"""A result seen closer: each metric by emotion and by level, how its clip values spread, and which clips to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.clip import EMOTIONS, Clip
from bench.contract.errors import Reason
from bench.contract.metric import Direction, Metric
from bench.contract.result import ClipScore, Distribution, GroupValue

if TYPE_CHECKING:
    import pandas as pd

NO_LEVEL = "none"
WORST = 3
SHOWCASE = 6
SHOWN_FIRST = ("happy", "angry", "sad", "surprised", "fear", "disgusted", "contempt", "neutral")
SCORED = ("ok", "static")
"""Statuses of clips.parquet whose value counts; the same as in metrics/statistics.py."""


def breakdown(clips: pd.DataFrame, metrics: Sequence[Metric]) -> list[GroupValue]:
    """The value of every metric over the clips of each emotion and of each level, with its interval for new speakers.

    clips: rows of clips.parquet. The value is the mean over the group's scored clips. Groups without a clip that could
    have a value are left out; a group whose clips have none has value None and the most frequent reason.
    """
    return [
        _group(rows, metric.name, by, group)
        for metric in metrics
        for by, group, rows in _groups(clips[clips["metric"] == metric.name])
        if (rows["status"] != "n/a").any()
    ]


def _groups(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    for emotion in EMOTIONS:
        if (here := rows["emotion"] == emotion).any():
            yield "emotion", emotion, rows[here]
    levels = rows["level"].astype("string").fillna(NO_LEVEL)
    for level in sorted(levels.unique()):
        yield "level", level, rows[levels == level]


def _group(rows: pd.DataFrame, metric: str, by: str, group: str) -> GroupValue:
    from metrics.statistics import mean, new_speakers

    counted = _scored(rows)
    values, speakers = counted["value"].to_numpy(np.float64), counted["speaker"].to_numpy(str)
    reasons = rows.loc[rows["status"] != "n/a", "reason"].dropna().value_counts()
    return GroupValue(
        metric=metric,
        by=by,
        group=group,
        value=mean(values) if len(values) else None,
        reason=None if len(values) else str(reasons.index[0]) if len(reasons) else str(Reason.METRIC_FAILED),
        interval=new_speakers(values, speakers) if len(values) else None,
        n_clips=len(values),
        n_speakers=len(set(speakers.tolist())),
        n_expected=int((rows["status"] != "n/a").sum()),
        n_substituted=int((counted["status"] == "static").sum()),
    )


def _scored(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = rows["value"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    return rows[rows["status"].isin(SCORED).to_numpy(bool) & np.isfinite(numbers)]


def distributions(clips: pd.DataFrame, metrics: Sequence[Metric]) -> list[Distribution]:
    """Quartiles and worst clips of every metric that has a value; clips are ranked by value, then by id."""
    out = []
    for metric in metrics:
        rows = _scored(clips[clips["metric"] == metric.name])
        if rows.empty:
            continue
        values = rows["value"].to_numpy(np.float64)
        low, q1, q2, q3, high = (float(v) for v in np.quantile(values, (0.0, 0.25, 0.5, 0.75, 1.0)))
        badness = _badness(metric.direction, values)
        worst = []
        if badness is not None:  # where all are equal none is the worst
            ranked = sorted(zip(-badness, rows["clip_id"], values, strict=True))
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


def _badness(direction: Direction, values: np.ndarray) -> np.ndarray | None:
    """Larger is worse; None under MATCH, where one row alone does not tell how far a clip is from the truth."""
    if direction == Direction.MATCH:
        return None
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
