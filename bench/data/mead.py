"""MEAD in its own layout: `M003/video/front/angry/level_1/001.mp4` and `M003/audio/angry/level_1/001.m4a`."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.contract.clip import EMOTIONS, RejectedClip, SourceClip
from bench.contract.errors import Reason, UsageError
from bench.data.tree import AUDIO_EXTENSIONS, VIDEO_EXTENSIONS, Folder, rejected_id, split_name, walk

_SPEAKER = re.compile(r"([MW]\d{3})(?![0-9A-Za-z])")
_TAKE = re.compile(r"\d{3}\Z")
_LEVEL = re.compile(r"level_(\d+)\Z")
_CLIP = re.compile(r"([MW]\d{3})_(.+)_([a-z]+)_(\d)_(\d{3})\Z")


def scan(
    root: Path, *, view: str | None = None, dataset: str = "mead", verify: bool = False
) -> tuple[list[SourceClip], list[RejectedClip]]:
    """All clips of one view below `root`, sorted by clip_id, and everything that looks like a clip but cannot be one.

    `view` is one of MEAD's seven, `front` if None. Extra folders above `video` or below the speaker (as tar extraction
    leaves them) are tolerated, so is a missing sound file (then audio is None: the sound is taken from the video).
    `verify` has no effect: MEAD publishes no checksums. Nothing is opened. Raises UsageError for another view, or if
    `root` is not a folder.
    """
    names = _names()
    view = view or names["default_view"]
    if view not in names["views"]:
        raise UsageError(f"view {view!r}: MEAD has {', '.join(names['views'])}")
    tree = _Tree(Path(os.path.realpath(root)), view, dataset, names)
    for folder in walk(root, tree.rejected, tree.enter):
        tree.read(folder)
    tree.match_sound()
    return sorted(tree.clips.values(), key=lambda c: c.clip_id), sorted(
        tree.rejected, key=lambda r: (r.clip_id, r.path, r.reason)
    )


def expected_path(clip_id: str) -> str:
    """Where MEAD's layout puts a clip, below the root: `M003_front_angry_1_001` ->
    `M003/video/front/angry/level_1/001.mp4`."""
    match = _CLIP.match(clip_id)
    if match is None:
        return clip_id
    speaker, view, emotion, level, take = match.groups()
    return f"{speaker}/video/{view}/{emotion}/level_{level}/{take}.mp4"


def sentence_of(speaker: str, emotion: str, take: str) -> str:
    """The name of what is said: `common-1`, or `angry-007`, which only clips of the same numbering share (see
    names.toml)."""
    rules = _names()["sentences"]
    if take in rules["common_takes"]:
        return f"common-{int(take)}"
    return f"{emotion}-{'paged-' if speaker in rules['paged_speakers'] else ''}{take}"


@cache
def _names() -> Mapping[str, Any]:
    names = tomllib.loads(files("data_manifests").joinpath("mead/names.toml").read_text(encoding="utf-8"))
    names["sentences"]["paged_speakers"] = frozenset(names["sentences"]["paged_speakers"])
    return names


@dataclass(frozen=True)
class _Place:
    """What the folders above a file say about it; `wrong` tells what is not in MEAD's scheme, None if all is."""

    sound: bool
    speaker: str
    view: str
    emotion: str
    level: int
    wrong: str | None


class _Tree:
    def __init__(self, root: Path, view: str, dataset: str, names: Mapping[str, Any]):
        self.root, self.view, self.dataset, self.names = root, view, dataset, names
        self.clips: dict[str, SourceClip] = {}
        self.rejected: list[RejectedClip] = []
        self._sound: dict[str, tuple[str, str]] = {}  # clip_id -> absolute and relative path
        self._other_views: dict[str, set[str]] = {}  # speaker -> views that are there but not asked for
        self._claimed: set[str] = set()  # ids rejected while they were still files

    def enter(self, parts: tuple[str, ...]) -> bool:
        if parts[-1] not in self.names["views"] or parts[-1] == self.view:
            return True
        self._other_views.setdefault(self._speaker(parts) or "", set()).add(parts[-1])
        return False

    def read(self, folder: Folder) -> None:
        if not folder.files:
            return
        place = self._place(folder.parts)
        if place is None:
            for name in folder.files:
                if split_name(name)[1] in VIDEO_EXTENSIONS:
                    detail = f"expected it under <speaker>/video/{self.view}/<emotion>/level_<n>/, as <take>.mp4"
                    self._reject(folder, name, Reason.NAME_OUTSIDE_SCHEME, detail)
        elif place.sound:
            self._read_sound(folder, place)
        else:
            self._read_video(folder, place)

    def match_sound(self) -> None:
        """Give every clip its sound file; name the sounds that have no video."""
        with_video = {clip.speaker for clip in self.clips.values()} | {i.split("_")[0] for i in self._claimed}
        without: dict[str, int] = {}
        for clip_id, (path, relative) in sorted(self._sound.items()):
            clip = self.clips.get(clip_id)
            if clip is not None:
                self.clips[clip_id] = SourceClip(
                    clip_id, clip.dataset, clip.speaker, clip.emotion, clip.level, clip.sentence, clip.video, Path(path)
                )
            elif clip_id.split("_")[0] not in with_video:
                without[clip_id.split("_")[0]] = without.get(clip_id.split("_")[0], 0) + 1
            elif clip_id not in self._claimed:
                detail = f"there is sound but no video; expected {expected_path(clip_id)}"
                self.rejected.append(RejectedClip(clip_id, relative, Reason.NO_VIDEO, detail))
        # a speaker of whom the whole view is missing (W017 has only `down`) is one row, not 670
        for speaker in sorted(set(without) | (set(self._other_views) - with_video - {""})):
            there = ", ".join(sorted(self._other_views.get(speaker, ()))) or "none"
            detail = f"no clip of view {self.view}; views there: {there}; sound files: {without.get(speaker, 0)}"
            self.rejected.append(RejectedClip(speaker, speaker, Reason.MISSING_FILE, detail))

    def _speaker(self, parts: tuple[str, ...]) -> str | None:
        # nearest folder above that begins with a speaker's name; the root itself may be one speaker's folder
        for part in (*reversed(parts), self.root.name):
            match = _SPEAKER.match(part)
            if match:
                return match[1]
        return None

    def _place(self, parts: tuple[str, ...]) -> _Place | None:
        """Read `.../<speaker>/.../video/<view>/<emotion>/level_<n>`; None if this is no folder of takes at all."""
        level = _LEVEL.match(parts[-1]) if parts else None
        if level is None or len(parts) < 2:
            return None
        emotion, above = parts[-2], parts[:-2]
        sound = next((p in self.names["audio_folders"] for p in reversed(above) if self._is_kind(p)), False)
        # the sound is stored once for all views, so its folders have none (some copies add one)
        view = above[-1] if above and not self._is_kind(above[-1]) else ""
        speaker = self._speaker(above)
        levels = self.names["levels"].get(emotion, self.names["levels"]["default"])
        wrong = None
        if emotion not in EMOTIONS:
            close = difflib.get_close_matches(emotion.lower(), EMOTIONS, n=1, cutoff=0.5)
            hint = f" (perhaps {close[0]!r}: rename the folder)" if close else ""
            wrong = f"emotion folder {emotion!r} is none of MEAD's: {', '.join(EMOTIONS)}{hint}"
        elif int(level[1]) not in levels:
            wrong = f"{parts[-1]}: {emotion} has {', '.join(f'level_{n}' for n in levels)} only"
        elif speaker is None:
            wrong = "no folder above it is named like a speaker (M003, W011)"
        elif not sound and view != self.view:
            wrong = f"expected the view folder {self.view!r} above {emotion!r}, found {view or 'none'!r}"
        return _Place(sound, speaker or "", self.view, emotion, int(level[1]), wrong)

    def _is_kind(self, part: str) -> bool:
        return part in self.names["video_folders"] or part in self.names["audio_folders"]

    def _read_video(self, folder: Folder, place: _Place) -> None:
        taken = {split_name(name)[0] for name in folder.files if split_name(name)[1] == "mp4"}
        for name in folder.files:
            take, extension = split_name(name)
            is_video = extension in VIDEO_EXTENSIONS
            if place.wrong or not _TAKE.match(take):
                if is_video:
                    detail = place.wrong or f"{name!r}: expected a take of three digits, as 001.mp4"
                    self._reject(folder, name, Reason.NAME_OUTSIDE_SCHEME, detail)
                continue
            clip_id = f"{place.speaker}_{place.view}_{place.emotion}_{place.level}_{take}"
            if name in folder.bad_links:
                if is_video:
                    self._reject(folder, name, *folder.bad_links[name], clip_id)
            elif extension != "mp4":
                # other files beside a clip (landmarks, transcripts) are nobody's concern; instead of one they are
                if is_video or take not in taken:
                    self._reject(folder, name, Reason.WRONG_EXTENSION, f"expected {take}.mp4, found {name}", clip_id)
            elif clip_id in self.clips:
                first = self.clips[clip_id].video.relative_to(self.root).as_posix()
                self._reject(folder, name, Reason.DUPLICATE, f"{first} is the same clip and is used", clip_id)
            else:
                self.clips[clip_id] = SourceClip(
                    clip_id=clip_id,
                    dataset=self.dataset,
                    speaker=place.speaker,
                    emotion=place.emotion,
                    level=place.level,
                    sentence=sentence_of(place.speaker, place.emotion, take),
                    video=Path(folder.path, name),
                )

    def _read_sound(self, folder: Folder, place: _Place) -> None:
        # MEAD's own m4a before anything that was converted from it
        for name in sorted(folder.files, key=lambda n: (split_name(n)[1] != AUDIO_EXTENSIONS[0], n)):
            take, extension = split_name(name)
            if extension not in AUDIO_EXTENSIONS:
                continue
            if place.wrong or not _TAKE.match(take):
                detail = place.wrong or f"{name!r}: expected a take of three digits, as 001.m4a"
                self._reject(folder, name, Reason.NAME_OUTSIDE_SCHEME, detail)
                continue
            clip_id = f"{place.speaker}_{place.view}_{place.emotion}_{place.level}_{take}"
            if name in folder.bad_links:
                self._reject(folder, name, *folder.bad_links[name])
                continue
            self._sound.setdefault(clip_id, (os.path.join(folder.path, name), folder.relative(name)))

    def _reject(self, folder: Folder, name: str, reason: Reason, detail: str, clip_id: str | None = None) -> None:
        path = folder.relative(name)
        if clip_id:
            self._claimed.add(clip_id)
        self.rejected.append(RejectedClip(clip_id or rejected_id(path), path, reason, detail))
