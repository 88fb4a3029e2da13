"""How stage 1 learns: the next frame from true ones and, more and more, from its own; an emotion classifier looks over its shoulder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from baselines.two_stage.sequences import Sequences, read_spoken
from bench.contract.clip import EMOTIONS, Clip, Part
from bench.contract.eyes import EYES
from bench.contract.landmarks68 import MOUTH_20
from bench.contract.metric import Direction
from bench.contract.train import ClipReader, Context

CUES, CLASSIFIER = "cues", "classifier"
EYELIDS = tuple(i for eye in EYES for i in (*eye["upper"], *eye["lower"]))
USUAL = 0.1
"""cm at which a squared error counts as much as the error itself."""
OWN_CROPS = 64
"""Validation crops that are also spoken freely, each frame seeing what was drawn before it."""


@dataclass(frozen=True)
class SpeechToCuesConfig:
    """Sizes as in speech_to_cues.Shape. Switches for ablations: `classifier` loss, `discretised` gaze, `joint` generation,
    `scheduled` sampling in up to the share `own` of clips, `emotion` label. `temperature` of
    gaze and pose when it speaks, chosen on validation speakers. `voice` and `strangers` as in sequences.Sequences. The rest
    weighs the losses."""

    steps: int = 2000
    batch_size: int = 16
    learning_rate: float = 5e-4
    weight_decay: float = 0.02
    warmup_steps: int = 200
    validate_every: int = 250
    ema: float = 0.995
    clip_norm: float = 1.0
    length: int = 40
    width: int = 192
    layers: int = 4
    heads: int = 4
    window: int = 64
    codes: int = 64
    dropout: float = 0.1
    temperature: float = 1.0
    classifier: bool = True
    discretised: bool = True
    joint: bool = True
    scheduled: bool = True
    emotion: bool = True
    own: float = 0.9
    voice: float = 0.4
    strangers: float = 0.5
    points: float = 20.0
    mouth: float = 4.0
    eyelids: float = 4.0
    velocity: float = 2.0
    lids: float = 0.3
    gaze: float = 0.3
    pose: float = 0.2
    feeling: float = 0.1


class SpeechToCuesTraining:
    """Trainable `speech_to_cues`: method-training speakers, chosen by its loss on validation speakers."""

    name: ClassVar[str] = "speech_to_cues"
    version: ClassVar[str] = "6"
    kind: ClassVar[str] = "method"
    speakers: ClassVar[tuple[Part, Part]] = (Part.METHOD_TRAIN, Part.VALIDATION)
    chosen_by: ClassVar[tuple[str, Direction]] = ("loss", Direction.LOWER)
    Config: ClassVar[type] = SpeechToCuesConfig
    phases: ClassVar[tuple[str, ...]] = (CUES, CLASSIFIER)
    largest_file: ClassVar[int] = 16_000_000
    ships: ClassVar[str] = "cues."

    def __init__(self) -> None:
        self._code: tuple[np.ndarray, np.ndarray] | None = None

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: SpeechToCuesConfig) -> Sequences:
        """Crops of these clips; the face code is found on the training part, which comes first."""
        from baselines.two_stage.face_code import principal

        spoken = read_spoken(clips, reader)
        if self._code is None:
            self._code = principal([one.expression for one in spoken], config.codes)
        return Sequences(spoken, config.length, config.voice, config.strangers)

    def build(self, config: SpeechToCuesConfig) -> Any:
        """The network and the classifier."""
        from torch import nn

        from baselines.two_stage.emotion_classifier import EmotionClassifier

        self.config = config
        model = build_speech_to_cues(config, self._code)
        return nn.ModuleDict({"cues": model, "classifier": EmotionClassifier(model.shape)})

    def parameters(self, model: Any, phase: str) -> Iterable[Any]:
        """The network's, or the classifier's."""
        return model["cues" if phase == CUES else "classifier"].parameters()

    def active(self, phase: str, context: Context) -> bool:
        """The classifier is not needed where its loss is switched off."""
        return phase == CUES or self.config.classifier

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """The network's losses on what it generates, or the classifier's on true cues."""
        import torch
        from torch.nn import functional

        from baselines.two_stage.batch_frames import frames_of, said_of

        network, classifier, config = model["cues"], model["classifier"], self.config
        said, true = said_of(batch), frames_of(network, batch)
        before, now = true.at(0, config.length), true.at(1, config.length + 1)
        if context.phase == CLASSIFIER:
            numbers = classifier.of_frames(now, config.discretised) * batch["weight"][..., None]
            loss = functional.cross_entropy(classifier(numbers), said.emotion, label_smoothing=0.05)
            return {"loss": loss}
        heard = network.heard(batch["columns"])
        if config.scheduled:
            share = config.own * min(1.0, 2 * context.step / context.steps)
            own = torch.rand(len(now.lids), device=now.code.device) < share
            if own.any():
                before = _spoken(network, heard, said, before, now, own)
        guess = network.guess(network.hidden(heard, said, before)[0], now, before)
        losses = self._terms(network, guess, now, batch)
        if config.classifier:
            numbers = classifier.of_guess(guess, config.discretised) * batch["weight"][..., None]
            losses["feeling"] = functional.cross_entropy(classifier(numbers), said.emotion)
        return {"loss": sum(getattr(config, name) * value for name, value in losses.items()), **losses}

    def _terms(self, network: Any, guess: Any, now: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
        """The network's losses without the classifier's, each a mean over frames that are there."""
        from torch.nn import functional

        weight = batch["weight"]

        def mean(values: Any) -> Any:
            return (values * weight).sum() / weight.sum()

        def chosen(logits: Any, true: Any) -> Any:
            return mean(functional.cross_entropy(logits.transpose(1, 2), true.clamp(min=0), reduction="none"))

        wanted = batch["expression"][:, 1:]
        made = network.decoded(guess.code)
        # squares, so that of what the sound does not tell the mean is learnt: the median is nearer to no expression at all
        error = (made - wanted).square().mean(-1) / USUAL
        lips, eyes = (error[..., list(some)].mean(-1) for some in (MOUTH_20, EYELIDS))
        both = weight[:, 1:] * weight[:, :-1]
        change = ((made.diff(dim=1) - wanted.diff(dim=1)).abs().mean((-1, -2)) * both).sum() / both.sum().clamp(min=1)
        off = 0.5 * ((now.pose[..., None, :] - guess.pose) / guess.doubt.exp()) ** 2 + guess.doubt
        pose = -(guess.kind.log_softmax(-1) - off.sum(-1)).logsumexp(-1) / off.shape[-1]
        gaze = 5 * mean((guess.gaze - now.gaze).abs().mean((-1, -2)))
        if self.config.discretised:
            gaze = gaze + chosen(guess.left, now.bins[..., 0]) + chosen(guess.right, now.bins[..., 1])
        return {
            "points": mean(error.mean(-1)),
            "mouth": mean(lips),
            "eyelids": mean(eyes),
            "velocity": change,
            "lids": chosen(guess.lids, now.lids),
            "gaze": gaze,
            "pose": mean(pose),
        }

    def validate(self, model: Any, data: Sequences, context: Context) -> Mapping[str, float]:
        """Losses with true frames before each, and what `spoken_freely` finds."""
        import torch

        from baselines.two_stage.batch_frames import frames_of, said_of
        from baselines.two_stage.free_running import spoken_freely

        network, classifier, config = model["cues"], model["classifier"], self.config
        rows = [data.row(one, 0) for one in data.sequences][:OWN_CROPS]
        batch = {n: torch.from_numpy(np.stack([r[n] for r in rows])).to(context.device) for n in rows[0]}
        said, true = said_of(batch), frames_of(network, batch)
        before, now = true.at(0, config.length), true.at(1, config.length + 1)
        guess = network.guess(network.hidden(network.heard(batch["columns"]), said, before)[0], now, before)
        terms = {name: float(value) for name, value in self._terms(network, guess, now, batch).items()}
        free = spoken_freely(network, classifier, batch, said, now, config.temperature)
        return {"loss": sum(getattr(config, n) * v for n, v in terms.items()), **terms, **free}

    def card(self, model: Any, data: Sequences, context: Context) -> Mapping[str, Any]:
        """Whole validation clips spoken freely at several temperatures: what `temperature` was chosen by."""
        from baselines.two_stage.free_running import at_temperatures

        return {
            "classes": list(EMOTIONS),
            "validation_clips": len(data),
            "temperatures": at_temperatures(model["cues"], model["classifier"], data, context.device),
        }


def build_speech_to_cues(config: Any, code: tuple[np.ndarray, np.ndarray] | None = None) -> Any:
    """The network of a configuration, or of what a card says of one; `code` is left to the weights where there are some."""
    import torch

    from baselines.two_stage.speech_to_cues import Shape, SpeechToCues
    from bench.contract.geometry import N_MESH

    config = SimpleNamespace(**config) if isinstance(config, Mapping) else config
    shape = Shape(**{name: getattr(config, name) for name in Shape.__dataclass_fields__})
    basis, spread = code or (np.zeros((shape.codes, 3 * N_MESH), np.float32), np.ones(shape.codes, np.float32))
    return SpeechToCues(shape, torch.from_numpy(basis), torch.from_numpy(spread))


def _spoken(network: Any, heard: Any, said: Any, before: Any, now: Any, own: Any) -> Any:
    """The cues before each frame, with landmarks that the network itself says, frame after frame, in the clips of `own` (B,).

    Lids, gaze and head stay true: they are drawn, and what follows on another draw is not what followed on the true one.
    Half of them begin with the reference's face wherever the crop begins, as every clip does in use: a face that is told an
    emotion has it at once, and does not grow into it from a neutral one.
    """
    import torch

    training = network.training
    network.eval()
    some = [h[own] for h in heard]
    who, past, told = (type(part)(*(t[own] for t in part)) for part in (said, before, now))
    fresh = torch.rand(len(past.code), 1, 1, device=past.code.device) < 0.5
    codes, kept = [past.code[:, :1].masked_fill(fresh, 0)], None
    with torch.no_grad():
        for t in range(past.code.shape[1] - 1):
            here = past.at(t, t + 1)._replace(code=codes[-1])
            states, kept = network.hidden([h[:, t : t + 1] for h in some], who, here, kept, t)
            codes.append(network.guess(states, told.at(t, t + 1), here).code)
    network.train(training)
    code = before.code.clone()
    code[own] = torch.cat(codes, 1)
    return before._replace(code=code)
