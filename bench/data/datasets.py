"""The datasets that `--dataset` knows, and how one is read: tree and manifest in, clips with their parts out."""

from __future__ import annotations

import difflib
import importlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from bench.contract.clip import Part, RejectedClip, SourceClip
from bench.contract.errors import NothingDoneError, Reason, UsageError
from bench.data.manifests import Manifest, load_manifest, manifest_names


@dataclass(frozen=True)
class Dataset:
    """What the registry says of one dataset; `layout` is a sentence for error messages, `media_policy` none | generated
    | all."""

    name: str
    title: str
    reader: str
    default_manifest: str
    media_policy: str
    licence: str
    source: str
    layout: str
    embedded: str = ""
    """The layout in which the suite itself renders the dataset, mead or cremad; such a dataset has profiles. "" if it does not."""

    @property
    def manifests(self) -> list[str]:
        """The names of its manifests."""
        return manifest_names(self.name)

    def module(self) -> ModuleType:
        """The reader: `scan(root, dataset=..., verify=...)` and `expected_path(clip_id)`."""
        return importlib.import_module(f"bench.data.{self.reader}")


@cache
def all_datasets() -> dict[str, Dataset]:
    """Every known dataset by name, from datasets.toml."""
    table = tomllib.loads(files("bench.data").joinpath("datasets.toml").read_text(encoding="utf-8"))
    return {name: Dataset(name=name, media_policy=row.pop("media"), **row) for name, row in table.items()}


def get_dataset(name: str) -> Dataset:
    """The dataset of that name; UsageError with the nearest name and the list if there is none."""
    known = all_datasets()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"unknown dataset {name!r}: {hint}there are: {', '.join(known)}")
    return known[name]


def is_embedded(name: str) -> bool:
    """True for the names under which the suite renders a dataset itself, False for real ones and unknown names."""
    return name in all_datasets() and bool(all_datasets()[name].embedded)


def scan_dataset(
    name: str,
    root: Path,
    manifest: str | Path | Manifest | None = None,
    parts: Iterable[Part | str] | None = None,
    *,
    verify: bool = False,
) -> tuple[list[SourceClip], list[RejectedClip]]:
    """The clips of a dataset tree that a manifest uses, with part and scored set, and what cannot be used, with
    reasons.

    `manifest` is a name, a path to a csv or a loaded Manifest (the dataset's default if None); `parts` limits both
    lists to some parts (all if None). Clips with scored False are there to be partners and references. A clip that the
    manifest names and the disk does not have is rejected as missing-file, so is a speaker of whom nothing is there.
    Both lists are sorted by clip_id. Raises UsageError for unknown names, another part, or a root that is not a folder;
    NothingDoneError, with the expected layout, if nothing below the root looks like a clip.
    """
    dataset = get_dataset(name)
    if not isinstance(manifest, Manifest):
        manifest = load_manifest(name, manifest or dataset.default_manifest)
    wanted = _parts(parts)
    reader = dataset.module()
    found, unusable = reader.scan(Path(root), dataset=name, verify=verify)
    if not found and not unusable:
        raise NothingDoneError(f"{root}: found nothing that looks like a clip of {name}. {dataset.layout}")
    clips = []
    for clip in found:
        entry = manifest.entry(clip)
        if entry is not None and entry.part in wanted:
            clips.append(replace(clip, part=entry.part, scored=entry.scored))
    # what belongs to another part is that part's affair; what belongs to no clip of the manifest is said every time
    rejected = [r for r in unusable if (part := manifest.part_of(r.clip_id)) is None or part in wanted]
    rejected += manifest.rejected
    rejected += _missing(manifest, wanted, found, rejected, reader)
    return clips, sorted(rejected, key=lambda r: (r.clip_id, r.path, r.reason))


def _missing(
    manifest: Manifest,
    wanted: frozenset[Part],
    found: list[SourceClip],
    rejected: list[RejectedClip],
    reader: ModuleType,
) -> list[RejectedClip]:
    here = {c.clip_id for c in found} | {r.clip_id for r in rejected}
    speakers = {c.speaker for c in found} | {r.clip_id.partition("_")[0] for r in rejected}
    rows = []
    for entry in manifest.entries:
        if entry.part not in wanted or entry.name in here:
            continue
        if not entry.is_speaker:
            path = reader.expected_path(entry.name)
            detail = f"manifest {manifest.name} names it, the dataset folder does not have it"
            rows.append(RejectedClip(entry.name, path, Reason.MISSING_FILE, detail))
        elif entry.name not in speakers:
            detail = f"manifest {manifest.name} names this speaker, the dataset folder has no clip of them"
            rows.append(RejectedClip(entry.name, entry.name, Reason.MISSING_FILE, detail))
    return rows


def _parts(parts: Iterable[Part | str] | None) -> frozenset[Part]:
    try:
        return frozenset(Part) if parts is None else frozenset(Part(p) for p in parts)
    except ValueError as error:
        raise UsageError(f"{error}: the parts are {', '.join(Part)}") from error
