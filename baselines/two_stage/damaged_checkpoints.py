"""Checkpoints of stage 1 with one fault of a known size: ordinary weight files whose cards say what was done to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from baselines.two_stage import gaze_bins
from bench.contract.clip import EMOTIONS
from bench.contract.errors import UsageError
from bench.contract.expert_file import card_path, read_card
from bench.contract.files import whole_file

FEWER_STEPS = "fewer-steps"
DATA = ("basis", "spread")
"""Buffers of the network that were computed from data and never learnt."""
GAZE_HEADS = ("left.", "right.", "gaze.")
MEASURED = ("chosen_by", "validation", "curves", "learning", "measured")
"""What a card says of the intact weights that were measured: not true of damaged ones."""
LENGTH_OF_TRAINING = {"steps", "warmup_steps", "validate_every"}

State = dict[str, Any]
Config = dict[str, Any]


@dataclass(frozen=True)
class Damage:
    """`apply(state, config, dose, rng)` alters both in place and says in a sentence what it did; `unit` is that of its dose."""

    unit: str
    apply: Callable[[State, Config, float, np.random.Generator], str]


def _noise(state: State, config: Config, dose: float, rng: np.random.Generator) -> str:
    """Of one pattern, scaled: a higher dose goes further the same way."""
    import torch

    for name in sorted(set(state) - set(DATA)):
        weights = state[name]
        if weights.is_floating_point():
            pattern = torch.from_numpy(rng.standard_normal(weights.shape, np.float32))
            exact = weights.float()
            state[name] = (exact + dose * exact.std(correction=0) * pattern).to(weights.dtype)
    return f"Gaussian noise of {dose:g} times the SD of each tensor was added to its weights"


def _sound_late(state: State, config: Config, dose: float, rng: np.random.Generator) -> str:
    """A field of the configuration that the method obeys: the convolutions are too short to be moved by their weights."""
    if dose != int(dose) or dose < 1:
        raise UsageError(f"sound-late: expected a whole number of frames, 1 or more, got {dose:g}")
    config["sound_late"] = int(dose)
    return f"the network hears the sound {int(dose)} frames late"


def _emotion_shuffled(state: State, config: Config, dose: float, rng: np.random.Generator) -> str:
    if not config.get("emotion", True):
        raise UsageError("emotion-shuffled: this network is told no emotion (emotion=false)")
    order = without_fixed_point(len(EMOTIONS), rng)
    for name in state:
        if name.endswith(".emotion.weight"):
            state[name] = state[name][order.tolist()].clone()
        elif name.endswith(".mood.weight"):  # one for each emotion and level
            moods = state[name].unflatten(0, (len(EMOTIONS), -1))
            state[name] = moods[order.tolist()].flatten(0, 1).clone()
    moved = ", ".join(f"{one} as {EMOTIONS[other]}" for one, other in zip(EMOTIONS, order, strict=True))
    return f"the emotions' vectors exchanged: {moved}"


def _gaze_zeroed(state: State, config: Config, dose: float, rng: np.random.Generator) -> str:
    """Zeros alone, not a bias that looks straight ahead: that a stare is caught is known from the control frozen-gaze."""
    import torch

    for name in state:
        if name.startswith(GAZE_HEADS):
            state[name] = torch.zeros_like(state[name])
    if config.get("discretised", True):
        return f"the gaze heads are zero: each of the {gaze_bins.COUNT} directions is as likely as any, for each eye in each frame"
    return "the gaze head is zero: no step of the gaze, which stays where the reference image looks"


DAMAGES: Mapping[str, Damage] = MappingProxyType(
    {
        "weight-noise": Damage("SD of each tensor", _noise),
        "sound-late": Damage("frames of 40 ms", _sound_late),
        "emotion-shuffled": Damage("all of it", _emotion_shuffled),
        "gaze-zeroed": Damage("all of it", _gaze_zeroed),
    }
)
"""What is made from the weights themselves; FEWER_STEPS is not, and is taken from a training of its own."""


def without_fixed_point(number: int, rng: np.random.Generator) -> np.ndarray:
    """(number,) int64: an order in which nothing keeps its place, each such order as likely as any; ValueError below two."""
    if number < 2:
        raise ValueError(f"without_fixed_point: expected 2 or more, got {number}")
    while True:
        order = rng.permutation(number)
        if (order != np.arange(number)).all():
            return order


def write_damaged(source: Path, path: Path, name: str, dose: float, seed: int = 0) -> dict[str, Any]:
    """Write the checkpoint `source` with the damage `name` to `path`, its card beside it; returns the card.

    Tensors keep their dtype, and those that the damage does not mean their bits. UsageError for an unknown damage and a dose
    that it does not have.
    """
    if name not in DAMAGES:
        raise UsageError(f"damaged checkpoint {name!r}: expected one of {', '.join(DAMAGES)}")
    state, card = _read(source)
    config = dict(card["config"])
    what = DAMAGES[name].apply(state, config, dose, np.random.default_rng(seed))
    kept = {key: value for key, value in card.items() if key not in MEASURED} | {"config": config}
    return _write(
        path, state, kept, source, {"name": name, "dose": dose, "unit": DAMAGES[name].unit, "seed": seed, "what": what}
    )


def write_fewer_steps(source: Path, given: Path, path: Path, share: float) -> dict[str, Any]:
    """Write the checkpoint `given`, of a training like that of `source` but at most `share` as long, to `path`; returns the card.

    UsageError where it was trained otherwise than by its length, on other clips, or longer.
    """
    whole, (state, card) = read_card(source), _read(given)
    own, other = whole["config"], card["config"]
    differing = {n for n in own.keys() | other.keys() if own.get(n) != other.get(n)} - LENGTH_OF_TRAINING
    differing |= {n for n in ("trainable", "version", "fingerprint") if whole.get(n) != card.get(n)}
    if differing:
        raise UsageError(
            f"{given}: expected the training of {source} with fewer steps; it differs in {', '.join(sorted(differing))}"
        )
    if card["steps"] > share * whole["steps"]:
        raise UsageError(
            f"{given}: {card['steps']} steps, expected at most {share:g} of the {whole['steps']} of {source}"
        )
    what = f"trained for {card['steps']} steps and not {whole['steps']}"
    return _write(
        path, state, card, source, {"name": FEWER_STEPS, "dose": share, "unit": "share of the steps", "what": what}
    )


def _read(weights: Path) -> tuple[State, dict[str, Any]]:
    from safetensors.torch import load_file

    return load_file(weights), read_card(weights)


def _write(path: Path, state: State, card: dict[str, Any], source: Path, damage: dict[str, Any]) -> dict[str, Any]:
    """The header says so too: equal tensors under another card are another checkpoint, with another hash."""
    from safetensors.torch import save

    damage = {**damage, "of": hashlib.sha256(source.read_bytes()).hexdigest()}
    content = save(
        {name: tensor.contiguous() for name, tensor in state.items()}, {"damage": json.dumps(damage, sort_keys=True)}
    )
    digest = hashlib.sha256(content).hexdigest()
    card = {**card, "name": path.stem, "damage": damage, "bytes": len(content), "sha256": digest}
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    with whole_file(card_path(path)) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card
