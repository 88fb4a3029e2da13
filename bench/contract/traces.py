"""The cue traces of one clip, `traces/<clip_id>.json` beside a result: what a report draws under its players."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.files import whole_file

TRACES_VERSION = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Curves(_Strict):
    """Cues of one video as curves, one number per frame; null where no face was found or, for gaze, the eyes are closed."""

    mouth: list[float | None] = Field(description="gap of the inner lips, percent of the outer eye distance")
    gaze_yaw: list[float | None] = Field(description="degrees, mean of both eyes, relative to the head, + image right")
    gaze_pitch: list[float | None] = Field(description="degrees, mean of both eyes, relative to the head, + up")
    pitch: list[float | None] = Field(description="head, degrees, + up")
    yaw: list[float | None] = Field(description="head, degrees, + image right")
    roll: list[float | None] = Field(description="head, degrees, + clockwise as seen")


class ClipTraces(_Strict):
    """Real and generated curves of one clip with the outline of its sound; numbers only, no picture and no sound."""

    schema_version: Literal[1] = TRACES_VERSION
    clip_id: str
    fps: float
    real: Curves
    generated: Curves
    sound_rate: float = Field(description="entries of `sound` per second")
    sound: list[float] = Field(description="largest absolute sample of each stretch, 0..1")

    def save(self, path: Path) -> None:
        """Write the file (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> ClipTraces:
        """Read the file; ValidationError on unknown keys, another schema version or wrong types."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))
