"""Gaze-head: do the eyes turn against the head while they rest on something, as the vestibulo-ocular reflex makes them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair
from metrics.gaze_events import SAME_EYE_MOVEMENT, conjugate, saccades
from metrics.gaze_tracks import COLLECTION, WORDS, collect_gaze
from metrics.pose import SLOPE_FRAMES, head_velocity
from metrics.pose_cells import cells_of

HEAD_YAW = 1
"""Place of yaw in poses [pitch, yaw, roll]."""
BEFORE = 3
"""Frames up to a saccade whose mean is where head and gaze were."""
AFTER = (6, 9)
"""Frames after it, 0.24 to 0.32 s, whose mean is where they are: the head arrives a quarter of a second after the eyes."""


def resting_velocities(gaze: np.ndarray, yaw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Yaw velocities (n,) of the eyes in the head and of the head, degrees/s, where no saccade is inside the 5 frames.

    gaze (T, 2) [yaw, pitch] relative to the head, yaw (T,) of the head, degrees, NaN as they are.
    """
    eyes = head_velocity(gaze[:, :1])[:, 0]
    head = head_velocity(yaw[:, None])[:, 0]
    resting = np.isfinite(eyes) & np.isfinite(head)
    for flight in saccades(gaze):
        resting[max(0, flight.start - SLOPE_FRAMES + 2) : flight.end] = False
    return eyes[resting], head[resting]


def head_shares(gaze: np.ndarray, yaw: np.ndarray) -> list[tuple[float, float]]:
    """(turn of the head, shift of the line of sight) in degrees of yaw across each saccade seen whole; as above."""
    sight, found = gaze[:, 0] + yaw, []
    for flight in saccades(gaze):
        before = slice(max(0, flight.start - BEFORE + 1), flight.start + 1)
        after = slice(flight.end + AFTER[0], flight.end + AFTER[1])
        if after.stop <= len(sight) and np.isfinite(sight[before]).all() and np.isfinite(sight[after]).all():
            found.append((yaw[after].mean() - yaw[before].mean(), sight[after].mean() - sight[before].mean()))
    return found


class GazeHead:
    """Correlation of eye-in-head with head yaw velocity between saccades: -1 where the eyes make up for every head turn.

    0 where eyes and head know nothing of each other. The estimator's noise pulls it towards 0 on both sides alike; it also
    reads a tenth of a head turn as an opposite gaze turn (docs/extractor-errors.md), so that even a stiff eye is below 0:
    the row `frozen-gaze` shows how far.
    """

    name: ClassVar[str] = "Gaze-head"
    family: ClassVar[Family] = Family.GAZE
    direction: ClassVar[Direction] = Direction.MATCH
    unit: ClassVar[str] = "r"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ("gaze", "transform")
    primary: ClassVar[bool] = False
    collection: ClassVar[str] = COLLECTION
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    definition: ClassVar[str] = (
        f"correlation of the yaw velocities (slope over {SLOPE_FRAMES} frames) of the mean gaze of both eyes relative to the head "
        f"and of the head, where no saccade falls in these frames; all clips pooled, sums of products about zero; saccades "
        f"{SAME_EYE_MOVEMENT}"
    )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """See `metrics.gaze_tracks.collect_gaze`."""
        return collect_gaze(pair)

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable(TOO_FEW_CLIPS) below two clips, NO_VARIATION where generated eyes or heads never move."""
        cells, ordered = cells_of(clips)
        everything = np.ones(len(ordered), bool)
        sums, details = {}, {}
        for side, word in WORDS.items():
            moves, shares = [], []
            for clip in ordered:
                gaze = conjugate(clip.arrays[f"{side}_gaze"])
                yaw = clip.arrays[f"{side}_pose"][:, HEAD_YAW].astype(np.float64)
                eyes, head = resting_velocities(gaze, yaw)
                moves.append((eyes @ eyes, head @ head, eyes @ head, len(eyes)))
                shares += head_shares(gaze, yaw)
            sums[word] = np.array(moves)
            turns, shifts = np.array(shares).reshape(-1, 2).T
            details[f"gain {word}"] = _ratio(*sums[word].sum(0)[[2, 1]])
            details[f"head share of gaze shifts {word}"] = _ratio(turns @ shifts, shifts @ shifts)
            details[f"frames {word}"] = int(sums[word][:, 3].sum())

        def correlation(word: str, mask: np.ndarray) -> float:
            eyes, head, both, _ = sums[word][mask].sum(0)
            return float(both / np.sqrt(eyes * head)) if eyes > 0 and head > 0 else float("nan")

        value, real = (correlation(word, everything) for word in ("generated", "real"))
        if not np.isfinite(value):
            raise Unscorable(Reason.NO_VARIATION, "the generated eyes, or heads, do not move between saccades")
        return SetEstimate(
            lambda mask: correlation("generated", cells.sorted_mask(mask)),
            {
                "real": real if np.isfinite(real) else None,
                "clips": len(ordered),
                "n_frames": details["frames generated"],
            }
            | details,
            truth=lambda mask: correlation("real", cells.sorted_mask(mask)),
        )


def _ratio(a: float, b: float) -> float | None:
    return float(a / b) if b > 0 else None
