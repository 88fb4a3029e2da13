"""A causal transformer for sequences of any length: rotary positions, a limited window, keys and values kept when decoding."""

from __future__ import annotations

import torch
from torch import nn

Kept = list[tuple[torch.Tensor, torch.Tensor]]
"""Per layer: keys and values (B, heads, at most window - 1, width) of the frames before."""


class Transformer(nn.Module):
    """(B, T, width) -> (B, T, width); frame t sees frames t - window + 1 to t."""

    def __init__(self, width: int, layers: int, heads: int, window: int, dropout: float = 0.0):
        super().__init__()
        self.window = window
        self.layers = nn.ModuleList(_Layer(width, heads, window, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, kept: Kept | None = None, start: int = 0) -> tuple[torch.Tensor, Kept]:
        """Frames start .. start + T of a sequence; `kept` is what the call for the frames before them gave."""
        found = []
        for number, layer in enumerate(self.layers):
            x, pair = layer(x, kept[number] if kept else None, start)
            found.append(pair)
        return self.norm(x), found


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, window: int, dropout: float):
        super().__init__()
        self.heads, self.window = heads, window
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.rest = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: torch.Tensor, kept: tuple[torch.Tensor, torch.Tensor] | None, start: int
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        batch, frames, width = x.shape
        query, key, value = self.into(self.before(x)).view(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key = _turned(query, start), _turned(key, start)
        if kept is not None:
            key, value = torch.cat([kept[0], key], 2), torch.cat([kept[1], value], 2)
        seen = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=self._mask(frames, key.shape[2], x)
        )
        x = x + self.drop(self.out(seen.transpose(1, 2).reshape(batch, frames, width)))
        x = x + self.drop(self.rest(self.between(x)))
        return x, (key[:, :, -(self.window - 1) :], value[:, :, -(self.window - 1) :])

    def _mask(self, frames: int, keys: int, like: torch.Tensor) -> torch.Tensor:
        """(frames, keys): which keys each of the last `frames` places may see."""
        here = torch.arange(keys - frames, keys, device=like.device)[:, None]
        there = torch.arange(keys, device=like.device)[None]
        return (there <= here) & (there > here - self.window)


def _turned(x: torch.Tensor, start: int) -> torch.Tensor:
    """Rotary position embedding (Su et al. 2021) of (B, heads, T, width): products depend on distances in time alone."""
    frames, width = x.shape[-2:]
    rate = 10_000.0 ** (-torch.arange(0, width, 2, device=x.device, dtype=torch.float32) / width)
    # positions are counted modulo nothing: float32 tells frames apart for days of video
    angle = torch.arange(start, start + frames, device=x.device, dtype=torch.float32)[:, None] * rate
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    one, other = x[..., 0::2], x[..., 1::2]
    return torch.stack([one * cos - other * sin, one * sin + other * cos], -1).flatten(-2)
