"""A contact sheet, `sheet.json` with its pictures beside it: one picture per speaker and emotion."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bench.contract.clip import EMOTIONS
from bench.contract.files import whole_file

SHEET_VERSION = 1
TILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}\.(webp|jpg|png)\Z")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Tile(_Strict):
    """One picture of the sheet: who, in which emotion and level, which frame of which clip."""

    speaker: str
    emotion: Literal[EMOTIONS]
    level: int | None
    clip_id: str
    frame: int = Field(description="counted from 0, 25 per second")
    file: str = Field(description="name of the picture beside sheet.json")

    @field_validator("file")
    @classmethod
    def _beside(cls, name: str) -> str:
        if not TILE_NAME.match(name):
            raise ValueError(f"expected the bare name of a picture beside sheet.json, got {name!r}")
        return name


class Sheet(_Strict):
    """All pictures of one part of a dataset, and how they were made."""

    schema_version: Literal[1] = SHEET_VERSION
    dataset: str
    profile: str | None
    part: str
    data_version: str | None
    media_policy: Literal["none", "generated", "all"]
    size: int = Field(description="width and height of every picture, px")
    source: str = Field(description="how the pictures were made, one sentence")
    code_sha256: str | None = Field(None, description="of the code that drew the pictures, where they were drawn")
    tiles: list[Tile]

    def save(self, path: Path) -> None:
        """Write sheet.json (to a temporary name, then renamed)."""
        with whole_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Sheet:
        """Read sheet.json; ValidationError on unknown keys, another schema version or wrong types."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))
