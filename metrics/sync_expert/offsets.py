"""Is a known offset found? Shifts by cutting, never by wrapping, on clips that the expert was not trained on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contract.clip import Clip
from bench.contract.errors import Reason, Unscorable
from metrics.sync_expert.data import Example, central
from metrics.sync_expert.embedding import embed
from metrics.sync_expert.metric import sync_curve, sync_offset
from metrics.sync_expert.sound import STEPS_PER_FRAME
from metrics.syncnet.distances import MAX_LAG, confidence

SHIFTS = (-10, -7, -3, 0, 3, 7, 10)
"""Frames by which the sound is made to lead (positive) or to be late; each costs the clip as many frames."""
WITHIN = (0, 1, 3, 5)


@dataclass(frozen=True)
class Found:
    """What one clip with a known shift gave; `windows` is the share of single windows whose nearest sound is at the true lag +-1."""

    clip: Clip
    frames: int
    shift: int
    offset: int | None
    distance: float
    distance_at_zero: float
    confidence: float
    windows: float

    @property
    def error(self) -> float:
        """Frames; infinite where no lag differs from another."""
        return math.inf if self.offset is None else abs(self.offset - self.shift)


def shifted(
    crops: np.ndarray, seen: np.ndarray, mel: np.ndarray, shift: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The clip with its sound `shift` frames early (late if negative): both sides are cut, nothing is repeated.

    crops (T, S, S), seen (T,), mel (J, 40) -> the same arrays of T - |shift| frames.
    """
    frames = min(len(crops), (len(mel) + 2) // STEPS_PER_FRAME) - abs(shift)
    picture, sound = max(-shift, 0), max(shift, 0) * STEPS_PER_FRAME
    steps = max(frames * STEPS_PER_FRAME - 2, 0)
    return crops[picture:][:frames], seen[picture:][:frames], mel[sound:][:steps]


def find(model: Any, example: Example, device: str, shift: int = 0, frames: int | None = None) -> Found:
    """What the expert finds in a clip shifted by `shift`, of its first `frames` (all); Unscorable if too short."""
    crops, seen, mel = shifted(example.crops, example.seen, example.mel, shift)
    if frames is not None:
        if len(crops) < frames:
            raise Unscorable(Reason.WINDOW_TOO_SHORT, f"expected {frames} frames after the shift, got {len(crops)}")
        crops, seen, mel = crops[:frames], seen[:frames], mel[: frames * STEPS_PER_FRAME - 2]
    visual, audio = embed(model, central(crops), seen, mel, device)
    curve, _ = sync_curve(visual, audio)
    return Found(
        clip=example.clip,
        frames=len(crops),
        shift=shift,
        offset=_offset(visual, audio),
        distance=float(curve.min()),
        distance_at_zero=float(curve[MAX_LAG]),
        confidence=confidence(curve),
        windows=window_accuracy(visual, audio, -shift),
    )


def _offset(visual: np.ndarray, audio: np.ndarray) -> int | None:
    try:
        return sync_offset(visual, audio)
    except Unscorable:
        return None


def window_accuracy(visual: np.ndarray, audio: np.ndarray, lag: int) -> float:
    """Share of windows whose nearest sound within +-15 frames of the true one lies at most one frame from it, 0..1."""
    distance = np.linalg.norm(visual[:, None].astype(np.float64) - audio[None], axis=-1)  # (T, M)
    apart = np.arange(len(audio))[None] - np.arange(len(visual))[:, None] - lag
    distance[np.abs(apart) > MAX_LAG] = np.inf
    known = np.isfinite(visual).all(1) & (apart == 0).any(1)
    if not known.any():
        return float("nan")
    nearest = distance[known].argmin(1)
    return float((np.abs(apart[known][np.arange(len(nearest)), nearest]) <= 1).mean())


def find_all(
    model: Any, examples: Iterable[Example], device: str, shifts: Sequence[int] = SHIFTS, frames: int | None = None
) -> list[Found]:
    """`find` of every clip at every shift; what has no value (too short, no face) is left out."""
    found = []
    for example in examples:
        for shift in shifts:
            with suppress(Unscorable):
                found.append(find(model, example, device, shift, frames))
    return found


def accuracy(found: Sequence[Found], within: int) -> float:
    """Share whose offset is found to within so many frames, 0..1; NaN of none."""
    return float(np.mean([one.error <= within for one in found])) if found else float("nan")
