"""The trained generator in use: canonical frames in, canonical frames out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from baselines.generator.keypoints import Face
from baselines.generator.model import Generator, Source
from bench.contract.clip import CROP_SIZE
from bench.contract.errors import WeightsError
from bench.contract.expert_file import read_expert


class Renderer:
    """A generator of a weight file with its card; loaded at first use, so that the object pickles small."""

    def __init__(self, weights: Path, device: str = "cpu"):
        self.weights, self.device = Path(weights), device
        self._generator: Generator | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_generator": None}

    @property
    def generator(self) -> Generator:
        """The network; WeightsError if file and card do not belong together."""
        if self._generator is None:
            self._generator = load_generator(self.weights, self.device)
        return self._generator

    def look(self, frames: np.ndarray) -> Face:
        """The key points of canonical frames (B, 256, 256, 3) uint8 RGB."""
        import torch

        with torch.inference_mode():
            return self.generator.look(self._pictures(frames))

    def source(self, image: np.ndarray) -> Source:
        """A reference image (256, 256, 3) uint8 RGB, ready to be moved."""
        import torch

        with torch.inference_mode():
            return self.generator.source(self._pictures(image[None]))

    def render(self, source: Source, driving: Face) -> np.ndarray:
        """(B, 256, 256, 3) uint8 RGB: the source's person with the pose and deformation of each driving face."""
        import torch

        with torch.inference_mode():
            many = source.repeated(len(driving.posed))
            return self._frames(self.generator(many, driving.of_person(many.face))["picture"])

    def _pictures(self, frames: np.ndarray) -> Any:
        import torch

        from baselines.generator.grids import resized

        given = torch.from_numpy(np.ascontiguousarray(frames)).to(self.device).permute(0, 3, 1, 2).float().div_(255)
        size = self.generator.size * self.generator.scale
        return resized(given, size).contiguous(memory_format=torch.channels_last)

    def _frames(self, pictures: Any) -> np.ndarray:
        import torch.nn.functional as F

        if pictures.shape[-1] != CROP_SIZE:
            size = (CROP_SIZE, CROP_SIZE)
            pictures = F.interpolate(pictures, size=size, mode="bicubic", align_corners=False).clamp(0, 1)
        return pictures.mul(255).round().permute(0, 2, 3, 1).to("cpu", dtype=_uint8()).numpy()


def load_generator(weights: Path, device: str = "cpu") -> Generator:
    """The generator of a weight file and its card; WeightsError where they do not fit together."""
    import torch

    from baselines.generator.training import build_generator

    expert = read_expert(weights, device)
    generator = build_generator(SimpleNamespace(**expert.config))
    try:
        generator.load_state_dict(expert.state)
    except RuntimeError as error:
        raise WeightsError(
            f"{weights}: the weights are not those of the generator that the card describes: {error}"
        ) from error
    return generator.to(device, memory_format=torch.channels_last).eval()


def _uint8() -> Any:
    import torch

    return torch.uint8
