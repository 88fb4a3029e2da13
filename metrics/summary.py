"""One table cell from the clips of one metric."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.contract.errors import Reason
from bench.contract.metric import Direction, Metric
from bench.contract.result import SCORED, MetricValue
from metrics.statistics import REPLICATES, mean, new_speakers, scored_rows, these_speakers

if TYPE_CHECKING:
    import pandas as pd


def summarise(
    values: pd.DataFrame, metric: Metric, n_expected: int, seed: int, replicates: int = REPLICATES
) -> MetricValue:
    """One table cell from the per-clip rows of one metric.

    values: clip_id, speaker, emotion, value, status, reason, n_frames (rows of clips.parquet). The value is the mean
    over clips scored: status ok or static, and a finite value. `n_expected`: clips that could have a value, without
    those that are n/a by definition; coverage is scored / expected, 0 if none is. Substituted clips are scored ones, and
    counted in n_substituted. Where rows have a truth (the real clip's own value), the difference to it is given with its
    intervals, paired by clip.
    Under ZERO the value is the mean of absolute values; the signed mean stands in the details.
    ValueError if more than `n_expected` rows are not n/a.
    """
    applicable = int((values["status"] != "n/a").sum())
    if applicable > n_expected:
        raise ValueError(f"{metric.name}: {applicable} rows that are not n/a, but {n_expected} expected clips")
    scored = scored_rows(values, SCORED)
    speakers, emotions = (scored[column].to_numpy(str) for column in ("speaker", "emotion"))
    numbers = scored["value"].to_numpy(np.float64)
    known = len(numbers) > 0
    # a lag of -5 and one of +5 are two bad clips, not a good row
    details = {"signed mean": mean(numbers)} if known and metric.direction == Direction.ZERO else {}
    if metric.direction == Direction.ZERO:
        numbers = np.abs(numbers)
    return MetricValue(
        metric=metric.name,
        family=metric.family,
        primary=metric.primary,
        direction=metric.direction,
        unit=metric.unit,
        definition=metric.definition,
        version=metric.version,
        value=mean(numbers) if known else None,
        reason=None if known else why_nothing(values),
        intervals=(
            [these_speakers(numbers, speakers, emotions, seed, replicates), new_speakers(numbers, speakers)]
            if known
            else []
        ),
        n_clips=len(numbers),
        n_speakers=len(set(speakers.tolist())),
        n_frames=int(scored["n_frames"].fillna(0).sum()),
        n_expected=n_expected,
        coverage=len(numbers) / n_expected if n_expected else 0.0,
        n_substituted=int((scored["status"] == "static").sum()),
        details=details,
        **_against_truth(scored, metric.direction, seed, replicates),
    )


def _against_truth(scored: pd.DataFrame, direction: Direction, seed: int, replicates: int) -> dict[str, Any]:
    """The fields of a cell on the real clips' own values, over the scored clips that have one; none without any."""
    if "truth" not in scored.columns:
        return {}
    truths = scored["truth"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    both = np.isfinite(truths)
    if not both.any():
        return {}
    truths, scored = truths[both], scored[both]
    values = scored["value"].to_numpy(np.float64)
    if direction == Direction.ZERO:
        values, truths = np.abs(values), np.abs(truths)
    differences = values - truths
    speakers, emotions = (scored[column].to_numpy(str) for column in ("speaker", "emotion"))
    return {
        "truth": mean(truths),
        "difference": mean(differences),
        "difference_intervals": [
            these_speakers(differences, speakers, emotions, seed, replicates),
            new_speakers(differences, speakers),
        ],
        "n_paired": len(differences),
    }


def why_nothing(values: pd.DataFrame) -> str:
    """The most frequent reason of the rows, the first in the alphabet among equals."""
    counts = Counter(str(reason) for reason in values["reason"].dropna())
    if counts:
        return min(counts, key=lambda reason: (-counts[reason], reason))
    return str(Reason.METRIC_FAILED if len(values) else Reason.MISSING_OUTPUT)
