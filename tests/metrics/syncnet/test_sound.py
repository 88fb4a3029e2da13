"""Cepstra: those of python_speech_features; windows that start with each picture."""

import numpy as np
import pytest

from metrics.syncnet import sound


def noise(samples, seed=0):
    return np.random.default_rng(seed).integers(-3000, 3000, samples).astype(np.int16)


def test_mfcc_of_a_real_clip_has_parity_with_python_speech_features(golden, whole_clip, tolerance):
    ours = sound.mfcc(whole_clip[1])
    assert ours.shape == golden["mfcc"].shape
    difference = np.abs(ours - golden["mfcc"]).max() / np.abs(golden["mfcc"]).max()
    tolerance(
        "SyncNet MFCC", "python_speech_features 0.6", "13 cepstra of a clip, largest, relative", difference, 1e-10
    )


def test_filters_are_26_triangles_whose_neighbours_sum_to_one_between_peaks():
    filters = sound.mel_filters()
    assert filters.shape == (26, 257) and filters.min() == 0 and filters.max() == 1
    peaks = filters.argmax(1)
    assert (np.diff(peaks) > 0).all()
    np.testing.assert_allclose(filters.sum(0)[peaks[0] : peaks[-1] + 1], 1)


def test_louder_sound_moves_energy_and_nothing_else():
    quiet = noise(8000) // 4
    difference = sound.mfcc(quiet * 4) - sound.mfcc(quiet)
    np.testing.assert_allclose(difference[:, 0], np.log(16), rtol=1e-12)
    np.testing.assert_allclose(difference[:, 1:], 0, atol=1e-9)


def test_silence_is_finite_and_constant():
    cepstra = sound.mfcc(np.zeros(16_000, np.int16))
    assert np.isfinite(cepstra).all() and np.ptp(cepstra, axis=0).max() == 0


@pytest.mark.parametrize("pictures", [6, 25, 300])
def test_sound_of_t_pictures_has_t_minus_5_windows(pictures):
    cepstra = sound.mfcc(noise(640 * pictures))
    assert len(cepstra) == 4 * pictures - 1
    windows = sound.windows(cepstra)
    assert windows.shape == (pictures - 5, 1, 13, 20)
    np.testing.assert_array_equal(windows[-1, 0], cepstra[4 * (pictures - 6) :][:20].T.astype(np.float32))


def test_the_shortest_sound_has_one_window_and_a_sample_less_has_none():
    assert len(sound.windows(sound.mfcc(noise(sound.SHORTEST)))) == 1
    assert len(sound.windows(sound.mfcc(noise(sound.SHORTEST - 1)))) == 0


def test_sixteen_bit_samples_survive_float_and_overshoot_is_clipped():
    samples = noise(1000)
    assert (sound.sixteen_bit(samples.astype(np.float32) / 32768) == samples).all()
    assert sound.sixteen_bit(np.array([1.5, -1.5])).tolist() == [32767, -32768]


@pytest.mark.parametrize("audio", [np.zeros((100, 2)), np.array([0.0, np.nan])])
def test_sound_with_two_channels_or_nan_is_refused(audio):
    with pytest.raises(ValueError, match="mono"):
        sound.sixteen_bit(audio)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        sound.mfcc(np.zeros(0, np.int16))
