"""The registry of pretrained weights and bundles: what each file is, where it can be had, and what proves it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

Kind = Literal["wheel", "sdist"]


@dataclass(frozen=True)
class Archive:
    """An archive on a Python package index: project, exact version, wheel or sdist."""

    package: str
    version: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.package}=={self.version} ({self.kind})"


@dataclass(frozen=True)
class WeightFile:
    """One weight file of the registry.

    `sha256` is None where nobody publishes one, `archive` and `member` where no package index has the file.
    """

    name: str
    file: str
    purpose: str
    licence: str
    check: str
    official: str
    official_is_same_file: bool
    sha256: str | None = None
    bytes: int | None = None
    archive: Archive | None = None
    member: str | None = None


@dataclass(frozen=True)
class BundleFile:
    """One file of a bundle: its path inside the archive and in the destination, size and SHA-256."""

    member: str
    place: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """Several files taken from one archive together."""

    name: str
    purpose: str
    licence: str
    official: str
    archive: Archive
    archive_sha256: str
    files: tuple[BundleFile, ...]


@dataclass(frozen=True)
class WeightStatus:
    """One line of `emotalk weights list` and `verify`.

    state: verified | present (not hashed) | missing | wrong | unverifiable (there, but no hash is known for it).
    """

    name: str
    state: Literal["verified", "present", "missing", "wrong", "unverifiable"]
    path: str | None
    sha256: str | None
    expected_sha256: str | None
    bytes: int | None
    purpose: str
    licence: str
    detail: str = ""


@cache
def _tables() -> dict:
    return tomllib.loads(resources.files("bench").joinpath("weights.toml").read_text(encoding="utf-8"))


def registry() -> dict[str, WeightFile]:
    """All weight files by name, from bench/weights.toml."""
    entries = {}
    for name, row in _tables()["weights"].items():
        row = dict(row)
        same = {"same": True, "other": False}[row.pop("official_file")]
        archive = Archive(row.pop("package"), row.pop("version"), row.pop("archive")) if "package" in row else None
        entries[name] = WeightFile(name=name, official_is_same_file=same, **{**row, "archive": archive})
    return entries


def bundles() -> dict[str, Bundle]:
    """All bundles by name, from bench/weights.toml."""
    return {
        name: Bundle(
            name=name,
            purpose=row["purpose"],
            licence=row["licence"],
            official=row["official"],
            archive=Archive(row["package"], row["version"], row["archive"]),
            archive_sha256=row["archive_sha256"],
            files=tuple(
                BundleFile(f"{row['folder']}/{file}", f"{row['place']}/{file}", facts["bytes"], facts["sha256"])
                for file, facts in row["files"].items()
            ),
        )
        for name, row in _tables()["bundles"].items()
    }
