"""How the two judges are trained, chosen and measured on validation speakers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bench.contract.clip import EMOTIONS, Clip, Part
from bench.contract.metric import Direction
from bench.contract.train import ClipReader, Context
from metrics.judge.answers import clip_probabilities, cue_probabilities
from metrics.judge.data import FaceClips, classes_of, example
from metrics.judge.geometry_data import CueClips, cue_example
from metrics.judge.probes import PROBES, figures

SMOOTHING = 0.05
"""Share of the label that is spread over all classes (label smoothing)."""


@dataclass(frozen=True)
class JudgeConfig:
    """`frames` are drawn of each clip in training; `cue_loss` weighs the side task of reading the cues off the picture."""

    steps: int = 900
    batch_size: int = 24
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup_steps: int = 50
    validate_every: int = 75
    ema: float = 0.98
    frames: int = 8
    features: int = 128
    dropout: float = 0.3
    cue_loss: float = 1.0


class _Judge:
    """Common to both: who is trained on, how the best is chosen."""

    version: ClassVar[str] = "1"
    kind: ClassVar[str] = "judge"
    speakers: ClassVar[tuple[Part, Part]] = (Part.JUDGE_TRAIN, Part.VALIDATION)
    chosen_by: ClassVar[tuple[str, Direction]] = ("cross_entropy", Direction.LOWER)
    classes: tuple[str, ...] = EMOTIONS
    """Until the training clips have been read, as many as there may be."""

    def learn_classes(self, clips: Sequence[Clip]) -> None:
        """The classes are the emotions of the training part, which comes first; validation clips of others are left out."""
        if clips and clips[0].part == self.speakers[0]:
            self.classes = classes_of(clips)

    def _measured(self, data: Any, ask: Callable[[Any], np.ndarray]) -> dict[str, Any]:
        """What stands in the card of the validation clips, `ask(example)` -> (C,) probabilities."""
        return figures(np.stack([ask(e) for e in data.examples]), [e.clip for e in data.examples], self.classes)


def _validation(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import f1_score

    said = probabilities.argmax(1)
    right = probabilities[np.arange(len(labels)), labels]
    return {
        "cross_entropy": float(-np.log(np.maximum(right, 1e-6)).mean()),
        "accuracy": float((said == labels).mean()),
        "macro_f1": float(f1_score(labels, said, labels=np.unique(labels), average="macro", zero_division=0)),
    }


class JudgeTraining(_Judge):
    """Trains the frame judge; `cross_entropy` on whole validation clips chooses the checkpoint."""

    name: ClassVar[str] = "judge"
    Config: ClassVar[type] = JudgeConfig

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: JudgeConfig) -> FaceClips:
        """Clips with five or more frames with a face."""
        self.learn_classes(clips)
        return FaceClips(reader.each(example, clips), self.classes, config.frames)

    def build(self, config: JudgeConfig) -> Any:
        from metrics.judge.model_frames import FrameJudge

        self.config = config
        return FrameJudge(len(self.classes), features=config.features, dropout=config.dropout)

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """Cross-entropy of the clip's emotion, and the mean Huber loss of the frames' cues."""
        from torch.nn import functional

        from metrics.judge.alterations import altered
        from metrics.judge.model_frames import scaled

        pictures, mirrored = altered(scaled(batch["pictures"]))
        clips, frames = pictures.shape[:2]
        features = model.embed(pictures.flatten(0, 1))
        logits = model.pool(features.view(clips, frames, -1))
        emotion = functional.cross_entropy(logits, batch["labels"], label_smoothing=SMOOTHING)
        known = batch["cues"].isfinite() & ~mirrored[:, None, None]
        read = model.cues(features).view(clips, frames, -1)
        cues = functional.smooth_l1_loss(read[known], batch["cues"][known]) if known.any() else 0.0 * emotion
        right = (logits.argmax(1) == batch["labels"]).float().mean()
        return {"loss": emotion + self.config.cue_loss * cues, "emotion": emotion, "cues": cues, "right": right}

    def validate(self, model: Any, data: FaceClips, context: Context) -> Mapping[str, float]:
        """cross_entropy, accuracy and macro-F1 of whole clips, as in scoring."""
        given = [clip_probabilities(model, e.pictures, context.device) for e in data.examples]
        return _validation(np.stack(given), data.labels)

    def card(self, model: Any, data: FaceClips, context: Context) -> Mapping[str, Any]:
        """Figures on validation speakers, and the accuracy with a part of the face hidden, the head steadied, or one frame."""

        def ask(alter: Callable[..., np.ndarray]) -> Callable[[Any], np.ndarray]:
            return lambda e: clip_probabilities(model, alter(e.pictures, e.landmarks), context.device)

        whole = self._measured(data, ask(lambda pictures, _: pictures))
        probes = {name: self._measured(data, ask(alter))["accuracy"] for name, alter in PROBES.items()}
        return {"classes": list(self.classes), **whole, "probes": probes, "weights": _size(model)}


@dataclass(frozen=True)
class GeometryJudgeConfig:
    """`frames` is the length that training clips are cut to, where they are longer."""

    steps: int = 500
    batch_size: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 50
    validate_every: int = 50
    frames: int = 40
    width: int = 64
    dropout: float = 0.4


class GeometryJudgeTraining(_Judge):
    """Trains the geometry judge, which sees the cues of the clip and no picture."""

    name: ClassVar[str] = "judge-geometry"
    Config: ClassVar[type] = GeometryJudgeConfig
    moments: tuple[np.ndarray, np.ndarray] | None = None
    """Mean and standard deviation of the training clips' features."""

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: GeometryJudgeConfig) -> CueClips:
        """Clips with ten or more frames with a face."""
        self.learn_classes(clips)
        data = CueClips(reader.each(cue_example, clips), self.classes, config.frames)
        if clips and clips[0].part == self.speakers[0]:
            self.moments = data.moments()
        return data

    def build(self, config: GeometryJudgeConfig) -> Any:
        from metrics.judge.model_geometry import GeometryJudge

        model = GeometryJudge(len(self.classes), width=config.width, dropout=config.dropout)
        if self.moments is not None:
            model.standardise_by(*self.moments)
        return model

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """Cross-entropy of the clip's emotion."""
        from torch.nn import functional

        logits = model(batch["features"], noisy=True)
        loss = functional.cross_entropy(logits, batch["labels"], label_smoothing=SMOOTHING)
        return {"loss": loss, "right": (logits.argmax(1) == batch["labels"]).float().mean()}

    def validate(self, model: Any, data: CueClips, context: Context) -> Mapping[str, float]:
        """cross_entropy, accuracy and macro-F1 of whole clips, as in scoring."""
        given = [cue_probabilities(model, e.features, context.device) for e in data.examples]
        return _validation(np.stack(given), data.labels)

    def card(self, model: Any, data: CueClips, context: Context) -> Mapping[str, Any]:
        """Figures on validation speakers, and the accuracy with one group of cues held at its mean over the clip, or taken away."""
        from metrics.judge.geometry_data import hidden, stilled

        def ask(alter: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], np.ndarray]:
            return lambda e: cue_probabilities(model, alter(e.features), context.device)

        whole = self._measured(data, ask(lambda features: features))
        alterations = stilled() | hidden(model.middle.cpu().numpy())
        probes = {name: self._measured(data, ask(alter))["accuracy"] for name, alter in alterations.items()}
        return {"classes": list(self.classes), **whole, "probes": probes, "weights": _size(model)}


def _size(model: Any) -> int:
    return sum(p.numel() for p in model.parameters())
