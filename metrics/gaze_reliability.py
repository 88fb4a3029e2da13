"""Gaze-rel: do two independent estimators of gaze agree? Where they do not, gaze columns measure the estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair, Seen
from metrics.gaze_tracks import WORDS
from metrics.pose_cells import cells_of

SECOND = "gaze_xgaze"
AXES = ("yaw", "pitch")
LEAST_CORRELATION = 0.5
"""Below it, less than a quarter of the variance that one estimator sees is seen by the other."""
LEAST_FRAMES = 10
STILL = 0.5
"""Share of the real side's SD below which generated eyes move too little for a correlation to say something of the estimators."""


def both_opinions(seen: Seen) -> np.ndarray:
    """(K, 2, 2) float32 degrees head-relative: [landmarks (mean of both eyes), ETH-XGaze] x [yaw, pitch] on the same frames."""
    found = seen.features[SECOND]
    first = seen.cues.gaze[found["frames"]].astype(np.float64).mean(1)
    return np.stack([first, found["gaze"]], 1).astype(np.float32)


def within_speakers(opinions: Sequence[np.ndarray], speakers: np.ndarray) -> np.ndarray:
    """(n, 2, 2) frames of all clips, each speaker's mean taken out of each estimator and axis."""
    parts = []
    for name in np.unique(speakers):
        own = np.concatenate([one for one, whose in zip(opinions, speakers, strict=True) if whose == name])
        parts.append(own.astype(np.float64) - own.mean(0, dtype=np.float64))
    return np.concatenate(parts) if parts else np.zeros((0, 2, 2))


def correlations(frames: np.ndarray) -> np.ndarray:
    """(2,) correlation of the two estimators in yaw and in pitch over centred frames (n, 2, 2); NaN without variation."""
    if len(frames) < LEAST_FRAMES:
        return np.full(2, np.nan)
    power = (frames**2).sum(0)  # (estimator, axis)
    scale = np.sqrt(power[0] * power[1])
    return np.divide((frames[:, 0] * frames[:, 1]).sum(0), scale, out=np.full(2, np.nan), where=scale > 0)


class GazeReliability:
    """Correlation over frames of two estimators of gaze on the generated videos, within speakers, mean of yaw and pitch.

    The estimators share no network and no training data: one reads iris landmarks, the other (ETH-XGaze) the whole face. Both
    may still be wrong together. An axis that agrees less than .5 on the real videos, or on generated ones whose eyes move,
    is flagged: "unreliable-gaze-yaw", "unreliable-gaze-pitch", here and on every gaze column of the row.
    """

    name: ClassVar[str] = "Gaze-rel"
    family: ClassVar[Family] = Family.GAZE
    direction: ClassVar[Direction] = Direction.HIGHER
    unit: ClassVar[str] = "r"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = (SECOND,)
    primary: ClassVar[bool] = False
    collection: ClassVar[str] = "gaze-opinions"
    vouches_for: ClassVar[Family] = Family.GAZE
    """Its flags stand on every cell of this family; these need no second estimator to have a value."""
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    definition: ClassVar[str] = (
        "correlation between landmark gaze (mean of both eyes) and ETH-XGaze (ResNet-18), head-relative, over 5 frames with "
        "open eyes per generated clip, each speaker's means taken out; mean of yaw and pitch"
    )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """`real`, `made`: see `both_opinions`; Unscorable where the second estimator saw nothing."""
        return {side: both_opinions(seen) for side, seen in zip(WORDS, (pair.reference, pair.generated), strict=True)}

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable below two clips, or ten frames, and where the generated eyes never move."""
        cells, ordered = cells_of(clips)
        opinions = {word: [clip.arrays[side] for clip in ordered] for side, word in WORDS.items()}

        def agreement(word: str, mask: np.ndarray) -> np.ndarray:
            chosen = [one for one, kept in zip(opinions[word], mask, strict=True) if kept]
            return correlations(within_speakers(chosen, cells.speakers[mask]))

        everything = np.ones(len(ordered), bool)
        found = {word: agreement(word, everything) for word in opinions}
        if not np.isfinite(found["generated"]).all():
            n = sum(map(len, opinions["generated"]))
            raise Unscorable(
                Reason.TOO_FEW_FRAMES if n < LEAST_FRAMES else Reason.NO_VARIATION,
                f"{n} frames of {len(ordered)} generated clips, {LEAST_FRAMES} in which the eyes move are needed",
            )
        details: dict[str, float | int | str | None] = {
            "clips": len(ordered),
            "n_frames": sum(map(len, opinions["generated"])),
        }
        for word, values in found.items():
            details[f"frames {word}"] = sum(map(len, opinions[word]))
            details |= {
                f"{axis} {word}": float(r) if np.isfinite(r) else None for axis, r in zip(AXES, values, strict=True)
            }
        return SetEstimate(
            lambda mask: float(agreement("generated", cells.sorted_mask(mask)).mean()),
            details,
            doubts(found, {word: within_speakers(one, cells.speakers)[:, 0].std(0) for word, one in opinions.items()}),
        )


def doubts(found: Mapping[str, np.ndarray], spread: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """The flags, from correlations (2,) and the landmark estimator's SD (2,) within speakers, of both sides."""
    poor = {word: ~(values >= LEAST_CORRELATION) for word, values in found.items()}  # NaN is poor
    moving = spread["generated"] >= STILL * spread["real"]
    flagged = poor["real"] | (poor["generated"] & moving)
    return tuple(f"unreliable-gaze-{axis}" for axis, one in zip(AXES, flagged, strict=True) if one)
