"""Gaze-SW: how far real gaze directions must be moved to become the generated ones, in degrees; no bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from bench.contract.metric import Collected, SetEstimate
from metrics.gaze_bins import CENTRES, FRAMES
from metrics.gaze_divergence import SidesOfClips
from metrics.gaze_set import CLOSED_WORDS, NULL_WORDS, GazeOfSets
from metrics.gaze_tracks import tracks_of

ANGLES = 16
"""Directions of projection, evenly over half a turn from yaw on: fixed, so that nothing is drawn at random."""
STEP = 0.5
"""Degrees between the points at which distribution functions are held."""
REACH = 40.0
"""Degrees from the centre; what lies beyond counts as lying there (99 % of estimates lie within 21)."""


def projections(gaze: np.ndarray) -> np.ndarray:
    """(T, E, ANGLES) of directions [yaw, pitch] (T, E, 2) in degrees: yaw cos a + pitch sin a for a = 0, pi / 16, ..."""
    angle = np.pi * np.arange(ANGLES) / ANGLES
    return gaze @ np.stack([np.cos(angle), np.sin(angle)])


def distribution_functions(values: np.ndarray) -> np.ndarray:
    """(..., G) means over each grid cell of the distribution functions of values (T, ...); NaN rows are left out.

    The mean over the cell, not the value at its edge: the area between two such functions is then the exact distance
    except in cells where they cross.
    """
    values = values[np.isfinite(values).reshape(len(values), -1).all(1)]
    cells = round(2 * REACH / STEP)
    place = (np.clip(values, -REACH, REACH - STEP / 2) + REACH) / STEP
    cell = place.astype(np.int64)  # (T, ...)
    flat = cell.reshape(len(cell), -1) + (cells + 1) * np.arange(cell[0].size)
    part = (place - cell).reshape(flat.shape)
    size = cell[0].size * (cells + 1)
    counts = np.bincount(flat.ravel(), (1 - part).ravel(), size) + np.bincount(flat.ravel() + 1, part.ravel(), size)
    return counts.reshape(*cell.shape[1:], cells + 1).cumsum(-1)[..., :-1] / len(values)


def mean_area(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Mean over projections of the area between distribution functions (..., ANGLES * G) twice, degrees."""
    return np.abs(p - q).sum(-1) * (STEP / ANGLES)


class GazeSW(GazeOfSets):
    """Sliced Wasserstein-1 distance in degrees between generated and real gaze, per emotion and eye; 0 is the same distribution.

    The mean over 16 projections of the Wasserstein-1 distance (Bonneel and others, Journal of Mathematical Imaging and Vision 51,
    2015): a shift of all gaze by d degrees gives 0.64 d (2 / pi). Options as Gaze-JS.
    """

    name: ClassVar[str] = "Gaze-SW"
    unit: ClassVar[str] = "deg"
    version: ClassVar[str] = "1"

    def __init__(self, frame: str = "head", centre: str = "own"):
        super().__init__(frame, centre)
        self.definition = (
            f"sliced Wasserstein-1 distance (degrees, mean over {ANGLES} fixed projections of yaw and pitch) between generated "
            f"and real gaze directions {FRAMES[frame]}, {CENTRES[centre]}; per emotion and eye, clips with equal weight, "
            f"{CLOSED_WORDS}; plain mean over emotions and eyes, {NULL_WORDS}"
        )

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable(TOO_FEW_CLIPS) below two clips."""
        tracks = tracks_of(clips, self.frame, self.centre)
        real, made = (
            np.array([distribution_functions(projections(track)).reshape(2, -1) for track in side])
            for side in (tracks.real, tracks.made)
        )
        sides = SidesOfClips(tracks.cells, real, made, mean_area, seed)
        return SetEstimate(sides.statistic, sides.details() | tracks.details(), tracks.cells.flags)
