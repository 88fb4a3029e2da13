"""What was declared of every damage before anything was measured: data_manifests/calibration.toml."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.contract.calibration import Says
from bench.contract.errors import UsageError
from bench.contract.handwritten import parse
from bench.data.store import Selection
from bench.protocols import load_protocol
from metrics.options import choose

LEAST_DOSES = 3


@dataclass(frozen=True)
class Expectation:
    """What one column must do under one damage; `effect` is the smallest one that counts, in the column's unit."""

    metric: str
    says: Says
    effect: float
    why: str


@dataclass(frozen=True)
class DamageDeclaration:
    """One damage: doses in rising order, how many of the scored clips are used (None: all), and what is expected."""

    name: str
    kind: Literal["picture", "sound", "geometry", "labels"]
    unit: str
    doses: tuple[float, ...]
    clips: int | None
    why: str
    expects: tuple[Expectation, ...]


@dataclass(frozen=True)
class Declaration:
    """The whole file; `sha256` is of its bytes."""

    protocol: str
    damages: tuple[DamageDeclaration, ...]
    sha256: str

    def only(self, names: Collection[str]) -> Declaration:
        """Some of its damages, in its order; UsageError with the nearest name for one that is not declared."""
        for name in names:
            choose("--damages", name, [d.name for d in self.damages])
        kept = tuple(d for d in self.damages if d.name in names)
        return Declaration(self.protocol, kept, self.sha256)


def load_declaration() -> Declaration:
    """The declaration that comes with the project; UsageError if it is not sound."""
    return parse_declaration((files("data_manifests") / "calibration.toml").read_bytes(), "calibration.toml")


def parse_declaration(content: bytes, source: str) -> Declaration:
    """Read a declaration; `source` names it in errors.

    UsageError for broken TOML, a key nobody reads, a wrong type, doses that do not rise from above 0, a column that the
    protocol does not have, and a column without a smallest effect.
    """
    document = parse(_Document, content, source)
    columns = load_protocol(document.protocol).metrics
    for name in document.effects:
        choose(f"{source}: effects", name, columns)
    damages = []
    for name, damage in document.damages.items():
        where = f"{source}: damages.{name}"
        if len(damage.doses) < LEAST_DOSES or list(damage.doses) != sorted(set(damage.doses)) or damage.doses[0] <= 0:
            raise UsageError(f"{where}.doses: expected {LEAST_DOSES} or more, rising from above 0, got {damage.doses}")
        for metric in damage.expects:
            choose(f"{where}.expects: column with a smallest effect", metric, document.effects)
        expects = [Expectation(m, says, document.effects[m][0], why) for m, (says, why) in damage.expects.items()]
        damages.append(
            DamageDeclaration(
                name, damage.kind, damage.unit, tuple(damage.doses), damage.clips, damage.why, tuple(expects)
            )
        )
    return Declaration(document.protocol, tuple(damages), hashlib.sha256(content).hexdigest())


def some_clips(selection: Selection, clips: int | None) -> Selection:
    """The selection of `clips` of its scored clips, chosen by their names and speakers alone; the same one for None.

    Each speaker gives one clip before any gives a second, and neighbouring speakers give another one of theirs, because
    ids follow emotions. Where there are fewer speakers wanted than there are, they are taken at even distances.
    """
    entries = selection.document["clips"]
    if clips is None or clips >= len(entries):
        return selection
    chosen = chosen_clips([row.clip for row in selection.scored], clips)
    kept = [entry for entry in entries if entry["clip_id"] in chosen]
    return Selection(selection.store, {**selection.document, "clips": kept}, selection.path)


def chosen_clips(clips: Sequence, count: int) -> set[str]:
    """Ids of `count` of these clips (clip_id, speaker), as `some_clips` says."""
    of_speaker: dict[str, list[str]] = {}
    for clip in sorted(clips, key=lambda clip: clip.clip_id):
        of_speaker.setdefault(clip.speaker, []).append(clip.clip_id)
    names = sorted(of_speaker)
    wanted = min(count, len(names))
    speakers = [names[k * len(names) // wanted] for k in range(wanted)]
    speakers += [name for name in names if name not in speakers]
    chosen: list[str] = []
    for turn in range(max(map(len, of_speaker.values()))):
        for name in speakers:
            own = of_speaker[name]
            if turn < len(own):
                chosen.append(own[(names.index(name) + turn) % len(own)])
    return set(chosen[:count])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Positive = Annotated[float, Field(gt=0)]


class _Damage(_Strict):
    kind: Literal["picture", "sound", "geometry", "labels"]
    unit: str
    doses: list[float]
    clips: Annotated[int, Field(ge=1)] | None = None
    why: str
    # TOML has lists where Python has tuples
    expects: Annotated[Mapping[str, Annotated[tuple[Says, str], Field(strict=False)]], Field(min_length=1)]


class _Document(_Strict):
    version: Literal[1]
    protocol: str
    effects: Mapping[str, Annotated[tuple[Positive, str], Field(strict=False)]]
    damages: Annotated[Mapping[str, _Damage], Field(min_length=1)]
