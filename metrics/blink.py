"""How often and for how long eyes close: blinks per minute and seconds per blink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from bench.contract.clip import FPS
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair

CLOSED = 0.15
"""Openness, mean of both eyes, below which they are closed (docs/face-cues.md; blinks found with it: F1 1.00,
docs/extractor-errors.md)."""
FLUTTER = 2
"""Open frames between two closures that belong to one: 80 ms are no time to open and close again."""
LONGEST = 12
"""Frames: 0.5 s. What stays closed for longer is no blink but closed eyes, counted apart."""


FEW = 10
"""Blinks of a row below which its figures are flagged."""
_IN_FRAMES = np.array([1, 1, 1, FPS, FPS])
"""Takes `Closures` to whole numbers."""


class Closures(NamedTuple):
    """What a video's eyes did.

    blinks: closures that begin in sight, of 0.5 s at most; long: longer ones; whole: blinks that also end in sight, and
    `closed_s` their seconds together; seconds: how long a beginning would have been seen.
    """

    blinks: int
    long: int
    whole: int
    closed_s: float
    seconds: float


def closures(cues: Cues) -> Closures:
    """Blinks and longer closures of a video at 25 fps, from its openness; frames without a face end what is seen.

    A closure begins in sight if the frame before is open; eyes already closed in the first frame, or after a gap, are
    no new blink. One still closed at a gap or at the end counts as a blink, unless longer, but has no duration.
    """
    openness = cues.openness.astype(np.float64).mean(1)
    known = cues.valid & np.isfinite(openness)
    shut = np.where(known, openness, np.inf) < CLOSED
    seconds = float((known[1:] & known[:-1]).sum()) / FPS
    blinks = long = whole = 0
    closed = 0
    t = 0
    while t < len(shut):
        if not shut[t]:
            t += 1
            continue
        end = t
        while (following := _next_closed(shut, known, end)) is not None:
            end = following
        if t > 0 and known[t - 1]:
            length = end - t + 1
            ended = end + 1 < len(shut) and bool(known[end + 1])
            long += length > LONGEST
            blinks += length <= LONGEST
            if ended and length <= LONGEST:
                whole += 1
                closed += length
        t = end + 1
    return Closures(blinks, long, whole, closed / FPS, seconds)


def _next_closed(shut: np.ndarray, known: np.ndarray, last: int) -> int | None:
    """The next closed frame of the same closure: at most FLUTTER open frames on, no gap between."""
    for t in range(last + 1, min(last + FLUTTER + 2, len(shut))):
        if not known[t]:
            return None
        if shut[t]:
            return t
    return None


class _BlinkColumn:
    """What the two columns have in common: the counts of both sides of every clip.

    A clip of two seconds has one blink or none, so its own rate means nothing and a mean of such rates weights seconds
    unequally: the value is of all clips together, and its interval comes from leaving out speakers.
    """

    family: ClassVar[Family] = Family.GAZE
    direction: ClassVar[Direction] = Direction.MATCH
    version: ClassVar[str] = "2"
    reads: ClassVar[tuple[str, ...]] = ("openness",)
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    collection: ClassVar[str] = "blinks"

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """generated, real: (5,) float64 of `Closures`; Unscorable where two frames in a row never show a face."""
        found = {name: closures(seen.cues) for name, seen in (("generated", pair.generated), ("real", pair.reference))}
        for name, side in found.items():
            if not side.seconds:
                raise Unscorable(Reason.NO_FACE, f"no two frames in a row show a face in the {name} video")
        return {name: np.array(side, np.float64) for name, side in found.items()}

    def _estimate(self, clips: Sequence[Collected], value: Callable[[np.ndarray], float]) -> SetEstimate:
        # whole numbers and frames summed exactly, so the order of clips cannot matter
        counts = {
            name: np.rint(np.array([clip.arrays[name] for clip in clips]) * _IN_FRAMES)
            for name in ("generated", "real")
        }

        def total(name: str, mask: np.ndarray) -> np.ndarray:
            return counts[name][np.asarray(mask, bool)].sum(0) / _IN_FRAMES

        everything = np.ones(len(clips), bool)
        own, real = total("generated", everything), Closures(*total("real", everything))
        details: dict[str, float | int | str | None] = {
            "blinks": int(own[0]),
            "closures over 0.5 s": int(own[1]),
            "seconds": float(own[4]),
            "n_frames": round(own[4] * FPS),
            "blinks of the real clips": int(real.blinks),
            "closures over 0.5 s of the real clips": int(real.long),
            "seconds of the real clips": float(real.seconds),
        }
        flags = ("few-blinks",) if own[0] < FEW else ()
        return SetEstimate(
            lambda mask: value(total("generated", mask)), details, flags, truth=lambda mask: value(total("real", mask))
        )


class BlinkRate(_BlinkColumn):
    """Blinks per minute of all clips together; 0 for eyes that never close."""

    name: ClassVar[str] = "Blink-rate"
    unit: ClassVar[str] = "1/min"
    definition: ClassVar[str] = (
        f"closures (openness of both eyes' mean under {CLOSED:g}) of at most 0.5 s that begin in sight, over all clips, "
        "per minute of frames with a face"
    )

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Never without a value: no blink in n seconds is a rate of 0."""
        return self._estimate(clips, lambda sums: 60 * sums[0] / sums[4] if sums[4] else float("nan"))


class BlinkDuration(_BlinkColumn):
    """Mean time for which the eyes are closed in a blink."""

    name: ClassVar[str] = "Blink-dur"
    unit: ClassVar[str] = "s"
    definition: ClassVar[str] = (
        f"mean time with openness of both eyes' mean under {CLOSED:g} in blinks (of at most 0.5 s) that begin and end in "
        "sight, over all clips"
    )

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable(NO_VARIATION) where no whole blink is seen."""
        if not sum(clip.arrays["generated"][2] for clip in clips):
            seconds = sum(clip.arrays["generated"][4] for clip in clips)
            raise Unscorable(Reason.NO_VARIATION, f"no whole blink in {seconds:.0f} s")
        return self._estimate(clips, lambda sums: sums[3] / sums[2] if sums[2] else float("nan"))
