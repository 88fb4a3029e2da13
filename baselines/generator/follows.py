"""Do the generator's key points follow mouth, lids and eyes? What they do not see, no picture can show."""

from __future__ import annotations

from typing import Any

import numpy as np

from baselines.generator import terms
from baselines.generator.frames import NEEDED, Pairs
from baselines.generator.landmark_ties import TIED

OPENINGS = {
    "mouth": ("lower lip, inner", "upper lip, inner", 1),
    "mouth width": ("mouth corner left", "mouth corner right", 0),
    "lids": ("lower lid left", "upper lid left", 1),
    "iris across": ("iris left", "inner eye left", 0),
    "brow": ("inner brow left", "inner eye left", 1),
}
"""Distances between two key points along x (0) or y (1)."""
OF_CLIP = 16


def followed(generator: Any, data: Pairs, device: Any, size: int = 16) -> dict[str, dict[str, float]]:
    """For each of OPENINGS, over fixed frames of all clips: `r` and `slope` of the distance between key points against that
    between landmarks (1 is perfect), and its standard deviation `sd_px` in px of 256."""
    import torch

    pairs = data.spread(OF_CLIP)
    seen, true = [], []
    for start in range(0, len(pairs), size):
        raw = data.of(pairs[start : start + size])
        picture = terms.pictures(torch.from_numpy(raw["driving"]).to(device))
        with torch.inference_mode():
            seen.append(generator.look(picture).posed.cpu().numpy()[:, : len(TIED), :2])
        true.append(raw["landmarks"][:, [NEEDED.index(n) for n in TIED.values()], :2])
    names = list(TIED)
    found = {}
    for name, (one, other, axis) in OPENINGS.items():
        ours, theirs = (
            np.concatenate(side)[:, [names.index(one), names.index(other)], axis] @ [1.0, -1.0] for side in (seen, true)
        )
        found[name] = {
            "r": float(np.corrcoef(ours, theirs)[0, 1]),
            "slope": float(np.polyfit(theirs, ours, 1)[0]),
            "sd_px": float(theirs.std() * 128),
        }
    return found
