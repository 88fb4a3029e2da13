"""Single terms of the generator's loss, and the pictures and places that they read."""

from __future__ import annotations

from typing import Any

from baselines.generator.frames import NEEDED
from baselines.generator.landmark_ties import CLOSE, EYES, MOUTH, TIED

_TIED = tuple(TIED.values())


def pictures(frames: Any) -> Any:
    import torch

    return frames.permute(0, 3, 1, 2).to(torch.float32).div(255).contiguous(memory_format=torch.channels_last)


def edges(made: Any, real: Any, weight: Any) -> Any:
    """Mean weighted difference of the slopes of two pictures, per pixel and per two pixels: what blurring takes away."""
    import torch.nn.functional as F

    total = 0.0
    for _ in range(2):
        difference = made - real
        down, right = difference.diff(dim=-2).abs(), difference.diff(dim=-1).abs()
        total = total + (weight[..., 1:, :] * down).mean() + (weight[..., 1:] * right).mean()
        made, real, weight = (F.avg_pool2d(p, 2) for p in (made, real, weight))
    return total


def piece(pictures: tuple[Any, ...], size: int, rng: Any) -> tuple[Any, ...]:
    """The same piece of size x size px of every picture; the whole ones if they are no larger."""
    room = pictures[0].shape[-1] - size
    if room <= 0:
        return pictures
    y, x = (int(rng.integers(room + 1)) for _ in range(2))
    return tuple(p[..., y : y + size, x : x + size] for p in pictures)


def jittered(one: Any, other: Any, spread: float) -> tuple[Any, Any]:
    """Both pictures of each pair with the same random change of brightness, contrast and colours."""
    import torch

    count = len(one)
    gain = (
        1
        + spread * torch.randn(count, 1, 1, 1, device=one.device)
        + spread * torch.randn(count, 3, 1, 1, device=one.device) / 2
    )
    bias = spread * torch.randn(count, 1, 1, 1, device=one.device)
    return tuple(((p - 0.5) * gain + 0.5 + bias).clamp(0, 1) for p in (one, other))


def tie(posed: Any, landmarks: Any) -> Any:
    """Mean distance of tied key points (B, K, 3) from their landmarks, depth counting a quarter."""
    difference = (posed[:, : len(TIED)] - landmarks[:, [NEEDED.index(n) for n in TIED.values()]]).abs()
    return difference[..., :2].mean() + 0.25 * difference[..., 2].mean()


def close_tie(posed: Any, landmarks: Any) -> Any:
    """Mean distance in the picture of the key points of eyes and mouth from their landmarks, relative to the region's middle."""
    import torch

    apart = []
    for group in CLOSE:
        places, wanted = posed[:, list(group), :2], landmarks[:, [NEEDED.index(_TIED[n]) for n in group], :2]
        apart.append((places - places.mean(1, keepdim=True)) - (wanted - wanted.mean(1, keepdim=True)))
    return torch.cat(apart, 1).abs().mean()


def middles(landmarks: Any) -> Any:
    """(B, 3, 2) the middles of the left eye, the right eye and the mouth."""
    import torch

    groups = [[NEEDED.index(n) for n in group] for group in (*EYES, MOUTH)]
    return torch.stack([landmarks[:, group, :2].mean(1) for group in groups], 1)


def apart(points: Any, least: float = 0.2) -> Any:
    """How far free key points are nearer than `least` to any other: they shall spread over head, hair and shoulders."""
    import torch

    free = points[:, len(TIED) :, :2]
    distance = (free[:, :, None] - points[:, None, :, :2]).square().sum(-1).add(1e-8).sqrt()
    itself = torch.arange(free.shape[1], device=points.device)
    near = torch.relu(least - distance).clone()
    near[:, itself, itself + len(TIED)] = 0
    return near.mean() + points[..., 2].mean(1).abs().mean()
