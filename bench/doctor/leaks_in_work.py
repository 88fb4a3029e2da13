"""The leak check of a work folder: prepared selections, identical clips, reference images, and who was trained on whom."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.atomic import read_json
from bench.data.partners import SAME_CLIP, SAME_SENTENCE
from bench.doctor.findings import Finding
from bench.doctor.leaks import LEAKY, count_of, some
from bench.workspace import Workspace

GROUP = "Leaks in the work folder"
EVALUATORS = ("judge", "sync-expert", "syncnet", "cohesion")
"""Kinds of run whose network scores others; a `lip-expert` is used as a loss instead."""
HELD_OUT = ("validation", "test")


@dataclass
class Prepared:
    """What one store holds: clip_id -> facts of manifest.parquet, and its selections."""

    label: str
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)
    selections: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def parts(self, manifest: str) -> dict[str, set[str]]:
        """clip_id -> the parts of a manifest in which it is scored or stands beside a scored clip."""
        found: dict[str, set[str]] = defaultdict(set)
        for selection in self.selections:
            if selection["manifest"] == manifest:
                for row in selection["clips"]:
                    for clip_id in row.get("content", {row["clip_id"]: ""}):
                        found[clip_id].add(selection["part"])
        return dict(found)


def examine(space: Workspace) -> list[Finding]:
    """Findings on store/, and on runs/ where there is one; nothing is opened but documents and tables."""
    stores = [read_store(folder) for folder in _folders(space.root / "store")]
    runs, unreadable = read_runs(space.root / "runs")
    if not stores and not runs and not unreadable:
        return [Finding(GROUP, "nothing here yet", "ok", f"no store and no run in {space.root}")]
    rows = []
    for store in stores:
        rows += _of_store(store)
    rows += identical_clips(stores)
    rows += [Finding(GROUP, "run", "unsure", text, "remove the folder or train again") for text in unreadable]
    rows += _of_runs(runs, stores)
    return rows


def read_store(folder: Path) -> Prepared:
    """Selections and clip table of a store; what cannot be read is named in `broken`."""
    store = Prepared(folder.name)
    for path in sorted((folder / "selections").glob("*.json")):
        document = read_json(path)
        if _is_selection(document):
            store.selections.append(document)
        else:
            store.broken.append(path.name)
    table = folder / "manifest.parquet"
    if table.is_file():
        import pandas as pd

        try:
            columns = ["clip_id", "speaker", "emotion", "sentence", "source_sha256"]
            rows = pd.read_parquet(table, columns=columns).to_dict("records")
            store.clips = {row["clip_id"]: row for row in rows}
        except Exception as error:  # any damage of a Parquet file
            store.broken.append(f"{table.name} ({type(error).__name__})")
    return store


def _is_selection(document: Any) -> bool:
    """Whether a document has what is looked at here."""
    if not isinstance(document, dict) or not isinstance(document.get("clips"), list):
        return False
    named = all(isinstance(document.get(key), str) for key in ("manifest", "part"))
    return named and all(isinstance(row, dict) and {"clip_id", "flags"} <= set(row) for row in document["clips"])


def _of_store(store: Prepared) -> list[Finding]:
    if store.broken:
        found = f"cannot be read: {some(store.broken)}"
        return [Finding(GROUP, store.label, "unsure", found, "emotalk prepare, with the flags it was made with")]
    rows = []
    for manifest in sorted({s["manifest"] for s in store.selections}):
        mine = [s for s in store.selections if s["manifest"] == manifest]
        on: dict[str, set[str]] = defaultdict(set)
        for clip_id, parts in store.parts(manifest).items():
            if clip_id in store.clips:
                on[store.clips[clip_id]["speaker"].upper()] |= parts
        both = {speaker: sorted(parts) for speaker, parts in on.items() if len(parts) > 1}
        what = f"{store.label}, {manifest}"
        flags = {flag for s in mine for flag in s.get("flags", ())}
        said = f"{', '.join(sorted({s['part'] for s in mine}))}: {count_of(len(on), 'speaker')}"
        # a flag that every manifest with such speakers gets by itself excuses nothing; only one that was published so is let pass
        if both and LEAKY not in flags:
            found = f"{count_of(len(both), 'speaker')} on two sides: {some(both)}"
            do = "give every speaker one part in the manifest, then emotalk prepare again"
            rows.append(Finding(GROUP, what, "LACK", found, do, {"on_two_sides": both}))
        elif both:
            found = f"{said}; {len(both)} on two sides: leaky as published"
            rows.append(Finding(GROUP, what, "note", found, data={"on_two_sides": both}))
        else:
            rows.append(Finding(GROUP, what, "ok", f"{said}, each on one side"))
        rows += _references(store, mine, what)
    return rows


def _references(store: Prepared, selections: list[dict[str, Any]], what: str) -> Iterator[Finding]:
    """Reference images are of the same speaker, of another sentence, of a clip that is not scored; or say what they are."""
    wrong, same_clip, same_sentence, scored_too = [], [], [], []
    scored = {row["clip_id"] for s in selections for row in s["clips"]}
    for row in (row for s in selections for row in s["clips"]):
        clip, reference = store.clips.get(row["clip_id"]), store.clips.get(row.get("reference_clip"))
        if clip is None or reference is None:
            continue
        flags = set(row["flags"])
        if reference["speaker"] != clip["speaker"] or reference["emotion"] != "neutral":
            wrong.append(f"{row['clip_id']} has {reference['clip_id']}")
        elif reference["clip_id"] == clip["clip_id"]:
            (same_clip if SAME_CLIP in flags else wrong).append(row["clip_id"])
        elif reference["sentence"] == clip["sentence"]:
            (same_sentence if SAME_SENTENCE in flags else wrong).append(row["clip_id"])
        elif reference["clip_id"] in scored:
            scored_too.append(row["clip_id"])
    data = {"wrong": wrong, "same_clip": same_clip, "same_sentence": same_sentence, "of_scored_clip": scored_too}
    if wrong:
        found = f"the reference image gives the answer away and is not flagged: {some(wrong)}"
        yield Finding(GROUP, f"{what}: references", "LACK", found, "emotalk prepare, with the same flags", data)
    elif same_clip or same_sentence or scored_too:
        parts = [
            f"{len(same_clip)} from the scored clip itself" if same_clip else "",
            f"{len(same_sentence)} from a clip with the same sentence" if same_sentence else "",
            f"{len(scored_too)} from a neutral clip that is scored too, in another sentence" if scored_too else "",
        ]
        found = f"reference images: {', '.join(p for p in parts if p)} (no better one exists); flagged in tables"
        if not same_clip and not same_sentence:
            found = f"reference images: {parts[2]}"
        yield Finding(GROUP, f"{what}: references", "note", found, data=data)


def identical_clips(stores: list[Prepared]) -> list[Finding]:
    """The same pictures under two speakers or on two sides of a manifest; under one speaker on one side they are a note."""
    rows = []
    for store in stores:
        groups: dict[str, list[str]] = defaultdict(list)
        for clip_id, facts in store.clips.items():
            groups[facts["source_sha256"]].append(clip_id)
        parts = [store.parts(name) for name in {s["manifest"] for s in store.selections}]
        across, harmless = [], []
        for ids in groups.values():
            if len(ids) < 2:
                continue
            speakers = {store.clips[i]["speaker"].upper() for i in ids}
            sides = max((len(set().union(*(on.get(i, set()) for i in ids))) for on in parts), default=0)
            (across if len(speakers) > 1 or sides > 1 else harmless).append(" = ".join(sorted(ids)))
        if across:
            found = f"identical pictures under two speakers or on two sides: {some(across)}"
            do = "leave all but one of them out, by a manifest of your own"
            rows.append(Finding(GROUP, f"{store.label}: duplicates", "LACK", found, do, {"identical": across}))
        elif harmless:
            found = f"identical pictures under two names of one speaker: {some(harmless)}"
            rows.append(Finding(GROUP, f"{store.label}: duplicates", "note", found, data={"identical": harmless}))
    return rows


def read_runs(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """run.json of every runs/<method>/<run_id>/, with its place; and what could not be read.

    Keys looked at: kind (method | generator | judge | sync-expert | syncnet | lip-expert), dataset, profile, manifest,
    train_speakers (a list), checkpoint_sha256, seed. A run without train_speakers cannot be checked.
    """
    runs, unreadable = [], []
    for run in (run for method in _folders(folder) for run in _folders(method)):
        place = f"{run.parent.name}/{run.name}"
        path = run / "run.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            trained = document["train_speakers"]
            if not isinstance(trained, list):
                raise TypeError("train_speakers: expected a list of speakers")
        except FileNotFoundError:
            continue  # a run that has just begun, or was killed before it wrote its card
        except (OSError, ValueError, KeyError, TypeError) as error:
            said = f"no {error}" if isinstance(error, KeyError) else str(error)
            unreadable.append(f"{place}: run.json does not say on whom it was trained ({said})")
            continue
        runs.append({**document, "place": place, "train_speakers": {str(s).upper() for s in trained}})
    return runs, unreadable


def _of_runs(runs: list[dict[str, Any]], stores: list[Prepared]) -> list[Finding]:
    rows = []
    for run in runs:
        label = Workspace.label(str(run.get("dataset")), run.get("profile"))
        held = _held_out(run, label, stores)
        touched = sorted(run["train_speakers"] & held)
        what, trained = f"run {run['place']}", count_of(len(run["train_speakers"]), "speaker")
        if touched:
            found = f"trained on held-out speakers of {label}: {some(touched)}; its rows on them mean nothing"
            do = "train again on the training speakers of the manifest, and remove this run"
            rows.append(Finding(GROUP, what, "LACK", found, do, {"speakers": touched}))
        elif not held:
            found = f"trained on {trained}; no manifest of {label} to compare with"
            rows.append(Finding(GROUP, what, "unsure", found, "give run.json the keys dataset and manifest"))
        else:
            rows.append(Finding(GROUP, what, "ok", f"trained on {trained}, none held out"))
    return rows + _experts(runs)


def _held_out(run: dict[str, Any], label: str, stores: list[Prepared]) -> set[str]:
    """Validation and test speakers of the manifest a run was trained under: shipped, or as a store has it prepared."""
    name = str(run.get("manifest") or run.get("profile"))
    held = set(_held_out_by_manifest(str(run.get("dataset")), name))
    for store in stores:
        if store.label == label:
            for selection in store.selections:
                if selection["manifest"] == name and selection["part"] in HELD_OUT:
                    ids = (row["clip_id"] for row in selection["clips"])
                    held |= {store.clips[i]["speaker"].upper() for i in ids if i in store.clips}
    return held


@cache
def _held_out_by_manifest(dataset: str, name: str) -> frozenset[str]:
    from bench.contract.errors import EmotalkError
    from bench.data.manifests import load_manifest
    from bench.doctor.leaks import sides

    # a manifest of the user's own is not known by name: what was prepared of it says who is held out
    with suppress(EmotalkError):
        known = sides(load_manifest(dataset, name))
        return frozenset(speaker.upper() for speaker, parts in known.items() if parts & {*HELD_OUT})
    return frozenset()


def _experts(runs: list[dict[str, Any]]) -> list[Finding]:
    """A network that is a loss must not be, or share training speakers with, one that scores."""
    rows = []
    losses = [run for run in runs if run.get("kind") == "lip-expert"]
    for judge in (run for run in runs if run.get("kind") in EVALUATORS):
        for other in (run for run in runs if run.get("kind") not in EVALUATORS):
            # profiles of one dataset are of the same people
            same_data = judge.get("dataset") == other.get("dataset")
            shared = sorted(judge["train_speakers"] & other["train_speakers"]) if same_data else []
            hashes = {judge.get("checkpoint_sha256"), other.get("checkpoint_sha256")}
            what = f"run {judge['place']}"
            if len(hashes) == 1 and None not in hashes:
                found = f"the same network as {other['place']}: it would score its own training signal"
                rows.append(Finding(GROUP, what, "LACK", found, "train another one, on judge-train speakers"))
            elif shared:
                found = f"scores others, and shares training speakers with {other['place']}: {some(shared)}"
                do = "train it on the part judge-train only, methods and losses on method-train"
                rows.append(Finding(GROUP, what, "LACK", found, do, {"speakers": shared}))
            elif other in losses and same_data and judge.get("seed") == other.get("seed") is not None:
                found = f"has the seed of the loss {other['place']}: expected another one"
                rows.append(Finding(GROUP, what, "LACK", found, "train one of them with another seed"))
    return rows


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("[!.]*") if p.is_dir()) if folder.is_dir() else []
