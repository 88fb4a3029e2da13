"""The typed record of `emotalk compare`: one row against others, metric by metric, for both targets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.dose import Dose
from bench.contract.files import whole_file
from bench.contract.metric import Direction, Family
from bench.contract.result import Interval

COMPARISON_VERSION = 1
ALPHA = 0.05


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Target(_Strict):
    """What is shown for one target."""

    interval: Interval = Field(
        description="of the badness of the row minus that of the other; negative: the row is better"
    )
    p: float | None = None
    p_holm: float | None = Field(None, description="over the other rows, primary endpoints only")
    verdict: Literal["better", "worse", "no difference shown", "no interval"]

    @property
    def shown(self) -> str:
        """The verdict after Holm's correction where there is one: what may be claimed."""
        if self.verdict in ("better", "worse") and self.p_holm is not None and self.p_holm > ALPHA:
            return "no difference shown"
        return self.verdict


class MetricComparison(_Strict):
    """One metric of one pair of rows, on their common clips."""

    metric: str
    family: Family
    primary: bool
    kind: Literal["clip", "set"]
    direction: Direction
    unit: str
    value: float | None = Field(description="the row's value on the common clips")
    other: float | None
    truth: float | None = Field(None, description="the real clips' value, direction match")
    reason: str | None = Field(None, description="why there is no comparison")
    n_clips: int = 0
    n_speakers: int = 0
    n_left_out: int = Field(0, description="clips scored in one of the rows only")
    targets: dict[Literal["these-speakers", "new-speakers"], Target] = {}
    own_only: dict[Literal["these-speakers", "new-speakers"], Target] = Field(
        {}, description="on clips where both rows have an output of their own; only where some were substituted"
    )
    n_own: int | None = None
    doses: list[Dose] = Field([], description="the size of the difference as a dose of each damage, the surest first")
    not_in_doses: str | None = Field(None, description="why a ruler that knows this column does not read it here")


class PairComparison(_Strict):
    """The row against one other."""

    other: str
    metrics: list[MetricComparison]


class ComparisonRecord(_Strict):
    """One row against one or more others."""

    schema_version: Literal[1] = COMPARISON_VERSION
    row: str
    dataset: str
    profile: str | None
    part: str
    protocol: str
    seed: int
    ruler: str | None = Field(None, description="what the doses were calibrated on, or why there are none")
    pairs: list[PairComparison]

    def save(self, path: Path) -> None:
        """Write compare.json (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
