"""The cohesion matcher: three small temporal networks whose outputs agree where streams belong to one clip."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from metrics.cohesion.features import SIZES
from metrics.cohesion.streams import OTHERS, STREAMS


def make_matcher(width: int, channels: int) -> Any:
    """A torch module: {stream: (N, C, T)} -> {stream: (N, 2, D)}, D = channels * T / 2, rows of length 1 times a learned scale.

    The score of a pair of streams is the inner product of their outputs for each other: a cosine, which knows neither
    whose face it is nor how far it moves on the whole, times that scale. A triple's score is the sum over its three pairs.
    """
    from torch import nn

    class Matcher(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoders = nn.ModuleDict({name: _encoder(SIZES[name], width, 2 * channels) for name in STREAMS})
            self.scale = nn.ParameterDict({f"{a}_{b}": nn.Parameter(_log(8.0)) for a, b in _pairs()})

        def forward(self, windows):
            return {name: self._of(name, windows[name]) for name in STREAMS}

        def _of(self, name, window):
            from torch import stack
            from torch.nn import functional

            found = self.encoders[name](window).unflatten(1, (2, channels)).flatten(2)  # (N, 2, D)
            found = functional.normalize(found, dim=-1)
            # half of a pair's scale on each side, so that the product of two outputs is the score itself
            half = stack([(self.scale["_".join(sorted((name, other)))] / 2).exp() for other in OTHERS[name]])
            return found * half[:, None]

    return Matcher()


def scores(outputs: dict[str, Any]) -> Any:
    """(..., 3) scores of the pairs expression-gaze, expression-pose, gaze-pose of outputs (..., 2, D) that lie side by side."""
    from torch import stack

    found = []
    for a, b in _pairs():
        left, right = outputs[a][..., OTHERS[a].index(b), :], outputs[b][..., OTHERS[b].index(a), :]
        found.append((left * right).sum(-1))
    return stack(found, -1)


def _pairs() -> list[tuple[str, str]]:
    return [(a, b) for a, b in permutations(STREAMS, 2) if a < b]


def _encoder(inputs: int, width: int, outputs: int) -> Any:
    from torch import nn

    # the first layer only brings each track to the size it has in training clips
    return nn.Sequential(
        nn.BatchNorm1d(inputs, affine=False),
        nn.Conv1d(inputs, width, 5, padding=2),
        nn.GELU(),
        nn.Conv1d(width, width, 5, padding=4, dilation=2),
        nn.GELU(),
        nn.AvgPool1d(2),
        nn.Conv1d(width, width, 3, padding=1),
        nn.GELU(),
        nn.Conv1d(width, outputs, 1),
    )


def _log(value: float) -> Any:
    import torch

    return torch.tensor(value).log()
