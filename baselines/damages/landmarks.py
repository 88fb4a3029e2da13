"""A damage of the face's geometry made in the picture, so that any dataset has it: features that tremble."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from baselines.damages.damage import Damage
from bench.contract.method import Request

REACH = 12.0
"""Sigma in px of the filter that makes a frame's displacements: points nearer than this move together, an eye and the mouth
do not. Four px of dose on it are a slope of a third, so that hardly anything is folded over."""
CELL = 4
"""Displacements are drawn on every so many px and interpolated between."""


class LandmarksJittered(Damage):
    """`landmarks-jittered`: every frame warped by a smooth random displacement of its own, SD = dose px in x and in y.

    Each landmark moves by a Gaussian of that SD, independent from frame to frame and between features of the face.
    """

    name, unit, most = "landmarks-jittered", "px", 4.0
    family = "geometry"

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        frames = request.true_video.frames()
        return self.warped(frames, request) if self.falls_on(request) else frames

    def warped(self, frames: Iterator[np.ndarray], request: Request) -> Iterator[np.ndarray]:
        import cv2

        random = self.random(request)
        for frame in frames:
            height, width = frame.shape[:2]
            field = self.dose * displacement(random, height, width)
            x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
            yield cv2.remap(frame, x + field[0], y + field[1], cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101)


def displacement(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(2, height, width) float32: smooth Gaussian displacements in x and y, of mean 0 and SD 1 everywhere."""
    import cv2

    sigma = REACH / CELL
    radius = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= np.sqrt((kernel**2).sum())  # of unit norm: filtered white noise keeps its SD
    rows, columns = (n // CELL + 2 + 2 * radius for n in (height, width))
    noise = random.standard_normal((2, rows, columns), np.float32)
    inside = slice(radius, -radius)
    smooth = [cv2.sepFilter2D(part, -1, kernel, kernel)[inside, inside] for part in noise]
    x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) / CELL + 0.5 for n in (width, height)))
    return np.stack([cv2.remap(part, x, y, cv2.INTER_CUBIC) for part in smooth])
