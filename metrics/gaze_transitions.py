"""Gaze-trans: do generated eyes go from where to where as real ones do? Divergence of moves between regions of gaze."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from bench.contract.metric import Collected, SetEstimate
from metrics.gaze_bins import CENTRES, FRAMES, Edges, move_edges
from metrics.gaze_divergence import SidesOfClips, jensen_shannon
from metrics.gaze_set import CLOSED_WORDS, NULL_WORDS, GazeOfSets
from metrics.gaze_tracks import tracks_of


def move_shares(gaze: np.ndarray, edges: Edges) -> np.ndarray:
    """(B * B + 1,) shares of a clip's moves from region to region, of gaze (T, 2, 2); a clip without one: 1 in the last.

    A move is a frame whose region (of the mean of both eyes) is another than that of the frame before; a gap
    interrupts. Staying is no move: how long the eyes rest is what Fix-dur tells.
    """
    regions = edges.bins(gaze.mean(1))
    before, after = regions[:-1], regions[1:]
    moved = (before >= 0) & (after >= 0) & (before != after)
    counts = np.bincount(before[moved] * edges.n_bins + after[moved], minlength=edges.n_bins**2 + 1).astype(np.float64)
    counts[-1] = not moved.any()
    return counts / counts.sum()


class GazeTransitions(GazeOfSets):
    """Jensen-Shannon divergence in bits between generated and real moves of gaze between 3 x 3 regions; 0 is the same.

    Where real clips have moves and generated ones never do, the divergence (uncorrected) is 1 bit. Sees the order of frames,
    which Gaze-JS does not. Options as Gaze-JS.
    """

    name: ClassVar[str] = "Gaze-trans"
    unit: ClassVar[str] = "bits"
    version: ClassVar[str] = "1"

    def __init__(self, frame: str = "head", centre: str = "own"):
        super().__init__(frame, centre)
        self.edges = move_edges()
        self.definition = (
            f"Jensen-Shannon divergence (bits) between generated and real moves from region to region (off-diagonal transition "
            f"matrix; a clip without moves counts as one of its own kind) of the mean gaze of both eyes {FRAMES[frame]}, "
            f"{CENTRES[centre]}, regions with edges {self.edges.words}; per emotion, clips with equal weight, {CLOSED_WORDS}; "
            f"plain mean over emotions, {NULL_WORDS}"
        )

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable(TOO_FEW_CLIPS) below two clips."""
        tracks = tracks_of(clips, self.frame, self.centre)
        real, made = (
            np.array([move_shares(track, self.edges) for track in side])[:, None] for side in (tracks.real, tracks.made)
        )
        sides = SidesOfClips(tracks.cells, real, made, jensen_shannon, seed)
        still = {name: float(shares[:, 0, -1].mean()) for name, shares in (("real", real), ("generated", made))}
        details = (
            sides.details()
            | tracks.details()
            | {f"clips without a move {name}": value for name, value in still.items()}
        )
        return SetEstimate(sides.statistic, details, tracks.cells.flags)
