"""Identical files in a dataset's folder: the same video under two clip ids."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.contract.clip import SourceClip

HEAD = 65_536
"""Bytes compared before whole files are."""


def identical_files(clips: Iterable[SourceClip], sizes: Mapping[str, int]) -> list[list[SourceClip]]:
    """Groups of clips whose video files are the same byte by byte; empty and unreadable files are left out.

    Only files of equal size are opened, and only those with the same first 64 kB are read whole: a full copy of MEAD or
    CREMA-D costs seconds.
    """
    groups: dict[tuple[int, bytes], list[SourceClip]] = defaultdict(list)
    by_size: dict[int, list[SourceClip]] = defaultdict(list)
    for clip in clips:
        if size := sizes.get(str(clip.video), 0):
            by_size[size].append(clip)
    for size, same in by_size.items():
        if len(same) > 1:
            for clip in same:
                if (digest := _digest(clip.video, HEAD)) is not None:
                    groups[size, digest].append(clip)
    found = []
    for (size, _), same in groups.items():
        if len(same) < 2:
            continue
        whole: dict[bytes, list[SourceClip]] = defaultdict(list)
        for clip in same:
            if (digest := _digest(clip.video, size)) is not None:
                whole[digest].append(clip)
        found += [group for group in whole.values() if len(group) > 1]
    return sorted(found, key=lambda group: group[0].clip_id)


def _digest(path: Path, count: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            if count > HEAD:
                return hashlib.file_digest(file, "sha256").digest()
            return hashlib.sha256(file.read(count)).digest()
    except OSError:
        return None
