"""SyncNet trained on a user's own dataset: the same network, the contrastive loss of the paper, one trainer for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bench.contract.clip import Clip, Part
from bench.contract.metric import Direction
from bench.contract.train import ClipReader, Context
from metrics.syncnet.clips import Example, WindowPairs, example
from metrics.syncnet.distances import MAX_LAG, lag_distances, offset

SHIFTS = (0, 1, -1, 3, -3, 5, -5)
"""Frames by which the sound is moved when offsets are counted as found or not."""


@dataclass(frozen=True)
class SyncNetConfig:
    """`width` scales the channels: 1 is the official network (27 MB of float16), a fraction a smaller one.

    `margin`: false pairs farther apart than this are let alone. `validation_clips` and `validation_frames` bound the cost
    of a validation: the first frames of the first clips, in the order of clip_id.
    """

    steps: int = 20_000
    batch_size: int = 32
    learning_rate: float = 1e-4
    weight_decay: float = 5e-4
    warmup_steps: int = 500
    validate_every: int = 1000
    width: float = 1.0
    margin: float = 20.0
    validation_clips: int = 48
    validation_frames: int = 75


class SyncNetTraining:
    """Trains `model.SyncNet` on the judge-training speakers.

    Contrastive loss (Chung & Zisserman 2016): true pairs are drawn together, false pairs pushed apart to the margin. False
    sound is of the same clip at another time, so that neither speaker nor recording helps. What comes out is an expert of
    its dataset, never the source of an LSE column.
    """

    name: ClassVar[str] = "syncnet"
    version: ClassVar[str] = "1"
    kind: ClassVar[str] = "syncnet"
    speakers: ClassVar[tuple[Part, Part]] = (Part.JUDGE_TRAIN, Part.VALIDATION)
    chosen_by: ClassVar[tuple[str, Direction]] = ("nearer", Direction.HIGHER)
    largest_file: ClassVar[int] = 30_000_000
    Config: ClassVar[type] = SyncNetConfig

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: SyncNetConfig) -> WindowPairs:
        """The clips with at least one window that has a false partner."""
        return WindowPairs(reader.each(example, sorted(clips, key=lambda clip: clip.clip_id)))

    def build(self, config: SyncNetConfig) -> Any:
        """A fresh network; only `config.width` changes its shape."""
        from metrics.syncnet.model import SyncNet

        self.config = config
        return SyncNet(config.width)

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """Half the mean of d^2 over true pairs and of max(margin - d, 0)^2 over false ones; d is Euclidean."""
        import torch
        from torch.nn.functional import pairwise_distance

        seen = model.see(batch["pictures"].float())[:, 0]  # (B, D)
        heard = model.hear(torch.cat([batch["true"], batch["false"]]))  # both through one normalisation
        near, far = pairwise_distance(torch.cat([seen, seen]), heard).chunk(2)
        pull, push = near.square().mean(), (self.config.margin - far).clamp(min=0).square().mean()
        return {
            "loss": (pull + push) / 4,
            "near": near.mean(),
            "far": far.mean(),
            "nearer": (near < far).float().mean(),
        }

    def validate(self, model: Any, data: WindowPairs, context: Context) -> Mapping[str, float]:
        """nearer: share of pairs of a window and another lag of +-15 frames in which the true sound is nearer (chance 0.5).

        exact, within_1: share of clips whose offset is found, or by at most one frame.
        """
        found = self._embeddings(model, data)
        offsets = np.array([_offset(*sides, late=0) for sides in found])
        return {
            "nearer": float(np.mean([nearer(*sides) for sides in found])),
            "exact": float((offsets == 0).mean()),
            "within_1": float((np.abs(offsets) <= 1).mean()),
        }

    def card(self, model: Any, data: WindowPairs, context: Context) -> Mapping[str, Any]:
        """Share of clips whose offset is found to within one frame with the sound moved by each of `SHIFTS`."""
        found = self._embeddings(model, data)
        shares = {
            f"{late:+d}": float(np.mean([abs(_offset(*sides, late=late) + late) <= 1 for sides in found]))
            for late in SHIFTS
        }
        return {"clips": len(found), "offset_within_1_by_sound_late": shares}

    def _embeddings(self, model: Any, data: WindowPairs) -> list[tuple[np.ndarray, np.ndarray]]:
        return [
            embeddings(model, one, self.config.validation_frames)
            for one in data.examples[: self.config.validation_clips]
        ]


def embeddings(model: Any, one: Example, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """(T - 4, D) and (W, D) of a clip's first `frames` pictures; NaN where a picture shows no face."""
    from metrics.syncnet.model import PICTURES, embed_pictures, embed_sound
    from metrics.syncnet.sound import PER_PICTURE

    frames = min(frames, len(one.seen))
    visual = embed_pictures(model, one.pictures(0, frames))
    visual[~np.lib.stride_tricks.sliding_window_view(one.seen[:frames], PICTURES).all(1)] = np.nan
    return visual, embed_sound(model, one.cepstra[: PER_PICTURE * frames])


def nearer(visual: np.ndarray, audio: np.ndarray) -> float:
    """Share of (window, other lag of +-15) in which the window's own sound is nearer than the sound at that lag."""
    own = np.linalg.norm(visual[: len(audio)] - audio[: len(visual)], axis=1)
    won = []
    for lag in range(-MAX_LAG, MAX_LAG + 1):
        here = np.arange(max(0, -lag), min(len(own), len(audio) - lag))
        if lag and len(here):
            off = np.linalg.norm(visual[here] - audio[here + lag], axis=1)
            there = np.isfinite(off) & np.isfinite(own[here])
            won.append((own[here] < off)[there])
    return float(np.concatenate(won).mean())


def _offset(visual: np.ndarray, audio: np.ndarray, late: int) -> int:
    """The offset found when the sound is moved to come `late` frames later (rows of both sides are cut, none is made up)."""
    moved = (visual[late:], audio) if late >= 0 else (visual, audio[-late:])
    return offset(lag_distances(*moved)[0])
