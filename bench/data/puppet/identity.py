"""Who a rendered head is: everything that is fixed for one speaker, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.data.puppet.rest_face import draw_eyes, draw_shape

HAIR_STYLES = {
    "M": ("crop", "side_part", "swept_back", "curly", "buzz", "receding"),
    "F": ("long", "bob", "tied_back", "curly_long", "pixie", "fringe", "afro"),
}
CLOTHES = ("crew", "v_neck", "turtleneck", "collar")
WEAVES = ("plain", "knit", "heather")
BACKDROPS = ("studio", "wall", "room")
BEARDS = ("none", "stubble", "moustache", "goatee", "full")
# Linear RGB of dyed cloth and of painted walls as they are worn and lived in: muted, few of them bright.
_CLOTHS = np.array(
    [
        *([0.62, 0.61, 0.58], [0.40, 0.40, 0.41], [0.17, 0.175, 0.185], [0.055, 0.057, 0.062], [0.018, 0.018, 0.02]),
        *([0.022, 0.034, 0.075], [0.055, 0.095, 0.17], [0.22, 0.31, 0.42], [0.11, 0.018, 0.026], [0.045, 0.075, 0.045]),
        *([0.12, 0.115, 0.06], [0.34, 0.26, 0.165], [0.22, 0.075, 0.035], [0.43, 0.36, 0.27], [0.30, 0.17, 0.175]),
        *([0.035, 0.095, 0.10], [0.105, 0.07, 0.11], [0.13, 0.08, 0.05]),
    ]
)
_WALLS = np.array(
    [
        *([0.46, 0.45, 0.43], [0.30, 0.30, 0.305], [0.155, 0.16, 0.17], [0.06, 0.062, 0.067], [0.43, 0.385, 0.32]),
        *([0.30, 0.265, 0.215], [0.25, 0.30, 0.335], [0.145, 0.19, 0.22], [0.23, 0.265, 0.225], [0.12, 0.145, 0.125]),
        *([0.36, 0.31, 0.285], [0.10, 0.085, 0.075], [0.50, 0.50, 0.50]),
    ]
)


@dataclass(frozen=True, eq=False)
class Identity:
    """One speaker's look; colours are linear RGB in 0..1, lengths cm, the numbers of `shape` standard deviations.

    seed, sex "M" | "F"; shape: one number per SHAPE_MODES, then x, y, z stretch; eyes: size, opening, tilt (degrees),
    corner roundness; skin, lip, hair, iris: RGB; age, freckles, stubble, make_up: 0..1; hair_style of HAIR_STYLES; beard of
    BEARDS; brow: thickness, density, arch; light: direction (unit, to the light), `ambient` scales the light from all
    round; backdrop of BACKDROPS with two `background` RGB; clothes of CLOTHES in a weave of WEAVES with `cloth` RGB.
    """

    seed: int
    sex: str
    shape: np.ndarray
    stretch: np.ndarray
    eyes: np.ndarray
    neck: tuple[float, float]
    skin: np.ndarray
    undertone: float
    lip: np.ndarray
    age: float
    freckles: float
    stubble: float
    make_up: float
    beard: str
    hair_style: str
    hair: np.ndarray
    hair_volume: float
    hair_line: float
    parting: float
    brow: np.ndarray
    iris: np.ndarray
    light: np.ndarray
    light_colour: np.ndarray
    fill: float
    ambient: float
    backdrop: str
    background: np.ndarray
    clothes: str
    weave: str
    cloth: np.ndarray
    texture_seed: int

    @classmethod
    def from_seed(cls, seed: int, sex: str) -> Identity:
        """The speaker of `seed` (>= 0) and sex "M" or "F"; equal arguments give an equal speaker.

        Every trait has a random stream of its own, so none depends on how many numbers another one draws.
        Raises ValueError for another sex or a negative seed.
        """
        if sex not in ("M", "F"):
            raise ValueError(f'expected sex "M" or "F", got {sex!r}')
        if seed < 0:
            raise ValueError(f"expected a seed >= 0, got {seed}")
        streams = [np.random.default_rng([seed, sex == "M", trait]) for trait in range(10)]
        shape_rng, tone_rng, hair_rng, brow_rng, eye_rng, age_rng, light_rng, room_rng, cloth_rng, beard_rng = streams
        sign = 1.0 if sex == "M" else -1.0
        shape, stretch = draw_shape(shape_rng, sign)
        eyes = draw_eyes(eye_rng, sign)
        depth = tone_rng.beta(1.3, 1.3)  # 0 light .. 1 dark
        undertone = tone_rng.uniform(-1, 1)
        skin = _skin_colour(depth, undertone)
        red = np.array([0.92, 0.55, 0.55]) if sex == "F" else np.array([0.90, 0.62, 0.60])
        lip = skin * red ** (1 - 0.35 * depth) * tone_rng.uniform(0.92, 1.06)
        age = float(age_rng.beta(1.3, 1.8))
        make_up = float(age_rng.uniform(0, 1)) * (0.8 if sex == "F" else 0.0)
        lip = lip * (1 - 0.5 * make_up) + 0.5 * make_up * np.array([0.42, 0.08, 0.09])
        hair = _hair_colour(hair_rng, depth, age)
        light = np.array([light_rng.uniform(-0.9, 0.9), light_rng.uniform(0.3, 0.85), 1.0])
        warmth = light_rng.uniform(-0.09, 0.09)
        fill = float(light_rng.uniform(0.2, 0.6))
        power = light_rng.uniform(0.86, 1.04)
        wall = _WALLS[room_rng.integers(len(_WALLS))] * room_rng.uniform(0.8, 1.15) * (1 + room_rng.normal(0, 0.04, 3))
        cloth = _CLOTHS[cloth_rng.integers(len(_CLOTHS))] * cloth_rng.uniform(0.75, 1.25)
        clothes = str(cloth_rng.choice(CLOTHES))
        weave = "knit" if clothes == "turtleneck" else str(cloth_rng.choice(WEAVES, p=(0.5, 0.2, 0.3)))
        style = _hair_style(hair_rng, sex, depth, age)
        beard, stubble = _beard(beard_rng, sex)
        return cls(
            seed=seed,
            sex=sex,
            shape=shape,
            stretch=stretch,
            eyes=eyes,
            neck=(4.95 + 0.45 * sign + 0.15 * np.clip(shape_rng.normal(), -2, 2), 4.75 + 0.35 * sign),
            skin=skin,
            undertone=float(undertone),
            lip=np.clip(lip, 0.02, 1),
            age=age,
            freckles=float(max(0.0, tone_rng.uniform(-1.2, 1.0)) * (depth < 0.45)),
            stubble=stubble,
            make_up=make_up,
            beard=beard,
            hair_style=style,
            hair=hair,
            hair_volume=float(hair_rng.uniform(0.75, 1.25)),
            hair_line=float(hair_rng.uniform(0, 1)),
            parting=float(hair_rng.uniform(-1, 1)),
            brow=np.array(
                [
                    brow_rng.uniform(0.75, 1.15) * (1.12 if sex == "M" else 0.85),
                    brow_rng.uniform(0.65, 1.0),
                    brow_rng.uniform(-1, 1),
                ]
            ),
            iris=_iris_colour(eye_rng, depth),
            light=light / np.linalg.norm(light),
            light_colour=np.array([1 + warmth, 1.0, 1 - warmth]) * power,
            fill=fill,
            ambient=float(1.95 - power),
            backdrop=str(room_rng.choice(BACKDROPS)),
            background=np.clip([wall, wall * room_rng.uniform(0.5, 0.8)], 0.015, 0.8),
            clothes=clothes,
            weave=weave,
            cloth=np.clip(cloth, 0.012, 0.7),
            texture_seed=int(tone_rng.integers(2**31)),
        )


def _skin_colour(depth: float, undertone: float) -> np.ndarray:
    anchors = np.array([[0.73, 0.50, 0.395], [0.63, 0.385, 0.262], [0.40, 0.215, 0.128], [0.155, 0.073, 0.041]])
    at = depth * 3
    k = min(int(at), 2)
    colour = anchors[k] + (at - k) * (anchors[k + 1] - anchors[k])
    return colour * (1 + undertone * np.array([0.02, 0.0, -0.08]))


def _hair_colour(rng: np.random.Generator, depth: float, age: float) -> np.ndarray:
    black, dark, brown = [0.012, 0.010, 0.009], [0.035, 0.020, 0.012], [0.085, 0.045, 0.022]
    light, blond, red = [0.19, 0.105, 0.045], [0.42, 0.28, 0.13], [0.16, 0.05, 0.02]
    palette = np.array([black, dark, brown, light, blond, red])
    weights = np.array([0.6 + 4 * depth, 1.5, 1.6, 1.3, 1.0, 0.5]) * np.array(
        [1, 1, 1 - 0.85 * depth, *([max(0.0, 1 - 2.2 * depth)] * 3)]
    )
    colour = palette[rng.choice(len(palette), p=weights / weights.sum())] * rng.uniform(0.8, 1.25)
    grey = max(0.0, age - 0.6) * rng.uniform(0, 1.8)
    return colour * (1 - grey) + grey * np.array([0.36, 0.35, 0.34])


def _hair_style(rng: np.random.Generator, sex: str, depth: float, age: float) -> str:
    """A style: tight curls more often with dark skin, receding hair with age."""
    if sex == "M":
        weights = np.array([1.1, 1.0, 1.0, 0.25 + 1.2 * depth, 0.6, max(0.0, 2.4 * (age - 0.45))])
    else:
        weights = np.array([1.1, 0.9, 1.0, 0.9, 0.5, 0.7, 0.05 + 0.9 * max(0.0, depth - 0.45)])
    return str(rng.choice(HAIR_STYLES[sex], p=weights / weights.sum()))


def _beard(rng: np.random.Generator, sex: str) -> tuple[str, float]:
    """Kind of beard and how much stubble there is besides, 0..1."""
    kind = str(rng.choice(BEARDS, p=(0.46, 0.24, 0.08, 0.09, 0.13)))
    shadow = float(rng.uniform(0.4, 1.0))
    if sex == "F":
        return "none", 0.0
    return kind, shadow if kind == "stubble" else 0.15 * shadow


def _iris_colour(rng: np.random.Generator, depth: float) -> np.ndarray:
    brown, amber, hazel = [0.055, 0.024, 0.010], [0.12, 0.055, 0.02], [0.16, 0.13, 0.05]
    green, blue, grey = [0.10, 0.16, 0.10], [0.13, 0.21, 0.32], [0.22, 0.27, 0.30]
    palette = np.array([brown, amber, hazel, green, blue, grey])
    pale = max(0.03, 1 - 1.6 * depth)
    weights = np.array([1 + 3 * depth, 1.2, 0.7 * pale, 0.5 * pale, 0.9 * pale, 0.5 * pale])
    return palette[rng.choice(len(palette), p=weights / weights.sum())] * rng.uniform(1.05, 1.5)


def task_path() -> Path:
    """The verified local face_landmarker.task, whose canonical mesh is the geometry of all heads."""
    from bench.weights import resolve

    return resolve("face_landmarker")
