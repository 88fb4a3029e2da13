"""How wrong lid opening and mouth opening are, and how many blinks are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.contract.cues import Cues
from bench.contract.geometry import pose_of
from bench.extractor_error.figures import SHARE, Figure, errors, of_people, over_people
from bench.extractor_error.readings import Reading

CLOSED = 0.15
"""Eyes count as closed where the mean of both eyes' openness is below this (docs/face-cues.md)."""
CLOSED_SHARE = 0.5
"""The other rule that is measured: below this share of the person's median openness over the clip."""
MARGIN = 2
"""Frames around closed eyes in which gaze is not used, and by which a found blink may lie beside a true one."""
TRUE_BLINK = 0.5
"""A true blink is a run of frames whose lids are closed by more than this share."""

Run = tuple[int, int]
"""First and last frame of an event."""


def closed(cues: Cues, relative: bool = False) -> np.ndarray:
    """(T,) bool: closed eyes by CLOSED, or by CLOSED_SHARE if `relative`; False where no face was found."""
    openness = cues.openness.astype(np.float64).mean(1)
    if not cues.valid.any():
        return np.zeros(len(cues), bool)
    limit = CLOSED_SHARE * np.median(openness[cues.valid]) if relative else CLOSED
    with np.errstate(invalid="ignore"):
        return openness < limit


def near_closed(cues: Cues) -> np.ndarray:
    """(T,) bool: frames within MARGIN frames of closed eyes."""
    shut = closed(cues)
    near = shut.copy()
    for shift in range(1, MARGIN + 1):
        near[shift:] |= shut[:-shift]
        near[:-shift] |= shut[shift:]
    return near


def runs(mask: np.ndarray) -> list[Run]:
    """First and last frame of every run of True in a mask (T,)."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(steps[::2], steps[1::2], strict=True)]


def matched(true: Sequence[Run], found: Sequence[Run]) -> int:
    """How many true events have a found one of their own that overlaps them or lies at most MARGIN frames beside."""
    left, count = list(found), 0
    for start, end in true:
        hit = next((run for run in left if run[0] <= end + MARGIN and run[1] >= start - MARGIN), None)
        if hit is not None:
            left.remove(hit)
            count += 1
    return count


def blink_counts(clips: Sequence[Reading], condition: str, relative: bool = False) -> np.ndarray:
    """(people, 3) int: true blinks, found blinks, and true ones that were found."""
    rows = []
    for clip in clips:
        true, found = runs(clip.truth.blink > TRUE_BLINK), runs(closed(clip.cues[condition], relative))
        rows.append((len(true), len(found), matched(true, found)))
    return np.array(rows, int).reshape(-1, 3)


def blink_figures(clips: Sequence[Reading], condition: str, relative: bool = False) -> dict[str, Figure]:
    """precision, recall, F1 (0..1) and rate error (found minus true, per minute), of all people's blinks together.

    Intervals by jackknife over people, and exact ones over blinks where no blink was missed and none made up.
    """
    from bench.contract.clip import FPS

    counts = blink_counts(clips, condition, relative)
    minutes = np.array([len(clip.truth.blink) for clip in clips]) / FPS / 60

    def share(numerator: np.ndarray, denominator: np.ndarray):
        return lambda who: _ratio(numerator[who].sum(), denominator[who].sum())

    true, found, hit = counts.T
    wrong = found.sum() + true.sum() - 2 * hit.sum()
    figures = {
        "precision": of_people(share(hit, found), len(clips), SHARE),
        "recall": of_people(share(hit, true), len(clips), SHARE),
        "F1": of_people(share(2 * hit, true + found), len(clips), SHARE),
        "rate error": of_people(share((found - true).astype(float), minutes), len(clips)),
    }
    if not wrong and true.sum() and figures["F1"].low is not None:
        figures = _without_an_error(figures, int(hit.sum()), float(minutes.sum()))
    return figures


def _without_an_error(figures: dict[str, Figure], blinks: int, minutes: float) -> dict[str, Figure]:
    """The figures where no blink was missed and none made up; a jackknife knows no spread there.

    Clopper and Pearson's exact interval for `blinks` of `blinks`, F1 by way of its share hit / (hit + missed + made up), and the
    exact Poisson bound of either kind of error per minute.
    """
    lowest = 0.025 ** (1 / blinks)
    shares = dict.fromkeys(("precision", "recall"), lowest) | {"F1": 2 * lowest / (1 + lowest)}
    bound = most_unseen(minutes)
    return {name: replace(figures[name], low=low, high=1.0) for name, low in shares.items()} | {
        "rate error": replace(figures["rate error"], low=-bound, high=bound)
    }


def most_unseen(minutes: float) -> float:
    """Rate per minute of events of which none was seen in `minutes`, upper end of the exact 95 % interval (Poisson)."""
    return -float(np.log(0.025)) / minutes


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else float("nan")


def openness_figures(clips: Sequence[Reading], condition: str) -> dict[str, Figure]:
    """Columns as `errors` for the mean openness of both eyes, all frames with a face; and "called closed".

    called closed: share of the frames with wide lids (truly closed by less than a tenth) that fall under CLOSED.
    """
    seen = [clip.cues[condition].openness.astype(np.float64).mean(1) for clip in clips]
    row = errors([clip.truth.openness.mean(1) for clip in clips], seen)
    shares = []
    for clip in clips:
        wide = (clip.truth.blink < 0.1) & clip.cues[condition].valid
        shares.append(closed(clip.cues[condition])[wide].mean() if wide.any() else float("nan"))
    return row | {"called closed": over_people(shares, SHARE)}


def lip_gap_figures(clips: Sequence[Reading], condition: str) -> dict[str, Figure]:
    """Columns as `errors`, px, for the height of the opening between the inner lips in the middle."""
    return errors([clip.truth.lip_gap for clip in clips], [lip_gap_seen(clip.cues[condition]) for clip in clips])


def lip_gap_seen(cues: Cues) -> np.ndarray:
    """Lip gap (T,) px of estimated landmarks, along the estimated head's upright, as the renderer defines the true one."""
    roll = np.radians(pose_of(cues.transform)[:, 2].astype(np.float64))
    down = np.stack([-np.sin(roll), np.cos(roll)], 1)
    gap = ((cues.landmarks[:, 14, :2] - cues.landmarks[:, 13, :2]) * down).sum(1)
    return np.where(cues.valid, np.maximum(gap, 0.0), np.nan)
