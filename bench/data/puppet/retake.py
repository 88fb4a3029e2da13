"""A saved take acted again with less of its emotion: the same words, glances and blinks on a face nearer to neutral."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.contract.clip import FPS
from bench.data.puppet import gaze as eyes
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.emotion import Mood
from bench.data.puppet.motion import RATE, grid
from bench.data.puppet.performance import expression, one_face, onset_of, pitch_accents, swelling
from bench.data.puppet.speaker import Speaker, stream
from bench.data.puppet.truth import Truth
from bench.data.puppet.visemes import mouth


def weakened(truth: Truth, share: float) -> np.ndarray:
    """Actions (T, A) float32 of the take with strength and blend of its emotion times 1 - `share`: 0 as acted, 1 as neutral.

    A truth file holds expression, speech and blinks in one face. Speech follows from its phonemes, the blink is an action
    of its own, and the expression is drawn again from the random streams of the take, so that idle movement, the course of
    the emotion and its accents stay what they were. What share takes off is added to the saved actions: 0 gives these.
    """
    about, actions = truth.about, truth.arrays["actions"]
    speaker, mood = Speaker.of(about["speaker"]), Mood(**about["mood"])
    frames, times = len(actions), grid(len(actions) / FPS)
    at = np.arange(frames) * (RATE // FPS)

    def rng(purpose: str) -> np.random.Generator:
        return stream(about["speaker"], about["emotion"], about["level"], about["take"], purpose)

    accents = pitch_accents(rng("accents"), truth.phonemes)
    swell = swelling(rng("swell"), times, mood, accents)
    anchors = [moment for moment, _ in accents]
    found = eyes.fixations(rng("gaze"), frames / FPS, mood, swell, anchors, speaker.side, speaker.pace, speaker.camera)
    onset = onset_of(rng("voice"), mood, truth.phonemes, frames)
    utterance = [replace(p, start=p.start - onset, end=p.end - onset) for p in truth.phonemes]
    spoken = mouth(utterance, frames, onset, speaker.effort * max(0.6, mood.mix("effort")))
    blink = actions[:, ACTIONS.index("blink")].astype(np.float64)

    def face(acted: Mood) -> np.ndarray:
        curves = expression(rng("face"), times, speaker, acted, swell, accents, found)
        return one_face({name: curve[at] for name, curve in curves.items()}, spoken, blink)

    less = replace(mood, strength=mood.strength * (1 - share), blend=mood.blend * (1 - share))
    return (actions + face(less) - face(mood)).clip(0.0, 1.0).astype(np.float32)
