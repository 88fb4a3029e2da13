"""Gaze-JS: do generated eyes look where real ones look, emotion by emotion? Divergence of maps over direction bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from bench.contract.metric import Collected, SetEstimate
from metrics.gaze_bins import CENTRES, FRAMES, map_edges
from metrics.gaze_divergence import SidesOfClips, jensen_shannon
from metrics.gaze_figure import gaze_figure
from metrics.gaze_set import CLOSED_WORDS, NULL_WORDS, GazeOfSets
from metrics.gaze_tracks import tracks_of

SPARSE = "sparse-map"
"""Flag: an emotion has fewer clips than the map has bins, or clips so alike that its map is worth fewer independent frames."""


class GazeJS(GazeOfSets):
    """Jensen-Shannon divergence in bits between generated and real gaze maps, per emotion and eye; 0 is the same map.

    frame: "head" (where the eyes point in the head, the default) or "camera". centre: "own" takes each side's own median
    per speaker and eye out, because the estimator's constant per person (SD 2.5 to 4.4 degrees over people,
    docs/extractor-errors.md) is as large as what people do, and changes with picture quality; a generator that always looks 5 degrees
    aside is then seen in the details ("shift yaw") and not in the value. "real" takes the real side's median out of both;
    "raw" nothing, with wider bins. Frames have no order: shuffled ones give the same value.
    """

    name: ClassVar[str] = "Gaze-JS"
    unit: ClassVar[str] = "bits"
    version: ClassVar[str] = "1"
    primary: ClassVar[bool] = True

    def __init__(self, frame: str = "head", centre: str = "own"):
        super().__init__(frame, centre)
        self.edges = map_edges(frame, centre)
        self.definition = (
            f"Jensen-Shannon divergence (bits) between generated and real maps of gaze directions {FRAMES[frame]}, "
            f"{CENTRES[centre]}, over bins with edges {self.edges.words}; per emotion and eye, clips with equal weight, "
            f"{CLOSED_WORDS}; plain mean over emotions and eyes, {NULL_WORDS}"
        )

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable(TOO_FEW_CLIPS) below two clips: exchanging the sides of one clip changes nothing."""
        tracks = tracks_of(clips, self.frame, self.centre)
        sides = SidesOfClips(tracks.cells, self._maps(tracks.real), self._maps(tracks.made), jensen_shannon, seed)
        details = sides.details() | tracks.details()
        worth = {name: sides.effective_clips(side) for side, name in (("real", "real"), ("made", "generated"))}
        details |= {f"effective frames {name}": value if np.isfinite(value) else None for name, value in worth.items()}
        details["bins"] = self.edges.n_bins
        sparse = details["fewest clips of an emotion"] < self.edges.n_bins or worth["real"] < self.edges.n_bins
        return SetEstimate(
            statistic=sides.statistic,
            details=details,
            flags=(*tracks.cells.flags, *((SPARSE,) if sparse else ())),
            figure=gaze_figure(sides, tracks, self.edges, self.frame, self.centre),
        )

    def _maps(self, tracks: Sequence[np.ndarray]) -> np.ndarray:
        """(N, 2, bins): each clip's share of open-eyed frames per eye and bin."""
        counts = np.array([self.edges.counts(track) for track in tracks])
        return counts / counts.sum(-1, keepdims=True)
