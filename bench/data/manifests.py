"""Manifests: which clips of a dataset are used, in which part, and which of them are scored; data, with checksums."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import os
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.contract.clip import Part, RejectedClip, SourceClip, valid_clip_id
from bench.contract.errors import Reason, UsageError
from bench.data.tree import rejected_id

COLUMNS = ("clip_id", "speaker", "part", "scored")
TWO_SIDES = "speakers-on-two-sides"
_YES_NO = {"1": True, "0": False, "true": True, "false": False, "": True}


@dataclass(frozen=True)
class Entry:
    """One row of a manifest: a clip, or all clips of a speaker, with its part and whether it is scored there."""

    name: str
    is_speaker: bool
    part: Part
    scored: bool


@dataclass(frozen=True)
class Manifest:
    """A named split. `entries` keep the file's order; a clip's own row goes before its speaker's row.

    `status` is verified (the published lists themselves), unverified (our reading of a description) or user; `sha256`
    is that of the csv with line ends as \\n; `card` holds title, source, licence, rule, counts; `flags` say what a
    table must say; `rejected` are rows of a user's csv that cannot name a clip.
    """

    dataset: str
    name: str
    title: str
    status: str
    sha256: str
    entries: tuple[Entry, ...]
    flags: tuple[str, ...] = ()
    rejected: tuple[RejectedClip, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def clips(self) -> dict[str, Entry]:
        """Rows that name a clip, by clip_id."""
        return {e.name: e for e in self.entries if not e.is_speaker}

    @cached_property
    def speakers(self) -> dict[str, Entry]:
        """Rows that name a speaker, by speaker."""
        return {e.name: e for e in self.entries if e.is_speaker}

    def entry(self, clip: SourceClip | str) -> Entry | None:
        """The row that holds for a clip (or clip_id), None if the manifest does not use it."""
        clip_id = clip if isinstance(clip, str) else clip.clip_id
        return self.clips.get(clip_id) or self.speakers.get(speaker_of(clip_id))

    def part_of(self, clip: SourceClip | str) -> Part | None:
        """The part a clip stands in, None if the manifest does not use it."""
        entry = self.entry(clip)
        return entry.part if entry else None

    def scored(self, clip: SourceClip | str) -> bool:
        """True if the clip counts in its part; False for clips that are only partners or references, or not used."""
        entry = self.entry(clip)
        return entry is not None and entry.scored


def speaker_of(clip_id: str) -> str:
    """The speaker of a clip_id: what stands before the first `_`, in MEAD and in CREMA-D."""
    return clip_id.partition("_")[0]


def manifest_names(dataset: str) -> list[str]:
    """The named manifests of a dataset: every csv in data_manifests/<dataset> that has a card beside it."""
    folder = files("data_manifests").joinpath(dataset)
    if not folder.is_dir():
        return []
    there = {entry.name for entry in folder.iterdir()}
    return sorted(n[:-4] for n in there if n.endswith(".csv") and n[:-4] + ".toml" in there)


def load_manifest(dataset: str, name: str | Path) -> Manifest:
    """A named manifest of `dataset`, or, if `name` ends in .csv, a user's own file.

    The csv has a header and the columns clip_id or speaker (or both, one of them empty in each row), part, and scored
    (1 or 0, 1 if left out). Raises UsageError for an unknown name, a csv that is not the one its card was written for,
    an unknown column or part, or a row that stands there twice.
    """
    if str(name).endswith(".csv"):
        path = Path(name)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"manifest {path}: cannot be read as a UTF-8 csv file: {error}") from error
        card = {"title": path.name, "status": "user"}
        return _parse(
            dataset, "".join(c if c.isalnum() or c in "-_" else "_" for c in path.stem), text, card, str(path)
        )
    known = manifest_names(dataset)
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(
            f"unknown manifest {str(name)!r} of {dataset}: {hint}there are: {', '.join(known) or 'none'}; "
            "a file of your own is given by its path, ending in .csv"
        )
    folder = files("data_manifests").joinpath(dataset)
    text = folder.joinpath(f"{name}.csv").read_text(encoding="utf-8")
    card = tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    where = f"data_manifests/{dataset}/{name}.csv"
    if csv_sha256(text) != card.get("csv_sha256"):
        raise UsageError(
            f"{where} is not the file its card describes: expected SHA-256 {card.get('csv_sha256')}, "
            f"got {csv_sha256(text)}. A published split must not change under its name: "
            "restore the file, or give your own csv by its path"
        )
    return _parse(dataset, str(name), text, card, where)


def csv_sha256(text: str) -> str:
    """SHA-256 of a csv's text with line ends as \\n, so that a checkout on Windows is the same manifest."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def _parse(dataset: str, name: str, text: str, card: Mapping[str, Any], where: str) -> Manifest:
    rows = csv.DictReader(io.StringIO(text), restkey="")
    columns = rows.fieldnames or []
    if "part" not in columns or not {"clip_id", "speaker"} & set(columns) or not set(columns) <= set(COLUMNS):
        raise UsageError(
            f"{where}: expected the columns clip_id or speaker, part, and if wanted scored; "
            f"got {', '.join(columns) or 'none'}"
        )
    entries: dict[tuple[bool, str], Entry] = {}
    rejected = []
    for number, row in enumerate(rows, start=2):
        clip_id, speaker = ((row.get(c) or "").strip() for c in ("clip_id", "speaker"))
        part, scored = (row["part"] or "").strip(), (row.get("scored") or "").strip().lower()
        what = clip_id or speaker
        if part not in list(Part) or scored not in _YES_NO or row.get("") or not what or (clip_id and speaker):
            raise UsageError(
                f"{where}, line {number}: expected a clip_id or a speaker, a part ({', '.join(Part)}) "
                f"and scored 1 or 0, got {dict(row)}"
            )
        if not valid_clip_id(what):
            rejected.append(_unusable(what, where, number))
            continue
        key = (not clip_id, what)
        if key in entries:
            raise UsageError(f"{where}, line {number}: {what} stands in the manifest twice")
        entries[key] = Entry(what, not clip_id, Part(part), _YES_NO[scored])
    flags = tuple(card.get("flags", ())) + ((TWO_SIDES,) if _two_sides(entries.values()) else ())
    return Manifest(
        dataset=dataset,
        name=name,
        title=str(card.get("title", name)),
        status=str(card.get("status", "unverified")),
        sha256=csv_sha256(text),
        entries=tuple(entries.values()),
        flags=tuple(dict.fromkeys(flags)),
        rejected=tuple(rejected),
        card=card,
    )


def _unusable(name: str, where: str, number: int) -> RejectedClip:
    # a path in a manifest could lead anywhere on the disk, so a manifest names clips, never files
    if "/" in name or "\\" in name or ".." in name or os.path.isabs(name):
        detail = f"{where}, line {number}: a manifest names clips by clip_id, never by path"
        return RejectedClip(rejected_id(name), name, Reason.OUTSIDE_ROOT, detail)
    detail = f"{where}, line {number}: a clip_id is 1 to 80 characters of A-Z a-z 0-9 _ -"
    return RejectedClip(rejected_id(name), name, Reason.NAME_OUTSIDE_SCHEME, detail)


def _two_sides(entries: Any) -> list[str]:
    """Speakers who stand in more than one part."""
    parts = defaultdict(set)
    for entry in entries:
        parts[speaker_of(entry.name)].add(entry.part)
    return sorted(speaker for speaker, on in parts.items() if len(on) > 1)


def count(manifest: Manifest) -> dict[str, dict[str, int]]:
    """Per part: how many speakers, rows that name a clip, and of these how many are scored."""
    clips, scored, speakers = Counter(), Counter(), defaultdict(set)
    for entry in manifest.entries:
        speakers[entry.part].add(speaker_of(entry.name))
        if not entry.is_speaker:
            clips[entry.part] += 1
            scored[entry.part] += entry.scored
    return {p: {"speakers": len(speakers[p]), "clips": clips[p], "scored": scored[p]} for p in Part if speakers[p]}
