"""Stage 1 in use: cues drawn frame by frame, each seen by the next."""

from __future__ import annotations

import numpy as np
import torch

from baselines.two_stage import gaze_bins
from baselines.two_stage.cue_space import LID_EDGES
from baselines.two_stage.speech_to_cues import POSE, Frames, Said, SpeechToCues

DRAWS = 4 + POSE
"""Random numbers of a frame: lids, left eye, right eye, kind of pose, pose."""


def noise(seed: int, frames: int) -> np.ndarray:
    """(frames, DRAWS) uniform numbers: of more frames the first ones are the same."""
    return np.random.default_rng(seed).random((frames, DRAWS), np.float32)


def beginning(batch: int, codes: int, like: torch.Tensor) -> Frames:
    """The frame before the first one: the reference itself, (batch, 1)."""
    straight = int(gaze_bins.to_bins(np.zeros(2)))
    rest = int(np.digitize(1.0, LID_EDGES))

    def full(value: int, *shape: int) -> torch.Tensor:
        return torch.full((batch, 1, *shape), value, dtype=torch.long, device=like.device)

    zeros = like.new_zeros(batch, 1, codes + 4 + POSE)
    code, gaze, pose = zeros.split([codes, 4, POSE], -1)
    return Frames(code, full(rest), full(straight, 2), gaze.unflatten(-1, (2, 2)), pose)


def sample(
    model: SpeechToCues, columns: torch.Tensor, said: Said, drawn: torch.Tensor, temperature: float = 1.0
) -> Frames:
    """Cues (B, T) of MFCC (B, 4 T, 20); `drawn` (B, T, DRAWS) uniform numbers.

    Temperature 0 takes what is most likely. Above it, what is rare (lids that close, heads that begin to
    turn) is drawn at 1: less would take it away.
    A clip does not depend on those beside it, and its first frames not on how long it is, but for the look-ahead.
    """
    model.eval()
    with torch.inference_mode():
        heard, kept = model.heard(columns), None
        before, found = beginning(len(columns), model.shape.codes, columns), []
        for t in range(heard[0].shape[1]):
            states, kept = model.hidden([h[:, t : t + 1] for h in heard], said, before, kept, t)
            before = draw(model, states, before, drawn[:, t : t + 1], temperature)
            found.append(before)
    return Frames(*(torch.cat(parts, 1) for parts in zip(*found, strict=True)))


def draw(
    model: SpeechToCues, states: list[torch.Tensor], before: Frames, drawn: torch.Tensor, temperature: float
) -> Frames:
    """The cues of the frames that these states are of, each drawn given those that were drawn before it."""
    now = before
    now = now._replace(lids=_choice(model.guess(states, now, before).lids, drawn[..., 0], float(temperature > 0)))
    guess = model.guess(states, now, before)
    left = _choice(guess.left, drawn[..., 1], temperature)
    now = now._replace(bins=torch.stack([left, now.bins[..., 1]], -1), gaze=guess.gaze)
    right = _choice(model.guess(states, now, before).right, drawn[..., 2], temperature)
    now = now._replace(bins=torch.stack([left, right], -1))
    guess = model.guess(states, now, before)
    kind = _choice(guess.kind, drawn[..., 3], float(temperature > 0))[..., None, None].expand(
        *guess.kind.shape[:-1], 1, POSE
    )
    mean, doubt = (of_kinds.gather(-2, kind).squeeze(-2) for of_kinds in (guess.pose, guess.doubt))
    spread = torch.special.ndtri(drawn[..., 4:].clamp(1e-4, 1 - 1e-4))
    now = now._replace(pose=mean + temperature * doubt.exp() * spread)
    guess = model.guess(states, now, before)
    return now._replace(code=guess.code, gaze=guess.gaze)


def _choice(logits: torch.Tensor, drawn: torch.Tensor, temperature: float) -> torch.Tensor:
    """Of logits (..., N) one number by its share, by a uniform number each (...)."""
    if temperature == 0:
        return logits.argmax(-1)
    share = (logits / temperature).softmax(-1).cumsum(-1)
    return (share < drawn[..., None]).sum(-1).clamp(max=logits.shape[-1] - 1)
