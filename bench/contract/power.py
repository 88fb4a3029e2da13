"""The typed record of `emotalk power`: the smallest difference that a part of a dataset can show, metric by metric."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.dose import Dose
from bench.contract.files import whole_file
from bench.contract.metric import Direction, Family


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Smallest(_Strict):
    """The smallest differences with so many speakers, in the metric's unit of badness."""

    speakers: int
    middle: float | None = Field(description="at the median SD over the pairs of rows; None below 3 speakers")
    low: float | None = Field(description="at the smallest SD of a pair")
    high: float | None = Field(description="at the largest")
    holm: float | None = Field(description="at the median SD and Holm's worst step")


class MetricPower(_Strict):
    """One metric: how unlike speakers are in the difference between two rows, and what that lets a comparison show."""

    metric: str
    version: str
    family: Family | None
    primary: bool
    kind: Literal["clip", "set"]
    direction: Direction
    unit: str
    n_pairs: int = Field(0, description="pairs of rows that have a value and do not differ alike for every speaker")
    n_alike: int = Field(0, description="pairs left out because they do: nothing to learn the spread from")
    sd: float | None = Field(None, description="median over the pairs of the SD of paired speaker differences")
    sd_low: float | None = None
    sd_high: float | None = None
    smallest: list[Smallest] = Field([], description="this part's own number of speakers first")
    doses: list[Dose] = Field([], description="the first of `smallest` as doses, the surest first")
    not_in_doses: str | None = Field(None, description="why a ruler that knows this column does not read it here")
    reason: str | None = Field(None, description="why there is none")


class PowerRecord(_Strict):
    """One part of a dataset under one protocol."""

    schema_version: Literal[1] = 1
    dataset: str
    profile: str | None
    part: str
    protocol: str
    n_clips: int
    n_speakers: int
    rows: list[str] = Field(description="whose pairs were used")
    left_out: list[str] = Field([], description="results of the same part that do not compare with these, and why")
    power: float
    alpha: float
    comparisons: int = Field(description="rows that one row is compared with: the tests of Holm's correction")
    sd_known_within: tuple[float, float] | None = Field(
        description="the true SD lies between these multiples of one estimated from so many speakers (95 %)"
    )
    ruler: str | None = None
    seed: int
    metrics: list[MetricPower]

    def save(self, path: Path) -> None:
        """Write power.json (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
