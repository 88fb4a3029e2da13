"""The order of rows under two protocols when clips are resampled: from clips.parquet to metrics.rank_survival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.contract.metric import Direction
from bench.contract.result import SCORED

if TYPE_CHECKING:
    import pandas as pd

SIGN = {Direction.HIGHER: -1.0, Direction.LOWER: 1.0}


def badness(shown: float | None, direction: Direction) -> float | None:
    """Smaller is better: -value, value, or |value| of what a cell shows."""
    if shown is None:
        return None
    return SIGN[direction] * shown if direction in SIGN else abs(shown)


def resampled_order(
    tables: tuple[Sequence[pd.DataFrame], Sequence[pd.DataFrame]],
    name: str,
    directions: tuple[Direction, Direction],
    seed: int,
) -> dict[str, Any]:
    """low, high, same_winner of tau, or the reason there is none, on the clips that all rows have under both protocols.

    tables: clips.parquet of each row under the first protocol, and of the same rows under the second; `name` a metric with a
    value per clip.
    """
    from metrics.rank_survival import resampled

    sides = [
        [_clip_badness(table, name, direction) for table in side]
        for side, direction in zip(tables, directions, strict=True)
    ]
    clips = sorted(set.intersection(*(set(values.index) for side in sides for values in side)))
    if not clips:
        return {"reason": "no clip has a value in all of these rows under both"}
    facts = tables[0][0].drop_duplicates("clip_id").set_index("clip_id").loc[clips]
    first, second = (np.stack([values.loc[clips].to_numpy(np.float64) for values in side]) for side in sides)
    match = (directions[0] == Direction.MATCH, directions[1] == Direction.MATCH)
    speakers, emotions = (facts[key].astype(str).to_numpy(str) for key in ("speaker", "emotion"))
    return asdict(resampled(first, second, speakers, emotions, seed, absolute_mean=match))


def _clip_badness(clips: pd.DataFrame, name: str, direction: Direction) -> pd.Series:
    """clip_id -> badness of the clips that count; under match the signed difference to the truth."""
    import pandas as pd

    own = clips[(clips["metric"] == name) & clips["status"].isin(SCORED)].set_index("clip_id")
    values = own["value"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    if direction == Direction.MATCH:
        values = values - own["truth"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    else:
        values = np.abs(values) if direction == Direction.ZERO else SIGN[direction] * values
    return pd.Series(values, index=own.index)[np.isfinite(values)]
