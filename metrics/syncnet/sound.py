"""Mel-frequency cepstra as SyncNet hears them (the defaults of python_speech_features 0.6), and their windows."""

from __future__ import annotations

import math

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS

N_CEPSTRA = 13
FRAME = 400
"""Samples of one analysis frame, 25 ms, no window function."""
STEP = 160
"""Samples between analysis frames: 100 per second, 4 per picture."""
N_FFT = 512
N_FILTERS = 26
PREEMPHASIS = 0.97
LIFTER = 22
FULL_SCALE = 32768
"""The reference reads 16-bit samples; the first cepstrum is the log energy and moves with the scale, so it matters."""
WINDOW = 20
"""Cepstral frames per sound window: 0.2 s, the length of 5 pictures."""
SHORTEST = FRAME + (WINDOW - 2) * STEP + 1
"""Fewest samples with one window: 20 cepstral frames, the last of which begins inside the sound."""
PER_PICTURE = AUDIO_RATE // STEP // FPS
SAMPLES_PER_PICTURE = AUDIO_RATE // FPS


def sixteen_bit(audio: np.ndarray) -> np.ndarray:
    """(N,) float in -1..1 -> (N,) int16, rounded, clipped; sound that came from 16-bit samples is restored exactly.

    ValueError if it is not one channel or holds a value that is not finite.
    """
    audio = np.asarray(audio)
    if audio.ndim != 1 or not np.isfinite(audio).all():
        raise ValueError(f"expected finite mono samples (N,) in -1..1, got shape {audio.shape} or NaN among them")
    scaled = np.rint(audio.astype(np.float64) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def mel_filters() -> np.ndarray:
    """(26, 257) float64 triangles, equally wide on the mel scale from 0 Hz to half the sampling rate, peak 1 on a bin."""
    top = 2595 * math.log10(1 + AUDIO_RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, N_FILTERS + 2) / 2595) - 1)
    edges = np.floor((N_FFT + 1) * hertz / AUDIO_RATE)[:, None]
    left, peak, right = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(N_FFT // 2 + 1)
    rise, fall = (bins - left) / (peak - left), (right - bins) / (right - peak)
    return np.where(bins < peak, rise, fall).clip(min=0)


def mfcc(samples: np.ndarray) -> np.ndarray:
    """(N,) int16 samples at 16 kHz -> (M, 13) float64 cepstra, the first one replaced by the log energy.

    M = 1 + ceil((N - 400) / 160), at least 1; the end is padded with silence. 26 mel filters, orthonormal DCT-II,
    lifter 22, pre-emphasis 0.97. Equal to python_speech_features.mfcc(samples, 16000). ValueError without a sample.
    """
    from scipy.fft import dct

    signal = np.asarray(samples, np.float64)
    if signal.ndim != 1 or not len(signal):
        raise ValueError(f"expected at least one sample of one channel, got shape {signal.shape}")
    signal[1:] -= PREEMPHASIS * signal[:-1].copy()
    frames = 1 + max(0, math.ceil((len(signal) - FRAME) / STEP))
    padded = np.zeros((frames - 1) * STEP + FRAME)
    padded[: len(signal)] = signal
    cut = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::STEP]
    power = np.abs(np.fft.rfft(cut, N_FFT)) ** 2 / N_FFT
    energy, mel = power.sum(1), power @ mel_filters().T
    smallest = np.finfo(np.float64).eps  # silence has no logarithm
    energy[energy == 0] = smallest
    mel[mel == 0] = smallest
    cepstra = dct(np.log(mel), type=2, axis=1, norm="ortho")[:, :N_CEPSTRA]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(N_CEPSTRA) / LIFTER)
    cepstra[:, 0] = np.log(energy)
    return cepstra


def windows(cepstra: np.ndarray) -> np.ndarray:
    """(M, 13) -> (W, 1, 13, 20) float32: window i starts with picture i; W = (M - 20) // 4 + 1, 0 if M < 20.

    Sound exactly as long as T pictures has 4 T - 1 cepstral frames, hence T - 5 windows: one less than the T - 4 windows of
    five pictures.
    """
    count = max(0, (len(cepstra) - WINDOW) // PER_PICTURE + 1)
    if not count:
        return np.zeros((0, 1, N_CEPSTRA, WINDOW), np.float32)
    cut = np.lib.stride_tricks.sliding_window_view(cepstra, WINDOW, axis=0)[::PER_PICTURE][:count]
    return np.ascontiguousarray(cut, np.float32)[:, None]
