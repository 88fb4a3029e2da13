"""One look over a dataset's folder: what lies in it besides the clips, and what a wrong root or layout looks like."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.contract.clip import EMOTIONS
from bench.data.tree import AUDIO_EXTENSIONS, VIDEO_EXTENSIONS, is_litter, split_name

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".rar", ".7z", ".001")
_MEAD_SPEAKER = re.compile(r"[MW]\d{3}(?![0-9A-Za-z])")
_MEAD_BELOW = {"video", "audio", "front", "down", "top", "left_30", "left_60", "right_30", "right_60", *EMOTIONS}
_CREMAD_NAME = re.compile(r"\d{4}_[A-Z]{3}_[A-Z]{3}_[A-Z]{2}\b")
_UNPACK = {".zip": "unzip -n {}", ".rar": "unrar x {}", ".7z": "7z x {}", ".001": "7z x {}"}
ENOUGH = 1_000_000
"""Entries after which looking further tells nothing more about a layout."""


@dataclass
class Look:
    """What one walk saw: numbers of entries, extensions, archives, empty videos, and names of either dataset's kind."""

    entries: int = 0
    extensions: Counter = field(default_factory=Counter)
    archives: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    mead_speakers: set[str] = field(default_factory=set)
    cremad_names: int = 0
    first_names: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    """Absolute path -> bytes, of the videos."""
    cut_short: bool = False

    @property
    def others(self) -> Counter:
        """Extension -> files that are neither video nor sound nor an archive."""
        media = {*VIDEO_EXTENSIONS, *AUDIO_EXTENSIONS}
        return Counter({e: n for e, n in self.extensions.items() if e not in media and f".{e}" not in ARCHIVES})


def look(root: Path, leave_out: frozenset[str] = frozenset()) -> Look:
    """Walk below `root` without following links; folders named in `leave_out` (MEAD's other views) are not entered."""
    seen = Look()
    base = os.path.realpath(root)
    pending = [base]
    while pending:
        path = pending.pop()
        with suppress(OSError), os.scandir(path) as listing:
            for entry in sorted(listing, key=lambda e: e.name):
                if is_litter(entry.name):
                    continue
                seen.entries += 1
                if path == base and len(seen.first_names) < 5:
                    seen.first_names.append(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if match := _MEAD_SPEAKER.match(entry.name):
                        seen.mead_speakers.add(match[0])
                    if entry.name not in leave_out:
                        pending.append(entry.path)
                else:
                    _file(seen, entry, base)
        if seen.entries > ENOUGH:
            seen.cut_short = True
            break
    return seen


def _file(seen: Look, entry: os.DirEntry, base: str) -> None:
    name = entry.name.lower()
    extension = split_name(entry.name)[1]
    seen.extensions[extension] += 1
    if name.endswith(ARCHIVES):
        seen.archives.append(os.path.relpath(entry.path, base))
    if _CREMAD_NAME.match(entry.name):
        seen.cremad_names += 1
    if extension in VIDEO_EXTENSIONS:
        with suppress(OSError):
            size = entry.stat().st_size
            seen.sizes[entry.path] = size
            if not size:
                seen.empty.append(os.path.relpath(entry.path, base))


def layout_hints(dataset: str, reader: str, root: Path, seen: Look, n_clips: int) -> list[tuple[str, str]]:
    """(what is odd, what to do) about the layout as a whole; an empty list if it looks right."""
    hints = []
    shown = root.name or str(root)
    if seen.archives:
        first = sorted(seen.archives)[0]
        suffix = next((s for s in _UNPACK if first.lower().endswith(s)), "")
        command = _UNPACK.get(suffix, "tar -xf {}").format(f"'{first}'")
        count = len(seen.archives)
        still = f"{count} archive{'s' if count > 1 else ''} not unpacked, as {first}"
        # archives kept beside what came out of them are nobody's concern
        if n_clips == 0 or reader == "mead":
            hints.append((still, f"in {root}: {command}, and so for each, where it lies"))
    if reader == "mead":
        if n_clips and _MEAD_SPEAKER.match(root.name):
            hints.append((f"{shown} is one speaker's folder", f"give the folder above: --root '{root.parent}'"))
        elif not seen.mead_speakers and {root.name, *seen.first_names} & _MEAD_BELOW:
            above = next((p.parent for p in (root, *root.parents) if _MEAD_SPEAKER.match(p.name)), root.parent)
            odd = f"{shown} lies inside a speaker's folder: no M003 or W011 below it"
            hints.append((odd, f"give the folder of all speakers: --root '{above}'"))
        elif not n_clips and seen.cremad_names:
            hints.append((f"{seen.cremad_names} files are named as CREMA-D's", "--dataset cremad"))
        elif seen.mead_speakers and not n_clips and not seen.archives:
            hints.append(
                ("speakers' folders are there, but no video of the view front", "get and unpack video.tar of each")
            )
    else:
        if not n_clips and seen.extensions["wav"] and not seen.extensions["flv"] and seen.cremad_names:
            odd = f"only sound below {shown}: {seen.extensions['wav']} wav files, no flv"
            hints.append((odd, f"give the folder above, with VideoFlash: --root '{root.parent}'"))
        elif not n_clips and seen.mead_speakers:
            hints.append((f"{len(seen.mead_speakers)} folders are named as MEAD's speakers", "--dataset mead"))
    if not n_clips and not hints and not seen.entries:
        hints.append((f"{shown} is empty", "check --root, and whether the disk is mounted"))
    return hints


def unusual_files(seen: Look) -> str:
    """`12 .txt, 3 .jpg` of what is neither video nor sound; empty if there is nothing."""
    return ", ".join(f"{count} {'.' + e if e else 'without extension'}" for e, count in seen.others.most_common(5))
