"""The matcher's outputs for the windows of a clip, and how often own streams beat swapped ones over a set of clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.contract.expert_file import read_expert
from metrics.cohesion.model import make_matcher
from metrics.cohesion.streams import STARTS, STREAMS
from metrics.cohesion.swaps import Outputs, groups_of, win_rates


def load_matcher(weights: Path, device: str = "cpu") -> Any:
    """The matcher of an expert file, in eval mode."""
    expert = read_expert(weights, device)
    matcher = make_matcher(expert.config["width"], expert.config["channels"]).to(device)
    matcher.load_state_dict(expert.state)
    return matcher.eval()


def embed(matcher: Any, windows: Mapping[str, np.ndarray], device: str) -> dict[str, np.ndarray]:
    """Stream -> (W, 2, D) float32 of the windows (W, C, WINDOW) of one clip, and their "starts"; the matcher is in eval mode."""
    import torch

    with torch.no_grad():
        found = matcher({name: torch.from_numpy(windows[name]).to(device) for name in STREAMS})
    return {**{name: value.cpu().numpy() for name, value in found.items()}, STARTS: windows[STARTS]}


def outputs_of(weights: Path, clips: Sequence[Mapping[str, np.ndarray]]) -> list[Outputs]:
    """`embed` of each clip's windows, by the matcher of an expert file on the CPU."""
    matcher = load_matcher(weights)
    return [embed(matcher, windows, "cpu") for windows in clips]


def auc(outputs: Sequence[Outputs], speakers: Sequence[str], emotions: Sequence[str]) -> dict[str, float]:
    """ "auc", and "auc_<stream>" where that stream is swapped: means over clips that have another one of their emotion."""
    rows = []
    for i, others in enumerate(groups_of(speakers, emotions)):
        rates = [rate for j in others if (rate := win_rates(outputs[i], outputs[j])) is not None]
        if rates:
            rows.append([np.mean([rate[name] for rate in rates]) for name in STREAMS])
    each = np.mean(rows, 0) if rows else np.full(len(STREAMS), np.nan)
    return {"auc": float(each.mean()), **{f"auc_{name}": float(x) for name, x in zip(STREAMS, each, strict=True)}}
