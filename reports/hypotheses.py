"""Hypotheses as they were written before anything was measured: reads reports/hypotheses.toml, or a file like it."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench.contract.errors import UsageError
from bench.contract.handwritten import parse

SHIPPED = "hypotheses.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Hypothesis(_Strict):
    """One claim: row `better` has less badness in `metric` than row `than`."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    claim: str = Field(min_length=1)
    better: str = Field(min_length=1)
    than: str = Field(min_length=1)
    metric: str = Field(min_length=1)

    @model_validator(mode="after")
    def _two_rows(self) -> Hypothesis:
        if self.better == self.than:
            raise ValueError(f"{self.id}: expected two rows, better and than are both {self.better!r}")
        return self


class Hypotheses(_Strict):
    """The file: on which clips and under which protocol all its claims are tested, and the seeds asked for in cue space."""

    schema_version: Literal[1]
    dataset: str
    profile: str | None = None
    part: str
    protocol: str
    training_seeds: list[int] = Field(min_length=1)
    sampling_seeds: list[int] = Field(min_length=1)
    hypothesis: list[Hypothesis] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Hypotheses:
        names = [h.id for h in self.hypothesis]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"hypothesis: expected each id once, {', '.join(twice)} is there twice")
        for key in ("training_seeds", "sampling_seeds"):
            seeds = getattr(self, key)
            if len(set(seeds)) != len(seeds) or min(seeds) < 0:
                raise ValueError(f"{key}: expected whole numbers from 0 on, each once, got {seeds}")
        claims = [(h.better, h.than, h.metric) for h in self.hypothesis]
        for h in self.hypothesis:
            if claims.count((h.better, h.than, h.metric)) > 1 or (h.than, h.better, h.metric) in claims:
                raise ValueError(f"hypothesis: {h.id}: another one is about the same rows and metric")
        return self


def load_hypotheses(file: Path | None = None) -> tuple[Hypotheses, str]:
    """The file's content (default: the one that comes along) and the SHA-256 of its bytes, hex.

    UsageError names the file and the key at fault.
    """
    place = file or resources.files("reports") / SHIPPED
    try:
        content = place.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}); expected a file as reports/{SHIPPED}") from error
    name = file.name if file else f"reports/{SHIPPED}"
    return parse(Hypotheses, content, name), hashlib.sha256(content).hexdigest()
