"""The shapes that movement is made of: minimum-jerk steps, pulses, slow drift."""

from __future__ import annotations

import numpy as np

RATE = 200
"""Hz of the grid on which movement is built before it is read at frame times."""


def grid(seconds: float) -> np.ndarray:
    """Times 0, 1/200, ... up to at least `seconds`: (N,) float64."""
    return np.arange(int(np.ceil(seconds * RATE)) + 1) / RATE


def step(times: np.ndarray, start: float, duration: float) -> np.ndarray:
    """0 before `start`, 1 after `start + duration`, minimum-jerk between (Flash and Hogan 1985): (N,)."""
    x = ((times - start) / max(duration, 1e-6)).clip(0.0, 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


def pulse(times: np.ndarray, peak: float, rise: float, fall: float) -> np.ndarray:
    """Up to 1 at `peak` in `rise` seconds and down again in `fall` seconds: (N,)."""
    return step(times, peak - rise, rise) - step(times, peak, fall)


def drift(rng: np.random.Generator, times: np.ndarray, tau: float) -> np.ndarray:
    """Smooth stationary Gaussian noise of unit variance with correlation time about `tau` seconds: (N,)."""
    sigma = max(1.0, tau * RATE / np.sqrt(2.0))
    radius = int(np.ceil(3.5 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    noise = rng.standard_normal(len(times) + 2 * radius)
    return np.convolve(noise, kernel / np.sqrt(np.sum(kernel**2)), mode="valid")
