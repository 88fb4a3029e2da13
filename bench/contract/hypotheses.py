"""The typed records of `emotalk hypotheses`: what became of each claim, and how far results move between seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.comparison import MetricComparison
from bench.contract.files import whole_file
from bench.contract.metric import Direction

Verdict = Literal["supported", "refuted", "not shown", "not tested"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Document(_Strict):
    """What is written whole as a JSON document."""

    def save(self, path: Path) -> None:
        """Write the record (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


class RowUsed(_Strict):
    """One row that was compared: which result, and what made it."""

    name: str
    folder: str = Field(description="name of the folder in results/")
    version: str
    checkpoint_sha256: str | None = Field(description="of a checkpoint that was given; None: as the method comes")
    weights: dict[str, str] = Field({}, description="SHA-256 of the weights behind it, by part")
    method_seed: int
    created: str


class RowMissing(_Strict):
    """One row that a hypothesis is about and that could not be taken."""

    name: str
    reason: str
    command: str | None = Field(description="what makes it")


class Tested(_Strict):
    """One hypothesis and what became of it."""

    id: str
    claim: str
    better: str
    than: str
    metric: str
    verdict: Verdict = Field(description="for NEW speakers, after Holm's correction over the hypotheses of the metric")
    these: Verdict = Field(description="the same for THESE speakers; not tested for metrics of the whole set")
    reason: str | None = Field(None, description="why it is not tested")
    missing: list[str] = Field([], description="rows that it lacks")
    comparison: MetricComparison | None = Field(None, description="row `better` minus row `than`, as emotalk compare")
    detectable: float | None = Field(None, description="true difference shown with power .8, by itself")
    detectable_holm: float | None = Field(None, description="the same at Holm's worst step")


class HypothesesRecord(Document):
    """All hypotheses of one file."""

    schema_version: Literal[1] = 1
    file: str
    file_sha256: str
    dataset: str
    profile: str | None
    part: str
    protocol: str
    seed: int
    created: str
    alpha: float
    power: float
    ruler: str | None = None
    rows: list[RowUsed]
    missing: list[RowMissing]
    hypotheses: list[Tested]


class SeedRow(_Strict):
    """One result of the method: a training seed (a checkpoint) and a sampling seed."""

    folder: str
    checkpoint_sha256: str | None
    sampling_seed: int
    created: str


class SeedSpread(_Strict):
    """One metric over all results of the method; under match of the difference to the ground truth."""

    metric: str
    direction: Direction
    unit: str
    primary: bool
    mean: float | None = None
    reason: str | None = Field(None, description="why there is nothing")
    low: float | None = Field(None, description="the smallest of the results")
    high: float | None = None
    training_sd: float | None = Field(None, description="SD of the checkpoints' means over their sampling seeds")
    sampling_sd: float | None = Field(None, description="pooled SD between sampling seeds of one checkpoint")
    half_interval: float | None = Field(None, description="95 %, NEW speakers, half width: the median over the results")


class SeedsRecord(Document):
    """One method with several checkpoints and several sampling seeds."""

    schema_version: Literal[1] = 1
    method: str
    file_sha256: str = Field(description="of the hypotheses that name the seeds")
    dataset: str
    profile: str | None
    part: str
    protocol: str
    created: str
    n_clips: int
    n_speakers: int
    training_seeds: list[int] = Field(description="asked for; a checkpoint does not say its own")
    sampling_seeds: list[int] = Field(description="asked for")
    rows: list[SeedRow]
    left_out: list[str] = []
    lacking: list[str] = Field([], description="what is not there of what was asked for")
    commands: list[str] = Field([], description="what makes it")
    metrics: list[SeedSpread]
