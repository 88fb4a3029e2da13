"""What stage 1 does when it speaks freely, each frame seeing what was drawn before it and never a true one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from baselines.two_stage.batch_frames import frames_of, said_of
from baselines.two_stage.emotion_classifier import EmotionClassifier
from baselines.two_stage.sampling import noise, sample
from baselines.two_stage.sequences import Sequences
from baselines.two_stage.speech_to_cues import Frames, Said, SpeechToCues
from bench.contract.clip import FPS
from bench.contract.landmarks68 import MOUTH_20

TEMPERATURES = (0.4, 0.6, 0.8, 1.0)
WHOLE = 75
"""Frames of a clip that temperatures are compared on."""


def spoken_freely(
    network: SpeechToCues,
    classifier: EmotionClassifier,
    batch: Mapping[str, torch.Tensor],
    said: Said,
    now: Frames,
    temperature: float,
) -> dict[str, float]:
    """Mouth error in mm, share of closed eyes, changes of the left eye's direction a second, head speed in degrees/s, share of
    emotions that the classifier reads: of drawn cues (own) and of the true ones `now`."""
    drawn = torch.from_numpy(np.stack([noise(i, now.lids.shape[1]) for i in range(len(now.lids))]))
    own = sample(network, batch["columns"], said, drawn.to(now.code.device), temperature)
    lips = list(MOUTH_20)
    true = batch["expression"][:, 1:][..., lips, :]
    weight = batch["weight"]
    found = {
        "own_mouth_mm": _mean((network.decoded(own.code)[..., lips, :] - true).norm(dim=-1).mean(-1) * 10, weight),
        "still_mouth_mm": _mean(true.norm(dim=-1).mean(-1) * 10, weight),
    }
    for name, side in (("true", now), ("own", own)):
        answers = classifier(classifier.of_frames(side, network.shape.discretised) * weight[..., None]).argmax(-1)
        both = weight[:, 1:] * weight[:, :-1]
        found |= {
            f"shut_{name}": _mean(side.lids == 0, weight),
            f"looks_{name}": _mean(side.bins[..., 0].diff(dim=1) != 0, both) * FPS,
            f"speed_{name}": _mean(side.pose[..., :3].diff(dim=1).norm(dim=-1) * 10, both) * FPS,
            f"emotion_{name}": float((answers == said.emotion).float().mean()),
        }
    return found


def at_temperatures(
    network: SpeechToCues, classifier: EmotionClassifier, data: Sequences, device: str
) -> dict[str, dict[str, float]]:
    """`spoken_freely` of the first WHOLE frames of every clip, by temperature."""
    clips = Sequences(data.sequences, WHOLE)
    rows = [clips.row(one, 0) for one in clips.sequences]
    batch = {name: torch.from_numpy(np.stack([row[name] for row in rows])).to(device) for name in rows[0]}
    said, now = said_of(batch), frames_of(network, batch).at(1, WHOLE + 1)
    return {f"{t:g}": spoken_freely(network, classifier, batch, said, now, t) for t in TEMPERATURES}


def _mean(values: torch.Tensor, weight: torch.Tensor) -> float:
    return float((values * weight).sum() / weight.sum())
