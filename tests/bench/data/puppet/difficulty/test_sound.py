"""Sound statistics follow pitch, loudness and pace; voices are told apart."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from bench.data.puppet.difficulty.sound import RATE, SOUND_NUMBERS, pitch, sound_statistics
from bench.data.puppet.difficulty.voices import timbre
from bench.data.puppet.speaker import Speaker
from bench.data.puppet.speech import Delivery, speak


def said(name: str, delivery: Delivery | None = None, text: str = "Two maps were on the sofa.") -> np.ndarray:
    utterance = speak(text, Speaker.of(name).voice, delivery)
    quiet = np.random.default_rng(0).standard_normal(2200) * 2e-4
    return resample_poly(np.r_[quiet, utterance.samples, quiet], RATE, utterance.rate).astype(np.float32)


@pytest.mark.parametrize("hertz", [80.0, 120.0, 211.0, 400.0])
def test_pitch_of_a_buzz_is_its_fundamental(hertz):
    times = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * k * hertz * times) / k for k in range(1, 12))
    tone, periodic = pitch(buzz)
    assert np.median(tone) == pytest.approx(12 * np.log2(hertz / 100), abs=0.15)
    assert periodic.min() > 0.9


def test_statistics_follow_the_delivery():
    plain = sound_statistics(said("M301"))
    assert plain.shape == (SOUND_NUMBERS,)
    assert np.isfinite(plain).all()
    level, tone, seconds = 39, 43, 53
    assert sound_statistics(said("M301", Delivery(gain_db=6)))[level] == pytest.approx(plain[level] + 6, abs=0.6)
    assert sound_statistics(said("M301", Delivery(semitones=4)))[tone] > plain[tone] + 2.5
    assert sound_statistics(said("M301", Delivery(rate_factor=1.3)))[seconds] < 0.9 * plain[seconds]


def test_one_voice_lies_nearer_to_itself_than_to_another():
    """Another sentence of the same person is nearer than another person's, in nearly every comparison."""
    names = ("M301", "W301", "M302", "W302")
    first = np.stack([timbre(said(n)) for n in names])
    second = np.stack([timbre(said(n, text="My father put the book up.")) for n in names])
    scale = np.concatenate([first, second]).std(0)
    distance = np.linalg.norm((first[:, None] - second[None]) / scale, axis=2)
    nearer = [distance[i, i] < distance[i, j] for i in range(4) for j in range(4) if i != j]
    assert np.mean(nearer) >= 11 / 12
