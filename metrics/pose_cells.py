"""The clips of a row in cells of one emotion: which are compared with which, what frames are worth, real against real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected

LEAST_CLIPS = 2
"""Clips of an emotion below which exchanging sides leaves its distance as it is, so that there is no null."""
FEW_CLIPS = 8
"""Clips of an emotion below which the value is flagged: with fewer than 70 ways to exchange half of them the null is coarse."""
SPLITS = 20
"""Random halves behind a floor."""


@dataclass(frozen=True)
class Cells:
    """Clips in the order of their ids, grouped by emotion.

    `names` are the emotions that are used, in order; `emotions` and `speakers` (N,) those of the sorted clips; `order`
    (N,) takes the caller's order to the sorted one; `flags` doubts about the grouping.
    """

    names: tuple[str, ...]
    emotions: np.ndarray
    speakers: np.ndarray
    order: np.ndarray
    flags: tuple[str, ...]

    def sorted_mask(self, mask: np.ndarray) -> np.ndarray:
        """A mask over the caller's clips as one over the sorted ones."""
        return np.asarray(mask, bool)[self.order]

    def members(self, kept: np.ndarray) -> list[np.ndarray]:
        """Positions of the kept clips of each emotion; emotions with fewer than two are left out."""
        found = [np.flatnonzero(kept & (self.emotions == name)) for name in self.names]
        return [cell for cell in found if len(cell) >= LEAST_CLIPS]

    @property
    def used(self) -> np.ndarray:
        """Positions of all clips that enter."""
        return np.concatenate(self.members(np.ones(len(self.emotions), bool)))


def cells_of(clips: Sequence[Collected]) -> tuple[Cells, list[Collected]]:
    """The cells of a row and its clips sorted by dataset and id; Unscorable(TOO_FEW_CLIPS) below two clips.

    Where no emotion has two clips all of them make one cell, "all", flagged "emotions-pooled"; an emotion of one clip
    beside fuller ones is left out, flagged "emotions-left-out".
    """
    order = sorted(range(len(clips)), key=lambda i: (clips[i].labels.dataset, clips[i].labels.clip_id))
    ordered = [clips[i] for i in order]
    if len(ordered) < LEAST_CLIPS:
        raise Unscorable(Reason.TOO_FEW_CLIPS, f"{len(ordered)} clips, {LEAST_CLIPS} are needed")
    emotions = np.array([clip.labels.emotion or "unlabelled" for clip in ordered])
    counts = {name: int((emotions == name).sum()) for name in sorted(set(emotions.tolist()))}
    names = tuple(name for name, count in counts.items() if count >= LEAST_CLIPS)
    flags = []
    if not names:
        emotions, names, counts = np.full(len(ordered), "all"), ("all",), {"all": len(ordered)}
        flags.append("emotions-pooled")
    elif len(names) < len(counts):
        flags.append("emotions-left-out")
    if min(counts[name] for name in names) < FEW_CLIPS:
        flags.append("small-sample")
    speakers = np.array([clip.labels.speaker for clip in ordered])
    return Cells(names, emotions, speakers, np.array(order), tuple(flags)), ordered


def effective_frames(cells: Cells, sides: Sequence[np.ndarray]) -> float:
    """How many independent frames the frames of (T, 3) clips are worth, mean over axes, summed over emotions.

    Kish's design effect, n / (1 + (m - 1) r), with m frames per clip and r the correlation of frames within a clip
    (one-way analysis of variance): between the number of clips and the number of frames.
    """
    total = 0.0
    for cell in cells.members(np.ones(len(cells.emotions), bool)):
        clips = [sides[i] for i in cell]
        sizes = np.array([len(clip) for clip in clips])
        n, k = sizes.sum(), len(clips)
        means = np.array([clip.mean(0) for clip in clips])
        between = (sizes[:, None] * (means - np.concatenate(clips).mean(0)) ** 2).sum(0) / (k - 1)
        within = sum(((clip - clip.mean(0)) ** 2).sum(0) for clip in clips) / max(n - k, 1)
        m = (n - (sizes**2).sum() / n) / (k - 1)
        spread = between + (m - 1) * within
        alike = np.where(spread > 0, (between - within) / np.where(spread > 0, spread, 1), 1.0).clip(0, 1)
        total += float((n / (1 + (n / k - 1) * alike)).mean())
    return total


def real_floors(cells: Cells, shares: np.ndarray, grid: np.ndarray, seed: int) -> dict[str, float | int | str | None]:
    """The distance of real clips from real clips: mean over random halves, uncorrected, at half of the row's clips.

    `shares` (N, A, G): each clip's distribution functions at the grid's points. Within speakers: clips of one speaker and
    emotion are dealt to the two halves; across: speakers are. None with the reason where that cannot be done.
    """
    rng = np.random.default_rng([seed, 1])
    step = grid[1] - grid[0]
    members = cells.members(np.ones(len(cells.emotions), bool))

    def distance(halves: list[tuple[np.ndarray, np.ndarray]]) -> float:
        return float(np.mean([np.abs(shares[a].mean(0) - shares[b].mean(0)).sum(-1) * step for a, b in halves]))

    within, across = [], []
    for _ in range(SPLITS):
        dealt = [_deal_clips(cell, cells.speakers, rng) for cell in members]
        halves = [pair for pair in dealt if len(pair[0])]
        if halves:
            within.append(distance(halves))
        names = rng.permutation(sorted(set(cells.speakers.tolist())))
        first = set(names[: len(names) // 2].tolist())
        sides = [np.array([name in first for name in cells.speakers[cell].tolist()]) for cell in members]
        halves = [(cell[a], cell[~a]) for cell, a in zip(members, sides, strict=True) if a.any() and not a.all()]
        if halves:
            across.append(distance(halves))
    return {
        "floor within speakers": float(np.mean(within)) if within else None,
        "floor across speakers": float(np.mean(across)) if across else None,
        "floors": f"real against real, uncorrected, at half the clips per side, {SPLITS} random halves"
        + ("" if within else "; no speaker has two clips in a cell")
        + ("" if across else "; one speaker only"),
    }


def _deal_clips(cell: np.ndarray, speakers: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Equal numbers of each speaker's clips to either half; a last one is left out."""
    halves: tuple[list[int], list[int]] = ([], [])
    for name in sorted(set(speakers[cell].tolist())):
        own = rng.permutation(cell[speakers[cell] == name])
        half = len(own) // 2
        halves[0].extend(own[:half].tolist())
        halves[1].extend(own[half : 2 * half].tolist())
    return np.array(halves[0], int), np.array(halves[1], int)
