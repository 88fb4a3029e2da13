"""Distance of pictures as a network for recognising objects sees them (Johnson et al. 2016), on VGG16's convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.contract.errors import WeightsError

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LAYERS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))
"""Output channels between two poolings; the fifth group is not needed."""


class Perceptual:
    """`distance` of two batches: mean absolute difference of the features at the end of each group, summed."""

    def __init__(self, file: Path, device: Any):
        """`file`: the registry's `vgg16`. WeightsError if it does not hold VGG16's convolutions."""
        import torch

        from bench.contract.weight_arrays import read_array_pickle

        arrays = read_array_pickle(file)
        kernels = [a for name, a in arrays.items() if name.endswith("/kernel") and not name.startswith("NetLin")]
        biases = [a for name, a in arrays.items() if name.endswith("/bias") and not name.startswith("NetLin")]
        wanted, inputs = [], 3
        for outputs in (c for group in LAYERS for c in group):
            wanted.append((3, 3, inputs, outputs))
            inputs = outputs
        if [k.shape for k in kernels[: len(wanted)]] != wanted:
            raise WeightsError(f"{file}: expected the convolutions of VGG16, got {[k.shape for k in kernels]}")
        placed = dict(device=device, dtype=torch.float32)
        self.kernels = [
            torch.from_numpy(k.transpose(3, 2, 0, 1).copy()).to(**placed, memory_format=torch.channels_last)
            for k in kernels[: len(wanted)]
        ]
        self.biases = [torch.from_numpy(b.copy()).to(**placed) for b in biases[: len(wanted)]]
        self.mean, self.spread = (torch.tensor(v, **placed)[:, None, None] for v in (MEAN, SPREAD))

    def features(self, pictures: Any, groups: int = 4) -> list[Any]:
        """Of pictures (B, 3, H, W) in 0..1: what each of the first `groups` groups ends with."""
        import torch
        import torch.nn.functional as F

        x = ((pictures - self.mean) / self.spread).contiguous(memory_format=torch.channels_last)
        found, layer = [], 0
        for group in LAYERS[:groups]:
            if found:
                x = F.max_pool2d(x, 2)
            for _ in group:
                x = F.relu(F.conv2d(x, self.kernels[layer], self.biases[layer], padding=1))
                layer += 1
            found.append(x)
        return found

    def distance(self, made: Any, real: Any, groups: int = 4) -> Any:
        """A scalar; gradients flow into `made` alone."""
        import torch

        with torch.no_grad():
            wanted = self.features(real, groups)
        return feature_distance(self.features(made, groups), wanted)


def feature_distance(made: Sequence[Any], real: Sequence[Any]) -> Any:
    """Sum over layers of the mean absolute difference."""
    return sum((m.float() - r.float().detach()).abs().mean() for m, r in zip(made, real, strict=True))
