"""The face detector of SyncNet's pipeline: S3FD (Zhang et al., ICCV 2017), with the names and shapes of sfd_face.pth.

Importing this module loads torch: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from metrics.syncnet.state_file import load_state
from metrics.syncnet.tracks import MIN_CONFIDENCE, overlap

SCALE = 0.25
"""The picture is shrunk to this before detection."""
MEAN_RGB = (123.0, 117.0, 104.0)
STRIDES = (4, 8, 16, 32, 64, 128)
ANCHORS = (16, 32, 64, 128, 256, 512)
"""One square anchor per place of each of the six feature maps, px of the shrunk picture."""
VARIANCES = (0.1, 0.2)
SUPPRESS = ((5000, 0.3), (750, 0.1))
"""Two passes, as in the reference: of so many best boxes, the less certain of two that overlap by more is dropped."""
TRUNK = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")
TAPS = (16, 23, 30)
"""Trunk layers before which a map is taken: the last convolutions of the third, fourth and fifth block."""


class L2Norm(nn.Module):
    """Each place's vector of channels brought to length `weight`."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight[:, None, None] * x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)


class S3FD(nn.Module):
    """VGG-16 with six maps of (score, box) at strides 4 to 128."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, pools = 3, 0
        for item in TRUNK:
            if item == "M":
                pools += 1
                layers.append(nn.MaxPool2d(2, 2, ceil_mode=pools == 3))
            else:
                layers += [nn.Conv2d(channels, item, 3, padding=1), nn.ReLU()]
                channels = item
        layers += [nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU(), nn.Conv2d(1024, 1024, 1), nn.ReLU()]
        self.vgg = nn.ModuleList(layers)
        self.L2Norm3_3, self.L2Norm4_3, self.L2Norm5_3 = L2Norm(256), L2Norm(512), L2Norm(512)
        self.extras = nn.ModuleList(
            [
                nn.Conv2d(1024, 256, 1),
                nn.Conv2d(256, 512, 3, 2, 1),
                nn.Conv2d(512, 128, 1),
                nn.Conv2d(128, 256, 3, 2, 1),
            ]
        )
        maps = (256, 512, 512, 1024, 512, 256)
        self.loc = nn.ModuleList(nn.Conv2d(c, 4, 3, padding=1) for c in maps)
        self.conf = nn.ModuleList(nn.Conv2d(c, 4 if i == 0 else 2, 3, padding=1) for i, c in enumerate(maps))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(1, 3, h, w) RGB less its mean -> (N,) probability of a face, (N, 4) boxes [left, top, right, bottom] in 0..1."""
        size, maps = x.shape[2:], []
        for number, layer in enumerate(self.vgg):
            if number in TAPS:
                maps.append((self.L2Norm3_3, self.L2Norm4_3, self.L2Norm5_3)[len(maps)](x))
            x = layer(x)
        maps.append(x)
        for number, layer in enumerate(self.extras):
            x = layer(x).relu()
            if number % 2:
                maps.append(x)
        found = [self._read(number, taken, size) for number, taken in enumerate(maps)]
        return torch.cat([one[0] for one in found]), torch.cat([one[1] for one in found])

    def _read(self, number: int, taken: torch.Tensor, size: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        scores, moves = self.conf[number](taken)[0], self.loc[number](taken)[0]
        if number == 0:  # three kinds of background: the strongest stands for all
            scores = torch.cat([scores[:3].max(0, keepdim=True).values, scores[3:]])
        face = scores.softmax(0)[1].flatten()
        moves = moves.flatten(1).T  # (h w, 4)
        height, width = taken.shape[2:]
        row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        extent = torch.tensor([size[1], size[0]], dtype=torch.float32)
        centre = (torch.stack([column, row], -1).reshape(-1, 2) + 0.5) * STRIDES[number] / extent
        anchor = (ANCHORS[number] / extent).to(moves.device)
        centre = centre.to(moves.device) + moves[:, :2] * VARIANCES[0] * anchor
        half = anchor * torch.exp(moves[:, 2:] * VARIANCES[1]) / 2
        return face, torch.cat([centre - half, centre + half], 1)


def load(path: Path, device: str = "cpu") -> S3FD:
    """The detector with the weights of sfd_face.pth, in eval mode; WeightsError as in `state_file.load_state`."""
    return load_state(S3FD, path, "S3FD", "sfd_face").to(device)


@torch.inference_mode()
def detect(net: S3FD, picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB -> (n, 5) float64 left, top, right, bottom in px, confidence above 0.9, best first."""
    import cv2

    small = cv2.resize(picture, (0, 0), fx=SCALE, fy=SCALE, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    device = next(net.parameters()).device
    face, boxes = net(torch.from_numpy(small - np.float32(MEAN_RGB)).permute(2, 0, 1)[None].to(device))
    sure = face > MIN_CONFIDENCE
    size = np.array([picture.shape[1], picture.shape[0]] * 2)
    found = np.concatenate([boxes[sure].cpu().numpy() * size, face[sure, None].cpu().numpy()], 1).astype(np.float64)
    found = found[np.argsort(-found[:, 4], kind="stable")]
    for most, threshold in SUPPRESS:
        found = suppressed(found[:most], threshold)
    return found


def suppressed(boxes: np.ndarray, threshold: float) -> np.ndarray:
    """(n, 5) boxes, best first -> those that overlap no better kept one by more than `threshold`."""
    kept: list[np.ndarray] = []
    for box in boxes:
        if all(overlap(box, better) <= threshold for better in kept):
            kept.append(box)
    return np.array(kept).reshape(-1, 5)
