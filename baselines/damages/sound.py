"""Damages of the sound under the true picture; any dataset has them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np

from baselines.damages.damage import Damage
from bench.contract.clip import AUDIO_RATE, FPS
from bench.contract.method import Input, Request


class _Sound(Damage):
    """The true video with another sound track of the same length."""

    family = "sound"

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        return request.true_video.frames()

    @abstractmethod
    def sound(self, request: Request) -> np.ndarray:
        """The track, (N,) float32 16 kHz, as long as the clip's own."""


class SoundLag(_Sound):
    """`sound-lag`: the sound comes dose frames late (early where negative).

    The gap that opens at one end is filled with the sound next to it played backwards: a room's noise goes on, no
    digital silence begins.
    """

    name, unit = "sound-lag", "frames"
    least, most = -12.0, 12.0
    consumes = frozenset({Input.TRUE_VIDEO, Input.AUDIO})

    def sound(self, request: Request) -> np.ndarray:
        return lagged(request.audio, round(self.dose * AUDIO_RATE / FPS))


class OtherSentence(_Sound):
    """`other-sentence`: this share of the clips sounds like another sentence of the same speaker and emotion.

    Cut, or repeated from its start, to the clip's length. A clip without such a partner is n/a at every dose above 0.
    """

    name, unit = "other-sentence", "share of clips"
    consumes = frozenset({Input.TRUE_VIDEO, Input.AUDIO, Input.OTHER_SENTENCE_AUDIO})

    def sound(self, request: Request) -> np.ndarray:
        if self.dose == 0:
            return request.audio
        other = request.other_sentence_audio  # asked of every clip, so that coverage does not change with the dose
        return other if self.chosen(request) else request.audio


def lagged(audio: np.ndarray, samples: int) -> np.ndarray:
    """`audio` (N,) moved `samples` later (earlier where negative), cut to N; the gap mirrors what lies next to it."""
    by = min(abs(samples), len(audio))
    if samples == 0:
        return audio
    late = audio if samples > 0 else audio[::-1]
    moved = np.concatenate([late[:by][::-1], late[: len(late) - by]])
    return moved if samples > 0 else moved[::-1].copy()
