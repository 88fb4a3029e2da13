"""Which columns of the gate must notice which damaged checkpoint: data_manifests/regression-checkpoints.toml."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.errors import UsageError
from bench.contract.handwritten import parse
from bench.regress.declaration import load_declaration
from metrics.options import choose

Columns = Annotated[list[str], Field(min_length=1)]


class Expected(BaseModel):
    """Of one damage: its dose, the columns of the gate that see it in videos and in cues, and those outside the gate."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dose: Annotated[float, Field(gt=0)]
    rendered: Columns
    cues: Columns
    told: list[str]


class CheckpointDamages(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1]
    seed: int
    damages: Mapping[str, Expected]


def load_checkpoint_damages() -> CheckpointDamages:
    """The declaration that comes with the project; UsageError if it is not sound."""
    name = "regression-checkpoints.toml"
    return parse_checkpoint_damages((files("data_manifests") / name).read_bytes(), name)


def parse_checkpoint_damages(content: bytes, source: str) -> CheckpointDamages:
    """Read a declaration; `source` names it in errors.

    UsageError for broken TOML, an unknown key, a wrong type, a damage that does not exist or lacks, and a column that is not
    where it is said to be: in the gate, or among the metrics.
    """
    from baselines.two_stage.damaged_checkpoints import DAMAGES, FEWER_STEPS
    from metrics.registry import METRICS

    found = parse(CheckpointDamages, content, source)
    known, gated, in_cues = (
        (FEWER_STEPS, *DAMAGES),
        load_declaration().controls,
        load_declaration(of_cues=True).controls,
    )
    for name, expected in found.damages.items():
        choose(f"{source}: damages", name, known)
        _all_of(expected.rendered, gated, f"{source}: {name}.rendered")
        _all_of(expected.cues, in_cues, f"{source}: {name}.cues")
        _all_of(expected.told, METRICS.keys() - gated.keys(), f"{source}: {name}.told")
    if lacking := [name for name in known if name not in found.damages]:
        raise UsageError(f"{source}: says nothing of {', '.join(lacking)}")
    return found


def _all_of(columns: Collection[str], known: Collection[str], what: str) -> None:
    for column in columns:
        choose(what, column, sorted(known))
