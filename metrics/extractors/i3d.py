"""I3D logits of FVD: the inflated Inception network trained on Kinetics-400 (Carreira & Zisserman, CVPR 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable, WeightsError
from bench.contract.seen import Video

FRAMES = 16
INPUT_SIZE = 224
CLASSES = 400
EPSILON = 1e-3
"""Of the batch normalisation, as in Sonnet, where the network was trained; its scale is 1."""
POOLED_BEFORE = {
    "Conv3d_2b_1x1": ((1, 3, 3), (1, 2, 2)),
    "Mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ((2, 2, 2), (2, 2, 2)),
}
"""Layer -> (window, stride) of the max pooling in front of it; time, height, width."""
STEM = ("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3")
MIXED = tuple(f"Mixed_{name}" for name in ("3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c"))


class I3DLogits:
    """logits (n, 400) float32 of the clip's n whole runs of 16 frames, first to last; what is left over is not looked at."""

    name: ClassVar[str] = "i3d"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("i3d_kinetics",)
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.file, self.device = Path(weights["i3d_kinetics"]), device
        self._layers: dict[str, Any] | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_layers": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """Raises Unscorable for a video of fewer than 16 frames."""
        found = 0 if video.frames is None else len(video.frames)
        if found < FRAMES:
            raise Unscorable(Reason.TOO_FEW_FRAMES, f"expected at least {FRAMES} frames, got {found}")
        if self._layers is None:
            self._layers = i3d_layers(self.file, self.device)
        runs = range(0, found - FRAMES + 1, FRAMES)
        return {"logits": np.stack([logits(self._layers, video.frames[s : s + FRAMES], self.device) for s in runs])}


def logits(layers: Mapping[str, Any], frames: np.ndarray, device: str = "cpu") -> np.ndarray:
    """(T, H, W, 3) uint8 RGB, T >= 9 -> (400,) float32, mean over time; frames are scaled to 224 x 224 bilinearly and to [-1, 1]."""
    import torch
    from torch.nn.functional import avg_pool3d, conv3d, interpolate

    with torch.inference_mode():
        pixels = torch.from_numpy(frames.copy()).to(device).permute(0, 3, 1, 2).float()
        scaled = interpolate(pixels, (INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False)
        x = (scaled / 127.5 - 1).transpose(0, 1)[None]  # (1, 3, T, 224, 224)
        for name in (*STEM, *MIXED):
            if name in POOLED_BEFORE:
                x = _pool(x, *POOLED_BEFORE[name])
            x = _unit(x, layers[name], 2 if name == STEM[0] else 1) if name in STEM else _mixed(x, layers, name)
        x = avg_pool3d(x, (2, 7, 7), stride=1)
        weight, bias = layers["Logits/Conv3d_0c_1x1"]
        return conv3d(x, weight, bias).mean((2, 3, 4))[0].cpu().numpy()


def _mixed(x: Any, layers: Mapping[str, Any], name: str) -> Any:
    import torch

    branches = [_unit(x, layers[f"{name}/Branch_0/Conv3d_0a_1x1"])]
    for k in (1, 2):
        narrow = _unit(x, layers[f"{name}/Branch_{k}/Conv3d_0a_1x1"])
        branches.append(_unit(narrow, layers[f"{name}/Branch_{k}/Conv3d_0b_3x3"]))
    branches.append(_unit(_pool(x, (3, 3, 3), (1, 1, 1)), layers[f"{name}/Branch_3/Conv3d_0b_1x1"]))
    return torch.cat(branches, 1)


def _unit(x: Any, layer: tuple[Any, Any], stride: int = 1) -> Any:
    """Convolution (batch normalisation folded in) and ReLU."""
    from torch.nn.functional import conv3d

    weight, bias = layer
    return conv3d(_padded(x, weight.shape[2:], (stride,) * 3), weight, bias, stride).relu_()


def _pool(x: Any, window: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    from torch.nn.functional import max_pool3d

    return max_pool3d(_padded(x, window, stride, float("-inf")), window, stride)


def _padded(x: Any, window: tuple[int, ...], stride: tuple[int, ...], value: float = 0.0) -> Any:
    """TensorFlow's "SAME": as many positions as strides fit, the odd pixel of padding at the end."""
    from torch.nn.functional import pad

    sides: list[int] = []
    for size, w, s in zip(x.shape[2:], window, stride, strict=True):
        total = max((-(-size // s) - 1) * s + w - size, 0)
        sides = [total // 2, total - total // 2, *sides]  # the last axis comes first
    return pad(x, sides, value=value) if any(sides) else x


def i3d_layers(file: Path, device: str = "cpu") -> dict[str, Any]:
    """Layer -> (weight (O, I, T, H, W), bias (O,)), batch normalisation folded in; WeightsError if the file does not fit."""
    import torch

    from bench.contract.weight_arrays import read_array_pickle

    arrays = read_array_pickle(file)
    layers: dict[str, Any] = {}
    try:
        for key in [key for key in arrays if key.endswith("/Conv_0/kernel")]:
            name = key.removeprefix("params/").removesuffix("/Conv_0/kernel")
            weight = torch.from_numpy(arrays[key].transpose(4, 3, 0, 1, 2).copy()).double()
            if name.startswith("Logits"):
                bias = torch.from_numpy(arrays[f"params/{name}/Conv_0/bias"].copy()).double()
            else:
                beta, mean, var = (
                    torch.from_numpy(arrays[f"{part}/{name}/BatchNorm_0/{what}"].ravel().copy()).double()
                    for part, what in (("params", "bias"), ("batch_stats", "mean"), ("batch_stats", "var"))
                )
                scale = (var + EPSILON).rsqrt()
                weight, bias = weight * scale[:, None, None, None, None], beta - mean * scale
            layers[name] = weight.float().to(device), bias.float().to(device)
    except KeyError as error:
        raise WeightsError(f"{file}: expected the layers of I3D, {error} is missing") from None
    if len(layers) != len(STEM) + 6 * len(MIXED) + 1:
        raise WeightsError(f"{file}: expected the {len(STEM) + 6 * len(MIXED) + 1} layers of I3D, got {len(layers)}")
    return layers
