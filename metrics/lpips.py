"""LPIPS, learned perceptual image patch similarity (Zhang, Isola, Efros, Shechtman & Wang, CVPR 2018), version 0.1."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contract.errors import WeightsError
from bench.contract.metric import Direction, Family
from metrics.options import choose
from metrics.planes import check_pair

TRUNKS = {"alex": "lpips_alex", "vgg": "vgg16"}
"""Trunk -> its weight file: ImageNet convolutions. The linear heads are those of the package `lpips` 0.1.4."""
BATCH = 8
"""Pairs per forward pass, fixed: memory stays small, and a frame's value does not depend on the clip's length."""


class LPIPS:
    """LPIPS per frame, the clip's value is the mean over frames; 0 for equal pictures, about 0.7 for unrelated ones.

    trunk: "alex" (the authors' choice for measuring) or "vgg" (usual as a training loss; another number).
    """

    name: ClassVar[str] = "LPIPS"
    family: ClassVar[Family] = Family.IMAGE
    direction: ClassVar[Direction] = Direction.LOWER
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: tuple[str, ...] = (TRUNKS["alex"],)
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = True
    protocol_keys: ClassVar[tuple[str, ...]] = ("lpips.trunk",)

    def __init__(self, trunk: str = "alex"):
        self.trunk = choose("lpips.trunk", trunk, TRUNKS)
        self.needs = (TRUNKS[self.trunk],)
        self.definition = (
            f"LPIPS version 0.1, {self.trunk} trunk with the linear heads of the package lpips 0.1.4, on 8-bit RGB frames "
            "scaled to [-1, 1], at their own size; mean over frames"
        )
        self._network: Any = None
        self._device = "cpu"

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_network": None}

    def load(self, weights: Mapping[str, Path], device: str = "cpu") -> None:
        """Build the network from the trunk's file; WeightsError if the file does not fit."""
        self._network, self._device = network(self.trunk, weights[self.needs[0]], device), device

    def frames(self, reference: np.ndarray, generated: np.ndarray) -> np.ndarray:
        """(B, H, W, 3) uint8 RGB twice -> (B,) float64; ValueError on other shapes or types.

        Only 8-bit frames are taken, and the scaling to [-1, 1] is done here: pictures in [0, 1] cannot be fed by mistake.
        """
        import torch

        check_pair(reference, generated)
        if self._network is None:
            raise RuntimeError("LPIPS.frames before LPIPS.load(weights, device)")
        values = np.empty(len(reference), np.float64)
        with torch.inference_mode():
            for start in range(0, len(reference), BATCH):
                part = slice(start, start + BATCH)
                x, y = (_scaled(side[part], self._device) for side in (reference, generated))
                values[part] = self._network(x, y).reshape(-1).double().cpu().numpy()
        return values


def _scaled(frames: np.ndarray, device: str):
    import torch

    pixels = torch.from_numpy(frames.copy()).to(device)  # torch takes no negative strides
    return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1.0)  # (B, 3, H, W), channels last in memory


def network(trunk: str, file: Path, device: str = "cpu") -> Any:
    """The package's own module with the trunk's numbers from `file` (pickle of arrays, kernels HWIO); WeightsError if they do not fit."""
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    import lpips
    import torch

    from bench.contract.weight_arrays import read_array_pickle

    with warnings.catch_warnings():  # the package calls torchvision in a manner that is deprecated there
        warnings.filterwarnings("ignore", category=UserWarning, module="torchvision")
        module = lpips.LPIPS(net=trunk, pnet_rand=True, verbose=False)
    convolutions = [layer for layer in module.net.modules() if isinstance(layer, torch.nn.Conv2d)]
    arrays = [(name, a) for name, a in read_array_pickle(file).items() if not name.startswith("NetLinLayer")]
    kernels = [torch.from_numpy(a.transpose(3, 2, 0, 1).copy()) for name, a in arrays if name.endswith("/kernel")]
    biases = [torch.from_numpy(a.copy()) for name, a in arrays if name.endswith("/bias")]
    shapes = [(tuple(layer.weight.shape), tuple(layer.bias.shape)) for layer in convolutions]
    found = [(tuple(k.shape), tuple(b.shape)) for k, b in zip(kernels, biases, strict=True)]
    if found != shapes:
        raise WeightsError(f"{file}: expected the {len(shapes)} convolutions of {trunk}, got {found}")
    for layer, kernel, bias in zip(convolutions, kernels, biases, strict=True):
        layer.weight.data, layer.bias.data = kernel, bias
    return module.to(device, memory_format=torch.channels_last).eval()  # a quarter faster on a CPU
