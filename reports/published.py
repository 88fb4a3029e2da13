"""Published claims: reads reports/published/*.toml, and says how far the sources are from one another on one method.

A claim is what somebody printed about a method. It is never a measurement of this project and never stands in a column with one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench.contract.errors import UsageError
from bench.contract.handwritten import parse

Trust = Literal["calc", "text", "note"]
TRUST: dict[Trust, str] = {
    "calc": "computed from files that its authors published",
    "text": "read in the paper's text",
    "note": "quoted second-hand: the paper itself was not read",
}
"""How far a claim may be trusted to be what its source says."""
NOT_KNOWN = "not known"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Column(_Strict):
    """One column of a published table: what is meant, how the source writes it, and what is not known of it."""

    quantity: str = Field(
        min_length=1, description="what the sources mean alike, as Sync confidence; not one of our metrics"
    )
    as_written: str = Field(min_length=1)
    unit: str = Field(min_length=1, description="1 for a pure number; not known where the source does not say")
    decimals: int = Field(ge=0, le=6, description="as printed")
    averaged: str = Field(NOT_KNOWN, description="over what the mean is taken")
    unknown: list[str] = []
    note: str | None = None


class Line(_Strict):
    """One row of a published table: quantity -> value; a quantity that the source leaves out is left out here."""

    method: str = Field(min_length=1)
    real: bool = Field(False, description="the row is real video")
    values: dict[str, float | int]


class PublishedTable(_Strict):
    """One table of a source: one dataset, one split, one protocol as far as they are known."""

    place: str
    trust: Trust
    dataset: str
    split: str
    protocol: str
    follows: str | None = Field(None, description="the protocol file of this project that imitates it")
    unknown: list[str]
    metrics: list[Column] = Field(min_length=1)
    rows: list[Line] = Field(min_length=1)

    @model_validator(mode="after")
    def _every_value_has_its_column(self) -> PublishedTable:
        names = [column.quantity for column in self.metrics]
        if len(set(names)) != len(names):
            raise ValueError(f"metrics: expected each quantity once, got {names}")
        methods = [line.method for line in self.rows]
        if len(set(methods)) != len(methods):
            raise ValueError(f"rows: expected each method once, got {methods}")
        for line in self.rows:
            if stray := set(line.values) - set(names):
                raise ValueError(f"rows: {line.method}: {sorted(stray)} is no quantity of this table; it has {names}")
            if not line.values:
                raise ValueError(f"rows: {line.method}: expected at least one value")
        return self


class Source(_Strict):
    """One paper, or one set of released files."""

    source: str = Field(pattern=r"[a-z0-9-]+", description="the file's name")
    title: str
    link: str
    year: int | None = None
    kind: Literal["paper", "released outputs", "source not known"]
    tables: list[PublishedTable] = Field(min_length=1)


@dataclass(frozen=True)
class Claim:
    """One number that a source prints."""

    source: Source
    table: PublishedTable
    line: Line
    column: Column
    value: float

    @property
    def text(self) -> str:
        """The value with the digits that its source prints."""
        return f"{self.value:.{self.column.decimals}f}".replace("-", "\N{MINUS SIGN}")


@dataclass(frozen=True)
class Disagreement:
    """One method, dataset and quantity in two or more sources: the claims from the largest to the smallest."""

    method: str
    dataset: str
    quantity: str
    claims: tuple[Claim, ...]

    @property
    def ratio(self) -> float | None:
        """Largest / smallest; None where that says nothing, as a value is 0 or below."""
        return self.claims[0].value / self.claims[-1].value if self.claims[-1].value > 0 else None


def load_published(folder: Traversable | None = None) -> list[Source]:
    """Every file of reports/published (or of `folder`), by year and name; UsageError names the file and the key at fault."""
    folder = folder or resources.files("reports") / "published"
    found = [_load_one(entry) for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return sorted(found, key=lambda s: (s.year is None, s.year or 0, s.source))


def _load_one(entry: Traversable) -> Source:
    source = parse(Source, entry.read_bytes(), f"published/{entry.name}")
    if source.source != entry.name.removesuffix(".toml"):
        raise UsageError(
            f"published/{entry.name}: the file calls itself {source.source!r}; source and file name must agree"
        )
    return source


def claims(sources: Sequence[Source]) -> list[Claim]:
    """Every claim, in the order of the files."""
    return [
        Claim(source, table, line, column, float(line.values[column.quantity]))
        for source in sources
        for table in source.tables
        for line in table.rows
        for column in table.metrics
        if column.quantity in line.values
    ]


def disagreements(sources: Sequence[Source]) -> list[Disagreement]:
    """One for each method, dataset and quantity that two or more sources claim; the largest ratio first."""
    groups: dict[tuple[str, str, str], list[Claim]] = {}
    for claim in claims(sources):
        if not claim.line.real:
            groups.setdefault((claim.line.method, claim.table.dataset, claim.column.quantity), []).append(claim)
    found = [
        Disagreement(*key, tuple(sorted(members, key=lambda c: -c.value)))
        for key, members in groups.items()
        if len({c.source.source for c in members}) > 1
    ]
    return sorted(found, key=lambda d: (-(d.ratio or 0.0), d.method, d.quantity))
