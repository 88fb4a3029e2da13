"""Eyes and mouth from near: where their key points are to a fraction of a pixel, and what is painted there.

A saccade moves an iris by one to three of 256 pixels, less than a cell of anything else in the generator; here it has a
picture of its own in which that is several.
"""

from __future__ import annotations

import torch
from torch import nn

from baselines.generator.grids import grid, heatmaps
from baselines.generator.landmark_ties import CLOSE
from baselines.generator.layers import Residual, block, larger
from baselines.generator.regions import CROP, WIDTHS, crops, middles_of, pasted

RIGHT = 1
"""The right eye is mirrored, so that one network knows both eyes."""
SPREAD = 0.1
"""Standard deviation of a key point's heat in half widths of a crop."""
MOST = max(map(len, CLOSE))


class ClosePlaces(nn.Module):
    """Where the key points of eyes and mouth are, seen from near."""

    def __init__(self, channels: int):
        super().__init__()
        self.eye, self.mouth = (_Finder(channels, len(CLOSE[n])) for n in (0, 2))

    def forward(self, pictures: torch.Tensor, posed: torch.Tensor) -> torch.Tensor:
        """Key points (B, K, 3) with the places of those in CLOSE found anew in pictures (B, 3, S, S), depths as they were.

        Where to look is taken from `posed`, without a gradient.
        """
        middles = middles_of(posed.detach())
        near = _mirrored(crops(pictures, middles).unflatten(0, (-1, 3)) * 2 - 1)
        with torch.autocast(pictures.device.type, enabled=False):
            count = len(pictures)
            eyes = self.eye(near[:, :2].flatten(0, 1).float()).unflatten(0, (count, 2))
            found = [eyes[:, 0], eyes[:, 1] * eyes.new_tensor([-1.0, 1.0]), self.mouth(near[:, 2].float())]
            places = posed.clone()
            for number, group in enumerate(CLOSE):
                places[:, list(group), :2] = middles[:, number, None] + found[number] * (WIDTHS[number] / 2)
        return places


class _Finder(nn.Module):
    """Crops (B, 3, CROP, CROP) -> places (B, count, 2) in half widths of the crop."""

    def __init__(self, channels: int, count: int):
        super().__init__()
        c = channels
        self.body = nn.Sequential(
            block(3, c, stride=2), block(c, 2 * c, stride=2), block(2 * c, 3 * c, stride=2), nn.Flatten(),
            nn.Linear(3 * c * (CROP // 8) ** 2, 4 * c), nn.SiLU(), nn.Linear(4 * c, 2 * count),
        )  # fmt: skip
        nn.init.normal_(self.body[-1].weight, std=1e-3)
        nn.init.zeros_(self.body[-1].bias)

    def forward(self, near: torch.Tensor) -> torch.Tensor:
        return self.body(near).unflatten(-1, (-1, 2))


class ClosePainter(nn.Module):
    """Paints eyes and mouth over a picture, as their key points say."""

    def __init__(self, channels: int):
        super().__init__()
        self.eye, self.mouth = _Painter(channels), _Painter(channels)
        x, y = grid(CROP, torch.zeros(1)).abs().unbind(-1)
        # opaque in the middle, nothing at the edge: no seam
        self.register_buffer("window", ((1 - torch.maximum(x, y)) * 4).clamp(0, 1)[None], persistent=False)

    def forward(
        self, picture: torch.Tensor, source: torch.Tensor, before: torch.Tensor, there: torch.Tensor
    ) -> torch.Tensor:
        """`picture` (B, 3, S, S) painted over; `source` (B, 3, S, S) is the reference image with key points `before` (B, K, 3),
        `there` (B, K, 3) are those of the frame to be made."""
        now, past = middles_of(there), middles_of(before)
        with torch.autocast(picture.device.type, enabled=False):
            seen = [
                crops(picture, now).unflatten(0, (-1, 3)) * 2 - 1,
                crops(source, past).unflatten(0, (-1, 3)) * 2 - 1,
                _heat(there, now),
                _heat(before, past),
            ]
        near = _mirrored(torch.cat(seen, 2))
        eyes = self.eye(near[:, :2].flatten(0, 1)).unflatten(0, (-1, 2))
        painted = _mirrored(torch.cat([eyes, self.mouth(near[:, 2])[:, None]], 1).float())
        with torch.autocast(picture.device.type, enabled=False):
            opaque = torch.sigmoid(painted[:, :, 3:]) * self.window
            return pasted(picture, torch.cat([torch.sigmoid(painted[:, :, :3]), opaque], 2), now)


class _Painter(nn.Module):
    """(B, 6 + 2 MOST, CROP, CROP) -> colours and opacity (B, 4, CROP, CROP), before the sigmoid."""

    def __init__(self, channels: int):
        super().__init__()
        c = channels
        self.enter, self.down = block(6 + 2 * MOST, c), block(c, 2 * c, stride=2)
        self.body = nn.Sequential(Residual(2 * c), Residual(2 * c), block(2 * c, c))
        self.leave = nn.Sequential(block(c, c), nn.Conv2d(c, 4, 3, 1, 1))

    def forward(self, near: torch.Tensor) -> torch.Tensor:
        fine = self.enter(near)
        return self.leave(fine + larger(self.body(self.down(fine))))


def _heat(points: torch.Tensor, middles: torch.Tensor) -> torch.Tensor:
    """(B, 3, MOST, CROP, CROP) heat of the key points of each region in its crop; zeros where a region has fewer."""
    maps = []
    for number, group in enumerate(CLOSE):
        inside = (points[:, list(group), :2] - middles[:, number, None]) / (WIDTHS[number] / 2)
        heat = heatmaps(inside, CROP, SPREAD)
        maps.append(nn.functional.pad(heat, (0, 0, 0, 0, 0, MOST - len(group))))
    return torch.stack(maps, 1)


def _mirrored(near: torch.Tensor) -> torch.Tensor:
    """Regions (B, 3, C, CROP, CROP) with the right eye mirrored; twice is nothing."""
    return torch.stack([near[:, n].flip(-1) if n == RIGHT else near[:, n] for n in range(near.shape[1])], 1)
