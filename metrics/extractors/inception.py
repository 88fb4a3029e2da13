"""Inception features of FID and KID: pool3 of the network that the TTUR authors and pytorch-fid use."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable, WeightsError
from bench.contract.seen import Video
from metrics.extractors.sampling import spread_frames

FRAMES_PER_CLIP = 10
INPUT_SIZE = 299
FEATURES = 2048
PASS = 16
"""Frames per forward pass at most: clips of which every frame is looked at do not fill the memory."""
PARTS = ("weight", "beta", "mean", "var")
"""What the weight file holds of each convolution and its batch normalisation, whose scale is 1."""


class InceptionFeatures:
    """features (n, 2048) float32 of the n <= 10 frames at the times (k + 0.5) / 10 of the clip; frame (n,) int64.

    One video is one batch, so that a result depends on no other video. Frames are scaled to 299 x 299 bilinearly without
    antialiasing, as pytorch-fid does, whatever their size.
    """

    name: ClassVar[str] = "inception"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("fid_inception",)
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames"})
    portrait: ClassVar[bool] = False
    channels: ClassVar[slice] = slice(None)

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.file, self.device = Path(weights["fid_inception"]), device
        self._network: Any = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_network": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """Raises Unscorable where there are no frames."""
        if video.frames is None or len(video.frames) == 0:
            raise Unscorable(Reason.TOO_FEW_FRAMES, "expected at least one frame, got none")
        if self._network is None:
            import torch

            self._network = inception_network(self.file).to(self.device, memory_format=torch.channels_last)
        chosen = self.chosen(len(video.frames))
        pictures = video.frames[chosen][..., self.channels]
        return {"features": pool3(self._network, pictures, self.device), "frame": chosen}

    def chosen(self, frames: int) -> np.ndarray:
        """Which of so many frames are looked at: (n,) int64, rising."""
        return spread_frames(frames, FRAMES_PER_CLIP)


def pool3(network: Any, frames: np.ndarray, device: str = "cpu") -> np.ndarray:
    """(N, H, W, 3) uint8 RGB -> (N, 2048) float32, in passes of 16 frames; ValueError for frames of another kind."""
    import torch

    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ValueError(f"frames: expected (N, H, W, 3) uint8 RGB, got {frames.shape} {frames.dtype}")
    found = np.empty((len(frames), FEATURES), np.float32)
    with torch.inference_mode():
        for start in range(0, len(frames), PASS):
            part = slice(start, start + PASS)
            pixels = torch.from_numpy(frames[part].copy()).to(device).permute(0, 3, 1, 2)
            scaled = torch.nn.functional.interpolate(
                pixels.to(torch.float32) / 255, (INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False
            )
            found[part] = network(2 * scaled - 1).flatten(1).cpu().numpy()
    return found


def inception_network(file: Path, layers: int | None = None) -> Any:
    """Torch module (N, 3, 299, 299) in [-1, 1] -> (N, 2048, 1, 1), the FID Inception with the numbers of `file`.

    `layers` cuts the sequence short (4: the 64 features after the first pooling, (N, 64, 73, 73)). WeightsError if the
    file's tensors do not fit. The architecture's blocks are those of torchvision and of the package pytorch-fid.
    """
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    import torch
    from pytorch_fid import inception as fid
    from torchvision.models import Inception3

    from bench.contract.weight_arrays import read_torchscript

    with warnings.catch_warnings(), torch.device("meta"):  # no memory, no random numbers before the real ones come
        warnings.simplefilter("ignore")
        base = Inception3(num_classes=1008, aux_logits=False, transform_input=False, init_weights=False)
        blocks = {
            "Mixed_5b": fid.FIDInceptionA(192, pool_features=32),
            "Mixed_5c": fid.FIDInceptionA(256, pool_features=64),
            "Mixed_5d": fid.FIDInceptionA(288, pool_features=64),
            "Mixed_6b": fid.FIDInceptionC(768, channels_7x7=128),
            "Mixed_6c": fid.FIDInceptionC(768, channels_7x7=160),
            "Mixed_6d": fid.FIDInceptionC(768, channels_7x7=160),
            "Mixed_6e": fid.FIDInceptionC(768, channels_7x7=192),
            "Mixed_7b": fid.FIDInceptionE_1(1280),
            "Mixed_7c": fid.FIDInceptionE_2(2048),
        }
        for name, block in blocks.items():
            setattr(base, name, block)
    del base.fc
    tensors = [torch.from_numpy(array) for array in read_torchscript(file).values()]
    convolutions = [name for name, part in base.named_modules() if hasattr(part, "conv") and hasattr(part, "bn")]
    if len(tensors) != len(PARTS) * len(convolutions):
        raise WeightsError(
            f"{file}: expected {len(PARTS)} tensors for each of {len(convolutions)} convolutions, got {len(tensors)}"
        )
    state = {}
    for i, name in enumerate(convolutions):
        weight, beta, mean, var = tensors[len(PARTS) * i : len(PARTS) * (i + 1)]
        state[f"{name}.conv.weight"] = weight
        state |= {f"{name}.bn.bias": beta, f"{name}.bn.running_mean": mean, f"{name}.bn.running_var": var}
        state[f"{name}.bn.weight"] = torch.ones_like(beta)
        state[f"{name}.bn.num_batches_tracked"] = torch.zeros((), dtype=torch.long)
    try:
        base.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise WeightsError(f"{file}: these are not the tensors of the FID Inception: {error}") from None
    first, second = torch.nn.MaxPool2d(3, stride=2), torch.nn.MaxPool2d(3, stride=2)
    sequence = [
        *(base.Conv2d_1a_3x3, base.Conv2d_2a_3x3, base.Conv2d_2b_3x3, first),
        *(base.Conv2d_3b_1x1, base.Conv2d_4a_3x3, second),
        *(base.Mixed_5b, base.Mixed_5c, base.Mixed_5d),
        *(base.Mixed_6a, base.Mixed_6b, base.Mixed_6c, base.Mixed_6d, base.Mixed_6e),
        *(base.Mixed_7a, base.Mixed_7b, base.Mixed_7c, torch.nn.AdaptiveAvgPool2d(1)),
    ]
    return torch.nn.Sequential(*sequence[:layers]).eval().requires_grad_(False)
