"""Clips through the sync expert: numbers in, embeddings out, the same for training's validation and for scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.contract.errors import WeightsError
from bench.contract.expert_file import read_expert
from metrics.sync_expert.mouth import standardised
from metrics.sync_expert.sound import STEP, WINDOW, heard

WINDOW_FRAMES = 5
"""Frames that one picture embedding sees: 0.2 s, SyncNet's window."""
WINDOW_STEPS = 18
"""Log-mel steps that one sound embedding hears: 195 ms of samples, inside the 0.2 s of the five frames."""
FEWEST_SAMPLES = (WINDOW_STEPS - 1) * STEP + WINDOW


def load_expert(path: Path, device: str = "cpu") -> Any:
    """The trained network of a verified weight file, in eval mode; WeightsError if the tensors do not fit."""
    from metrics.sync_expert.model import SyncExpert

    expert = read_expert(path, device)
    model = SyncExpert(int(expert.config["dimension"])).to(device)
    try:
        model.load_state_dict(expert.state)
    except RuntimeError as error:
        raise WeightsError(f"{path}: these are not the tensors of the sync expert: {error}") from None
    return model.eval().requires_grad_(False)


def embed(
    model: Any, crops: np.ndarray, seen: np.ndarray, mel: np.ndarray, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Picture (T - 4, D) and sound (M, D) embeddings, float32, of one clip; `model` is a SyncExpert in eval mode.

    crops (T, 48, 48) uint8, seen (T,) bool, mel (J, 40) log-mel; T at least 5, J at least 18. A window with a frame without a
    face is NaN.
    """
    import torch

    with torch.inference_mode():
        pixels = torch.from_numpy(standardised(crops, seen)).to(device)
        steps = torch.from_numpy(heard(mel)).to(device)
        visual, audio = (
            part[0].float().cpu().numpy() for part in (model.visual(pixels[None]), model.audio(steps[None]))
        )
    there = np.lib.stride_tricks.sliding_window_view(seen, WINDOW_FRAMES).all(1)
    return np.where(there[:, None], visual, np.float32(np.nan)), audio
