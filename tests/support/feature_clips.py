"""Clips of handmade features for the tests of set metrics."""

from __future__ import annotations

import numpy as np

from bench.contract.metric import Collected
from bench.contract.seen import Labels


def feature_clips(
    clips: int,
    frames: int = 4,
    dimensions: int = 16,
    shift: float = 0.0,
    speakers: int = 4,
    seed: int = 0,
    same: bool = False,
) -> list[Collected]:
    """Clips with a speaker's, a clip's and a frame's own features; the generated side is another draw, moved by `shift`."""
    rng = np.random.default_rng(seed)
    people = rng.normal(size=(speakers, dimensions))
    out = []
    for k in range(clips):
        base = people[k % speakers] + 0.5 * rng.normal(size=dimensions)
        real = (base + 0.2 * rng.normal(size=(frames, dimensions))).astype(np.float32)
        other = (base + shift + 0.2 * rng.normal(size=(frames, dimensions))).astype(np.float32)
        labels = Labels(f"clip{k:03d}", "d", f"speaker{k % speakers}", None, None)
        out.append(Collected(labels, {"real": real, "generated": real.copy() if same else other}))
    return out
