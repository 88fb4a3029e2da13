"""What the metrics would show between two videos of the very same performance, because the extractor errs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.contract.cues import Cues
from bench.contract.geometry import pose_of
from bench.extractor_error.conditions import STORE
from bench.extractor_error.figures import NOT_NEGATIVE, Figure, Table, of_people, over_people
from bench.extractor_error.gaze import AXES as GAZE_AXES
from bench.extractor_error.gaze import usable
from bench.extractor_error.lids import TRUE_BLINK, closed, most_unseen, runs
from bench.extractor_error.pose import AXES as POSE_AXES
from bench.extractor_error.readings import Reading

TRUTH = "truth"
POSE_W1 = (*(f"{axis} W1" for axis in POSE_AXES), *(f"centred {axis} W1" for axis in POSE_AXES))
GAZE_W1 = (*(f"gaze {axis} W1" for axis in GAZE_AXES), *(f"centred gaze {axis} W1" for axis in GAZE_AXES))
COLUMNS = ("M-LMD", "F-LMD", *POSE_W1, *GAZE_W1, "blink rate")
"""Names of the floors: px of the 256 px crop; degrees; blinks per minute."""


def floors(clips: Sequence[Reading], condition: str, reference: str = STORE.name) -> dict[str, Figure]:
    """The metrics between the clips in `condition` and the same clips in `reference`; one of them may be TRUTH.

    COLUMNS: landmark distances of the 68 points and their 20 of the mouth, each shape minus its mean; 1-Wasserstein
    distance of head pose and gaze (mean over the eyes) per axis, as they are and with each side's mean taken out; blinks
    per minute (signed, condition minus reference, all people together). Means over people otherwise.
    """
    from bench.contract.clip import FPS
    from metrics.lmd import FaceLMD, MouthLMD

    values: dict[str, list[float]] = {name: [] for name in COLUMNS[:-1]}
    more = []
    for clip in clips:
        one, other = _landmarks(clip, reference), _landmarks(clip, condition)
        values["M-LMD"].append(MouthLMD().clip(one, other))
        values["F-LMD"].append(FaceLMD().clip(one, other))
        for axis, distances in zip(
            POSE_AXES, _wasserstein(_pose(clip, reference), _pose(clip, condition)), strict=True
        ):
            for name, distance in zip((f"{axis} W1", f"centred {axis} W1"), distances, strict=True):
                values[name].append(distance)
        eyes = zip(*(np.moveaxis(_gaze(clip, side), 1, 0) for side in (reference, condition)), strict=True)
        both = np.mean([_wasserstein(one, other) for one, other in eyes], axis=0)  # (2 axes, as is and centred)
        for axis, distances in zip(GAZE_AXES, both, strict=True):
            for name, distance in zip((f"gaze {axis} W1", f"centred gaze {axis} W1"), distances, strict=True):
                values[name].append(float(distance))
        more.append(_blinks(clip, condition) - _blinks(clip, reference))
    minutes = np.array([len(clip.truth.blink) for clip in clips]) / FPS / 60
    more = np.array(more, float)
    rate = of_people(lambda who: float(more[who].sum() / minutes[who].sum()), len(clips))
    if not more.any() and rate.low is not None and condition != reference:  # no spread is no proof that there is none
        rate = replace(rate, low=-most_unseen(minutes.sum()), high=most_unseen(minutes.sum()))
    return {name: over_people(v, NOT_NEGATIVE) for name, v in values.items()} | {"blink rate": rate}


def floor_table(clips: Sequence[Reading], conditions: Sequence[str]) -> Table:
    """`floors` of each condition against the store's, and of the store's against the truth (row TRUTH)."""
    rows = {name: floors(clips, name) for name in conditions if name != STORE.name}
    return rows | {TRUTH: floors(clips, STORE.name, reference=TRUTH)}


def least_difference(figure: Figure) -> float:
    """The size of a difference that the extractor alone can make: the farther end of the floor's interval from 0."""
    return max(abs(bound) for bound in (figure.value, figure.low, figure.high) if bound is not None)


def _landmarks(clip: Reading, condition: str) -> Cues:
    if condition != TRUTH:
        return clip.cues[condition]
    empty = Cues.empty(len(clip.truth.blink))
    landmarks = np.concatenate([clip.truth.landmarks, np.zeros((len(empty), len(empty.landmarks[0]), 1))], axis=-1)
    return Cues(
        landmarks.astype(np.float32), empty.transform, empty.gaze, empty.openness, empty.blendshapes, ~empty.valid
    )


def _wasserstein(one: np.ndarray, other: np.ndarray) -> list[tuple[float, float]]:
    """Per column of (T, C): 1-Wasserstein distance as it is and with the means taken out, over rows that both have."""
    from scipy.stats import wasserstein_distance

    both = np.isfinite(one).all(1) & np.isfinite(other).all(1)
    if not both.any():
        return [(float("nan"), float("nan"))] * one.shape[1]
    return [
        (float(wasserstein_distance(a, b)), float(wasserstein_distance(a - a.mean(), b - b.mean())))
        for a, b in zip(one[both].T, other[both].T, strict=True)
    ]


def _gaze(clip: Reading, condition: str) -> np.ndarray:
    """(T, 2, 2) degrees, NaN where the eyes are closed or nearly; the truth has no gaps of its own."""
    if condition == TRUTH:
        return clip.truth.gaze
    cues = clip.cues[condition]
    return np.where(usable(cues)[:, None, None], cues.gaze, np.nan).astype(np.float64)


def _pose(clip: Reading, condition: str) -> np.ndarray:
    return clip.truth.pose if condition == TRUTH else pose_of(clip.cues[condition].transform).astype(np.float64)


def _blinks(clip: Reading, condition: str) -> int:
    return len(runs(clip.truth.blink > TRUE_BLINK if condition == TRUTH else closed(clip.cues[condition])))
