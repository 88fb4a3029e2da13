"""The typed record of a calibration: how every declared column answers to damages of known dose."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.files import whole_file
from bench.contract.metric import Direction
from bench.contract.result import DatasetRecord, Environment, ExtractorRecord

CALIBRATION_VERSION = 1
Says = Literal["rises", "falls", "flat"]
Verdict = Literal["as-declared", "not-as-declared", "not-shown"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Point(_Strict):
    """One column at one dose, against the same clips undamaged.

    Values are those that tables show: the value itself; its distance to the ground truth's where the aim is the real
    clips' value; its size without sign where zero is best. So a rise under these two means worse.
    """

    dose: float
    value: float | None
    difference: float | None = Field(
        None,
        description="to the undamaged clips: the centre of the interval (a mean over speakers of their means); the "
        "value minus the undamaged one where there is none",
    )
    low: float | None = Field(None, description="95 % interval of the difference for new speakers, paired by speaker")
    high: float | None = None
    low90: float | None = Field(None, description="90 % interval of the same: two one-sided tests at .05")
    high90: float | None = None
    n_clips: int = 0
    n_speakers: int = 0
    unaltered: bool = Field(
        False, description="what the column looks at is byte for byte that of the undamaged clips, on every clip"
    )
    reason: str | None = Field(None, description="why there is no value or no interval")


class ResponseCell(_Strict):
    """One column under one damage: what was declared, what was measured, and what that shows."""

    metric: str
    version: str = Field(
        "", description="of the metric when this was measured; a difference is read in doses of its own version"
    )
    unit: str
    direction: Direction
    says: Says = Field(description="what was declared before anything was measured")
    least: float | None = Field(None, description="rises, falls: the smallest effect that counts, in the column's unit")
    margin: float | None = Field(None, description="flat: what counts as no effect, in the column's unit")
    why: str = ""
    base: float | None = Field(None, description="the value of the undamaged clips, encoded like all others")
    points: list[Point]
    verdict: Verdict
    reason: str = Field(description="what the verdict rests on, in words")
    monotone: bool | None = Field(
        None,
        description="no dose lies beyond its interval on the wrong side of a smaller one; None: not asked or not known",
    )

    @property
    def by_construction(self) -> bool:
        """True if it is flat because the damage leaves what it looks at unaltered: as declared, and not by chance."""
        return self.verdict == "as-declared" and all(point.unaltered for point in self.points)


class DamageCurve(_Strict):
    """One damage at all its doses."""

    damage: str
    unit: str
    kind: Literal["picture", "sound", "geometry", "labels"]
    doses: list[float]
    cells: list[ResponseCell]


class Calibration(_Strict):
    """`calibration.json`: every declared damage on one part of one dataset."""

    schema_version: Literal[1] = CALIBRATION_VERSION
    dataset: DatasetRecord
    protocol: str
    protocol_sha256: str
    declaration_sha256: str = Field(description="of data_manifests/calibration.toml as it was when this was measured")
    environment: Environment
    created: str
    seed: int
    n_clips: int
    n_speakers: int
    command: str
    wall_seconds: float
    fresh: bool = Field(
        False, description="every video and result was made in this run; otherwise wall_seconds is no cost of it"
    )
    failed: int = Field(0, description="clips without a score of their own, and values that failed on sound clips")
    extractors: list[ExtractorRecord] = Field([], description="what the columns read beside the cues, with its weights")
    damages: list[DamageCurve]

    def save(self, path: Path) -> None:
        """Write calibration.json (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read calibration.json; ValidationError on unknown keys, another schema version or wrong types."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))

    def cells(self) -> list[tuple[DamageCurve, ResponseCell]]:
        """Every cell with the damage it belongs to, in the order of the declaration."""
        return [(curve, cell) for curve in self.damages for cell in curve.cells]

    @property
    def can_show(self) -> bool:
        """False if no point has an interval: no cell can then be shown to be as declared, or not to be."""
        return any(point.low is not None for _, cell in self.cells() for point in cell.points)

    def cell(self, damage: str, metric: str) -> ResponseCell | None:
        """The cell of `metric` under `damage`, None if it was not declared."""
        return next((c for d, c in self.cells() if (d.damage, c.metric) == (damage, metric)), None)
