"""What a judge took emotions for, real beside generated: the figure of the emotion metrics, and how stable an order of rows is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import isfinite, sqrt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CONFUSION_VERSION = 1


class Confusion(BaseModel):
    """Two confusion matrices of the same clips: rows the emotion of the real clip, columns what the judge said.

    Counts are means over the judge's seeds, so they need not be whole; every row sums to its number of clips.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = CONFUSION_VERSION
    kind: Literal["confusion"] = "confusion"
    judge: str = Field(description="who answered, in words")
    emotions: list[str] = Field(description="of the rows")
    answers: list[str] = Field(description="of the columns")
    n_clips: list[int] = Field(description="of each row")
    real: list[list[float]]
    generated: list[list[float]]
    macro_f1_by_seed: list[float] = Field(description="of the generated clips, one for each of the judge's seeds")


def kendall_tau(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Kendall's tau-b of two lists of equal length, -1 to 1; None where one of them orders nothing (all equal, or under two).

    Kendall 1945, "The treatment of ties in ranking problems", Biometrika 33. ValueError for unequal lengths.
    """
    if len(one) != len(other):
        raise ValueError(f"expected two lists of equal length, got {len(one)} and {len(other)}")
    agree = ordered = ordered_other = 0
    for i, j in combinations(range(len(one)), 2):
        a, b = _sign(one[i] - one[j]), _sign(other[i] - other[j])
        agree += a * b
        ordered += a * a
        ordered_other += b * b
    return agree / sqrt(ordered * ordered_other) if ordered and ordered_other else None


def rank_stability(values: Mapping[str, Sequence[float | None]]) -> list[tuple[str, str, float | None, int]]:
    """How alike several judges order the same rows: (name, name, tau-b, rows compared) for each pair of them.

    `values`: name of a judge or of a seed -> its value of each row, None where it has none; such rows are left out of the pair.
    """
    found = []
    for one, other in combinations(values, 2):
        both = [(a, b) for a, b in zip(values[one], values[other], strict=True) if _number(a) and _number(b)]
        found.append((one, other, kendall_tau([a for a, _ in both], [b for _, b in both]), len(both)))
    return found


def _sign(difference: float) -> int:
    return (difference > 0) - (difference < 0)


def _number(value: float | None) -> bool:
    return value is not None and isfinite(value)
