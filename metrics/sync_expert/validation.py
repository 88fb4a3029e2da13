"""What the card of a sync expert says: offsets found on validation speakers, whole and by part, and what it gives to a mismatch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from metrics.sync_expert.data import Example
from metrics.sync_expert.offsets import SHIFTS, WITHIN, Found, accuracy, find_all
from metrics.sync_expert.sound import STEPS_PER_FRAME

CUTS = (24, 28, 32, 40)
"""Lengths, in frames, to which clips are cut from their first frame on, where some have hardly begun to speak."""
FEWER_SHIFTS = (-7, 0, 7)
"""Of clips that are cut or degraded: what is asked of them is asked many times already."""
SIGMAS = (2.0, 4.0)
JPEG_QUALITIES = (15, 5)
NOISE = 8.0
"""Blur, coding and noise (gray levels) of the degraded crops: as much as training has, and more."""
AVERAGED = (3, 7)
HELD = 3
"""Frames over which a mouth is averaged, as weak generators do, and for how many each picture is held."""

Alter = Callable[[np.ndarray], np.ndarray]


def offset_report(model: Any, examples: Sequence[Example], device: str) -> dict[str, Any]:
    """JSON document; shares 0..1 and mean distances, every clip at every shift of `SHIFTS`, cut or degraded at `FEWER_SHIFTS`."""
    found = find_all(model, examples, device)
    emotions = sorted({one.clip.emotion for one in found if one.clip.emotion})
    levels = sorted({one.clip.level for one in found if one.clip.level})
    return {
        "clips": len(examples),
        "shifts": list(SHIFTS),
        "offset_accuracy": _accuracies(found),
        "by_shift": {str(s): _accuracies([one for one in found if one.shift == s]) for s in SHIFTS},
        "by_emotion": {e: _accuracies([one for one in found if one.clip.emotion == e]) for e in emotions},
        "by_level": {str(v): _accuracies([one for one in found if one.clip.level == v]) for v in levels},
        "by_frames": {str(n): _accuracies(find_all(model, examples, device, FEWER_SHIFTS, n)) for n in CUTS},
        "degraded": {
            name: _accuracies(find_all(model, [_altered(e, alter) for e in examples], device, FEWER_SHIFTS))
            for name, alter in degradations().items()
        },
        "scores": scores(model, examples, device),
    }


def scores(model: Any, examples: Sequence[Example], device: str) -> dict[str, dict[str, float]]:
    """Mean SX-D, SX-D0, SX-C of real clips, of degraded ones, of sound 5 frames early, of another sentence's sound, of a still."""
    sides = {
        "real": examples,
        **{name: [_altered(e, alter) for e in examples] for name, alter in degradations().items()},
        "other sentence": [pair for e in examples if (pair := _mismatched(e, examples)) is not None],
        "still": [replace(e, crops=np.repeat(e.crops[:1], len(e.crops), 0)) for e in examples if e.seen[0]],
    }
    found = {name: find_all(model, side, device, [0]) for name, side in sides.items()}
    found["sound 5 frames early"] = find_all(model, examples, device, [5])
    return {name: _means(side) for name, side in found.items() if side}


def degradations() -> dict[str, Alter]:
    """Name -> what is done to crops (T, S, S) uint8."""
    return (
        {f"blurred, sigma {sigma:g} px": partial(_blurred, sigma=sigma) for sigma in SIGMAS}
        | {f"JPEG quality {quality}": partial(_coded, quality=quality) for quality in JPEG_QUALITIES}
        | {f"noise {NOISE:g}": _noisy}
        | {f"averaged over {frames} frames": partial(_averaged, frames=frames) for frames in AVERAGED}
        | {f"each picture held {HELD} frames": _held}
    )


def _blurred(crops: np.ndarray, sigma: float) -> np.ndarray:
    import cv2

    return np.stack([cv2.GaussianBlur(crop, (0, 0), sigma) for crop in crops])


def _coded(crops: np.ndarray, quality: int) -> np.ndarray:
    import cv2

    coded = [cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for crop in crops]
    return np.stack([cv2.imdecode(one, cv2.IMREAD_GRAYSCALE) for one in coded])


def _noisy(crops: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, NOISE, crops.shape)
    return np.clip(crops + noise, 0, 255).astype(np.uint8)


def _averaged(crops: np.ndarray, frames: int) -> np.ndarray:
    reach = frames // 2
    padded = np.pad(crops, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, frames, 0).mean(-1).astype(np.uint8)


def _held(crops: np.ndarray) -> np.ndarray:
    # held from the middle of its three frames on both sides: no lag comes of it
    index = np.arange(len(crops)) // HELD * HELD + HELD // 2
    return crops[index.clip(max=len(crops) - 1)]


def _altered(example: Example, alter: Alter) -> Example:
    return replace(example, crops=alter(example.crops))


def _mismatched(example: Example, examples: Sequence[Example]) -> Example | None:
    """The picture with the sound of another sentence of the same speaker and emotion, both cut to the shorter."""
    who = example.clip
    for other in examples:
        clip = other.clip
        if (clip.speaker, clip.emotion) == (who.speaker, who.emotion) and clip.sentence != who.sentence:
            frames = min(len(example.crops), (len(other.mel) + 2) // STEPS_PER_FRAME)
            mel = other.mel[: frames * STEPS_PER_FRAME - 2]
            return replace(example, crops=example.crops[:frames], seen=example.seen[:frames], mel=mel)
    return None


def _accuracies(found: Sequence[Found]) -> dict[str, float | int]:
    if not found:
        return {"n": 0}
    return {f"within {n}" if n else "exact": round(accuracy(found, n), 4) for n in WITHIN} | {"n": len(found)}


def _means(found: Sequence[Found]) -> dict[str, float | int]:
    columns = {"SX-D": "distance", "SX-D0": "distance_at_zero", "SX-C": "confidence"}
    means = {name: round(float(np.mean([getattr(one, field) for one in found])), 4) for name, field in columns.items()}
    offsets = [one.offset for one in found if one.offset is not None]
    if offsets:
        means["SX-offset"] = round(float(np.mean(offsets)), 4)
    return means | _accuracies(found)
