"""The typed record of `emotalk published`: per-clip scores that others published, under this project's statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.files import whole_file
from bench.contract.result import Interval

PUBLISHED_VERSION = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Smallest(_Strict):
    """What the paired test can show if the two methods' speaker means correlate so."""

    correlation: float
    difference: float = Field(description="the smallest mean difference that is shown with the record's power")
    pairs_below: int = Field(description="pairs of methods of one published table that differ by less")
    pairs: int


class ScoredQuantity(_Strict):
    """One column of the published per-clip scores."""

    quantity: str
    column: str
    unit: str
    decimals: int
    printed: float | None = Field(description="the mean that was published, if one was")
    averaged: str | None = Field(description="over what it was taken")
    mean: float = Field(description="over clips")
    agrees: bool | None = Field(description="mean and printed value are equal at the printed digits")
    intervals: list[Interval]
    speaker_means: dict[str, float]
    spread: float = Field(description="standard deviation of the speaker means")
    spread_low: float = Field(description="95 % interval of that deviation, chi-square")
    spread_high: float
    smallest: list[Smallest]


class ClaimedDifference(_Strict):
    """Two published values of one quantity, and what a test on the record's speakers would need to show their difference."""

    quantity: str
    unit: str
    first: str
    second: str
    where: str
    one_table: bool = Field(description="both values stand in one table, so under one protocol")
    difference: float
    correlation_needed: float = Field(description="between the two methods' speaker means; 1 and more: never")
    speakers_needed: int | None = Field(
        description="if they correlate by the record's middle correlation; null: over 10,000"
    )


class PerClipRecord(_Strict):
    """Per-clip scores of one method as it published them."""

    schema_version: Literal[1] = PUBLISHED_VERSION
    method: str
    title: str
    data_sha256: str
    n_clips: int
    clips_by_speaker: dict[str, int]
    alpha: float
    power: float
    correlation: float = Field(description="the middle one, for speakers_needed")
    least_sign_p: float = Field(description="the smallest p that any test on signs or ranks of these speakers can have")
    seed: int
    quantities: list[ScoredQuantity]
    differences: list[ClaimedDifference]

    def save(self, path: Path) -> None:
        """Write the record (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def loads(cls, text: str) -> PerClipRecord:
        """Read a record; ValidationError on unknown keys or wrong types."""
        return cls.model_validate_json(text)
