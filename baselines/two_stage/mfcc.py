"""Mel-frequency cepstral coefficients of speech, four columns for each video frame."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS

COEFFICIENTS = 20
BANDS = 40
LOW, HIGH = 20.0, 7600.0
"""Hz; the highest band ends below the Nyquist frequency of 16 kHz sound."""
PER_FRAME = 4
HOP = AUDIO_RATE // FPS // PER_FRAME
WINDOW = 400
"""25 ms."""
SPECTRUM = 512
FLOOR = 1e-6
"""Added to each band's power: silence is a number, and far below speech."""
SCALE = 10.0
"""Coefficients are divided by it, so that most lie between -2 and 2."""


def mfcc(audio: np.ndarray, n_frames: int) -> np.ndarray:
    """(4 n_frames, 20) float32 of sound (N,) in -1..1 at 16 kHz; column c is centred c + 1/2 hops of 10 ms from the start.

    Davis and Mermelstein 1980, with 40 triangular bands on the mel scale 2595 log10(1 + f / 700), orthonormal DCT-II, the
    zeroth coefficient kept. Sound that is too short is continued by silence, a longer one is cut. ValueError unless 1-D.
    """
    audio = np.asarray(audio, np.float32)
    if audio.ndim != 1:
        raise ValueError(f"mfcc: expected sound (N,), got shape {audio.shape}")
    columns = n_frames * PER_FRAME
    before = (WINDOW - HOP) // 2
    padded = np.zeros((columns - 1) * HOP + WINDOW, np.float32)
    kept = audio[: len(padded) - before]
    padded[before : before + len(kept)] = kept
    pieces = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(pieces * _window(), SPECTRUM)) ** 2
    return (np.log(power @ _bands().T + FLOOR) @ _cosines().T / SCALE).astype(np.float32)


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    return np.hamming(WINDOW)


@lru_cache(maxsize=1)
def _bands() -> np.ndarray:
    """(BANDS, SPECTRUM / 2 + 1) triangles, each 1 at its middle."""
    mel = np.linspace(*(2595 * np.log10(1 + f / 700) for f in (LOW, HIGH)), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    frequency = np.fft.rfftfreq(SPECTRUM, 1 / AUDIO_RATE)
    left, middle, right = (e[:, None] for e in (edges[:-2], edges[1:-1], edges[2:]))
    return np.clip(np.minimum((frequency - left) / (middle - left), (right - frequency) / (right - middle)), 0, None)


@lru_cache(maxsize=1)
def _cosines() -> np.ndarray:
    """(COEFFICIENTS, BANDS) rows of the orthonormal DCT-II."""
    band = (np.arange(BANDS) + 0.5) * np.pi / BANDS
    rows = np.sqrt(2 / BANDS) * np.cos(np.arange(COEFFICIENTS)[:, None] * band)
    rows[0] /= np.sqrt(2)
    return rows
