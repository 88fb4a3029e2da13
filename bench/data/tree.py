"""Walking a dataset tree: sorted, without following links out of it, and without the litter that copies collect."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.contract.clip import RejectedClip
from bench.contract.errors import Reason, UsageError

VIDEO_EXTENSIONS = frozenset(
    ["mp4", "flv", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "m4v", "wmv", "ts", "3gp", "ogv"]
)
AUDIO_EXTENSIONS = ("m4a", "wav", "aac", "mp3", "flac", "ogg")
OUTSIDE = "the link leads out of the dataset folder; put the files there, or give the folder above both as --root"
LITTER = frozenset(("thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"))


@dataclass(frozen=True)
class Folder:
    """One folder of a tree: its path below the root as parts, its absolute path, its file names in sorted order.

    `bad_links` says of files that are links out of the root, or to nothing, why they must not be read.
    """

    parts: tuple[str, ...]
    path: str
    files: tuple[str, ...]
    bad_links: Mapping[str, tuple[Reason, str]] = field(default_factory=dict)

    def relative(self, name: str) -> str:
        """The path of a file of this folder below the root, with forward slashes."""
        return "/".join((*self.parts, name))


def walk(
    root: Path, rejected: list[RejectedClip], enter: Callable[[tuple[str, ...]], bool] = lambda parts: True
) -> Iterator[Folder]:
    """Every folder below `root` in sorted order, whatever order the file system lists it in.

    Links to folders out of the root and folders that cannot be read go to `rejected`. Links to folders
    inside the root are not followed: what they lead to is read where it is. `enter(parts)` False leaves a folder out.
    Raises UsageError if `root` is not a folder.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: expected the folder of a dataset, found no folder there; check --root")
    base = os.path.realpath(root)
    inside = base.rstrip(os.sep) + os.sep
    pending: list[tuple[tuple[str, ...], str]] = [((), base)]
    while pending:
        parts, path = pending.pop()
        folders, files, bad_links = [], [], {}
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            where = "/".join(parts) or "."
            rejected.append(_rejection(where, Reason.UNREADABLE, f"the folder cannot be listed: {error.strerror}"))
            continue
        for entry in entries:
            if is_litter(entry.name):
                continue
            if entry.is_symlink():
                target = os.path.realpath(entry.path)
                outside = target != base and not target.startswith(inside)
                if os.path.isdir(target):
                    if outside:
                        where = "/".join((*parts, entry.name))
                        rejected.append(_rejection(where, Reason.OUTSIDE_ROOT, OUTSIDE))
                    continue
                files.append(entry.name)
                if outside:
                    bad_links[entry.name] = (Reason.OUTSIDE_ROOT, OUTSIDE)
                elif not os.path.exists(target):
                    bad_links[entry.name] = (Reason.MISSING_FILE, "the link leads to a file that is not there")
            elif entry.is_dir():
                if enter((*parts, entry.name)):
                    folders.append(((*parts, entry.name), entry.path))
            else:
                files.append(entry.name)
        pending.extend(reversed(folders))
        yield Folder(parts, path, tuple(files), bad_links)


def is_litter(name: str) -> bool:
    """True for what operating systems and editors leave behind: hidden files, thumbnails, backups."""
    return name.startswith(".") or name.endswith("~") or name.lower() in LITTER


def split_name(name: str) -> tuple[str, str]:
    """`001.MP4` -> ("001", "mp4"); all that follows the first dot counts as extension, in lower case."""
    stem, _, extension = name.partition(".")
    return stem, extension.lower()


def rejected_id(path: str) -> str:
    """A clip_id for something whose path is outside the naming scheme: its path, with other characters as `_`."""
    stem = path.rsplit("/", 1)
    stem[-1] = stem[-1].partition(".")[0] or stem[-1]
    return re.sub(r"[^A-Za-z0-9_-]+", "_", "/".join(stem)).strip("_")[-80:] or "unnamed"


def _rejection(path: str, reason: Reason, detail: str) -> RejectedClip:
    return RejectedClip(rejected_id(path), path, reason, detail)
