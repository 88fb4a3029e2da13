"""CREMA-D in its own layout: `VideoFlash/1001_DFA_ANG_XX.flv`, and `AudioWAV/1001_DFA_ANG_XX.wav` where it is there."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.contract.clip import RejectedClip, SourceClip
from bench.contract.errors import Reason
from bench.data.tree import VIDEO_EXTENSIONS, Folder, rejected_id, split_name, walk

EMBEDDED = "puppet-cremad"
"""The embedded dataset in this layout; its speakers have numbers of their own, and no published checksums."""
_NAME = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_([A-Z]{2})\Z")
_POINTER = b"version https://git-lfs"


def scan(root: Path, *, dataset: str = "cremad", verify: bool = False) -> tuple[list[SourceClip], list[RejectedClip]]:
    """All clips below `root`, sorted by clip_id, and everything that looks like a clip but cannot be one.

    The folders' names do not matter: a flat folder of .flv files is read as well. Where AudioWAV is missing, audio is
    None: the sound is inside the video. `verify` compares every file's SHA-256 with the dataset's own list (about 2 GB
    are read). Known faulty clips are rejected with `known` True. Raises UsageError if `root` is not a folder.
    """
    clips: dict[str, SourceClip] = {}
    sounds: dict[str, tuple[str, str]] = {}  # clip_id -> absolute and relative path
    rejected: list[RejectedClip] = []
    base = Path(os.path.realpath(root))
    for folder in walk(root, rejected):
        for name in folder.files:
            stem, extension = _stem(name)
            if extension == "wav" and name not in folder.bad_links:
                sounds.setdefault(stem, (os.path.join(folder.path, name), folder.relative(name)))
            elif (
                extension in VIDEO_EXTENSIONS
                or extension == "wav"
                or (_NAME.match(stem) and folder.parts[-1:] == ("VideoFlash",))
            ):
                _take(folder, name, clips, rejected, dataset, base)
    spoiled = {row.clip_id for row in rejected}
    for clip_id, (path, relative) in sounds.items():
        if clip_id in clips:
            clips[clip_id] = replace(clips[clip_id], audio=Path(path))
        elif clip_id not in spoiled and wrong_in_name(clip_id, dataset) is None:
            detail = f"there is sound but no video; expected {expected_path(clip_id)}"
            rejected.append(RejectedClip(clip_id, relative, Reason.NO_VIDEO, detail))
    found = sorted(clips.values(), key=lambda c: c.clip_id)
    if verify and dataset != EMBEDDED:
        found, changed = _verify(found, base)
        rejected += changed
    return found, sorted(rejected, key=lambda r: (r.clip_id, r.path, r.reason))


def expected_path(clip_id: str) -> str:
    """Where CREMA-D's layout puts a clip, below the root: `VideoFlash/<clip_id>.flv`."""
    return f"VideoFlash/{clip_id}.flv"


def codes(what: str) -> dict[str, Any]:
    """What the codes of file names mean: `emotions`, `levels` (without XX) or `sentences`, in the order of names.toml."""
    return dict(_names()[what])


def wrong_in_name(stem: str, dataset: str = "cremad") -> str | None:
    """What in a file name is outside CREMA-D's scheme <actor>_<sentence>_<emotion>_<level>; None if it is all right."""
    names, match = _names(), _NAME.match(stem)
    if match is None:
        return f"{stem!r}: expected <actor>_<sentence>_<emotion>_<level>, as 1001_DFA_ANG_XX"
    actor, sentence, emotion, level = match.groups()
    actors = names["embedded_actors" if dataset == EMBEDDED else "actors"]
    if not actors["first"] <= int(actor) <= actors["last"]:
        owner = dataset if dataset == EMBEDDED else "CREMA-D"
        return f"actor {actor}: {owner} has {actors['first']} to {actors['last']}"
    for what, code, known in (
        ("sentence", sentence, names["sentences"]),
        ("emotion", emotion, names["emotions"]),
        ("level", level, {**names["levels"], "XX": None}),
    ):
        if code not in known:
            return f"{what} {code}: CREMA-D has {', '.join(sorted(known))}"
    return None


def checksums() -> dict[str, tuple[str, str]]:
    """clip_id -> SHA-256 of the .flv and of the .wav, for the dataset's 7,442 clips."""
    text = files("data_manifests").joinpath("cremad/files.csv").read_text(encoding="utf-8")
    return {row["clip_id"]: (row["flv_sha256"], row["wav_sha256"]) for row in csv.DictReader(text.splitlines())}


@cache
def _names() -> Mapping[str, Any]:
    return tomllib.loads(files("data_manifests").joinpath("cremad/names.toml").read_text(encoding="utf-8"))


def _stem(name: str) -> tuple[str, str]:
    stem, extension = split_name(name)
    return _names()["aliases"].get(stem, stem), extension


def _take(
    folder: Folder, name: str, clips: dict[str, SourceClip], rejected: list[RejectedClip], dataset: str, base: Path
) -> None:
    """Put one file with the look of a video among the clips or among the rejected."""
    stem, extension = _stem(name)
    names, path, relative = _names(), os.path.join(folder.path, name), folder.relative(name)
    wrong = wrong_in_name(stem, dataset)

    def reject(reason: Reason, detail: str, known: bool = False) -> None:
        clip_id = rejected_id(relative) if wrong else stem
        rejected.append(RejectedClip(clip_id, relative, reason, detail, known))

    if wrong:
        reject(Reason.NAME_OUTSIDE_SCHEME, wrong)
    elif name in folder.bad_links:
        reject(*folder.bad_links[name])
    elif extension != "flv":
        reject(Reason.WRONG_EXTENSION, f"expected {stem}.flv, found {name}")
    elif stem in names["faulty"]:
        reject(Reason.KNOWN_FAULTY, names["faulty"][stem], known=True)
    elif stem in clips:
        reject(Reason.DUPLICATE, f"{clips[stem].video.relative_to(base).as_posix()} is the same clip and is used")
    elif _is_pointer(path):
        reject(Reason.MISSING_FILE, "a Git LFS pointer stands in its place; run `git lfs pull` in the dataset's folder")
    else:
        actor, sentence, emotion, level = stem.split("_")
        clips[stem] = SourceClip(
            clip_id=stem,
            dataset=dataset,
            speaker=actor,
            emotion=names["emotions"][emotion],
            level=names["levels"].get(level),
            sentence=sentence,
            video=Path(path),
        )


def _is_pointer(path: str) -> bool:
    # a clone without LFS leaves text files of about 130 bytes
    try:
        if not 0 < os.stat(path).st_size < 1024:
            return False
        with open(path, "rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False  # prepare opens the file again and says what is wrong with it


def _verify(clips: list[SourceClip], base: Path) -> tuple[list[SourceClip], list[RejectedClip]]:
    listed = checksums()

    def wrong(clip: SourceClip) -> RejectedClip | None:
        expected = listed.get(clip.clip_id)
        for path, want in zip((clip.video, clip.audio), expected or (None, None), strict=True):
            if path is None:
                continue
            relative = path.relative_to(base).as_posix()
            if want is None:
                return RejectedClip(clip.clip_id, relative, Reason.WRONG_HASH, "not among the dataset's 7,442 clips")
            try:
                with path.open("rb") as file:
                    got = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                return RejectedClip(clip.clip_id, relative, Reason.UNREADABLE, f"cannot be read: {error.strerror}")
            if got != want:
                return RejectedClip(clip.clip_id, relative, Reason.WRONG_HASH, f"expected SHA-256 {want}, got {got}")
        return None

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        verdicts = list(pool.map(wrong, clips))
    return [c for c, bad in zip(clips, verdicts, strict=True) if bad is None], [bad for bad in verdicts if bad]
