"""SHA256SUMS: the hashes of the JSON records in a folder, in the format of `sha256sum`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.contract.files import whole_file

NAME = "SHA256SUMS"


def write_sums(folder: Path) -> Path:
    """The list of all *.json files of the folder, by name; returns where it was written."""
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in sorted(folder.glob("*.json"))]
    with whole_file(folder / NAME) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    return folder / NAME


def listed_sum(folder: Path, name: str) -> str | None:
    """The hash that the folder's list has of a file, None if there is no list or it does not name the file."""
    if not (folder / NAME).is_file():
        return None
    for line in (folder / NAME).read_text(encoding="utf-8").splitlines():
        digest, _, listed = line.partition("  ")
        if listed == name:
            return digest
    return None
