"""Prepared clips of the embedded dataset with estimated and true gaze side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.contract.clip import Clip
from bench.contract.cues import Cues
from bench.contract.geometry import euler_to_matrix
from bench.contract.metric import Collected
from bench.contract.seen import Labels, Pair, Seen
from metrics.gaze_tracks import collect_gaze, open_eyed

Rows = list[tuple[str, list[str]]]
"""Lines of a table: label and cells."""


@dataclass(frozen=True)
class Read:
    """One prepared clip: its labels, estimated cues, and true gaze (T, 2, 2) and pose (T, 3) in degrees."""

    clip: Clip
    cues: Cues
    gaze: np.ndarray
    pose: np.ndarray

    @property
    def labels(self) -> Labels:
        c = self.clip
        return Labels(c.clip_id, c.dataset, c.speaker, c.emotion, c.level)

    @cached_property
    def open(self) -> np.ndarray:
        return open_eyed(self.cues)


def read_part(work: Path, part: str) -> list[Read]:
    """Every scored clip of one part of profile bench."""
    from bench.data.puppet import truth
    from bench.data.store import Store

    rows = Store(work / "store" / "puppet-bench").selection("bench", part).scored
    found = []
    for row in rows:
        arrays = truth.load(row.clip.truth).arrays
        gaze, pose = (arrays[name].astype(np.float64) for name in ("gaze", "pose"))
        found.append(Read(row.clip, Cues.load(row.clip.cues), gaze, pose))
    return found


def as_true(one: Read) -> Cues:
    """The clip's cues with the true gaze and head rotation in the place of the estimated ones."""
    transform = one.cues.transform.copy()
    transform[:, :3, :3] = euler_to_matrix(one.pose)
    return replace(one.cues, gaze=one.gaze.astype(np.float32), transform=transform)


def collected(one: Read, real: Cues, made: Cues) -> Collected:
    """What one clip gives to the gaze metrics with these two sides."""
    return Collected(one.labels, collect_gaze(Pair(Seen(one.labels, real), Seen(one.labels, made))))
