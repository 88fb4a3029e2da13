"""A difference between two values of a column, read as the dose of a damage that moves the column as far."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Dose(BaseModel):
    """One reading: `dose` of `damage` moves the column as far as the difference does, whatever its sign."""

    model_config = ConfigDict(extra="forbid")

    damage: str
    unit: str = Field(description="of the dose")
    kind: Literal["picture", "sound", "geometry", "labels"]
    reads: Literal["dose", "more-than-top", "less-than-bottom", "too-small"]
    dose: float | None = Field(None, description="where it reads as a dose")
    low: float | None = Field(None, description="from the 95 % interval of the response curve; None: not known")
    high: float | None = Field(None, description="the same; None: not known, or beyond the top dose")
    top: float = Field(description="the largest dose that was tried")
    bottom: float | None = Field(
        None,
        description="the smallest dose that moves the column, of a damage whose dose 0 is not the undamaged clip: nothing below "
        "it is read, and a `low` that equals it means it or less",
    )
    smallest: float = Field(
        description="difference below which the curve is not known: the half width of its first interval"
    )
    says: Literal["rises", "falls"] = Field(description="what this damage does to the shown value")
