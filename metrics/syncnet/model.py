"""SyncNet's two networks and the embeddings of a whole clip.

Architecture: Chung & Zisserman, "Out of time: automated lip sync in the wild", ACCV workshops 2016; parameter names and
shapes are those of the authors' syncnet_v2.model. Importing this module loads torch: import it where it is used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from metrics.syncnet.sound import windows
from metrics.syncnet.state_file import load_state

DIMENSIONS = 1024
PICTURES = 5
"""Pictures of one visual window; only the first visual layer spans time, with a kernel of 5 and no padding."""
INPUT_SIZE = 224
VISUAL_BATCH = 16
"""Visual windows computed at once (20 pictures in)."""
AUDIO_BATCH = 64


class SyncNet(nn.Module):
    """Two streams, each (convolutions, two fully connected layers), into one 1024-dimensional space.

    Parameter names: netcnnlip, netfclip (pictures), netcnnaud, netfcaud (sound). `width` scales the number of channels: 1
    is the official network, a fraction makes a small one for tests and for data too little for 13.6 million parameters.
    """

    def __init__(self, width: float = 1.0, dimensions: int = DIMENSIONS):
        super().__init__()
        c = {n: max(4, round(n * width)) for n in (64, 96, 192, 256, 384, 512)}
        self.netcnnaud = nn.Sequential(
            *_sound_layer(1, c[64], (3, 3), 1),
            nn.MaxPool2d((1, 1), (1, 1)),
            *_sound_layer(c[64], c[192], (3, 3), 1),
            nn.MaxPool2d((3, 3), (1, 2)),
            *_sound_layer(c[192], c[384], (3, 3), 1),
            *_sound_layer(c[384], c[256], (3, 3), 1),
            *_sound_layer(c[256], c[256], (3, 3), 1),
            nn.MaxPool2d((3, 3), (2, 2)),
            *_sound_layer(c[256], c[512], (5, 4), 0),
        )
        self.netfcaud = _head(c[512], dimensions)
        self.netfclip = _head(c[512], dimensions)
        self.netcnnlip = nn.Sequential(
            *_picture_layer(3, c[96], (PICTURES, 7, 7), 2, 0),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_picture_layer(c[96], c[256], (1, 5, 5), 2, 1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_picture_layer(c[256], c[256], (1, 3, 3), 1, 1),
            *_picture_layer(c[256], c[256], (1, 3, 3), 1, 1),
            *_picture_layer(c[256], c[256], (1, 3, 3), 1, 1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_picture_layer(c[256], c[512], (1, 6, 6), 1, 0),
        )

    def hear(self, cepstra: torch.Tensor) -> torch.Tensor:
        """(B, 1, 13, 20) -> (B, D). The convolutions pad inside each window, so windows are computed one by one."""
        return self.netfcaud(self.netcnnaud(cepstra).flatten(1))

    def see(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, 224, 224) BGR 0..255 -> (B, T - 4, D): all windows of five pictures that T pictures hold."""
        seen = self.netcnnlip(pictures)[..., 0, 0].transpose(1, 2)  # (B, T - 4, C)
        return self.netfclip(seen.flatten(0, 1)).unflatten(0, seen.shape[:2])


def _sound_layer(channels: int, out: int, kernel: tuple[int, int], padding: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, kernel, padding=padding), nn.BatchNorm2d(out), nn.ReLU()]


def _picture_layer(channels: int, out: int, kernel: tuple[int, int, int], stride: int, padding: int) -> list[nn.Module]:
    convolution = nn.Conv3d(channels, out, kernel, (1, stride, stride), (0, padding, padding))
    return [convolution, nn.BatchNorm3d(out), nn.ReLU()]


def _head(channels: int, dimensions: int) -> nn.Sequential:
    layers = nn.Linear(channels, channels), nn.BatchNorm1d(channels), nn.ReLU(), nn.Linear(channels, dimensions)
    return nn.Sequential(*layers)


def load(path: Path, device: str = "cpu") -> SyncNet:
    """The network with the weights of syncnet_v2.model, in eval mode; WeightsError as in `state_file.load_state`."""
    return load_state(SyncNet, path, "SyncNet", "syncnet_v2").to(device)


@torch.inference_mode()
def embed_pictures(net: SyncNet, pictures: np.ndarray, batch: int = VISUAL_BATCH) -> np.ndarray:
    """(T, 224, 224, 3) uint8 BGR -> (T - 4, D) float32, row i of pictures i..i+4; (0, D) for fewer than five.

    `batch` windows at once, from batch + 4 pictures: every picture goes through the network about once, where windows cut
    out one by one take it five times. The numbers are those of single windows (to 1e-6 of the largest).
    """
    device = next(net.parameters()).device
    count = max(0, len(pictures) - PICTURES + 1)
    rows = [np.zeros((0, net.netfclip[-1].out_features), np.float32)]
    for first in range(0, count, batch):
        part = pictures[first : min(first + batch, count) + PICTURES - 1]
        tensor = torch.from_numpy(np.ascontiguousarray(part)).to(device).permute(3, 0, 1, 2)[None].float()
        rows.append(net.see(tensor)[0].cpu().numpy())
    return np.concatenate(rows)


@torch.inference_mode()
def embed_sound(net: SyncNet, cepstra: np.ndarray) -> np.ndarray:
    """(M, 13) cepstra -> (W, D) float32, row i of the 20 cepstral frames from picture i on."""
    device = next(net.parameters()).device
    cut = windows(cepstra)
    rows = [np.zeros((0, net.netfcaud[-1].out_features), np.float32)]
    for first in range(0, len(cut), AUDIO_BATCH):
        rows.append(net.hear(torch.from_numpy(cut[first : first + AUDIO_BATCH]).to(device)).cpu().numpy())
    return np.concatenate(rows)
