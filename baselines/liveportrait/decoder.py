"""G of LivePortrait: the picture out of moved features (SPADE, Park et al. 2019)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

SLOPE = 0.2
HIDDEN = 128
"""Channels between the features and the gain and shift that they ask for."""


class Decoder(nn.Module):
    """Features (B, 4 * width, H, W) -> pictures (B, 3, 8 H, 8 W), 0..1. Default: the published network, H = W = 64."""

    def __init__(self, width: int = 64):
        super().__init__()
        features = 4 * width
        self.fc = nn.Conv2d(features, 2 * features, 3, padding=1)
        for i in range(6):
            self.add_module(f"G_middle_{i}", SpadeBlock(2 * features, 2 * features, features))
        self.up_0 = SpadeBlock(2 * features, features, features)
        self.up_1 = SpadeBlock(features, 64, features)
        self.conv_img = nn.Sequential(nn.Conv2d(64, 3 * 4, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = self.fc(features)
        for i in range(6):
            x = self.get_submodule(f"G_middle_{i}")(x, features)
        for block in (self.up_0, self.up_1):
            x = block(F.interpolate(x, scale_factor=2), features)
        return self.conv_img(F.leaky_relu(x, SLOPE)).sigmoid()


class SpadeBlock(nn.Module):
    """Two convolutions, each after a normalisation that the features steer, beside a shortcut."""

    def __init__(self, c_in: int, c_out: int, features: int):
        super().__init__()
        middle = min(c_in, c_out)
        self.conv_0, self.norm_0 = SpectralConv(c_in, middle, 3), Spade(c_in, features)
        self.conv_1, self.norm_1 = SpectralConv(middle, c_out, 3), Spade(middle, features)
        self.learned_shortcut = c_in != c_out
        if self.learned_shortcut:
            self.conv_s, self.norm_s = SpectralConv(c_in, c_out, 1, bias=False), Spade(c_in, features)

    def forward(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        shortcut = self.conv_s(self.norm_s(x, features)) if self.learned_shortcut else x
        x = self.conv_0(F.leaky_relu(self.norm_0(x, features), SLOPE))
        return shortcut + self.conv_1(F.leaky_relu(self.norm_1(x, features), SLOPE))


class Spade(nn.Module):
    """Each channel of each picture brought to mean 0 and variance 1, then given gain and shift place by place."""

    def __init__(self, channels: int, features: int):
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(features, HIDDEN, 3, padding=1), nn.ReLU())
        self.mlp_gamma, self.mlp_beta = (nn.Conv2d(HIDDEN, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        asked = self.mlp_shared(F.interpolate(features, size=x.shape[2:]))
        return F.instance_norm(x) * (1 + self.mlp_gamma(asked)) + self.mlp_beta(asked)


class SpectralConv(nn.Module):
    """A convolution whose weights are divided by their largest gain, estimated with the vectors u and v of the file.

    Its numbers come from a file: nothing is initialised here, and u and v stay as they are (Miyato et al. 2018).
    """

    def __init__(self, c_in: int, c_out: int, size: int, bias: bool = True):
        super().__init__()
        self.weight_orig = nn.Parameter(torch.empty(c_out, c_in, size, size))
        self.register_parameter("bias", nn.Parameter(torch.empty(c_out)) if bias else None)
        self.register_buffer("weight_u", torch.empty(c_out))
        self.register_buffer("weight_v", torch.empty(c_in * size * size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gain = self.weight_u @ self.weight_orig.flatten(1) @ self.weight_v
        return F.conv2d(x, self.weight_orig / gain, self.bias, padding=self.weight_orig.shape[-1] // 2)
