"""Which controls the margins are measured against: data_manifests/regression.toml, for cues alone regression-cues.toml too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.errors import UsageError
from bench.contract.handwritten import parse
from metrics.options import choose

Controls = Annotated[list[str], Field(min_length=1)]


class Declaration(BaseModel):
    """The whole file; `sha256` is of its bytes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1]
    share: Annotated[float, Field(gt=0, lt=1)]
    base: str
    primary: Annotated[Mapping[str, Controls], Field(min_length=1)]
    guards: Mapping[str, Controls] = {}
    sha256: str = ""

    @property
    def controls(self) -> dict[str, list[str]]:
        """Every metric of the gate with the controls that its margin is measured against, primary endpoints first."""
        return {**self.primary, **self.guards}


class FurtherGuards(BaseModel):
    """What the gate of cues alone looks at besides."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1]
    guards: Annotated[Mapping[str, Controls], Field(min_length=1)]


def load_declaration(of_cues: bool = False) -> Declaration:
    """The declaration that comes with the project, `of_cues` with the guards of cues alone; UsageError if it is not sound."""
    folder = files("data_manifests")
    content = (folder / "regression.toml").read_bytes()
    further = (folder / "regression-cues.toml").read_bytes() if of_cues else None
    return parse_declaration(content, "regression.toml", further)


def parse_declaration(content: bytes, source: str, further: bytes | None = None) -> Declaration:
    """Read a declaration, and `further` guards; `source` names it in errors.

    UsageError for broken TOML, an unknown key, a wrong type, and a metric or a control that does not exist.
    """
    from baselines.registry import METHODS
    from metrics.registry import METRICS

    found = parse(Declaration, content, source)
    if further is not None:
        more = parse(FurtherGuards, further, "regression-cues.toml").guards
        if twice := more.keys() & found.controls.keys():
            raise UsageError(f"regression-cues.toml: {', '.join(sorted(twice))} stands in {source} too")
        found = found.model_copy(update={"guards": {**found.guards, **more}})
        content += further
    for metric, controls in found.controls.items():
        choose(f"{source}: metric", metric, METRICS)
        for control in controls:
            choose(f"{source}: controls of {metric}", control, METHODS)
    if twice := found.primary.keys() & found.guards.keys():
        raise UsageError(f"{source}: {', '.join(sorted(twice))} stands under primary and under guards")
    choose(f"{source}: base", found.base, METHODS)
    return found.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
