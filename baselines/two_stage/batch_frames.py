"""A batch of crops as what the network takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baselines.two_stage.sampling import beginning
from baselines.two_stage.speech_to_cues import Frames, Said


def said_of(batch: Mapping[str, Any]) -> Said:
    """Emotion, level and reference face of a batch."""
    return Said(batch["emotion"], batch["level"], batch["face"])


def frames_of(network: Any, batch: Mapping[str, Any]) -> Frames:
    """The true cues of a batch, the frame before the first one included; of the reference where the clip begins."""
    code = network.coded(batch["expression"])
    frames = Frames(code, batch["lids"], batch["bins"].clamp(min=0), batch["gaze"], batch["pose"])
    start = beginning(len(code), code.shape[-1], code)
    found = []
    for true, rest in zip(frames, start, strict=True):
        true = true.clone()
        first = batch["first"].reshape(-1, 1, *[1] * (true.ndim - 2))
        true[:, :1] = rest.where(first, true[:, :1])
        found.append(true)
    return Frames(*found)
