"""What a clip's sound says without its words: spectrum, pitch, loudness and pace, as numbers for a small judge."""

from __future__ import annotations

import numpy as np

RATE = 16_000
WINDOW, HOP = 400, 160
BANDS = 32
CEPSTRA = 13
SOUND_NUMBERS = 57
PITCH = (60.0, 480.0)
"""Hz; fundamentals are looked for between these."""
_FLOOR = 1e-10


def spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log mel bands (n, 32) and level in dB (n,) of 16 kHz sound (N,), windows of 25 ms every 10 ms."""
    frames = _frames(samples, WINDOW)
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), 512)) ** 2
    bands = np.log(power @ _mel().T + _FLOOR)
    return bands, 10 * np.log10(np.mean(frames**2, axis=1) + _FLOOR)


def cepstra(bands: np.ndarray) -> np.ndarray:
    """Mel cepstra (n, 13), the first one without its mean level, of log mel bands (n, 32)."""
    from scipy.fft import dct

    return dct(bands, type=2, norm="ortho", axis=1)[:, :CEPSTRA]


def pitch(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fundamental in semitones above 100 Hz (n,) and how periodic the sound is 0..1 (n,), by normalised autocorrelation.

    Windows of 50 ms every 10 ms; the shortest lag within 10 % of the best one is taken, against octave errors.
    """
    width = 800
    frames = _frames(samples, width)
    frames = (frames - frames.mean(1, keepdims=True)) * np.hanning(width)
    size = 2048
    own = np.fft.irfft(np.abs(np.fft.rfft(frames, size)) ** 2, size)[:, :width]
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(width), size)) ** 2, size)[:width]
    own = own / (own[:, :1] + 1e-9) / (window / window[0] + 1e-9)
    low, high = int(RATE / PITCH[1]), int(RATE / PITCH[0])
    part = own[:, low:high]
    best = part.max(1)
    peak = (part[:, 1:-1] >= part[:, :-2]) & (part[:, 1:-1] >= part[:, 2:]) & (part[:, 1:-1] > 0.9 * best[:, None])
    lag = np.where(peak.any(1), peak.argmax(1) + 1, part.argmax(1)) + low
    return 12 * np.log2(RATE / lag / 100.0), best.clip(0, 1)


def sound_statistics(samples: np.ndarray) -> np.ndarray:
    """One clip's sound (N,) at 16 kHz -> (SOUND_NUMBERS,): level, spectrum, pitch, periodicity, movement and pace."""
    bands, level = spectrum(samples)
    speech = level > level.max() - 32.0
    first, last = np.flatnonzero(speech)[[0, -1]]
    shape = cepstra(bands)[speech]
    high, periodic = pitch(samples)
    count = min(len(high), len(speech))
    voiced = (periodic[:count] > 0.55) & speech[:count]
    if voiced.sum() < 5:
        voiced = speech[:count]
    tone = high[:count][voiced]
    told = level[first : last + 1]
    smooth = np.convolve(told, np.hanning(9) / np.hanning(9).sum(), "same")
    bumps = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > smooth.max() - 20)
    seconds = (last - first + 1) * HOP / RATE
    around = tone[np.abs(tone - np.median(tone)) < 14]
    numbers = [
        *shape.mean(0), *shape.std(0), *np.abs(np.diff(shape, axis=0)).mean(0),
        level[speech].mean(), level[speech].std(), np.percentile(level[speech], 95), level.max() - level.min(),
        np.median(tone), around.std(), *(np.percentile(around, [5, 95]) - np.median(tone)),
        np.abs(np.diff(around)).clip(0, 6).mean(), np.polyfit(np.linspace(-1, 1, len(around)), around, 1)[0],
        voiced.sum() / max(1, speech.sum()), periodic[:count][voiced].mean(), periodic[:count][voiced].std(),
        bumps.sum() / seconds, seconds,
        bands[speech][:, 20:].mean() - bands[speech][:, :8].mean(),
        bands[speech][:, :3].mean() - bands[speech][:, 3:8].mean(),
        shape[:, 0].mean() - shape[:, 0].min(),
    ]  # fmt: skip
    return np.array(numbers, np.float64)


def _frames(samples: np.ndarray, width: int) -> np.ndarray:
    """Overlapping windows (n, width) every 10 ms; ValueError if the sound is shorter than one."""
    if len(samples) < width:
        raise ValueError(f"samples: expected at least {width} at 16 kHz, got {len(samples)}")
    return np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float64), width)[::HOP]


def _mel() -> np.ndarray:
    """Triangular filters (32, 257) between 60 Hz and 7.6 kHz, equally wide on the mel scale."""

    def mel(hertz: np.ndarray | float) -> np.ndarray:
        return 2595 * np.log10(1 + np.asarray(hertz) / 700)

    edges = 700 * (10 ** (np.linspace(mel(60.0), mel(7600.0), BANDS + 2) / 2595) - 1)
    bins = np.linspace(0, RATE / 2, 257)
    up = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.minimum(up, down).clip(0)
