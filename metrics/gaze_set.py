"""What the distances between two sets of gaze share: their options, and what a clip gives to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bench.contract.metric import Direction, Family
from bench.contract.seen import Pair
from metrics.gaze_bins import CENTRES, FRAMES, READS
from metrics.gaze_tracks import CLOSED, COLLECTION, MARGIN, collect_gaze
from metrics.options import choose

CLOSED_WORDS = f"frames with closed eyes (openness under {CLOSED:g}, and {MARGIN} frames around) left out on both sides"
NULL_WORDS = (
    "minus its mean where real and generated clips of half of the speakers, drawn at random per emotion, are exchanged (of half of the "
    "clips below 4 speakers)"
)


class GazeOfSets:
    """Options and declarations; a subclass has a name, unit, version and definition, and estimates."""

    family: ClassVar[Family] = Family.GAZE
    direction: ClassVar[Direction] = Direction.LOWER
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    reads: tuple[str, ...] = READS["head"]
    primary: ClassVar[bool] = False
    collection: ClassVar[str] = COLLECTION
    protocol_keys: ClassVar[tuple[str, ...]] = ("gaze.frame", "gaze.centre")

    def __init__(self, frame: str = "head", centre: str = "own"):
        self.frame = choose("gaze.frame", frame, FRAMES)
        self.reads = READS[self.frame]
        self.centre = choose("gaze.centre", centre, CENTRES)

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """See `metrics.gaze_tracks.collect_gaze`."""
        return collect_gaze(pair)
