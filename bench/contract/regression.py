"""The typed records of the regression gate: the frozen reference, its margins, and the verdict on a row against it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.dose import Dose
from bench.contract.errors import ExitCode
from bench.contract.files import whole_file
from bench.contract.metric import Direction, Family
from bench.contract.result import DatasetRecord, Environment, ExtractorRecord, Interval, MethodRecord, ProtocolRecord

REGRESSION_VERSION = 1
MetricVerdict = Literal["better", "not worse", "worse", "not shown"]
Role = Literal["primary", "guard"]
Overall = Literal["not worse", "regressed", "could not tell"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Document(_Strict):
    def save(self, path: Path) -> None:
        """Write the document (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


class Distance(_Strict):
    """How much worse a control is than the re-encoded real clips, on the clips that both have."""

    control: str
    distance: float | None = Field(description="badness of the control minus that of gt-reencoded; positive: worse")
    value: float | None = Field(None, description="of the control on these clips")
    base: float | None = Field(None, description="of gt-reencoded on these clips")
    truth: float | None = Field(None, description="the real clips' value, direction match")
    n_clips: int = 0
    reason: str | None = Field(None, description="why there is no distance")


class Margin(_Strict):
    """The largest worsening of one metric that still counts as not worse, and where it comes from."""

    metric: str
    role: Role = Field(
        "primary", description="primary: must be shown to be within it; guard: raises an alarm and no more"
    )
    margin: float = Field(gt=0, description="in the metric's unit of badness")
    share: float = Field(description="of the distance to the worst control")
    control: str = Field(description="the worst of `considered`")
    considered: list[Distance]
    doses: list[Dose] = Field([], description="the margin as a dose of each damage, the surest first")
    not_in_doses: str | None = Field(None, description="why a ruler that knows this column does not read it here")


class Ungated(_Strict):
    """A declared metric that the gate leaves out."""

    metric: str
    reason: str


class ReferenceClip(_Strict):
    clip_id: str
    speaker: str
    emotion: str | None
    level: int | None


class ReferenceColumn(_Strict):
    """One metric of the frozen row; of a metric of the whole set the clips' arrays lie beside the record."""

    metric: str
    version: str
    definition: str
    kind: Literal["clip", "set"]
    family: Family | None
    primary: bool
    direction: Direction
    unit: str
    value: float = Field(description="the cell of the frozen row")
    collection: str | None = Field(None, description="of a set: which arrays it is made of")
    values: list[float | None] | None = Field(None, description="one per clip, in the order of `clips`")
    truths: list[float | None] | None = Field(None, description="the real clips' own values, direction match")


class ArraysFile(_Strict):
    """The safetensors file beside the record, "<collection>/<clip_id>/<array>"."""

    file: str
    sha256: str


class Reference(_Document):
    """`regression-<name>.json`: one frozen row, clip by clip, with the margins of the gate that it is."""

    schema_version: Literal[1] = REGRESSION_VERSION
    name: str
    row: str
    method: MethodRecord
    dataset: DatasetRecord
    protocol: ProtocolRecord
    extractors: list[ExtractorRecord]
    device: Literal["cpu", "cuda"]
    environment: Environment
    seed: int
    evaluated: str = Field(description="when the row was made")
    clips: list[ReferenceClip]
    columns: list[ReferenceColumn]
    arrays: ArraysFile | None
    margins: list[Margin]
    ungated: list[Ungated]
    declaration_sha256: str = Field(description="of data_manifests/regression.toml as it was when this was frozen")
    ruler: str | None = Field(None, description="what the doses were calibrated on, or why there are none")

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Read the record; ValidationError on unknown keys, another schema version or wrong types."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))

    def column(self, metric: str) -> ReferenceColumn | None:
        """The column of `metric`, None if it was not frozen."""
        return next((c for c in self.columns if c.metric == metric), None)


class GateLine(_Strict):
    """One metric of the gate."""

    metric: str
    kind: Literal["clip", "set"]
    direction: Direction
    unit: str
    value: float = Field(description="the row's, on the clips that were compared")
    reference: float
    truth: float | None = None
    n_clips: int
    n_speakers: int
    difference: float = Field(description="badness of the row minus that of the reference; positive: the row is worse")
    interval: Interval = Field(description="95 %, of the difference")
    upper: float | None = Field(description="one-sided 95 % bound of the difference; below the margin: not worse")
    p_worse: float | None = Field(description="one-sided, against a row that is not worse at all")
    p_holm: float | None = Field(description="the same, over the metrics of the gate")
    detectable: float | None = Field(
        description="a true worsening of this size is found worse than nothing in 80 % of draws; a margin of this size "
        "lets an equal row pass in as many"
    )
    margin: Margin
    verdict: MetricVerdict


class Moved(_Strict):
    """A column outside the gate whose 95 % interval leaves out no difference; descriptive, without a correction."""

    metric: str
    direction: Direction
    unit: str
    value: float
    reference: float
    truth: float | None = None
    verdict: Literal["better", "worse"]


class RegressionRecord(_Document):
    """`verdict.json`: one row against one frozen reference."""

    schema_version: Literal[1] = REGRESSION_VERSION
    row: str
    method: MethodRecord
    reference: str
    reference_row: str
    reference_sha256: str
    dataset: DatasetRecord
    protocol: str
    protocol_sha256: str
    alpha: float = Field(description="of the one-sided bounds, and of Holm's correction over the metrics of the gate")
    seed: int
    lines: list[GateLine]
    ungated: list[Ungated]
    moved: list[Moved]
    n_others: int = Field(description="columns outside the gate that were compared")
    ruler: str | None = None
    command: str
    created: str
    verdict: Overall

    @property
    def exit_code(self) -> ExitCode:
        """0 not worse, 1 regressed, 5 could not tell."""
        return {"not worse": ExitCode.DONE, "regressed": ExitCode.CRASHED}.get(self.verdict, ExitCode.COULD_NOT_TELL)
