"""What the sync expert hears: log-mel spectrum at 100 Hz, four steps to a video frame."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS

STEP = 160
"""10 ms: four steps to a frame of 25 fps."""
STEPS_PER_FRAME = AUDIO_RATE // FPS // STEP
WINDOW = 400
"""25 ms, Hann."""
FFT = 512
MELS = 40
LOWEST, HIGHEST = 60.0, 7600.0
"""Hz; the scale is HTK's: mel = 2595 log10(1 + f / 700)."""
FLOOR = 1e-10
"""Power of a mel band under which the logarithm stops: the rounding of 16 bit lies well above."""
LOUD_PERCENTILE = 95.0
"""A clip's loudness is that of its louder steps, so that pauses do not change it."""
RANGE = 1e-4
"""Bands more than 40 dB under the loudness count as equally quiet: recorders' noise is no speech."""
SILENCE = 1e-3
"""RMS of the loud steps (-60 dB of full scale) under which nobody speaks."""


def log_mel(audio: np.ndarray) -> np.ndarray:
    """(N,) float32 16 kHz in -1..1 -> (J, 40) float32 natural logarithms of mel-band power, 100 steps per second.

    Step j is the window of samples 160 j to 160 j + 400, whole windows only: nothing is padded. J is 0 below 400 samples.
    """
    audio = np.asarray(audio, np.float32)
    if len(audio) < WINDOW:
        return np.zeros((0, MELS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::STEP]
    spectrum = np.abs(np.fft.rfft(windows * _hann(), FFT)) ** 2
    # not a matrix product: its last bits would depend on how many threads the library takes
    return np.log(np.einsum("jf,fm->jm", spectrum, _mel_bands()) + FLOOR).astype(np.float32)


def heard(mel: np.ndarray) -> np.ndarray:
    """Log-mel (J, 40) -> (J, 40) float32, 0 for the quietest, about 1 for the loud: free of the recording's gain."""
    power = np.exp(mel.astype(np.float64))
    loud = np.percentile(power.max(1), LOUD_PERCENTILE)
    return (np.log(power / loud + RANGE) / -np.log(RANGE) + 1).astype(np.float32)


def is_silent(audio: np.ndarray) -> bool:
    """True if even the louder tenths of a second (95th percentile) lie under -60 dB of full scale."""
    whole = len(audio) // STEP * STEP
    if whole == 0:
        return True
    power = np.square(np.asarray(audio[:whole], np.float64)).reshape(-1, STEP).mean(1)
    return bool(np.percentile(power, LOUD_PERCENTILE) < SILENCE**2)


@lru_cache
def _hann() -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


@lru_cache
def _mel_bands() -> np.ndarray:
    """(257, 40) triangles of height 1 with edges equally spaced in mel."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (LOWEST, HIGHEST))
    edges = 700 * (10 ** (np.linspace(low, high, MELS + 2) / 2595) - 1)
    frequency = np.arange(FFT // 2 + 1) * AUDIO_RATE / FFT
    rising = (frequency[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency[:, None]) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)
