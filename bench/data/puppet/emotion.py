"""What an emotion looks and sounds like: action-unit prototypes, gaze, head, blinks, voice; as data.

Facial prototypes follow EMFACS (Friesen and Ekman 1983) and the compound-expression tables of Du, Tao and Martinez (2014);
voice follows Juslin and Laukka (2003, table 7), Scherer (2003) and Banse and Scherer (1996, contempt and disgust); gaze and
head follow Adams and Kleck (2005, direct gaze with anger and joy, averted with fear and sadness) and Wallbott (1998). The
numbers are ours: docs/puppet.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.contract.clip import EMOTIONS
from bench.data.puppet.speech import Delivery


@dataclass(frozen=True)
class Target:
    """A place the eyes go to: share of fixations, yaw and pitch of the line of sight and its spread, in degrees.

    Angles are relative to the camera: (0, 0) looks into it, yaw + image right, pitch + up. A `sided` target lies on the
    side that the speaker favours.
    """

    share: float
    yaw: float
    pitch: float
    spread: float = 1.5
    sided: bool = False


@dataclass(frozen=True)
class Prototype:
    """One emotion at full strength.

    actions: action unit -> intensity; a name ending in `_side` stands for the speaker's favoured side, with a tenth of it
    on the other. pose and pose_spread: mean and spread of (pitch, yaw, roll) in degrees, roll sided; sway: mean speed of
    slow head movement relative to neutral. nod: degrees of a nod on a pitch accent. brow_flash: brow raise on an accent.
    fixation: mean seconds of a fixation. blinks: scale of the blink rate (`gaze.blinks`), near blinks per minute. effort:
    mouth opening relative to neutral. depth: how far expression, gaze and head swell and ebb together (0 constant). targets:
    where the eyes go.
    """

    actions: dict[str, float]
    pose: tuple[float, float, float]
    pose_spread: tuple[float, float, float]
    sway: float
    nod: float
    brow_flash: float
    fixation: float
    blinks: float
    effort: float
    depth: float
    targets: tuple[Target, ...]
    delivery: Delivery
    neighbours: tuple[str, ...]
    """Emotions that it is taken for: weak clips carry a share of one of them."""


PROTOTYPES: dict[str, Prototype] = {
    "angry": Prototype(
        actions={"brow_lower": 1.0, "lid_raise": 0.40, "lid_tighten": 0.60, "lip_press": 0.55, "nose_wrinkle": 0.15,
                 "upper_lip_raise": 0.20, "chin_raise": 0.30, "lip_stretch": 0.10},
        pose=(-4.5, 0.0, 0.0), pose_spread=(2.2, 3.0, 1.5), sway=1.5, nod=4.5, brow_flash=0.0,
        fixation=0.85, blinks=10, effort=1.25, depth=0.5,
        targets=(Target(0.76, 0, 0, 1.2), Target(0.14, 11, -4, 2.2), Target(0.10, -11, -3, 2.2)),
        delivery=Delivery(1.5, 1.40, 1.13, 4.0, 0, 2.5),
        neighbours=("disgusted", "contempt"),
    ),
    "contempt": Prototype(
        actions={"dimpler_side": 1.0, "smile_side": 0.45, "chin_raise": 0.12, "brow_outer_raise": 0.12, "lid_tighten": 0.25,
                 "lip_press": 0.12},
        pose=(4.5, 0.0, 5.5), pose_spread=(2.0, 3.2, 2.0), sway=0.7, nod=2.0, brow_flash=0.10,
        fixation=0.75, blinks=14, effort=0.90, depth=0.5,
        targets=(Target(0.42, 0, 0, 1.5), Target(0.44, 12, -3, 2.5, sided=True), Target(0.14, -5, -8, 2.5)),
        delivery=Delivery(-2.2, 0.72, 0.89, -1.5, 0, 1.0),
        neighbours=("neutral", "happy", "disgusted"),
    ),
    "disgusted": Prototype(
        actions={"nose_wrinkle": 0.90, "upper_lip_raise": 0.65, "brow_lower": 0.40, "lid_tighten": 0.35, "cheek_raise": 0.25,
                 "frown": 0.30, "chin_raise": 0.30, "lower_lip_depress": 0.15},
        pose=(1.0, 0.0, -2.5), pose_spread=(2.5, 4.5, 2.0), sway=1.1, nod=2.2, brow_flash=0.0,
        fixation=0.55, blinks=17, effort=0.95, depth=0.6,
        targets=(Target(0.38, 0, 0, 1.5), Target(0.40, -11, -6, 2.5, sided=True), Target(0.22, 6, -9, 2.5)),
        delivery=Delivery(-1.0, 0.95, 0.91, 1.0, 0, 3.5),
        neighbours=("angry", "contempt", "sad"),
    ),
    "fear": Prototype(
        actions={"brow_inner_raise": 0.90, "brow_outer_raise": 0.45, "brow_lower": 0.45, "lid_raise": 0.90, "lid_tighten": 0.25,
                 "lip_stretch": 0.75, "lips_part": 0.28, "jaw_open": 0.08},
        pose=(-0.5, 0.0, 0.0), pose_spread=(2.0, 5.0, 2.0), sway=1.9, nod=1.5, brow_flash=0.15,
        fixation=0.36, blinks=26, effort=0.95, depth=0.6,
        targets=(Target(0.34, 0, 0, 1.5), Target(0.22, 13, 1, 3.0), Target(0.22, -13, 1, 3.0), Target(0.12, 7, 5, 2.5),
                 Target(0.10, -8, -5, 2.5)),
        delivery=Delivery(3.2, 0.80, 1.14, -0.5, 2.5, 0),
        neighbours=("surprised", "sad"),
    ),
    "happy": Prototype(
        actions={"smile_left": 1.0, "smile_right": 1.0, "cheek_raise": 0.80, "lid_tighten": 0.15, "lips_part": 0.45,
                 "brow_outer_raise": 0.08},
        pose=(1.5, 0.0, 1.5), pose_spread=(2.5, 4.5, 2.8), sway=1.4, nod=3.6, brow_flash=0.25,
        fixation=0.60, blinks=19, effort=1.10, depth=0.45,
        targets=(Target(0.60, 0, 0, 1.5), Target(0.15, 11, 4, 2.2), Target(0.15, -11, 4, 2.2), Target(0.10, 6, -9, 2.2)),
        delivery=Delivery(1.7, 1.50, 1.12, 2.5, 0, -1.0),
        neighbours=("contempt", "surprised", "neutral"),
    ),
    "neutral": Prototype(
        actions={},
        pose=(0.0, 0.0, 0.0), pose_spread=(1.6, 2.6, 1.3), sway=1.0, nod=2.2, brow_flash=0.10,
        fixation=0.60, blinks=16, effort=1.0, depth=0.2,
        targets=(Target(0.60, 0, 0, 1.5), Target(0.13, 9, -1, 2.5), Target(0.13, -9, -1, 2.5), Target(0.14, 1, -8, 2.5)),
        delivery=Delivery(),
        neighbours=("sad", "contempt"),
    ),
    "sad": Prototype(
        actions={"brow_inner_raise": 0.95, "brow_lower": 0.25, "frown": 0.90, "chin_raise": 0.45, "cheek_raise": 0.08,
                 "lower_lip_depress": 0.05},
        pose=(-7.0, 0.0, -2.0), pose_spread=(2.5, 3.0, 2.2), sway=0.55, nod=1.2, brow_flash=0.05,
        fixation=0.80, blinks=21, effort=0.82, depth=0.5,
        targets=(Target(0.30, 0, 0, 1.5), Target(0.30, 5, -12, 3.0), Target(0.26, -5, -13, 3.0), Target(0.14, 10, -7, 2.5)),
        delivery=Delivery(-1.8, 0.60, 0.84, -4.0, 2.5, 0),
        neighbours=("neutral", "fear", "disgusted"),
    ),
    "surprised": Prototype(
        actions={"brow_inner_raise": 0.90, "brow_outer_raise": 1.0, "lid_raise": 0.85, "jaw_open": 0.34, "lips_part": 0.25},
        pose=(3.0, 0.0, 0.0), pose_spread=(2.5, 3.2, 1.8), sway=1.3, nod=3.0, brow_flash=0.45,
        fixation=0.55, blinks=11, effort=1.15, depth=0.65,
        targets=(Target(0.56, 0, 0, 1.5), Target(0.18, 8, 9, 2.3), Target(0.16, -8, 9, 2.3), Target(0.10, 1, -8, 2.3)),
        delivery=Delivery(4.3, 1.90, 0.97, 1.0, 0.8, -1.0),
        neighbours=("fear", "happy"),
    ),
}  # fmt: skip

STRENGTH = {1: (0.41, 0.34), 2: (0.72, 0.25), 3: (1.02, 0.14)}
"""level -> (median, spread of the logarithm) of the clip's emotional strength; 1 is the prototype itself."""
BLEND = {1: 0.62, 2: 0.38, 3: 0.20}
"""level -> largest share of a neighbouring emotion, relative to the clip's own strength."""


@dataclass(frozen=True)
class Mood:
    """One clip's emotion: `strength` of the prototype, and `blend` of the emotion `other` mixed into it."""

    emotion: str
    strength: float
    other: str
    blend: float

    @classmethod
    def draw(cls, rng: np.random.Generator, emotion: str, level: int | None) -> Mood:
        """The mood of a clip of `emotion` at `level` 1-3 (None is 2); neutral has a trace of another emotion only."""
        prototype = PROTOTYPES[emotion]
        level = level or 2
        median, spread = STRENGTH[level]
        strength = float(median * np.exp(rng.normal(0, spread)))
        other = str(
            rng.choice(prototype.neighbours if emotion != "neutral" else [e for e in EMOTIONS if e != "neutral"])
        )
        share = float(rng.beta(1.2, 1.8))
        if emotion == "neutral":
            return cls(emotion, 1.0, other, 0.20 * share)
        return cls(emotion, min(strength, 1.25), other, BLEND[level] * share * min(strength, 1.0))

    def mix(self, value: str) -> float:
        """A number of the prototypes (nod, blinks, effort, ...) between neutral's and the emotion's, by strength."""
        base, own, other = (getattr(PROTOTYPES[e], value) for e in ("neutral", self.emotion, self.other))
        weight = min(self.strength, 1.1) if self.emotion != "neutral" else 1.0
        return base + weight * (own - base) + self.blend * (other - base)

    def pose(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread (3,) of (pitch, yaw, roll) in degrees, roll sided."""
        base, own, other = (PROTOTYPES[e] for e in ("neutral", self.emotion, self.other))
        weight = min(self.strength, 1.1) if self.emotion != "neutral" else 1.0

        def mixed(name: str) -> np.ndarray:
            b, o, x = (np.array(getattr(p, name)) for p in (base, own, other))
            return b + weight * (o - b) + self.blend * (x - b)

        return mixed("pose"), np.maximum(mixed("pose_spread"), 0.5)

    def targets(self, swell: float = 1.0) -> list[Target]:
        """Neutral's targets and the emotion's, shares weighted by strength times `swell` (they sum to 1)."""
        own = min(1.0, 0.20 + 0.80 * self.strength * swell) if self.emotion != "neutral" else 1.0
        own = max(own, 0.0)
        blend = min(0.5, self.blend)
        weights = {"neutral": (1.0 - own) * (1 - blend), self.emotion: own * (1 - blend), self.other: blend}
        if self.emotion == "neutral":
            weights = {"neutral": 1 - blend, self.other: blend}
        found = [(w * t.share, t) for e, w in weights.items() for t in PROTOTYPES[e].targets]
        total = sum(share for share, _ in found)
        return [Target(share / total, t.yaw, t.pitch, t.spread, t.sided) for share, t in found]

    def delivery(self, rng: np.random.Generator) -> Delivery:
        """How the sentence is said: the prototype's voice by strength, with the spread of people."""
        own, other = PROTOTYPES[self.emotion].delivery, PROTOTYPES[self.other].delivery
        weight = min(self.strength, 1.15) if self.emotion != "neutral" else 1.0

        def linear(name: str) -> float:
            return weight * getattr(own, name) + self.blend * getattr(other, name)

        def power(name: str) -> float:
            return getattr(own, name) ** weight * getattr(other, name) ** self.blend

        return Delivery(
            semitones=round(linear("semitones") + float(rng.normal(0, 1.0)), 3),
            range_factor=round(power("range_factor") * float(np.exp(rng.normal(0, 0.20))), 3),
            rate_factor=round(power("rate_factor") * float(np.exp(rng.normal(0, 0.07))), 3),
            gain_db=round(linear("gain_db") + float(rng.normal(0, 1.6)), 2),
            breath=round(linear("breath") + float(rng.normal(0, 0.6)), 2),
            roughness=round(linear("roughness") + float(rng.normal(0, 0.7)), 2),
        )
