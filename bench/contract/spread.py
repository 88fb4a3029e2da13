"""The typed record of the spread between protocols: the same videos, metric by metric, under several protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.files import whole_file
from bench.contract.metric import Direction, Family

SPREAD_VERSION = 1
NOT_IN_PROTOCOL = "not-in-protocol"
NOT_EVALUATED = "not-evaluated"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ProtocolAt(_Strict):
    """One protocol: what a reader must know of it before reading a column."""

    name: str
    title: str | None
    status: str
    unknown: list[str]
    sha256: str


class RowAt(_Strict):
    """One row of the tables."""

    label: str
    role: Literal["ceiling", "floor", "request-control", "method"]
    ranked: bool


class ColumnAt(_Strict):
    """One metric under one protocol."""

    protocol: str
    direction: Direction
    unit: str
    definition: str
    version: str


class CellAt(_Strict):
    """One row under one protocol; `shown` is the difference to the ground truth under match, |value| under zero, else the value."""

    value: float | None
    shown: float | None
    low: float | None = Field(None, description="of `shown`, NEW speakers, 95 %")
    high: float | None = None
    reason: str | None = Field(None, description="why there is no value")
    n_clips: int = 0
    n_expected: int = 0
    rank: float | None = Field(
        None, description="1 is best, among the ranked rows that have a value here; ties share a rank"
    )


class PairAt(_Strict):
    """Do two protocols put the rows in one order?"""

    first: str
    second: str
    rows: int = Field(description="ranked rows with a value under both")
    tau: float | None = Field(description="Kendall's tau-b; null: not defined")
    p: float | None = Field(description="share of all orders at least as far from 0")
    least_p: float = Field(description="the smallest p that so few rows can have")
    low: float | None = Field(None, description="of tau, clips resampled inside speaker x emotion, 95 %")
    high: float | None = None
    same_winner: float | None = Field(
        None, description="share of resamplings in which some row is best in both, ties included"
    )
    without_tau: int = Field(0, description="resamplings in which one order is all ties: they have no tau")
    reason: str | None = Field(None, description="why there is no interval")
    winners: tuple[list[str], list[str]] = Field(description="best rows of each, ties included")

    @property
    def survives(self) -> bool | None:
        """The first's best row is the second's, as the sole one or among ties; None with fewer than two rows."""
        return None if self.rows < 2 else bool(set(self.winners[0]) & set(self.winners[1]))


class MetricSpread(_Strict):
    """One metric that two or more protocols have."""

    metric: str
    family: Family | None
    primary: bool
    kind: Literal["clip", "set"]
    columns: list[ColumnAt | None] = Field(description="one per protocol; null: not in that protocol")
    cells: list[list[CellAt]] = Field(description="[row][protocol]")
    same_numbers: bool = Field(description="every value that two protocols have is the same: they do not differ here")
    over_protocols: float | None = Field(description="median over ranked rows of their range over protocols")
    over_rows: float | None = Field(description="median over protocols of the range over ranked rows")
    ratio: float | None = Field(description="over_protocols / over_rows")
    ratio_reason: str | None = None
    pairs: list[PairAt]


class SpreadSection(_Strict):
    """Rows on the same clips."""

    dataset: str
    profile: str | None
    part: str
    missing: str
    n_clips: int
    n_speakers: int
    protocols: list[ProtocolAt]
    rows: list[RowAt]
    ranked_are: str = Field(description="which rows are ranked, in words")
    metrics: list[MetricSpread]
    alone: dict[str, list[str]] = Field(description="protocol -> metrics that no other protocol has")


class SpreadRecord(_Strict):
    """Everything that the page of the spread says."""

    schema_version: Literal[1] = SPREAD_VERSION
    seed: int
    replicates: int
    sections: list[SpreadSection]
    left_out: list[str] = Field([], description="rows that stand under one protocol only, and so in no section")

    def save(self, path: Path) -> None:
        """Write spread.json (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
