"""What is behind a speaker: a studio's lit cloth, a plain wall or a room out of focus; fixed for the speaker."""

from __future__ import annotations

import numpy as np

from bench.data.puppet.identity import Identity


def backdrop(identity: Identity, size: int) -> np.ndarray:
    """Linear RGB (size, size, 3) float64 of the picture behind the head; larger sizes show the same finer."""
    at = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(at, at)
    rng = np.random.default_rng([identity.texture_seed, 7])
    bright, dark = identity.background
    side = identity.light[0] / max(1e-6, abs(identity.light[0]))
    if identity.backdrop == "studio":
        spot = np.exp(-(((x - 0.25 * side) / 0.95) ** 2 + ((y + 0.1) / 0.85) ** 2))
        share = spot * (1 + 0.05 * _clouds(rng, x, y))
    elif identity.backdrop == "wall":
        share = 0.62 + 0.34 * x * side * rng.uniform(0.5, 1.0) - 0.22 * y + 0.03 * _clouds(rng, x, y)
    else:
        share = 0.55 + 0.2 * x * side - 0.15 * y
    picture = dark + (bright - dark) * np.clip(share, 0, 1.1)[..., None]
    if identity.backdrop == "room":
        picture = _blurred_room(rng, x, y, picture)
    # half a grey level of fixed grain: without it a soft gradient breaks into bands
    cell = np.random.default_rng([identity.texture_seed, 8]).uniform(-1, 1, (size, size, 1))
    return np.ascontiguousarray(np.clip(picture * (1 + 0.008 * cell), 0.004, 0.95))


def _clouds(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Soft blotches of about unit spread, like painted cloth."""
    out = np.zeros_like(x)
    for _ in range(9):
        way, phase = rng.normal(0, 2.6, 2), rng.uniform(0, 2 * np.pi)
        out += np.sin(way[0] * x + way[1] * y + phase)
    return out / 2.1


def _blurred_room(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """The wall with furniture, a door or a window far out of focus: boxes with soft edges."""

    def box(left: float, right: float, top: float, bottom: float, soft: float) -> np.ndarray:
        def step(v: np.ndarray) -> np.ndarray:
            return 1 / (1 + np.exp(-np.clip(v / soft, -40, 40)))

        return (step(x - left) * step(right - x) * step(y - top) * step(bottom - y))[..., None]

    out = wall
    level = wall.mean()
    for _ in range(int(rng.integers(2, 5))):
        centre, half = rng.uniform(-1.1, 1.1), rng.uniform(0.12, 0.4)
        top = rng.uniform(-1.3, 0.1)
        bottom = top + rng.uniform(0.6, 2.0)
        colour = level * rng.uniform(0.35, 1.35) * (1 + rng.normal(0, 0.10, 3))
        cover = box(centre - half, centre + half, top, bottom, rng.uniform(0.035, 0.07))
        out = out * (1 - 0.75 * cover) + 0.75 * cover * colour
    return out
