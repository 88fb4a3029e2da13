"""The gaze maps of one row, real beside generated, per emotion and eye: the document behind the picture in a report."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

GAZE_FIGURE_VERSION = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class EyeMaps(_Strict):
    """One eye's two maps: rows by pitch from down to up, in each row by yaw from image left to right."""

    eye: Literal["left", "right"] = Field(description="the subject's own")
    real: list[list[float]] = Field(
        description="share of the frames with open eyes, clips with equal weight; sums to 1"
    )
    generated: list[list[float]]
    js: float = Field(description="Jensen-Shannon divergence, bits, as observed")
    null: float = Field(description="its mean where the sides of half of the clips are exchanged")
    p: float = Field(
        description="share of exchanges that reach what was observed, not corrected for the number of maps"
    )


class EmotionMaps(_Strict):
    """Both eyes in one emotion, and what the maps were made of."""

    emotion: str = Field(description="'all' where no emotion has two clips")
    n_clips: int
    frames_real: int = Field(description="frames with open eyes")
    frames_generated: int
    closed_real: float = Field(
        description="share of the frames with a face in which the eyes are closed or about to be"
    )
    closed_generated: float
    eyes: list[EyeMaps]


class GazeFigure(_Strict):
    """All maps of one row; `yaw_edges` + towards the image's right, `pitch_edges` + up, ascending, degrees."""

    kind: Literal["gaze-maps"] = "gaze-maps"
    schema_version: Literal[1] = GAZE_FIGURE_VERSION
    frame: Literal["head", "camera"]
    centre: Literal["own", "real", "raw"]
    yaw_edges: list[float]
    pitch_edges: list[float]
    emotions: list[EmotionMaps]

    @model_validator(mode="after")
    def _maps_fit_the_edges(self) -> GazeFigure:
        rows, columns = len(self.pitch_edges) - 1, len(self.yaw_edges) - 1
        for emotion in self.emotions:
            for eye in emotion.eyes:
                for name in ("real", "generated"):
                    shape = [len(row) for row in getattr(eye, name)]
                    if shape != [columns] * rows:
                        raise ValueError(
                            f"{emotion.emotion}, {eye.eye} eye, {name}: expected {rows} rows of {columns}, got {shape}"
                        )
        return self
