"""Examples for training the sync expert: mouth crops and log-mel of clips, altered as generated videos are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contract.clip import Clip
from bench.contract.train import ClipReader
from metrics.sync_expert.mouth import SIDE, mouth_crops, standardised
from metrics.sync_expert.sound import MELS, STEPS_PER_FRAME, heard, log_mel

KEPT = "sync-expert-1"
"""Raise the number when crops or log-mel change: kept ones are then made anew."""
MARGIN = 8
"""Pixels around the crop, so that it can be moved, turned and sized."""
MOVED = 3.0
"""Pixels (SD 1.5) that the crop is off at most; 5 % in size, 5 degrees of turn."""


@dataclass(frozen=True)
class Example:
    """One clip: crops (T, 64, 64) uint8, seen (T,) bool, mel (J, 40) float32."""

    clip: Clip
    crops: np.ndarray
    seen: np.ndarray
    mel: np.ndarray


def example(clip: Clip, reader: ClipReader) -> Example:
    """Read once per work folder, then kept."""

    def make() -> Mapping[str, np.ndarray]:
        cues = reader.cues(clip)
        crops = mouth_crops(reader.frames(clip), cues, MARGIN)
        return {"crops": crops, "seen": cues.valid.astype(np.uint8), "mel": log_mel(reader.audio(clip))}

    kept = reader.keep(KEPT, clip, make)
    return Example(clip, kept["crops"], kept["seen"].astype(bool), kept["mel"])


class SyncClips:
    """Batches of clips cut to equal length, picture and sound of the same moments; shorter ones and faceless ones are left out."""

    def __init__(self, examples: Sequence[Example], frames: int):
        self.frames, self.steps = frames, frames * STEPS_PER_FRAME - 2
        self.examples = [e for e in examples if len(e.crops) >= frames and len(e.mel) >= self.steps and e.seen.any()]

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Any]:
        """crops (B, T, 48, 48) float32, seen (B, T) bool, mel (B, 4 T - 2, 40) float32: altered at random."""
        chosen = rng.choice(len(self.examples), size, replace=size > len(self.examples))
        parts = [self._altered(self.examples[i], rng) for i in chosen]
        return {name: np.stack([part[name] for part in parts]) for name in parts[0]}

    def _altered(self, example: Example, rng: np.random.Generator) -> dict[str, np.ndarray]:
        last = min(len(example.crops) - self.frames, (len(example.mel) - self.steps) // STEPS_PER_FRAME)
        first = int(rng.integers(0, last + 1))
        seen = example.seen[first : first + self.frames]
        crops = altered_crops(example.crops[first : first + self.frames], rng)
        mel = example.mel[first * STEPS_PER_FRAME :][: self.steps]
        return {"crops": standardised(crops, seen), "seen": seen, "mel": heard(altered_mel(mel, rng))}


def altered_crops(crops: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, 64, 64) uint8 -> (T, 48, 48) uint8: one move, turn, size, light, blur, resolution, noise and JPEG per clip."""
    import cv2

    large = SIDE + 2 * MARGIN
    shift = np.clip(rng.normal(0, MOVED / 2, 2), -MOVED, MOVED)
    matrix = cv2.getRotationMatrix2D((large / 2 - 0.5,) * 2, rng.normal(0, 2.5), np.exp(rng.normal(0, 0.05)))
    matrix[:, 2] += shift - MARGIN
    mirrored = rng.random() < 0.5
    gain, lift, gamma = np.exp(rng.normal(0, 0.15)), rng.normal(0, 12), np.exp(rng.normal(0, 0.15))
    table = np.clip(255 * (np.arange(256) / 255) ** gamma * gain + lift, 0, 255).astype(np.uint8)
    blur = rng.uniform(0.4, 2.0) if rng.random() < 0.4 else 0.0
    small = int(SIDE * rng.uniform(0.3, 0.9)) if rng.random() < 0.3 else 0
    noise = rng.uniform(1, 8) if rng.random() < 0.3 else 0.0
    quality = int(rng.integers(10, 80)) if rng.random() < 0.4 else 0
    result = np.empty((len(crops), SIDE, SIDE), np.uint8)
    for index, crop in enumerate(crops):
        picture = cv2.warpAffine(crop, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        if blur:
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        if small:
            picture = cv2.resize(cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA), (SIDE, SIDE))
        if noise:
            picture = np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
        if quality:
            coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            picture = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
        result[index] = table[picture]
    return result[:, :, ::-1] if mirrored else result


def altered_mel(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(J, 40) log-mel with another gain, colour of the recording, noise, and sometimes a band missing."""
    bands = np.linspace(0, 1, MELS)
    colour = rng.normal(0, 0.6) * (bands - 0.5) + rng.normal(0, 0.3) * np.cos(2 * np.pi * bands + rng.uniform(0, 6.28))
    mel = mel + (rng.normal(0, 1.0) + colour).astype(np.float32)
    if rng.random() < 0.5:
        loud = np.percentile(mel.max(1), 95)
        power = np.exp(loud - rng.uniform(3.5, 9.0))  # 15 to 40 dB under the loud bands
        mel = np.log(np.exp(mel) + power * rng.exponential(1.0, mel.shape)).astype(np.float32)
    if rng.random() < 0.3:
        first = int(rng.integers(0, MELS - 4))
        mel = mel.copy()
        mel[:, first : first + int(rng.integers(2, 6))] = mel.min()
    return mel


def central(crops: np.ndarray) -> np.ndarray:
    """(T, 64, 64) -> (T, 48, 48): what the network sees of a clip that is scored, not trained on."""
    return crops[:, MARGIN : MARGIN + SIDE, MARGIN : MARGIN + SIDE]
