"""The typed, versioned record of one evaluated row: `result.json`. Unknown keys are refused; missing is null, never 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.files import whole_file
from bench.contract.metric import Direction, Family

SCHEMA_VERSION = 3
SCORED = ("ok", "static")
"""Statuses of clips.parquet rows whose value counts; a "static" one is the substitute of a missing or failed output."""
COLLECTED = "collected"
"""Status of a clip that gave its arrays to a metric of the whole set; it has no value of its own."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Interval(_Strict):
    """A 95 % interval, or the reason there is none. target: these speakers | new speakers."""

    target: Literal["these-speakers", "new-speakers"]
    low: float | None = None
    high: float | None = None
    method: str
    reason: str | None = None


class Unscored(_Strict):
    """Clips for which a metric has no value, by reason; one of them is named with the details."""

    reason: str
    n_clips: int
    clip_id: str = Field(description="the first of them")
    detail: str | None = None


class MetricValue(_Strict):
    """One cell of the table with everything needed to read it."""

    metric: str
    kind: Literal["clip", "set"] = Field("clip", description="clip: the mean over clips; set: one number of all clips")
    family: Family | None = None
    primary: bool = False
    direction: Direction
    unit: str
    definition: str
    version: str
    value: float | None
    reason: str | None = Field(None, description="why there is no value: the most frequent reason of its clips")
    detail: str | None = Field(None, description="the reason in words, with what to do about it")
    intervals: list[Interval] = []
    n_clips: int
    n_speakers: int
    n_frames: int
    n_expected: int
    coverage: float
    n_substituted: int = Field(
        0, description="clips scored as the static image because the output was missing or failed"
    )
    truth: float | None = Field(
        None, description="mean of the real clips' own values, over the clips that have a value on both sides"
    )
    difference: float | None = Field(None, description="mean over those clips of the value minus the real clip's")
    difference_intervals: list[Interval] = Field([], description="of the difference, paired by clip")
    n_paired: int = Field(0, description="clips with a value on both sides")
    details: dict[str, float | int | str | None] = Field(
        {}, description="of a set: its null, p, effective n, floors, as the metric names them"
    )
    flags: list[str] = Field([], description="short names of doubts, as small-sample")
    unscored: list[Unscored] = Field([], description="clips without a value that could have had one")


class GroupValue(_Strict):
    """One metric over the clips of one emotion, or of one level, with its interval for new speakers or why there is none."""

    metric: str
    by: Literal["emotion", "level"]
    group: str = Field(description="an emotion; a level as 1, 2, 3; none where clips have no level")
    value: float | None
    reason: str | None = None
    interval: Interval | None = None
    n_clips: int
    n_speakers: int
    n_expected: int
    n_substituted: int = 0


class ClipScore(_Strict):
    """The value of one clip."""

    clip_id: str
    value: float


class Distribution(_Strict):
    """How a metric's clip values spread: quartiles (linear interpolation) and the clips farthest on the bad side."""

    metric: str
    n_clips: int
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float
    worst: list[ClipScore] = Field(
        description="the worst first, at most three, none as good as the best clip; empty where the real clips' "
        "values are what counts and are not known"
    )


class ItemCount(_Strict):
    """How many clips ended with a status and reason."""

    status: str
    reason: str | None = None
    count: int


class Problem(_Strict):
    """One clip that has no value of its own, with the reason."""

    clip_id: str
    status: str
    reason: str
    detail: str


class MethodRecord(_Strict):
    name: str
    version: str
    consumes: list[str]
    kind: Literal["control", "re-implementation", "official", "plug-in", "folder"]
    checkpoint_sha256: str | None = None
    seed: int = 0
    altered: str | None = Field(None, description="request control: which one input was altered")
    saw_test_speakers: Literal["yes", "no", "unknown"] | None = Field(
        None,
        description="whether its pre-training saw the dataset's test speakers, as the method declares; null: it does not say",
    )
    weights: dict[str, str] = Field(
        {}, description="SHA-256 of all weights that the method says its outputs depend on, by part"
    )


class DatasetRecord(_Strict):
    name: str
    profile: str | None
    part: str
    manifest: str
    manifest_sha256: str
    data_version: str | None = Field(None, description="PUPPET_VERSION of the embedded dataset")
    n_scored: int
    n_speakers: int
    n_rejected: int
    flags: list[str] = []
    store_sha256: str = Field(description="over clip ids, video hashes and reference images of all scored clips")
    media_policy: Literal["none", "generated", "all"] = "none"


class ProtocolRecord(_Strict):
    name: str
    status: str
    sha256: str
    framing: str
    missing: Literal["static", "exclude", "fail"]
    unknown: list[str] = []
    text: str | None = Field(None, description="the protocol file, word for word")


class ExtractorRecord(_Strict):
    name: str
    version: str
    weights: dict[str, str]


class Machine(_Strict):
    """What the numbers were computed on."""

    processor: str
    cores: int = Field(description="that this process may use")
    memory_gib: float | None
    accelerator: str | None


class Environment(_Strict):
    python: str
    platform: str
    packages: dict[str, str]
    git_commit: str | None
    git_dirty: bool | None
    emotalk: str
    machine: Machine | None = None


class Result(_Strict):
    """One row of a table: a method on a dataset part under one protocol."""

    schema_version: Literal[3] = SCHEMA_VERSION
    name: str
    method: MethodRecord
    dataset: DatasetRecord
    protocol: ProtocolRecord
    metrics: list[MetricValue]
    breakdown: list[GroupValue] = Field([], description="every metric by emotion and by level")
    distributions: list[Distribution] = Field([], description="one per metric that has a value")
    showcase: list[str] = Field(
        [], description="clips to show first: other emotions and other speakers, as far as there are"
    )
    items: list[ItemCount]
    problems: list[Problem]
    notes: list[str] = []
    extractors: list[ExtractorRecord] = Field(
        description="what read the pictures and the sound; metrics with weights of their own among them"
    )
    device: Literal["cpu", "cuda"] = "cpu"
    inputs_sha256: str | None = Field(
        None, description="over everything that the numbers depend on: equal inputs are not evaluated again"
    )
    environment: Environment
    seed: int
    created: str
    command: str
    wall_seconds: float

    def save(self, path: Path) -> None:
        """Write result.json (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Result:
        """Read result.json; ValidationError on unknown keys, another schema version or wrong types."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))

    def metric(self, name: str) -> MetricValue | None:
        """The cell of metric `name`, None if this result does not have it."""
        return next((m for m in self.metrics if m.metric == name), None)


CLIP_COLUMNS: dict[str, Any] = {
    "dataset": "string",
    "split": "string",
    "clip_id": "string",
    "speaker": "string",
    "emotion": "string",
    "level": "Int64",
    "method": "string",
    "protocol": "string",
    "metric": "string",
    "value": "float64",
    "truth": "float64",
    "status": "string",
    "reason": "string",
    "n_frames": "Int64",
}
"""clips.parquet, long form: column -> pandas dtype. truth: the real clip's own value, of metrics that measure one video."""

CLIP_STATUSES = {
    "ok": "the video was scored",
    "static": "there is no video to score, the static image was scored in its place; the reason says why",
    COLLECTED: "the clip gave its arrays to a metric of the whole set and has no value of its own; "
    "a reason says why the static image stood in",
    "null": "the video is sound, but this metric has no value for it, for the reason given",
    "excluded": "there is no video to score, and nothing was scored in its place",
    "failed": "as excluded, where missing outputs end the evaluation",
    "n/a": "the method has nothing to say about this clip by definition; out of coverage",
}
