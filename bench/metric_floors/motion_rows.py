"""Real clips of the embedded dataset with their exact truth, and the rows that a good, a wrong or a still method would give."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS, Clip
from bench.contract.cues import Cues
from bench.contract.geometry import euler_to_matrix
from bench.contract.seen import Labels, Pair, Seen

STILL_FRAMES = 50
POSE_ONLY = ("its exact head (pose only)", "head truly still at its clip's mean")
"""Rows whose head alone is altered: their landmarks are those of the real clip."""


@dataclass(frozen=True)
class Reading:
    """A real clip as it is seen, and the same with the exact truth of its head in place of the estimate."""

    seen: Seen
    truth: Seen
    lids: np.ndarray
    """(T,) how far the lids are closed, 0..1."""


def readings(clips: Sequence[Clip]) -> list[Reading]:
    """Every clip of the embedded dataset with its sound and truth."""
    from bench.data import media
    from bench.data.puppet import truth
    from bench.data.puppet.actions import ACTIONS

    found = []
    for clip in clips:
        cues, made_from = Cues.load(clip.cues), truth.load(clip.truth)
        frames = min(len(cues), len(made_from.arrays["pose"]))
        cues = cues[:frames]
        labels = Labels(clip.clip_id, clip.dataset, clip.speaker, clip.emotion, clip.level)
        seen = Seen(labels, cues, audio=media.read_audio(clip.audio, AUDIO_RATE))
        lids = made_from.arrays["actions"][:frames, ACTIONS.index("blink")]
        found.append(Reading(seen, replace(seen, cues=posed(cues, made_from.arrays["pose"][:frames])), lids))
    return found


def posed(cues: Cues, angles: np.ndarray) -> Cues:
    """The cues with the head at these angles (T, 3)."""
    transform = np.tile(np.eye(4, dtype=np.float32), (len(cues), 1, 1))
    transform[:, :3, :3] = euler_to_matrix(angles)
    return replace(cues, transform=transform)


def held(reading: Reading) -> Seen:
    """A head that is truly still at its mean pose while the face talks and acts: truth's mean plus the estimator's error."""
    from metrics.pose import head_angles

    true = head_angles(reading.truth.cues)
    angles = head_angles(reading.seen.cues) - true + true.mean(0)
    return replace(reading.seen, cues=posed(reading.seen.cues, np.nan_to_num(angles)))


def stills(clips: Sequence[Clip], found: Sequence[Reading]) -> list[Seen]:
    """One picture of each speaker, held, encoded as generated videos are and read again, under that clip's sound."""
    from bench.data import media
    from bench.features import face_extractor

    chosen: dict[str, int] = {}
    for i, reading in enumerate(found):
        chosen.setdefault(reading.seen.labels.speaker, i)
    videos = []
    with TemporaryDirectory() as folder:
        for speaker, i in chosen.items():
            path = Path(folder) / f"{speaker}.mp4"
            picture = next(iter(media.read_frames(clips[i].video, fps=FPS)))
            media.write_video(path, (picture for _ in range(STILL_FRAMES)), fps=FPS, crf=18)
            videos.append(replace(found[i].seen, cues=face_extractor()(media.read_frames(path, fps=FPS))))
    return videos


def partners(found: Sequence[Reading]) -> list[tuple[Reading, Reading]]:
    """Clips of one speaker and emotion by twos, none of them twice."""
    cells: dict[tuple[str, str | None], list[Reading]] = defaultdict(list)
    for reading in found:
        cells[reading.seen.labels.speaker, reading.seen.labels.emotion].append(reading)
    return [pair for cell in cells.values() for pair in zip(cell[::2], cell[1::2], strict=False)]


def strangers(found: Sequence[Reading]) -> list[tuple[Reading, Reading]]:
    """Clips of one emotion by twos of different speakers, none of them twice."""
    names = sorted({reading.seen.labels.speaker for reading in found})
    partner = dict(zip(names[::2], names[1::2], strict=False))
    cells: dict[tuple[str, str | None], list[Reading]] = defaultdict(list)
    for reading in found:
        cells[reading.seen.labels.speaker, reading.seen.labels.emotion].append(reading)
    return [
        pair
        for (name, emotion), cell in cells.items()
        if name in partner
        for pair in zip(cell, cells.get((partner[name], emotion), []), strict=False)
    ]


def rows_of(found: Sequence[Reading], seed: int) -> dict[str, list[Pair]]:
    """Name -> pairs: what a good, a wrong, a still and a shuffled method would give; rows without a pair are left out."""
    rng = np.random.default_rng(seed)
    typical: dict[str, list[Reading]] = {}
    for reading in found:
        typical.setdefault(reading.seen.labels.speaker, []).append(reading)

    def as_own(own: Reading, video: Seen) -> Pair:
        return Pair(own.seen, replace(video, labels=own.seen.labels, audio=own.seen.audio))

    def shuffled(cues: Cues) -> Cues:
        return cues[rng.permutation(len(cues))]

    rows = {
        "the real clip": [as_own(r, r.seen) for r in found],
        POSE_ONLY[0]: [as_own(r, r.truth) for r in found],
        "another clip, same speaker and emotion, none twice": [
            as_own(own, other.seen) for own, other in partners(found)
        ],
        "another speaker, same emotion, none twice": [as_own(own, other.seen) for own, other in strangers(found)],
        POSE_ONLY[1]: [as_own(r, held(r)) for r in found],
        "one clip for all of a speaker": [as_own(r, typical[r.seen.labels.speaker][0].seen) for r in found],
        "frames shuffled": [as_own(r, replace(r.seen, cues=shuffled(r.seen.cues))) for r in found],
    }
    return {name: row for name, row in rows.items() if row}
