"""How the sync expert is trained: which lag is the true one, for whole clips and for single windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bench.contract.clip import Clip, Part
from bench.contract.metric import Direction
from bench.contract.train import ClipReader, Context
from metrics.sync_expert.data import SyncClips, example
from metrics.sync_expert.metric import MIN_PAIRS
from metrics.sync_expert.offsets import accuracy, find_all
from metrics.syncnet.distances import MAX_LAG


@dataclass(frozen=True)
class SyncExpertConfig:
    """`frames` is the length that training clips are cut to; the weights of the two side losses are relative to the first."""

    steps: int = 600
    batch_size: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup_steps: int = 100
    validate_every: int = 100
    dimension: int = 64
    frames: int = 44
    window_loss: float = 0.5
    other_clips_loss: float = 0.25
    ema: float = 0.998


class SyncExpertTraining:
    """Trains `model.SyncExpert` on the judge-training speakers; negatives are other lags of the same clip, so that neither
    the speaker nor the emotion helps, and with less weight all windows of the other clips of the batch."""

    name: ClassVar[str] = "sync-expert"
    version: ClassVar[str] = "1"
    kind: ClassVar[str] = "sync-expert"
    speakers: ClassVar[tuple[Part, Part]] = (Part.JUDGE_TRAIN, Part.VALIDATION)
    chosen_by: ClassVar[tuple[str, Direction]] = ("windows", Direction.HIGHER)
    Config: ClassVar[type] = SyncExpertConfig

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: SyncExpertConfig) -> SyncClips:
        """The clips of at least `config.frames` frames in which a face was found."""
        return SyncClips(reader.each(example, clips), config.frames)

    def build(self, config: SyncExpertConfig) -> Any:
        """A fresh network with the two scales of its losses."""
        from metrics.sync_expert.model import SyncExpert

        self.config = config
        return SyncExpert(config.dimension)

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """Cross-entropy of the true lag given mean distances (clip) and single ones (window), and of the true window."""
        import torch
        from torch.nn import functional

        visual, audio = model.visual(batch["crops"]), model.audio(batch["mel"])  # (B, W, D)
        clips, windows = visual.shape[:2]
        there = batch["seen"].unfold(1, batch["seen"].shape[1] - windows + 1, 1).all(-1)  # (B, W)
        rng = context.rng
        heard, shown = (_spans(rng, clips, windows).to(there.device) for _ in range(2))
        distance = torch.cdist(visual, audio)  # (B, W, W)
        centre = torch.from_numpy(rng.integers(-MAX_LAG, MAX_LAG + 1, clips)).to(there.device)
        curves, pairs, usable = _curves(distance, there & shown, heard, centre)
        truth = MAX_LAG - centre  # place of lag 0
        scored = pairs.gather(1, truth[:, None])[:, 0] >= MIN_PAIRS
        logits = torch.where(pairs >= MIN_PAIRS, -model.clip_scale.exp() * curves, -torch.inf)
        clip = functional.cross_entropy(logits[scored], truth[scored])
        each, usable_each = usable
        logits = torch.where(usable_each, -model.window_scale.exp() * each, -torch.inf)  # (B, W, L)
        place = truth[:, None].expand(-1, windows)
        known = usable_each.gather(2, place[..., None])[..., 0]
        window = functional.cross_entropy(logits[known], place[known])
        flat = -model.window_scale.exp() * torch.cdist(visual.flatten(0, 1), audio.flatten(0, 1))
        which = torch.arange(len(flat), device=flat.device)[there.flatten()]
        others = functional.cross_entropy(flat[there.flatten()], which)
        loss = clip + self.config.window_loss * window + self.config.other_clips_loss * others
        right = (curves.where(pairs >= MIN_PAIRS, torch.inf).argmin(1) == truth)[scored].float().mean()
        return {"loss": loss, "clip": clip, "window": window, "others": others, "exact": right}

    def validate(self, model: Any, data: SyncClips, context: Context) -> Mapping[str, float]:
        """Shares 0..1: validation clips, each shifted by known amounts, whose offset is found; single windows likewise.

        Whole clips soon reach the top; single windows go on telling one checkpoint from another, so they choose.
        """
        found = find_all(model, data.examples, context.device)
        clips = {"exact": accuracy(found, 0), "within_1": accuracy(found, 1), "within_3": accuracy(found, 3)}
        return clips | {"windows": float(np.nanmean([one.windows for one in found]))}

    def card(self, model: Any, data: SyncClips, context: Context) -> Mapping[str, Any]:
        """Offset accuracy on validation speakers, whole and by part, and the scores of mismatched clips."""
        from metrics.sync_expert.validation import offset_report

        return offset_report(model, data.examples, context.device)


def _spans(rng: np.random.Generator, clips: int, windows: int) -> Any:
    """(B, W) bool: in each row a run of at least two thirds of the windows, so that true lags do not always overlap most."""
    import torch

    length = rng.integers(2 * windows // 3, windows + 1, clips)
    first = (rng.random(clips) * (windows - length + 1)).astype(int)
    place = np.arange(windows)
    return torch.from_numpy((place >= first[:, None]) & (place < (first + length)[:, None]))


def _curves(distance: Any, shown: Any, heard: Any, centre: Any) -> tuple[Any, Any, tuple[Any, Any]]:
    """Mean distance (B, L) at lags centre - 15 .. centre + 15, pairs (B, L), and both per window (B, W, L)."""
    import torch

    windows = distance.shape[1]
    place = torch.arange(windows, device=distance.device)
    lag = torch.arange(-MAX_LAG, MAX_LAG + 1, device=distance.device) + centre[:, None]  # (B, L)
    column = place[None, :, None] + lag[:, None]  # (B, W, L)
    inside = (column >= 0) & (column < windows)
    column = column.clamp(0, windows - 1)
    each = distance.gather(2, column)
    usable = inside & shown[..., None] & heard[:, None].expand(-1, windows, -1).gather(2, column)
    pairs = usable.sum(1)
    return (each * usable).sum(1) / pairs.clamp(min=1), pairs, (each, usable)
