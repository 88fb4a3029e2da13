"""A person of the embedded dataset: looks, voice and manner, all drawn from the name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.speech import Voice


def stream(speaker: str, emotion: str = "", level: int = 0, take: int = 0, purpose: str = "") -> np.random.Generator:
    """The random stream of one purpose of one take; equal arguments give equal streams on every machine."""
    key = f"{speaker}|{emotion}|{level}|{take}|{purpose}".encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:16], "little"))


@dataclass(frozen=True)
class Speaker:
    """A person: looks (`seed` for the renderer's identity), voice and manner. `name` is MEAD's kind of name, M101 or W101.

    side +-1 is the favoured side (subject's left +); expressivity scales expression; habits scale single action units;
    head_gain 0..1 is how much of a gaze shift the head does; camera (yaw, pitch) in degrees is where the camera is looked
    for; pose (3,) degrees is the resting head; pace, blink_rate, effort scale fixations, blinks and mouth opening.
    """

    name: str
    sex: str
    seed: int
    voice: Voice
    side: int
    expressivity: float
    habits: Mapping[str, float]
    head_gain: float
    head_delay: float
    camera: tuple[float, float]
    pose: tuple[float, float, float]
    position: tuple[float, float, float]
    pace: float
    blink_rate: float
    effort: float

    @classmethod
    def of(cls, name: str) -> Speaker:
        """The speaker called `name`: M or W and three digits; ValueError otherwise."""
        if len(name) != 4 or name[0] not in "MW" or not name[1:].isdigit():
            raise ValueError(f"a speaker is called M or W and three digits (M101), not {name!r}")
        rng = stream(name, purpose="speaker")
        seed = int(rng.integers(1, 2**31))
        return cls(
            name=name,
            sex=name[0],
            seed=seed,
            voice=Voice.from_seed(seed, name[0]),
            side=int(rng.choice([-1, 1])),
            expressivity=float(np.exp(rng.normal(0, 0.10))),
            habits=_habits(rng),
            head_gain=float(rng.uniform(0.3, 0.75)),
            head_delay=float(rng.uniform(0.0, 0.06)),
            camera=(float(rng.normal(0, 1.0)), float(rng.normal(-0.5, 1.0))),
            pose=(float(rng.normal(0, 2.0)), float(rng.normal(0, 2.5)), float(rng.normal(0, 1.3))),
            position=(float(rng.normal(0, 0.4)), float(rng.normal(0, 0.3)), float(rng.normal(0, 0.8))),
            pace=float(np.exp(rng.normal(0, 0.18))),
            blink_rate=float(np.exp(rng.normal(0, 0.25))),
            effort=float(np.exp(rng.normal(0, 0.10))),
        )


def _habits(rng: np.random.Generator) -> dict[str, float]:
    """Action unit -> factor; left and right are nearly alike."""
    habits = {}
    for name in ACTIONS:
        if name.endswith("_right") and (left := name.replace("_right", "_left")) in habits:
            habits[name] = habits[left] * float(np.exp(rng.normal(0, 0.10)))
        else:
            habits[name] = float(np.exp(np.clip(rng.normal(0, 0.18), -0.35, 0.35)))
    return habits
