"""A dataset's folder against the manifests: what is there, what is missing, what cannot be used, what is one too many."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.contract.clip import Part, RejectedClip, SourceClip
from bench.contract.errors import NothingDoneError, Reason, UsageError
from bench.data.datasets import Dataset, get_dataset
from bench.data.manifests import Manifest, load_manifest, manifest_names, speaker_of
from bench.doctor.duplicates import identical_files
from bench.doctor.findings import Finding
from bench.doctor.leaks import LEAKY, count_of, some
from bench.doctor.tree import Look, layout_hints, look, unusual_files

GROUP = "Dataset"
KNOWN = (Reason.KNOWN_FAULTY,)
FIRST_NAMES = 4


@dataclass
class Reading:
    """What was found below a root: the reader's clips and rejections, and one look over everything else."""

    dataset: Dataset
    root: Path
    clips: list[SourceClip]
    rejected: list[RejectedClip]
    seen: Look
    seconds: float
    rendered: bool = False
    """True for the tree that `prepare` renders itself: what is missing there is made when it is asked for."""

    @property
    def ids(self) -> set[str]:
        """The ids of all usable clips."""
        return {clip.clip_id for clip in self.clips}


@dataclass
class Coverage:
    """One part of one manifest against the disk. `wanted` counts rows that name clips; of a speaker row, `found` clips.

    `missing` are clip ids without a file, and speakers (rows that name one) without any clip; `unusable` those with a
    file that cannot be used, `faulty` those whose dataset says so.
    """

    part: Part
    wanted: int = 0
    speakers: set[str] = field(default_factory=set)
    by_speaker: bool = False
    found: list[str] = field(default_factory=list)
    scored: int = 0
    missing: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    faulty: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The same for --json, with all names."""
        return {
            "part": self.part.value,
            "speakers": len(self.speakers),
            "wanted": None if self.by_speaker else self.wanted,
            "found": len(self.found),
            "scored": self.scored,
            "missing": self.missing,
            "unusable": self.unusable,
            "known_faulty": self.faulty,
        }


def read(name: str, root: Path, rendered: bool = False) -> Reading:
    """Read the tree with the dataset's own reader; UsageError if `root` is not a folder. `rendered`: see Reading."""
    started = time.monotonic()
    dataset = get_dataset(name)
    root = root.expanduser().resolve()
    if not root.is_dir():
        raise UsageError(f"--root {root}: expected the folder of the dataset, found no folder there")
    clips, rejected = dataset.module().scan(root, dataset=name)
    seen = look(root, _other_views(dataset))
    return Reading(dataset, root, clips, rejected, seen, time.monotonic() - started, rendered)


def examine(reading: Reading, manifest: Manifest, part: Part) -> list[Finding]:
    """Findings on the folder; NothingDoneError, with what is wrong with the layout, if it holds no clip at all."""
    hints = layout_hints(reading.dataset.name, reading.dataset.reader, reading.root, reading.seen, len(reading.clips))
    if not reading.clips and not reading.rejected:
        said = "".join(f" {odd}: {do}." for odd, do in hints)
        raise NothingDoneError(
            f"{reading.root}: found nothing that looks like a clip of {reading.dataset.name}.{said} {reading.dataset.layout}"
        )
    rows = [_overview(reading)]
    rows += [Finding(GROUP, "layout", "LACK", odd, do) for odd, do in hints]
    rows += _main_manifest(reading, manifest, part)
    rows += _other_manifests(reading, manifest)
    rows += _unusable(reading)
    rows += _extra(reading, manifest)
    return rows + duplicates(reading, manifest)


def coverage(reading: Reading, manifest: Manifest) -> dict[Part, Coverage]:
    """Every part of a manifest against the disk, in linear time."""
    table = {p: Coverage(p) for p in Part}
    here = {clip.clip_id for clip in reading.clips}
    bad = {row.clip_id: row for row in reading.rejected}
    speakers_here = {clip.speaker for clip in reading.clips}
    for entry in manifest.entries:
        row = table[entry.part]
        row.speakers.add(entry.name if entry.is_speaker else speaker_of(entry.name))
        if entry.is_speaker:
            row.by_speaker = True
            if entry.name not in speakers_here:
                row.missing.append(entry.name)
            continue
        row.wanted += 1
        if entry.name in here:
            row.found.append(entry.name)
            row.scored += entry.scored
        elif entry.name in bad:
            known = bad[entry.name].reason in KNOWN
            (row.faulty if known else row.unusable).append(entry.name)
        else:
            row.missing.append(entry.name)
    if manifest.speakers:
        for clip in reading.clips:
            entry = manifest.speakers.get(clip.speaker)
            if entry is not None and clip.clip_id not in manifest.clips:
                table[entry.part].found.append(clip.clip_id)
                table[entry.part].scored += entry.scored
    return {p: row for p, row in table.items() if row.speakers}


def duplicates(reading: Reading, manifest: Manifest) -> list[Finding]:
    """Identical video files: across speakers or sides a LACK, else a note."""
    groups = identical_files(reading.clips, reading.seen.sizes)
    across, harmless = [], []
    for group in groups:
        sides = {manifest.part_of(clip) for clip in group} - {None}
        named = " = ".join(clip.clip_id for clip in group[:3]) + (f" = {len(group) - 3} more" if len(group) > 3 else "")
        (across if len({c.speaker for c in group}) > 1 or len(sides) > 1 else harmless).append(named)
    rows = []
    if across:
        published = LEAKY in manifest.flags and not any(_speakers_of(group) > 1 for group in groups)
        found = f"{len(across)} identical files under two speakers or on two sides: {some(across, 3)}"
        do = "leave all but one of each out, by a manifest of your own"
        rows.append(
            Finding(GROUP, "identical files", "note" if published else "LACK", found, do, {"identical": across})
        )
    if harmless:
        found = f"{len(harmless)} identical files under two names of one speaker: {some(harmless, 3)}"
        rows.append(Finding(GROUP, "identical files", "note", found, data={"identical": harmless}))
    return rows


def _speakers_of(group: list[SourceClip]) -> int:
    return len({clip.speaker for clip in group})


def _other_views(dataset: Dataset) -> frozenset[str]:
    if dataset.reader != "mead":
        return frozenset()
    import tomllib
    from importlib.resources import files

    names = tomllib.loads(files("data_manifests").joinpath("mead/names.toml").read_text(encoding="utf-8"))
    return frozenset(names["views"]) - {names["default_view"]}


def _overview(reading: Reading) -> Finding:
    speakers = {clip.speaker for clip in reading.clips}
    beside = sum(clip.audio is not None for clip in reading.clips)
    found = (
        f"{count_of(len(reading.clips), 'clip')} of {count_of(len(speakers), 'speaker')}, {beside} with sound beside the video; "
        f"{reading.seen.entries:,} entries looked at in {reading.seconds:.1f} s"
    )
    data = {
        "root": str(reading.root),
        "clips": len(reading.clips),
        "speakers": sorted(speakers),
        "sound_beside": beside,
        "entries": reading.seen.entries,
        "seconds": round(reading.seconds, 2),
    }
    return Finding(GROUP, reading.dataset.name, "ok" if reading.clips else "LACK", found, data=data)


def _main_manifest(reading: Reading, manifest: Manifest, part: Part) -> list[Finding]:
    """One finding per part of the manifest in use; what lacks in the part asked for is a LACK."""
    rows = []
    for row in coverage(reading, manifest).values():
        asked = row.part == part
        if reading.rendered and row.missing and not row.unusable:
            found = f"{len(row.found):,} of {row.wanted:,} clips here; prepare renders what is asked for"
            rows.append(Finding(GROUP, f"{manifest.name} {row.part.value}", "ok", found, data=row.document()))
            continue
        lacking = bool(row.missing or row.unusable) or not row.found
        state = "ok" if not lacking else "LACK" if asked else "note"
        do = _bring(reading, row) if lacking and asked else ""
        rows.append(Finding(GROUP, f"{manifest.name} {row.part.value}", state, _counts(row), do, row.document()))
    if part not in {p.part for p in manifest.entries}:
        have = ", ".join(sorted({p.part.value for p in manifest.entries}))
        rows.append(Finding(GROUP, f"{manifest.name} {part.value}", "LACK", f"no such part; it has {have}", "--split"))
    return rows


def _counts(row: Coverage) -> str:
    if row.by_speaker:
        here = len(row.speakers) - sum(name in row.speakers for name in row.missing)
        lines = [f"{here} of {len(row.speakers)} speakers here, {count_of(len(row.found), 'clip')}{_scored(row)}"]
    else:
        lines = [f"{len(row.found):,} of {row.wanted:,} clips here{_scored(row)}"]
    if row.faulty:
        lines.append(f"known to be faulty, not used: {some(row.faulty, FIRST_NAMES)}")
    if row.unusable:
        lines.append(f"{len(row.unusable)} unusable: {some(row.unusable, FIRST_NAMES)}")
    if row.missing:
        lines.append(f"{len(row.missing)} missing: {some(row.missing, FIRST_NAMES)}")
        lines += _per_speaker(row)
    return "\n".join(lines)


def _scored(row: Coverage) -> str:
    return "" if row.scored == len(row.found) else f", {row.scored:,} of them scored"


def _per_speaker(row: Coverage) -> list[str]:
    """Which speakers lack everything and which some; nothing where a single speaker says it all already."""
    lost = Counter(speaker_of(name) for name in row.missing)
    kept = {speaker_of(name) for name in row.found}
    if len(row.speakers) < 2:
        return []
    whole = sorted(set(lost) - kept)
    some_of = [f"{speaker} {count}" for speaker, count in sorted(lost.items()) if speaker in kept]
    lines = [f"nothing of {count_of(len(whole), 'speaker')}: {some(whole, 8)}"] if whole else []
    return lines + ([f"some of {count_of(len(some_of), 'speaker')}: {some(some_of, 6)}"] if some_of else [])


def _bring(reading: Reading, row: Coverage) -> str:
    if reading.dataset.embedded:
        return "leave --root out, and prepare renders what is asked for"
    if reading.seen.archives and row.missing:
        return "unpack the archives (see layout), then look again"
    if any("lfs" in r.detail.lower() for r in reading.rejected):
        return f"git -C '{reading.root}' lfs pull"
    source = reading.dataset.source
    return f"get the missing files from where you had the others ({source}); without them they are rows of rejected.parquet"


def _other_manifests(reading: Reading, used: Manifest) -> list[Finding]:
    rows = []
    for name in manifest_names(reading.dataset.name):
        if name == used.name or reading.dataset.embedded:
            continue  # such a tree holds one profile
        table = coverage(reading, load_manifest(reading.dataset.name, name))
        lines = []
        for row in table.values():
            of = f" of {row.wanted}" if not row.by_speaker else ""
            lack = f", {len(row.missing)} missing" if row.missing else ""
            lines.append(f"{row.part.value} {len(row.found)}{of}{lack}")
        state = "note" if any(row.missing for row in table.values()) else "ok"
        data = {row.part.value: row.document() for row in table.values()}
        rows.append(Finding(GROUP, name, state, "clips here: " + "; ".join(lines), data=data))
    return rows


def _unusable(reading: Reading) -> Iterable[Finding]:
    """Rejections by reason, with the first few; the dataset's own faults apart."""
    groups: dict[str, list[RejectedClip]] = defaultdict(list)
    for row in reading.rejected:
        groups[str(row.reason)].append(row)
    for reason, bad in sorted(groups.items()):
        known = all(row.known for row in bad)
        first = bad[0]
        data = {"reason": reason, "rows": [{"path": row.path, "detail": row.detail} for row in bad]}
        if known:
            found = f"{some((row.clip_id for row in bad), FIRST_NAMES)}: faulty as published, left out"
            yield Finding(GROUP, reason, "ok", found, data=data)
            continue
        found = f"{len(bad)} x: {first.path}: {first.detail}"
        if len(bad) > 1:
            found += f"\nalso {some((row.path for row in bad[1:]), 3)}"
        yield Finding(GROUP, reason, "note", found, data=data)


def _extra(reading: Reading, manifest: Manifest) -> Iterable[Finding]:
    """Clips of no manifest, files that are no clips, empty files."""
    manifests = [load_manifest(reading.dataset.name, n) for n in manifest_names(reading.dataset.name)]
    manifests = [m for m in manifests if m.name != manifest.name] + [manifest]
    strangers = [clip.clip_id for clip in reading.clips if not any(m.entry(clip) for m in manifests)]
    if strangers:
        found = f"{len(strangers)} clips that no manifest names: {some(strangers, FIRST_NAMES)}"
        yield Finding(GROUP, "extra clips", "note", found, data={"clips": strangers})
    if reading.seen.empty:
        names = some(reading.seen.empty, FIRST_NAMES)
        do = "copy or download them again; prepare rejects them as empty-file"
        found = f"{count_of(len(reading.seen.empty), 'video')} of 0 bytes: {names}"
        yield Finding(GROUP, "empty files", "LACK", found, do, {"paths": reading.seen.empty})
    if others := unusual_files(reading.seen):
        yield Finding(GROUP, "other files", "ok", f"{others}: not looked at", data=dict(reading.seen.others))
    if reading.seen.cut_short:
        found = f"more than {reading.seen.entries} entries: only the first ones were looked at for the lines above"
        yield Finding(GROUP, "size", "note", found, "check --root: is it the dataset's own folder?")
