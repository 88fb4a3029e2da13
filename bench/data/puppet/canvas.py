"""Painting in the plane of the skin's texture: soft masks, curves, noise and single hairs."""

from __future__ import annotations

import cv2
import numpy as np

from bench.data.puppet.mesh import HeadMesh

SIZE = 512
UV_LOW, UV_HIGH = -0.3, 1.3
"""The square of the UV plane that the maps cover; beyond it the border texel goes on."""
RED, GREEN, BLUE, HAIR, BUMP_X, BUMP_Y, FOLD_X, FOLD_Y, GLOSS = range(9)
CHANNELS = 9
PER_CM = 0.0485 * SIZE / (UV_HIGH - UV_LOW)
"""Texels per cm in the middle of the face."""


class Canvas:
    """Painting in texels at landmark positions; strokes are antialiased masks in 0..1."""

    def __init__(self, mesh: HeadMesh):
        limit = mesh.subdivision[:468] @ mesh.uv
        self.mirror = mesh.canonical.mirror
        self.at = (limit - UV_LOW) / (UV_HIGH - UV_LOW) * SIZE

    def blob(self, centre: np.ndarray, rx: float, ry: float) -> np.ndarray:
        """Gaussian of radii (rx, ry) cm about a texel position."""
        axis = np.arange(SIZE, dtype=np.float32)
        gx = np.exp(-(((axis - centre[0]) / (rx * PER_CM)) ** 2) / 2)
        gy = np.exp(-(((axis - centre[1]) / (ry * PER_CM)) ** 2) / 2)
        return gy[:, None] * gx[None]

    def polygon(self, points: np.ndarray, soft: float) -> np.ndarray:
        """Filled closed curve through `points` texels, edge blurred by `soft` cm."""
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillPoly(mask, [fixed(smooth_closed(points))], 255, cv2.LINE_AA, 4)
        return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(0.3, soft * PER_CM))

    def line(self, points: np.ndarray, width: float, soft: float) -> np.ndarray:
        """Open curve through `points` texels, `width` and `soft` cm."""
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.polylines(mask, [fixed(smooth_open(points))], False, 255, max(1, round(width * PER_CM)), cv2.LINE_AA, 4)
        return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(0.3, soft * PER_CM))


def fixed(points: np.ndarray) -> np.ndarray:
    return np.round(points * 16).astype(np.int32)


def smooth_open(points: np.ndarray, per: int = 8) -> np.ndarray:
    """Catmull-Rom through the points."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, per, endpoint=False)[:, None]
    out = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*out, points[-1:]])


def smooth_closed(points: np.ndarray) -> np.ndarray:
    return smooth_open(np.concatenate([points[-1:], points, points[:2]]))[8:-8]


def noise(rng: np.random.Generator, grain: float) -> np.ndarray:
    """Smooth noise (SIZE, SIZE) of unit spread, its grain in 512ths of the map."""
    small = max(4, int(512 / grain))
    field = rng.standard_normal((small, small)).astype(np.float32)
    field = cv2.resize(field, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return field / (field.std() + 1e-6)


def strokes(roots: np.ndarray, tips: np.ndarray, level: np.ndarray, up: int = 3) -> np.ndarray:
    """Single hairs from roots to tips (n, 2) texels as a cover (SIZE, SIZE) 0..1, thinner than a texel; level (n,) 0..1."""
    low = np.maximum(np.floor(np.minimum(roots, tips).min(0)) - 2, 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(roots, tips).max(0)) + 3, SIZE).astype(int)
    wide = np.zeros(((high[1] - low[1]) * up, (high[0] - low[0]) * up), np.uint8)
    a, b = (fixed((ends - low) * up) for ends in (roots, tips))
    for start, end, value in zip(a.tolist(), b.tolist(), (255 * level).astype(int).tolist(), strict=True):
        cv2.line(wide, start, end, value, 2, cv2.LINE_AA, 4)
    out = np.zeros((SIZE, SIZE), np.float32)
    box = slice(low[1], high[1]), slice(low[0], high[0])
    out[box] = cv2.resize(wide, (high[0] - low[0], high[1] - low[1]), interpolation=cv2.INTER_AREA) / np.float32(255)
    return out
