"""`emotalk prepare`: dataset tree -> clip store, in parallel, resumable, with the rejected clips and their reasons."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import rates
from bench.atomic import FATAL_ERRNO, alone_in, write_json
from bench.contract.clip import SourceClip
from bench.contract.commands import MADE_HERE
from bench.contract.errors import NothingDoneError, Reason, RejectedInput, UsageError
from bench.data.datasets import Dataset, get_dataset
from bench.data.store import Store
from bench.progress import Bar, in_parallel
from bench.reference_images import reference_image
from bench.workspace import Workspace

PASSING = (Reason.UNREADABLE, Reason.MISSING_FILE, Reason.PREPARE_FAILED)
"""Rejections that are tried again at every run: permissions, mounts and our own code change without a trace in the file."""


@dataclass
class Prepared:
    """What one run of prepare did: counts for the summary and the exit code."""

    store: Path
    manifest: str
    part: str
    selection: Path
    scored: int = 0
    prepared: int = 0
    reused: int = 0
    frames: int = 0
    seconds: float = 0.0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    flags: dict[str, int] = field(default_factory=dict)

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(row["reason"] for row in self.rejected))


def dataset_root(
    name: str, root: Path | None, profile: str | None, part: str, space: Workspace, jobs: int, limit: int | None = None
) -> Path:
    """The folder to read: the user's --root, or the tree that the suite renders (puppet) or fetches (cremad-sample) itself.

    Of a tree that is rendered, no more than the first `limit` scored clips need.
    """
    if root is not None:
        root = root.expanduser()
        if not root.is_dir():
            raise UsageError(f"--root {root}: expected the folder of the dataset, found no folder there")
        return root.resolve()
    if layout := get_dataset(name).embedded:
        from bench.data.puppet.dataset import plan, write_tree
        from bench.data.puppet.version import PUPPET_VERSION

        label = Workspace.label(name, profile)
        folder = space.dataset(label)
        with Bar("render") as bar:
            clock = rates.RenderClock(bar, folder)
            write_tree(folder, profile, parts=(part,), jobs=jobs, progress=clock, layout=layout, limit=limit)
        planned = plan(profile, (part,), layout, limit)
        frames, speakers = sum(clip.frames for clip in planned), len({clip.speaker for clip in planned})
        rates.add(space.cache, clock.rates(label, frames, jobs, str(PUPPET_VERSION), speakers))
        return folder
    if name == "cremad-sample":
        from bench import weights

        folder = space.dataset(name)
        weights.fetch_bundle("cremad-sample", folder)
        return folder
    raise UsageError(
        f"--dataset {name} needs --root: the folder of your own copy (docs/datasets.md says where to get one)"
    )


def prepare(
    name: str,
    *,
    root: Path | None,
    profile: str | None,
    manifest: str | None,
    part: str,
    space: Workspace,
    jobs: int = 2,
    limit: int | None = None,
    verify: bool = False,
) -> Prepared:
    """Prepare the scored clips of one part of a manifest with their partners and reference clips.

    Everything finished stays finished: a clip is done again only if its source files or the code that prepares it changed.
    Raises UsageError for wrong names, NothingDoneError if no scored clip survives.
    """
    store = Store(space.store(Workspace.label(name, profile)))
    with alone_in(store.folder):
        return _prepare(name, root, profile, manifest, part, space, store, jobs, limit, verify)


def _prepare(
    name: str,
    root: Path | None,
    profile: str | None,
    manifest: str | None,
    part: str,
    space: Workspace,
    store: Store,
    jobs: int,
    limit: int | None,
    verify: bool,
) -> Prepared:
    from bench import weights
    from bench.data import datasets, partners
    from bench.data.manifests import load_manifest
    from bench.data.prepare_clip import PREPARE_VERSION

    started = time.monotonic()
    clock = rates.PrepareClock(Workspace.label(name, profile), jobs, PREPARE_VERSION)
    dataset = datasets.get_dataset(name)
    loaded = load_manifest(name, manifest or (profile if dataset.embedded else dataset.default_manifest))
    frames_only = bool(loaded.card.get("frames_only"))
    if root is not None or name in MADE_HERE:
        weights.fetch("face_landmarker")  # here once, not in every worker
    rendered = limit if loaded.status != "user" else None  # a user's own split may name any clip of the profile
    folder = dataset_root(name, root, profile, part, space, jobs, rendered)
    version = _data_version(folder, dataset)
    clips, unusable = datasets.scan_dataset(name, folder, loaded, [part], verify=verify)
    clips = [replace(c, data_version=version) for c in clips]
    if frames_only:
        clips = [replace(c, emotion=None, level=None, sentence=None, audio=None, silent=True) for c in clips]
    scored = sorted((c for c in clips if c.scored), key=_by_identity if frames_only else None)[:limit]
    if rendered is not None and dataset.embedded:  # speakers beyond the limit were not asked for
        asked = {clip.speaker for clip in scored}
        unusable = [r for r in unusable if r.reason != Reason.MISSING_FILE or r.clip_id.partition("_")[0] in asked]
    if not scored:
        missing = sum(row.reason == Reason.MISSING_FILE for row in unusable)
        raise NothingDoneError(
            f"{folder}: found none of the clips of part {part!r} of manifest {loaded.name!r} ({missing} missing, "
            f"{len(unusable) - missing} unusable). {dataset.layout}"
        )
    name_of_split = selection_name(loaded)
    report = Prepared(store.folder, name_of_split, part, store.selection_path(name_of_split, part, limit))
    rejected = {row.path + row.reason: vars_of(row) for row in unusable}
    seen: set[str] = set()
    dead: set[str] = set()
    faceless: set[str] = set()
    # a companion that cannot be prepared, or has no frame fit for a reference image, is replaced by the next best one,
    # which then has to be prepared too
    while True:
        wanted = (
            {c.clip_id for c in scored}
            if frames_only
            else partners.needed_clips(scored, clips, unusable=dead, no_reference=faceless)
        )
        new = wanted - seen
        rows = _prepare_all([c for c in clips if c.clip_id in new], store, folder, jobs, report, clock)
        rejected |= {row["path"] + row["reason"]: row for row in rows}
        seen |= new
        dead |= {row["clip_id"] for row in rows}
        companions, unfit = _companions(scored, clips, seen - dead, faceless, store, frames_only)
        if not rows and not unfit:
            break
        faceless |= unfit
    rates.add(space.cache, clock.rates())
    rejected = list(rejected.values())
    rows = companions
    selection = {
        "dataset": name,
        "profile": profile,
        "part": part,
        "manifest": name_of_split,
        "manifest_sha256": loaded.sha256,
        "data_version": version,
        "frames_only": frames_only,
        "media_policy": dataset.media_policy,
        "n_rejected": len(rejected),
        "flags": sorted({*loaded.flags, *(flag for row in rows for flag in row["flags"])}),
        "clips": rows,
    }
    write_json(report.selection, selection)
    report.scored, report.rejected = len(selection["clips"]), rejected
    report.flags = dict(Counter(flag for row in selection["clips"] for flag in row["flags"]))
    records = [r for p in sorted((store.folder / "clips").glob("[!.]*")) if (r := store.record(p.name))]
    store.write_tables(records, rejected, report.selection.with_suffix(".rejected.parquet"))
    report.seconds = time.monotonic() - started
    if not report.scored:
        raise NothingDoneError(
            f"none of {len(scored)} clips could be prepared: "
            f"{', '.join(f'{n} x {reason}' for reason, n in report.reasons.items())}; details in {store.folder / 'rejected.parquet'}"
        )
    return report


def selection_name(manifest: Any) -> str:
    """A manifest's name; a user's own csv also carries its content, so that an edited one is another split."""
    return manifest.name if manifest.status != "user" else f"user-{manifest.name}-{manifest.sha256[:8]}"


def vars_of(row: Any) -> dict[str, Any]:
    return {
        "clip_id": row.clip_id,
        "path": row.path,
        "reason": str(row.reason),
        "detail": row.detail,
        "known": row.known,
    }


def _prepare_all(
    clips: list[SourceClip], store: Store, root: Path, jobs: int, report: Prepared, clock: rates.PrepareClock
) -> list[dict[str, Any]]:
    """Prepare what is not prepared yet; returns the rejections, of this run and of earlier ones that still hold."""
    from bench.data.prepare_clip import source_key

    rejected, todo = [], []
    for clip in clips:
        try:
            key = source_key(clip)
        except OSError as error:
            rejected.append(_rejection(clip, "unreadable", f"cannot be read: {error.strerror or error}", root))
            continue
        record, earlier = store.record(clip.clip_id), store.rejection(clip.clip_id)
        if record and record["key"] == key and store.whole(record):
            report.reused += 1
        elif earlier and earlier["key"] == key:
            rejected.append({k: v for k, v in earlier.items() if k != "key"})
        else:
            todo.append((clip, key))
    if not todo:
        return rejected
    keys = dict(todo)
    items = (
        (clip, store.clip_folder(clip.clip_id), root / "truth" / f"{clip.clip_id}.safetensors", key)
        for clip, key in todo
    )
    started = time.monotonic()
    for clip, outcome, seconds in in_parallel(_one, items, jobs, len(todo), "prepare"):
        if isinstance(outcome, RejectedInput):
            row = _rejection(clip, str(outcome.reason), outcome.detail, root)
            if outcome.reason not in PASSING:
                write_json(store.folder / "rejections" / f"{clip.clip_id}.json", {**row, "key": keys[clip]})
            rejected.append(row)
        else:
            report.prepared += 1
            report.frames += outcome["n_frames"]
            clock.clip(outcome, seconds)
    clock.timed(time.monotonic() - started)
    return rejected


def _rejection(clip: SourceClip, reason: str, detail: str, root: Path) -> dict[str, Any]:
    path = clip.video.relative_to(root) if clip.video.is_relative_to(root) else clip.video
    detail = detail.replace(f"{root}/", "")  # results are shared: no paths of this machine in them
    return {"clip_id": clip.clip_id, "path": str(path), "reason": reason, "detail": detail, "known": False}


def _one(clip: SourceClip, folder: Path, truth: Path, key: str) -> tuple[SourceClip, Any, float]:
    """The clip, its record or the RejectedInput it ended with, and the seconds it takes a core that is free for it."""
    started = time.monotonic(), time.process_time()
    outcome = _outcome(clip, folder, truth, key)
    return clip, outcome, min(time.monotonic() - started[0], time.process_time() - started[1])


def _outcome(clip: SourceClip, folder: Path, truth: Path, key: str) -> Any:
    from bench.data.prepare_clip import prepare_clip

    try:
        return prepare_clip(clip, folder, truth, key)
    except RejectedInput as rejection:
        return rejection
    except OSError as error:
        if error.errno in FATAL_ERRNO:
            raise
        return RejectedInput(Reason.UNREADABLE, f"{type(error).__name__}: {error}")
    except (
        Exception
    ) as error:  # one odd file must not stop a dataset; but this is our fault until shown otherwise: exit code 4
        return RejectedInput(Reason.PREPARE_FAILED, f"{type(error).__name__}: {error}")


def _data_version(root: Path, dataset: Dataset) -> str | None:
    """The version of an embedded dataset's tree, None of any other; UsageError if it is not this code's."""
    if not dataset.embedded:
        return None
    from bench.data.puppet.dataset import read_card
    from bench.data.puppet.version import check_version

    version = str(read_card(root)["puppet_version"])
    check_version(version, root, "remove the folder, or leave --root out, and the dataset is made again")
    return version


def _by_identity(clip: SourceClip) -> tuple[str, str]:
    """Men and women in turn, so that the first few identities are of both."""
    return clip.speaker[1:], clip.clip_id


def _companions(
    scored: list[SourceClip],
    clips: list[SourceClip],
    usable: set[str],
    faceless: set[str],
    store: Store,
    frames_only: bool,
) -> tuple[list[dict[str, Any]], set[str]]:
    """Every scored clip that survived with its partners and reference image, and the reference clips without a fit frame.

    Clips of frames only have none of these.
    """
    from bench.data import partners

    if frames_only:
        nothing = dict.fromkeys("other_sentence other_emotion reference_clip reference_frame reference_sha256".split())
        records = [store.record(clip.clip_id) for clip in scored if clip.clip_id in usable]
        return [
            {"clip_id": r["clip_id"], **nothing, "flags": r["flags"], "content": {r["clip_id"]: r["content_sha256"]}}
            for r in records
        ], set()
    choices = partners.Partners((c for c in clips if c.clip_id in usable), [c for c in clips if c.scored], faceless)
    records = {clip_id: store.record(clip_id) for clip_id in sorted(usable)}
    images: dict[str, tuple[int, str] | None] = {}
    rows = []
    for clip in scored:
        if clip.clip_id not in usable:
            continue
        reference = choices.reference_of(clip)
        if reference and reference.clip.clip_id not in images:
            images[reference.clip.clip_id] = reference_image(store, records[reference.clip.clip_id])
        sentence = choices.other_sentence(clip)
        emotion = choices.other_emotion(clip)
        frame, digest = (images[reference.clip.clip_id] if reference else None) or (None, None)
        flags = reference.flags if reference else ("no-reference-image",)
        rows.append(
            {
                "clip_id": clip.clip_id,
                "other_sentence": sentence.clip_id if sentence else None,
                "other_emotion": emotion.clip_id if emotion else None,
                "reference_clip": reference.clip.clip_id if reference else None,
                "reference_frame": frame,
                "reference_sha256": digest,
                "flags": [*records[clip.clip_id]["flags"], *flags],
                "content": {
                    c.clip_id: records[c.clip_id]["content_sha256"]
                    for c in (clip, sentence, emotion, reference.clip if reference else None)
                    if c is not None
                },
            }
        )
    return rows, {clip_id for clip_id, image in images.items() if image is None}
