"""Stage 1: speech, an emotion and a reference face -> landmarks, gaze and head pose, frame by frame, of one hidden state.

In a frame the state of the lids is drawn first, then the left eye's direction, the right eye's given the left one's, then
head pose; the landmarks follow from all of them. The next frame sees what was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from baselines.two_stage import gaze_bins
from baselines.two_stage.attention import Kept, Transformer
from baselines.two_stage.cue_space import LIDS
from baselines.two_stage.sound_network import SoundNetwork
from bench.contract.clip import EMOTIONS
from bench.contract.geometry import N_MESH

POSE = 7
LEVELS = 3
KINDS = 4


class Frames(NamedTuple):
    """Cues of B clips: `code` (B, T, codes), `lids` (B, T), `bins` (B, T, 2) int64, `gaze` (B, T, 2, 2) in
    units of 10 degrees, `pose` (B, T, 7); where gaze is not discretised, the bins say nothing."""

    code: torch.Tensor
    lids: torch.Tensor
    bins: torch.Tensor
    gaze: torch.Tensor
    pose: torch.Tensor

    def at(self, start: int, end: int) -> Frames:
        """Some frames."""
        return Frames(*(t[:, start:end] for t in self))


class Said(NamedTuple):
    """What the speaker is to be: `emotion` (B,) and `level` (B,) int64, `face` (B, 478 * 3) the reference's landmarks."""

    emotion: torch.Tensor
    level: torch.Tensor
    face: torch.Tensor


class Guess(NamedTuple):
    """What the network says of each frame.

    Logits of lids and directions; `gaze`, the middle of the true or drawn direction and the place around it that is
    regressed, or where gaze is not discretised all of it; the code of the landmarks; the pose as a mixture of KINDS
    Gaussians: logits `kind` (.., KINDS), means `pose` and log deviations `doubt` (.., KINDS, 7), since a head that rests and
    a head that turns are two things, and their mean is a trembling one.
    """

    lids: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    gaze: torch.Tensor
    kind: torch.Tensor
    pose: torch.Tensor
    doubt: torch.Tensor
    code: torch.Tensor

    @property
    def expected_pose(self) -> torch.Tensor:
        """(.., 7) the mean of the mixture."""
        return (self.kind.softmax(-1)[..., None] * self.pose).sum(-2)


@dataclass(frozen=True)
class Shape:
    """Sizes of the network, and its ablations: `discretised` gaze, `joint` generation, `emotion` label given."""

    width: int = 192
    layers: int = 4
    heads: int = 4
    window: int = 64
    codes: int = 64
    dropout: float = 0.1
    discretised: bool = True
    joint: bool = True
    emotion: bool = True


class SpeechToCues(nn.Module):
    """`basis` (codes, 468 * 3) and `spread` (codes,) are data's principal movements (face_code.py)."""

    def __init__(self, shape: Shape, basis: torch.Tensor, spread: torch.Tensor):
        super().__init__()
        self.shape = shape
        w = shape.width
        self.register_buffer("basis", basis)
        self.register_buffer("spread", spread)
        # separate generation: one network for each cue, none of which sees another's
        self.streams = nn.ModuleList(_Stream(shape, seen) for seen in ([_ALL] if shape.joint else _APART))
        self.lids = nn.Linear(w, LIDS)
        self.left = nn.Linear(w, gaze_bins.COUNT)
        self.right = nn.Linear(w + _EYE, gaze_bins.COUNT)
        # where around the middle of its bin an eye looks: eyes that hold their aim turn slowly against the head
        self.gaze = nn.Linear(w + ((2 * _EYE + POSE * shape.joint) if shape.discretised else 0), 4)
        self.pose = nn.Linear(w + (_LID + 2 * _EYE if shape.joint else 0), KINDS * (1 + 2 * POSE))
        told = _LID + 2 * _EYE + POSE if shape.joint else _LID
        self.face = nn.Sequential(nn.Linear(w + told, w), nn.GELU(), nn.Linear(w, shape.codes))
        self.embed_lids, self.embed_eye = nn.Embedding(LIDS, _LID), nn.Embedding(gaze_bins.COUNT, _EYE)
        self.embed_gaze = nn.Linear(2, _EYE)
        middles = gaze_bins.to_angles(np.arange(gaze_bins.COUNT)).astype(np.float32) / 10
        self.register_buffer("middles", torch.from_numpy(middles), persistent=False)
        for last in (self.pose, self.face[-1], self.gaze):
            nn.init.normal_(last.weight, std=1e-2)
            nn.init.zeros_(last.bias)
        with torch.no_grad():  # from a head that rests to one that turns
            self.pose.bias.view(KINDS, -1)[:, 1 + POSE :] = torch.linspace(-3.5, -1, KINDS)[:, None]

    def decoded(self, code: torch.Tensor) -> torch.Tensor:
        """Movements (..., 468, 3) cm of codes (..., codes)."""
        return (code * self.spread @ self.basis).unflatten(-1, (N_MESH, 3))

    def coded(self, movement: torch.Tensor) -> torch.Tensor:
        """Codes (..., codes) of movements (..., 468, 3) cm."""
        return movement.flatten(-2) @ self.basis.T / self.spread

    def heard(self, columns: torch.Tensor) -> list[torch.Tensor]:
        """(B, T, width) for each stream of MFCC (B, 4 T, 20)."""
        return [stream.sound(columns) for stream in self.streams]

    def hidden(
        self, heard: list[torch.Tensor], said: Said, before: Frames, kept: list[Kept] | None = None, start: int = 0
    ) -> tuple[list[torch.Tensor], list[Kept]]:
        """The state of each stream, (B, T, width), of frames start .. start + T: `before` are the cues before each of them."""
        parts = self._embedded(before)
        found = [
            stream(heard[i], said, parts, kept[i] if kept else None, start) for i, stream in enumerate(self.streams)
        ]
        return [x for x, _ in found], [k for _, k in found]

    def guess(self, states: list[torch.Tensor], now: Frames, before: Frames) -> Guess:
        """All heads at once, each given the true cues `now` that are drawn before its own."""
        face, look, head = states if not self.shape.joint else states * 3
        lids = self.lids(face)
        left, right = self.left(look), self.right(torch.cat([look, self._eye(now, 0)], -1))
        drawn = [self.embed_lids(now.lids), self._eye(now, 0), self._eye(now, 1)]
        mixture = self.pose(torch.cat([head, *drawn] if self.shape.joint else [head], -1)).unflatten(-1, (KINDS, -1))
        kind, step, doubt = mixture[..., 0], mixture[..., 1 : 1 + POSE], mixture[..., 1 + POSE :]
        told = [*drawn, now.pose] if self.shape.joint else drawn[:1]
        if self.shape.discretised:
            seen = [look, *drawn[1:], *([now.pose - before.pose] if self.shape.joint else [])]
            gaze = self.middles[now.bins] + 0.3 * self.gaze(torch.cat(seen, -1)).unflatten(-1, (2, 2))
        else:
            gaze = before.gaze + self.gaze(look).unflatten(-1, (2, 2))
        pose = before.pose[..., None, :] + step
        code = self.face(torch.cat([face, *told], -1))
        return Guess(lids, left, right, gaze, kind, pose, doubt.clamp(-6, 2), code)

    def _eye(self, frames: Frames, eye: int) -> torch.Tensor:
        if self.shape.discretised:
            return self.embed_eye(frames.bins[..., eye])
        return self.embed_gaze(frames.gaze[..., eye, :])

    def _embedded(self, before: Frames) -> dict[str, torch.Tensor]:
        return {
            "face": torch.cat([before.code, self.embed_lids(before.lids)], -1),
            "gaze": torch.cat([self._eye(before, 0), self._eye(before, 1), before.gaze.flatten(-2)], -1),
            "pose": before.pose,
        }


_LID, _EYE = 8, 16
_ALL = ("face", "gaze", "pose")
_APART = (("face",), ("gaze",), ("pose",))


class _Stream(nn.Module):
    """Sound, emotion, reference and the cues before -> states."""

    def __init__(self, shape: Shape, seen: tuple[str, ...]):
        super().__init__()
        self.seen, self.told = seen, shape.emotion
        w = shape.width
        widths = {"face": shape.codes + _LID, "gaze": 2 * _EYE + 4, "pose": POSE}
        self.sound = SoundNetwork(w)
        self.emotion, self.level = nn.Embedding(len(EMOTIONS), w), nn.Embedding(LEVELS + 1, w)
        self.mood = nn.Embedding(len(EMOTIONS) * (LEVELS + 1), w)
        nn.init.normal_(self.mood.weight, std=0.1)
        self.reference = nn.Sequential(nn.Linear(3 * 478, w), nn.GELU(), nn.Linear(w, w))
        self.before = nn.Linear(sum(widths[name] for name in seen), w)
        self.body = Transformer(w, shape.layers, shape.heads, shape.window, shape.dropout)

    def forward(
        self, heard: torch.Tensor, said: Said, parts: dict[str, torch.Tensor], kept: Kept | None, start: int
    ) -> tuple[torch.Tensor, Kept]:
        person = self.reference(said.face)
        if self.told:  # the level scales what the emotion adds; 0 stands for an unknown one
            person = person + self.emotion(said.emotion) * (1 + self.level(said.level))
        x = heard + self.before(torch.cat([parts[name] for name in self.seen], -1)) + person[:, None]
        x, kept = self.body(x, kept, start)
        if self.told:  # and once more beside all that was heard and seen: what a face does as long as it feels so
            x = x + self.mood(said.emotion * (LEVELS + 1) + said.level)[:, None]
        return x, kept
