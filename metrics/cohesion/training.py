"""Training the cohesion matcher on real cues: a clip's own streams against the same with one stream of another clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bench.contract.clip import Clip, Part
from bench.contract.metric import Direction
from bench.contract.train import ClipReader, Context, TrainingData
from metrics.cohesion.crosstalk import mixed
from metrics.cohesion.embedding import auc, embed
from metrics.cohesion.features import HOP, bridged, cut, streams_of, window_starts
from metrics.cohesion.model import make_matcher, scores
from metrics.cohesion.streams import STREAMS, WINDOW
from metrics.cohesion.swaps import groups_of

KEPT = "cohesion-streams-v1"
SAME_CLIP = 0.3
"""Share of the swapped streams that come from the same clip at another time, where it is long enough."""
APART = 12
"""Frames by which such a window is shifted at least."""


@dataclass(frozen=True)
class CohesionConfig:
    steps: int = 800
    batch_size: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 80
    validate_every: int = 100
    ema: float = 0.99
    width: int = 32
    channels: int = 4
    negatives: int = 3
    """Swapped windows for each own one."""
    mixing: float = 1.5
    """How much of each stream is mixed into the others while training, in units of metrics/cohesion/crosstalk.py."""


@dataclass
class CohesionData:
    """Streams of clips in memory, and who and what they are of."""

    clips: list[dict[str, np.ndarray]]
    """Stream -> (T, C) float32, without gaps."""
    starts: list[list[int]]
    others: list[list[int]]
    speakers: list[str]
    emotions: list[str]
    negatives: int

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Any]:
        """Stream -> (size, 1 + negatives, C, WINDOW): the clip's own window, then windows to take a stream from."""
        rows: dict[str, list[np.ndarray]] = {name: [] for name in STREAMS}
        for _ in range(size):
            i = int(rng.integers(len(self.clips)))
            start = int(rng.choice(self.starts[i]))
            places = [(i, start)] + [self._elsewhere(rng, i, start) for _ in range(self.negatives)]
            for name in STREAMS:
                rows[name].append(np.stack([self.window(name, j, s) for j, s in places]))
        return {name: np.stack(row) for name, row in rows.items()}

    def window(self, name: str, clip: int, start: int) -> np.ndarray:
        """(C, WINDOW) of a stream."""
        return self.clips[clip][name][start : start + WINDOW].T

    def _elsewhere(self, rng: np.random.Generator, i: int, start: int) -> tuple[int, int]:
        shifted = [s for s in self.starts[i] if abs(s - start) >= APART]
        if shifted and (rng.random() < SAME_CLIP or not self.others[i]):
            return i, int(rng.choice(shifted))
        j = int(rng.choice(self.others[i]))
        # at the same time: clips begin and end alike, and how far into its clip a window is must not tell them apart
        return j, min(self.starts[j], key=lambda s: abs(s - start))


class Cohesion:
    """The trainable: contrastive; for each stream, the own one must score above those of other clips."""

    name: ClassVar[str] = "cohesion"
    version: ClassVar[str] = "1"
    kind: ClassVar[str] = "cohesion"
    speakers: ClassVar[tuple[Part, Part]] = (Part.JUDGE_TRAIN, Part.VALIDATION)
    chosen_by: ClassVar[tuple[str, Direction]] = ("auc", Direction.HIGHER)
    Config: ClassVar[type] = CohesionConfig

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: CohesionConfig) -> TrainingData:
        """Clips with an emotion and at least one usable window; those that no other can be swapped with are left out."""
        found = reader.each(kept_streams, clips)
        usable = [(clip, streams) for clip, streams in zip(clips, found, strict=True) if streams and clip.emotion]
        starts = [window_starts(streams, hop=1) for _, streams in usable]
        keep = [i for i, places in enumerate(starts) if any(s % HOP == 0 for s in places)]
        speakers, emotions = [usable[i][0].speaker for i in keep], [str(usable[i][0].emotion) for i in keep]
        others = groups_of(speakers, emotions)
        lonely = {i for i, alike in enumerate(others) if not alike}
        if lonely:  # nobody's partner either
            keep = [k for i, k in enumerate(keep) if i not in lonely]
            speakers, emotions = [usable[i][0].speaker for i in keep], [str(usable[i][0].emotion) for i in keep]
            others = groups_of(speakers, emotions)
        tracks = [{name: bridged(track) for name, track in usable[i][1].items()} for i in keep]
        return CohesionData(tracks, [starts[i] for i in keep], others, speakers, emotions, config.negatives)

    def build(self, config: CohesionConfig) -> Any:
        """The matcher."""
        matcher = make_matcher(config.width, config.channels)
        matcher.mixing = config.mixing
        return matcher

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """Cross-entropy of picking the own stream among the swapped ones, mean over the three streams."""
        import torch
        from torch.nn import functional

        count = batch["pose"].shape[1]
        losses = {}
        triples = {name: [] for name in STREAMS}
        for stream in STREAMS:  # (B, count): the own windows, with this one stream from each place in turn
            for name in STREAMS:
                windows = batch[name]
                triples[name].append(windows if name == stream else windows[:, :1].expand_as(windows))
        together = {name: torch.cat(rows, 1).flatten(0, 1) for name, rows in triples.items()}  # (B * 3 * count, C, T)
        outputs = model(mixed(together, model.mixing))
        found = scores(outputs).sum(-1).unflatten(0, (-1, 3, count))
        target = torch.zeros(found.shape[0], dtype=torch.long, device=found.device)
        for index, stream in enumerate(STREAMS):
            losses[stream] = functional.cross_entropy(found[:, index], target)
        return {"loss": sum(losses.values()) / len(STREAMS), **losses}

    def validate(self, model: Any, data: CohesionData, context: Context) -> Mapping[str, float]:
        """AUC of own against swapped streams as the metric computes it: of each swapped stream, and their mean."""
        return auc_of(model, data, context.device)

    def card(self, model: Any, data: CohesionData, context: Context) -> Mapping[str, Any]:
        """AUC on the validation speakers, on how many clips, and what was looked at."""
        return {
            **auc_of(model, data, context.device),
            "n_clips": len(data),
            "streams": list(STREAMS),
            "window": WINDOW,
        }


def kept_streams(clip: Clip, reader: ClipReader) -> dict[str, np.ndarray]:
    """Stream -> (T, C) float32 of a clip, kept on disk: the cues are a hundred times as large."""
    return dict(reader.keep(KEPT, clip, lambda: streams_of(reader.cues(clip))))


def auc_of(model: Any, data: CohesionData, device: str) -> dict[str, float]:
    """ "auc", and "auc_<stream>" of swapping one stream: means over clips."""
    outputs = []
    for tracks, starts in zip(data.clips, data.starts, strict=True):
        outputs.append(embed(model, cut(tracks, [s for s in starts if s % HOP == 0]), device))
    return auc(outputs, data.speakers, data.emotions)
