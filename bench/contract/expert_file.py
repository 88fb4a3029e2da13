"""The files of a trained expert: weights as safetensors, and the JSON card beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contract.errors import WeightsError


@dataclass(frozen=True)
class Expert:
    """`state` is a torch state dict, floating point numbers as float32; `config` and `card` say how and on whom it was trained."""

    state: dict[str, Any]
    config: dict[str, Any]
    card: dict[str, Any]


def card_path(weights: Path) -> Path:
    """Where the card of a weight file lies."""
    return weights.with_suffix(".json")


def read_card(weights: Path) -> dict[str, Any]:
    """The card beside a weight file; WeightsError if there is none that can be read."""
    try:
        card = json.loads(card_path(weights).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{card_path(weights)}: the card of the expert cannot be read ({error})") from error
    if not isinstance(card, dict):
        raise WeightsError(f"{card_path(weights)}: expected the card of an expert, a JSON object")
    return card


def read_expert(weights: Path, device: str = "cpu") -> Expert:
    """Weights and card of an expert whose hash has been verified; what was stored as float16 comes as float32."""
    from safetensors.torch import load_file

    card = read_card(weights)
    state = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(weights, device=device).items()
    }
    return Expert(state, dict(card["config"]), card)
