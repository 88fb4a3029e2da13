"""Do the cues of one clip belong together? A small matcher tells them from cues swapped between clips of one emotion.

A swapped clip takes one or two of expression, gaze and pose from other clips of the same speaker and emotion, of any level
and each from a clip of its own, cut to the shortest: every cue alone is real, only what they share is gone. The matcher sees
how the cues move together in time (correlations of their speeds and excursions at a few lags) and is tested on speakers that
it has not seen. Eyes that turn back against the head, so that the line of sight stays, are part of what it finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.data.puppet.difficulty.clips import Seen, Spot
from bench.data.puppet.difficulty.judge import auc, folds, scores

LAGS = (-4, -2, -1, 0, 1, 2, 4)
"""Frames by which the second cue is late, at which the two are correlated."""
SHIFTS = 3
"""Swapped clips made of each real one."""
PAIRS = (
    ("gaze_yaw", "head_yaw"), ("gaze_pitch", "head_pitch"), ("gaze_speed", "head_speed"), ("gaze_speed", "lid"),
    ("brow", "gaze_pitch"), ("brow", "head_pitch"), ("brow", "head_speed"), ("mouth", "head_pitch"), ("mouth", "head_speed"),
    ("mouth", "brow"), ("mouth", "gaze_speed"), ("strength", "head_pitch"), ("strength", "gaze_away"), ("lid", "head_speed"),
)  # fmt: skip


@dataclass(frozen=True)
class Match:
    """AUC of telling real clips from swapped ones, its 95 % interval over speakers, and the number of real clips."""

    auc: float
    low: float
    high: float
    clips: int


def tracks(seen: Seen) -> dict[str, dict[str, np.ndarray]]:
    """Cue -> name -> track (n,) of one clip seen at every frame; gaps are filled with the frame before."""
    from metrics.extractors.face_network import BLENDSHAPES

    def score(*names: str) -> np.ndarray:
        return seen.blendshapes[:, [BLENDSHAPES.index(n) for n in names]].mean(1)

    gaze = seen.gaze.mean(1)
    found = {
        "expression": {
            "brow": score("browInnerUp", "browOuterUpLeft", "browOuterUpRight") - score("browDownLeft", "browDownRight"),
            "mouth": score("jawOpen"),
            "strength": score("mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "noseSneerLeft",
                              "noseSneerRight", "eyeWideLeft", "eyeWideRight", "browDownLeft", "browDownRight"),
            "lid": -seen.openness.mean(1),
        },
        "gaze": {"gaze_yaw": gaze[:, 0], "gaze_pitch": gaze[:, 1]},
        "pose": {"head_pitch": seen.pose[:, 0], "head_yaw": seen.pose[:, 1], "head_roll": seen.pose[:, 2]},
    }  # fmt: skip
    return {cue: {name: _filled(track) for name, track in own.items()} for cue, own in found.items()}


def together(cues: dict[str, dict[str, np.ndarray]]) -> np.ndarray:
    """How one clip's cues move together: correlations of speeds at every lag and of excursions, for every pair."""
    length = min(len(t) for own in cues.values() for t in own.values())
    flat = {name: track[:length] for own in cues.values() for name, track in own.items()}
    speed = {name: np.diff(track) for name, track in flat.items()}
    speed["gaze_speed"] = np.hypot(speed["gaze_yaw"], speed["gaze_pitch"])
    speed["head_speed"] = np.sqrt(sum(speed[f"head_{a}"] ** 2 for a in ("pitch", "yaw", "roll")))
    flat["gaze_away"] = np.hypot(flat["gaze_yaw"], flat["gaze_pitch"])
    speed["gaze_away"] = np.diff(flat["gaze_away"])
    numbers = []
    for first, second in PAIRS:
        numbers += [_correlation(speed[first], speed[second], lag) for lag in LAGS]
        if first in flat and second in flat:
            numbers.append(_correlation(flat[first], flat[second], 0))
    return np.array(numbers)


def matched(
    wanted: Sequence[Spot],
    seen: Sequence[Seen],
    swap: Sequence[str] = ("gaze", "pose"),
    seed: int = 0,
    strangers: bool = False,
) -> Match:
    """AUC with the cues `swap` of each clip taken from other clips of the same speaker and emotion, others left in place.

    strangers: a check of the matcher itself. The "real" clips, too, have their gaze and their pose from clips of two other
    speakers, so that nothing is shared and the AUC is what chance and the cutting of clips give.
    """
    from scipy.stats import t

    rng = np.random.default_rng([seed, 0xC0E510])
    cues = [tracks(s) for s in seen]
    if strangers:
        cues = [_of_strangers(i, wanted, cues, rng) for i in range(len(cues))]
    names = list(dict.fromkeys(s.speaker for s in wanted))
    rows, truth, people = [], [], []
    for i, spot in enumerate(wanted):
        others = [j for j, o in enumerate(wanted) if j != i and (o.speaker, o.emotion) == (spot.speaker, spot.emotion)]
        if len(others) < len(swap):
            continue
        rows.append(together(cues[i]))
        truth.append(1)
        for _ in range(SHIFTS):
            chosen = rng.choice(others, len(swap), replace=False)
            rows.append(together(cues[i] | {cue: cues[j][cue] for cue, j in zip(swap, chosen, strict=True)}))
            truth.append(0)
        people += [names.index(spot.speaker)] * (1 + SHIFTS)
    x, y, speaker = np.array(rows), np.array(truth), np.array(people)
    found = scores(x, y, folds(speaker))
    score = found[:, 1] - found[:, 0]
    own = np.array([auc(y[speaker == s], score[speaker == s]) for s in np.unique(speaker)])
    half = t.ppf(0.975, len(own) - 1) * own.std(ddof=1) / np.sqrt(len(own))
    low, high = np.clip([own.mean() - half, own.mean() + half], 0, 1)
    return Match(float(own.mean()), float(low), float(high), int(y.sum()))


def _of_strangers(
    i: int, wanted: Sequence[Spot], cues: Sequence[dict[str, dict[str, np.ndarray]]], rng: np.random.Generator
) -> dict[str, dict[str, np.ndarray]]:
    """Cues of clip i with the gaze and the pose of two other people's clips of the same emotion."""
    others = list(dict.fromkeys(s.speaker for s in wanted if s.speaker != wanted[i].speaker))
    found = dict(cues[i])
    for cue, name in zip(("gaze", "pose"), rng.choice(others, 2, replace=False), strict=True):
        theirs = [j for j, s in enumerate(wanted) if (s.speaker, s.emotion) == (name, wanted[i].emotion)]
        found[cue] = cues[int(rng.choice(theirs))][cue]
    return found


def _correlation(first: np.ndarray, second: np.ndarray, lag: int) -> float:
    """Correlation of first[t] with second[t + lag]; 0 where one of them stands still."""
    a = first[max(0, -lag) : len(first) - max(0, lag)]
    b = second[max(0, lag) : len(second) - max(0, -lag)]
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 1e-9 else 0.0


def _filled(track: np.ndarray) -> np.ndarray:
    track = np.asarray(track, np.float64)
    good = np.flatnonzero(np.isfinite(track))
    return track[good[np.searchsorted(good, np.arange(len(track)), side="right").clip(1) - 1]]
