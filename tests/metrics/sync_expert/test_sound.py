"""Log-mel of the sync expert: whole windows, the right bands, free of gain, cutting sound cuts steps."""

import numpy as np
import pytest

from metrics.sync_expert.sound import MELS, STEP, STEPS_PER_FRAME, heard, is_silent, log_mel

RATE = 16_000


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    envelope = np.repeat(rng.uniform(0.01, 0.3, round(seconds * 20)), RATE // 20)
    return (envelope * rng.normal(0, 1, len(envelope))).astype(np.float32).clip(-1, 1)


def test_steps_are_whole_windows():
    assert log_mel(np.zeros(399, np.float32)).shape == (0, MELS)
    assert len(log_mel(np.zeros(400, np.float32))) == 1
    assert len(log_mel(np.zeros(44 * 640, np.float32))) == 44 * STEPS_PER_FRAME - 2


def test_cutting_frames_of_sound_cuts_their_steps():
    sound = noise(2)
    cut = log_mel(sound[7 * STEPS_PER_FRAME * STEP :])
    np.testing.assert_allclose(cut, log_mel(sound)[7 * STEPS_PER_FRAME :], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("hertz", [200, 1000, 5000])
def test_a_tone_is_loudest_in_the_band_of_its_pitch(hertz):
    tone = np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32)
    mel_of = lambda f: 2595 * np.log10(1 + f / 700)  # noqa: E731
    low, high = mel_of(60), mel_of(7600)
    expected = (mel_of(hertz) - low) / (high - low) * (MELS + 1) - 1
    assert abs(log_mel(tone).mean(0).argmax() - expected) <= 0.6


def test_gain_changes_nothing_that_is_heard():
    sound = noise(2)
    np.testing.assert_allclose(heard(log_mel(sound)), heard(log_mel(sound * 0.05)), atol=2e-4)


def test_what_is_heard_of_the_loud_is_about_one_and_of_silence_zero():
    sound = np.concatenate([np.zeros(RATE, np.float32), noise(2)])
    steps = heard(log_mel(sound))
    assert steps[:90].max() < 1e-3
    assert 0.9 < np.percentile(steps.max(1), 95) < 1.1


def test_silence_is_silence_and_quiet_speech_is_not():
    assert is_silent(np.zeros(RATE, np.float32))
    assert is_silent(noise(2) * 1e-3)
    assert is_silent(np.zeros(0, np.float32))
    assert not is_silent(noise(2) * 0.05)
    mostly_paused = np.concatenate([np.zeros(RATE, np.float32), noise(0.2)])
    assert not is_silent(mostly_paused)


def test_this_spectrum_belongs_to_this_version():
    """When this fails on purpose, raise VERSION in metrics/extractors/sync_expert.py and KEPT in metrics/sync_expert/data.py."""
    time = np.arange(RATE // 2) / RATE
    rising = 0.2 * np.sin(2 * np.pi * (300 + 900 * time) * time) * np.sin(2 * np.pi * 3 * time)
    steps = heard(log_mel(rising.astype(np.float32)))
    bands, loudness = (
        [0, 0.1732, 0.2327, 0.0848, 0, 0, 0, 0],
        [0.6792, 0.9875, 0.866, 0.835, 1.0031, 0.7784, 0.8739, 0.9623],
    )
    np.testing.assert_allclose(steps.mean(0)[::5], bands, atol=1e-3)
    np.testing.assert_allclose(steps.max(1)[::6], loudness, atol=1e-3)
