"""Damages of the picture alone, on any dataset."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np

from baselines.damages.damage import Damage
from bench.contract.method import Request


class _Picture(Damage):
    """The true video, its frames altered."""

    family = "picture"

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        frames = request.true_video.frames()
        return self.altered(frames, request) if self.falls_on(request) else frames

    @abstractmethod
    def altered(self, frames: Iterator[np.ndarray], request: Request) -> Iterator[np.ndarray]:
        """As many frames, (H, W, 3) uint8 RGB, damaged."""


class Blur(_Picture):
    """`blur`: a Gaussian blur of every frame, sigma = dose px."""

    name, unit, most = "blur", "px", 8.0

    def altered(self, frames: Iterator[np.ndarray], request: Request) -> Iterator[np.ndarray]:
        import cv2

        for frame in frames:
            yield _picture(cv2.GaussianBlur(frame.astype(np.float32), (0, 0), self.dose))


class Noise(_Picture):
    """`noise`: white Gaussian noise, independent per pixel, channel and frame, SD = dose levels of 0..255."""

    name, unit, most = "noise", "levels", 64.0

    def altered(self, frames: Iterator[np.ndarray], request: Request) -> Iterator[np.ndarray]:
        random = self.random(request)
        for frame in frames:
            yield _picture(frame + self.dose * random.standard_normal(frame.shape, np.float32))


class Codec(_Picture):
    """`codec`: a first encoding by the suite's own writer with the constant rate factor dose, decoded again."""

    name, unit, most = "codec", "CRF", 51.0

    def altered(self, frames: Iterator[np.ndarray], request: Request) -> Iterator[np.ndarray]:
        return request.true_video.recoded(self.dose)


class ColourSwap(_Picture):
    """`colour-swap`: red and blue mixed into each other; at a dose of 1 they have changed places."""

    name, unit = "colour-swap", "share of mixture"

    def altered(self, frames: Iterator[np.ndarray], request: Request) -> Iterator[np.ndarray]:
        for frame in frames:
            yield _picture(frame + self.dose * (frame[..., ::-1] - frame.astype(np.float32)))


class FramesDropped(_Picture):
    """`frames-dropped`: this share of the frames, in the mean, gives way to the one before it, as in a stutter."""

    name, unit, most = "frames-dropped", "share of frames", 0.9

    def altered(self, frames: Iterator[np.ndarray], request: Request) -> Iterator[np.ndarray]:
        random, shown = self.random(request), None
        for frame in frames:
            dropped = random.random() < self.dose
            shown = frame if shown is None or not dropped else shown
            yield shown


def _picture(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)
