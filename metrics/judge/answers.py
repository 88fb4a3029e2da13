"""What the judges say of a clip, from the weight files of their seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.contract.clip import EMOTIONS
from bench.contract.errors import WeightsError
from bench.contract.expert_file import Expert, read_expert

CHUNK = 64
"""Frames that go through the network at once; fixed, so that a clip's answer does not depend on the machine."""


def clip_probabilities(model: Any, pictures: np.ndarray, device: str = "cpu") -> np.ndarray:
    """(C,) float64 that sum to 1: the frame judge's answer to the pictures (N, 80, 80) uint8 of one clip, N at least 1."""
    import torch

    from metrics.judge.model_frames import scaled

    with torch.inference_mode():
        parts = [
            model.embed(scaled(torch.from_numpy(pictures[i : i + CHUNK]).to(device)))
            for i in range(0, len(pictures), CHUNK)
        ]
        return _probabilities(model.pool(torch.cat(parts)[None]))


def cue_probabilities(model: Any, features: np.ndarray, device: str = "cpu") -> np.ndarray:
    """(C,) float64 that sum to 1: the geometry judge's answer to the features (N, 214) of one clip, N at least 1."""
    import torch

    with torch.inference_mode():
        return _probabilities(model(torch.from_numpy(features).to(device)[None]))


def _probabilities(logits: Any) -> np.ndarray:
    return logits[0].double().softmax(0).cpu().numpy()


def load_frame_judge(path: Path, device: str = "cpu") -> tuple[Any, tuple[str, ...]]:
    """The network of a verified weight file, ready to answer, and its classes; WeightsError if the tensors do not fit."""
    from metrics.judge.model_frames import FrameJudge

    expert = read_expert(path, device)
    classes = _classes(path, expert)
    config = expert.config
    model = FrameJudge(len(classes), features=int(config["features"]), dropout=float(config["dropout"]))
    return _filled(path, model, expert, device), classes


def load_geometry_judge(path: Path, device: str = "cpu") -> tuple[Any, tuple[str, ...]]:
    """As `load_frame_judge`."""
    from metrics.judge.model_geometry import GeometryJudge

    expert = read_expert(path, device)
    classes = _classes(path, expert)
    model = GeometryJudge(len(classes), width=int(expert.config["width"]), dropout=float(expert.config["dropout"]))
    return _filled(path, model, expert, device), classes


def _classes(path: Path, expert: Expert) -> tuple[str, ...]:
    classes = tuple(expert.card.get("classes") or ())
    if len(classes) < 2 or len(set(classes)) < len(classes) or not set(classes) <= set(EMOTIONS):
        raise WeightsError(
            f"{path}: its card names the classes {list(classes)}; expected two or more of {', '.join(EMOTIONS)}"
        )
    return classes


def _filled(path: Path, model: Any, expert: Expert, device: str) -> Any:
    try:
        model.load_state_dict(expert.state)
    except RuntimeError as error:
        raise WeightsError(f"{path}: these are not the tensors of this judge: {error}") from None
    return model.to(device).eval().requires_grad_(False)


def by_emotion(answers: Sequence[tuple[np.ndarray, tuple[str, ...]]]) -> np.ndarray:
    """(S, 8) float32, columns as `EMOTIONS`: answers of S judges, each (probabilities (C,), its classes); NaN where it has no class."""
    table = np.full((len(answers), len(EMOTIONS)), np.nan, np.float32)
    for row, (probabilities, classes) in zip(table, answers, strict=True):
        row[[EMOTIONS.index(name) for name in classes]] = probabilities
    return table


def files_of(weights: Mapping[str, Path], experts: Sequence[str]) -> tuple[Path, ...]:
    """The files of these experts, in order."""
    return tuple(Path(weights[name]) for name in experts)
