"""Saccades and fixations in gaze at 25 frames per second: how often, how far, how long (Fix-dur, Sacc-rate, Sacc-amp)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.contract.clip import FPS
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair
from metrics.gaze_tracks import COLLECTION, WORDS, collect_gaze
from metrics.pose_cells import Cells, cells_of

SPEED = 50.0
"""Degrees/s above which the eyes are in flight: velocity threshold (I-VT, Salvucci and Goldberg, ETRA 2000).

Usual thresholds are 30 to 100 for trackers of 60 Hz and more. At 25 Hz a step between two frames holds a whole saccade, and
the estimator's jitter is 1.3 to 1.5 degrees a step, 33 to 38 degrees/s (SD)."""
AMPLITUDE = 5.0
"""Least degrees of a saccade: with SPEED, the pair that finds true saccades best on judge-training speakers."""
HORIZON = 1.0
"""Seconds at which fixations are cut: clips of two seconds cannot show the whole of longer ones."""
MOST_UNKNOWN = 0.05
"""Largest share of fixations whose end may lie beyond all that was seen."""
SAME_EYE_MOVEMENT = (
    f"of the mean of both eyes relative to the head, steps faster than {SPEED:g} degrees/s that follow one another "
    f"one way and carry it at least {AMPLITUDE:g} degrees (I-VT); frames with closed eyes interrupt"
)


@dataclass(frozen=True)
class Saccade:
    """From frame `start`, the last before the flight, to frame `end`, the first after it; `amplitude` in degrees."""

    start: int
    end: int
    amplitude: float


def conjugate(gaze: np.ndarray) -> np.ndarray:
    """(T, 2) [yaw, pitch] of gaze (T, 2, 2): the mean of both eyes, whose jitter is smaller than one eye's."""
    return gaze.astype(np.float64).mean(1)


def saccades(gaze: np.ndarray, speed: float = SPEED, amplitude: float = AMPLITUDE) -> list[Saccade]:
    """Saccades in directions (T, 2) in degrees at 25 frames/s: steps faster than `speed` in a row, `amplitude` at least.

    A NaN frame interrupts, a turn of over 90 degrees parts two.
    """
    steps = np.diff(gaze, axis=0)  # (T - 1, 2), NaN beside a gap
    with np.errstate(invalid="ignore"):
        flying = np.linalg.norm(steps, axis=-1) * FPS > speed
    onwards = np.concatenate([[False], flying[1:] & flying[:-1] & ((steps[1:] * steps[:-1]).sum(-1) > 0)])[: len(steps)]
    starts = np.flatnonzero(flying & ~onwards)
    ends = np.flatnonzero(flying & ~np.append(onwards[1:], False)) + 1
    sizes = np.linalg.norm(gaze[ends] - gaze[starts], axis=-1)
    return [
        Saccade(int(start), int(end), float(size))
        for start, end, size in zip(starts, ends, sizes, strict=True)
        if size >= amplitude
    ]


def watched_steps(gaze: np.ndarray) -> int:
    """Steps from frame to frame with open eyes at both ends: the time in which a saccade could be seen, in 1/25 s."""
    seen = np.isfinite(gaze).all(-1)
    return int((seen[1:] & seen[:-1]).sum())


def fixations(gaze: np.ndarray) -> list[tuple[int, bool]]:
    """Fixations that begin inside the clip: (frames, whether their end was seen).

    One begins where a saccade ends and ends where the next one starts; a gap or the end of the clip cuts it off. The one that the
    clip begins with is left out: nobody knows for how long it has been going on.
    """
    seen = np.isfinite(gaze).all(-1)
    flights = saccades(gaze)
    found = []
    for k, one in enumerate(flights):
        following = flights[k + 1] if k + 1 < len(flights) else None
        gap = np.flatnonzero(~seen[one.end :])
        last = one.end + int(gap[0]) - 1 if len(gap) else len(gaze) - 1
        ended = following is not None and following.start <= last
        found.append(((following.start if ended else last) - one.end, ended))
    return found


def restricted_mean(ended: np.ndarray, cut: np.ndarray) -> float:
    """Mean seconds of min(duration, HORIZON), from counts (H + 1,) of fixations by frames, ended or cut off.

    The area under the product-limit estimate of survival (Kaplan and Meier, JASA 53, 1958): a fixation that is cut off
    counts as long as it was seen, and as neither short nor long after that. NaN where more than MOST_UNKNOWN of them last
    beyond the last frame in which one was seen.
    """
    at_risk = (ended + cut)[::-1].cumsum()[::-1][:-1]  # (H,) still seen at k frames
    ending = np.divide(ended[:-1], at_risk, out=np.zeros(len(at_risk)), where=at_risk > 0)
    survival = np.cumprod(1 - ending)
    if (at_risk == 0).any():
        out_of_sight = int(np.argmin(at_risk > 0))
        left = survival[out_of_sight - 1] if out_of_sight else 1.0
        if left > MOST_UNKNOWN:
            return float("nan")
        survival[out_of_sight:] = 0.0  # Efron's convention: the last one seen counts as ended
    return float(survival.sum() / FPS)


class _EyeMovement:
    """One number of the generated side of a set of clips, to be compared with the real side's."""

    family: ClassVar[Family] = Family.GAZE
    direction: ClassVar[Direction] = Direction.MATCH
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ("gaze",)
    primary: ClassVar[bool] = False
    collection: ClassVar[str] = COLLECTION
    protocol_keys: ClassVar[tuple[str, ...]] = ()

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """See `metrics.gaze_tracks.collect_gaze`."""
        return collect_gaze(pair)

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable: TOO_FEW_CLIPS below two, NO_VARIATION where generated eyes never jump, TOO_FEW_FRAMES for too short a look."""
        cells, ordered = cells_of(clips)
        sides = {word: [conjugate(clip.arrays[f"{side}_gaze"]) for clip in ordered] for side, word in WORDS.items()}
        pools = {word: self.pool(tracks) for word, tracks in sides.items()}
        everything = np.ones(len(ordered), bool)
        value = pools["generated"](everything)
        n_saccades = {word: sum(len(saccades(track)) for track in tracks) for word, tracks in sides.items()}
        if not np.isfinite(value):
            seconds = sum(map(watched_steps, sides["generated"])) / FPS
            raise Unscorable(
                Reason.NO_VARIATION if n_saccades["generated"] == 0 else Reason.TOO_FEW_FRAMES,
                f"{n_saccades['generated']} saccades in {seconds:.0f} s of open eyes: too few for {self.name}",
            )
        real = pools["real"](everything)
        details: dict[str, float | int | str | None] = {
            "real": real if np.isfinite(real) else None,
            "clips": len(ordered),
            "n_frames": sum(int(np.isfinite(track[:, 0]).sum()) for track in sides["generated"]),
        }
        details |= {f"saccades {word}": count for word, count in n_saccades.items()}
        return SetEstimate(
            lambda mask: pools["generated"](cells.sorted_mask(mask)),
            details,
            self.doubts(cells),
            truth=lambda mask: pools["real"](cells.sorted_mask(mask)),
        )

    def doubts(self, cells: Cells) -> tuple[str, ...]:
        """Flags of the value; emotions are thrown together here, so how many clips each has is no doubt."""
        return ("small-sample",) if len(cells.emotions) < 16 else ()

    def pool(self, tracks: Sequence[np.ndarray]):
        """A function of a mask over the clips: the number on them, NaN where there is none."""
        raise NotImplementedError


class SaccadeRate(_EyeMovement):
    """Saccades per second of open eyes, all clips together: unbiased for clips of every length, 0 for eyes that never jump."""

    name = "Sacc-rate"
    unit = "1/s"
    definition = (
        f"saccades per second with open eyes, {SAME_EYE_MOVEMENT}; all clips pooled, number of saccades over time"
    )

    def pool(self, tracks: Sequence[np.ndarray]):
        counts = np.array([len(saccades(track)) for track in tracks])
        steps = np.array([watched_steps(track) for track in tracks])

        def rate(mask: np.ndarray) -> float:
            watched = steps[mask].sum() / FPS
            return float(counts[mask].sum() / watched) if watched else float("nan")

        return rate


class SaccadeAmplitude(_EyeMovement):
    """Median degrees of the saccades found, all clips together; small ones, below the threshold, are not among them."""

    name = "Sacc-amp"
    unit = "deg"
    definition = f"median amplitude (degrees) of saccades, {SAME_EYE_MOVEMENT}; all clips pooled"

    def pool(self, tracks: Sequence[np.ndarray]):
        found = [[one.amplitude for one in saccades(track)] for track in tracks]

        def median(mask: np.ndarray) -> float:
            chosen = [a for one, kept in zip(found, mask, strict=True) if kept for a in one]
            return float(np.median(chosen)) if chosen else float("nan")

        return median


class FixationDuration(_EyeMovement):
    """Mean seconds of fixations, cut at one second, all clips together; from those that begin inside a clip."""

    name = "Fix-dur"
    unit = "s"
    definition = (
        f"mean of min(duration, {HORIZON:g} s) of fixations between saccades that begin inside a clip, from the Kaplan-Meier "
        f"estimate, where blinks and ends of clips cut fixations off; saccades {SAME_EYE_MOVEMENT}; all clips pooled"
    )

    def pool(self, tracks: Sequence[np.ndarray]):
        horizon = round(HORIZON * FPS)
        counts = np.zeros((len(tracks), 2, horizon + 1))  # ended, cut off
        for i, track in enumerate(tracks):
            for frames, ended in fixations(track):
                counts[i, 0 if ended and frames < horizon else 1, min(frames, horizon)] += 1
        return lambda mask: restricted_mean(*counts[mask].sum(0))
