"""The skin's texture maps of one identity, painted in the canonical mesh's UV plane."""

from __future__ import annotations

import cv2
import numpy as np

from bench.data.puppet.canonical import EYE_RINGS, EYE_RINGS_1, EYE_RINGS_2, INNER_LIP, OUTER_LIP
from bench.data.puppet.canvas import BUMP_X, BUMP_Y, CHANNELS, FOLD_X, FOLD_Y, GLOSS, HAIR, PER_CM, SIZE, Canvas, noise
from bench.data.puppet.identity import Identity
from bench.data.puppet.mesh import HeadMesh
from bench.data.puppet.painted_hair import hair_on_skin, inside_hair_line, paint_beard, paint_brows


def paint(identity: Identity, mesh: HeadMesh) -> tuple[np.ndarray, np.ndarray]:
    """Maps (SIZE, SIZE, 9) float32: linear RGB, hair cover, bump slope x y, expression-fold slope x y, gloss.

    And (SIZE, SIZE) how far inside the hair line each texel lies, cm.
    """
    canvas = Canvas(mesh)
    rng = np.random.default_rng([identity.texture_seed, 1])
    at = canvas.at
    maps = np.zeros((SIZE, SIZE, CHANNELS), np.float32)
    skin = np.empty((SIZE, SIZE, 3), np.float32)
    skin[:] = identity.skin
    blotch = noise(rng, 60) * 0.5 + noise(rng, 24) * 0.4 + noise(rng, 9) * 0.3
    fine = noise(rng, 2.2)
    pores = np.minimum(noise(rng, 1.6), 0.4)  # pits, no bumps
    skin *= 1 + (0.055 * blotch)[..., None] * np.array([0.45, 1.0, 1.05], np.float32)
    skin *= 1 + (0.02 * fine + 0.022 * pores)[..., None] * np.array([0.8, 1.0, 1.0], np.float32)

    def tint(mask: np.ndarray, factor: tuple[float, float, float]) -> None:
        nonlocal skin
        skin = skin * (1 - mask[..., None] * (1 - np.array(factor, np.float32)))

    mirror = mesh.canonical.mirror
    redness = 0.75 + 0.35 * rng.uniform()
    for vertex, rx, ry, amount in ((50, 1.7, 1.3, 0.42), (205, 1.5, 1.2, 0.25), (64, 0.6, 0.6, 0.45)):
        for v in (vertex, int(mirror[vertex])):
            tint(canvas.blob(at[v], rx, ry) * amount * redness, (0.97, 0.76, 0.74))
    tint(canvas.blob(at[4], 0.9, 0.8) * 0.5 * redness, (0.97, 0.78, 0.76))
    tint(canvas.blob(at[152], 1.2, 0.8) * 0.25, (0.97, 0.84, 0.82))
    if identity.make_up > 0.3:
        for v in (50, 280):
            tint(canvas.blob(at[v], 1.6, 0.9) * 0.5 * identity.make_up, (0.95, 0.62, 0.62))
    # around the eyes: thin, darker skin; the crease of the upper lid; lash line
    for side in range(2):
        ring, ring1, ring2 = (np.array(r[side]) for r in (EYE_RINGS, EYE_RINGS_1, EYE_RINGS_2))
        around = canvas.polygon(at[ring2], 0.25)
        tint(around * (0.3 + 0.3 * identity.age), (0.86, 0.74, 0.74))
        below = canvas.line(at[ring2[10:15]], 0.25, 0.22)
        tint(below * (0.25 + 0.45 * identity.age), (0.78, 0.68, 0.7))
        crease = canvas.line(at[ring1[1:8]] * 0.62 + at[ring2[1:8]] * 0.38, 0.05, 0.06)
        tint(np.clip(crease * 2.2, 0, 1) * 0.85, (0.42, 0.30, 0.27))
        lash = canvas.line(at[ring[0:9]] * 0.9 + at[ring1[0:9]] * 0.1, 0.06, 0.05)
        tint(np.clip(lash * 1.5, 0, 1) * (0.72 + 0.2 * identity.make_up), (0.16, 0.13, 0.12))
        lower = canvas.line(at[ring[9:16]] * 0.8 + at[ring1[9:16]] * 0.2, 0.04, 0.05)
        tint(np.clip(lower * 1.2, 0, 1) * (0.4 + 0.2 * identity.make_up), (0.36, 0.27, 0.25))
        if identity.make_up > 0.25:
            shadow = canvas.polygon(
                np.concatenate([at[ring[0:9]], at[ring2[8:0:-1]] * 0.6 + at[ring1[8:0:-1]] * 0.4]), 0.12
            )
            tint(shadow * 0.5 * identity.make_up, (0.62, 0.5, 0.52))
    _paint_lips(identity, canvas, skin, maps, rng)
    _paint_nostrils(canvas, skin)
    if identity.freckles > 0:
        _paint_freckles(identity, canvas, skin, rng)
    _paint_moles(identity, canvas, skin)
    paint_beard(identity, canvas, skin, maps, rng)
    paint_brows(identity, canvas, skin, maps, rng)
    maps[..., :3] = np.clip(skin, 0.003, 1)
    _paint_relief(identity, canvas, maps, rng, fine + 1.6 * pores)
    inside = inside_hair_line(identity, canvas, rng)
    maps[..., HAIR] = hair_on_skin(identity, inside, rng)
    return np.ascontiguousarray(maps), inside


def _paint_lips(
    identity: Identity, canvas: Canvas, skin: np.ndarray, maps: np.ndarray, rng: np.random.Generator
) -> None:
    outer = canvas.at[list(OUTER_LIP)]
    mask = canvas.polygon(outer, 0.07 if identity.sex == "F" else 0.11)
    lines = noise(rng, 3)
    lines = cv2.GaussianBlur(lines, (0, 0), 0.8, sigmaY=5)
    lines /= lines.std()
    colour = identity.lip[None, None].astype(np.float32) * (1 + 0.09 * lines)[..., None]
    inner = canvas.polygon(canvas.at[list(INNER_LIP)], 0.12)
    rim = np.clip(inner * 1.4, 0, 1)[..., None] * 0.35
    colour = colour * (1 - rim * np.array([0.35, 0.6, 0.55], np.float32))
    cover = (mask * ((0.85 if identity.sex == "F" else 0.75) + 0.1 * identity.make_up))[..., None]
    skin[:] = skin * (1 - cover) + colour * cover
    maps[..., BUMP_X] += mask * lines * 0.05
    maps[..., GLOSS] += mask * (0.1 + 0.5 * identity.make_up)


def _paint_nostrils(canvas: Canvas, skin: np.ndarray) -> None:
    for inner, outer in ((97, 98), (326, 327)):
        middle = canvas.at[inner] * 0.45 + canvas.at[outer] * 0.55 + [0, -0.05 * PER_CM]
        mask = np.clip(canvas.blob(middle, 0.25, 0.12) * 1.5, 0, 1)[..., None]
        skin[:] = skin * (1 - mask * np.array([0.84, 0.91, 0.92], np.float32))


def _paint_freckles(identity: Identity, canvas: Canvas, skin: np.ndarray, rng: np.random.Generator) -> None:
    mask = np.zeros((SIZE, SIZE), np.float32)
    spots = np.zeros((SIZE, SIZE), np.uint8)
    for _ in range(int(260 * identity.freckles)):
        x, y = canvas.at[4] + rng.normal(0, 1, 2) * [3.2 * PER_CM, 1.6 * PER_CM] - [0, 0.8 * PER_CM]
        cv2.circle(
            spots, (int(x * 16), int(y * 16)), int(rng.uniform(10, 26)), int(rng.uniform(90, 255)), -1, cv2.LINE_AA, 4
        )
    mask = cv2.GaussianBlur(spots.astype(np.float32) / 255, (0, 0), 0.8)[..., None] * 0.55
    skin[:] = skin * (1 - mask * np.array([0.35, 0.5, 0.6], np.float32))


def _slopes(height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of a height map (cm): dh/dx towards image right, dh/dy upwards."""
    dy, dx = np.gradient(height)
    return dx * PER_CM, -dy * PER_CM


def _paint_moles(identity: Identity, canvas: Canvas, skin: np.ndarray) -> None:
    """A few dark spots on cheeks, forehead and chin, none near the lips and the eyes."""
    rng = np.random.default_rng([identity.texture_seed, 9])
    places = np.array([50, 280, 205, 425, 123, 352, 108, 337, 151, 214, 434, 199, 207, 427])
    for place in rng.choice(places, int(rng.integers(0, 4)), replace=False):
        centre = canvas.at[place] + rng.normal(0, 0.5, 2) * PER_CM
        radius = rng.uniform(0.04, 0.085)
        mask = np.clip(1.6 * canvas.blob(centre, radius, radius), 0, 1)[..., None] * rng.uniform(0.45, 0.85)
        skin[:] = skin * (1 - mask * np.array([0.62, 0.74, 0.78], np.float32))


def _paint_relief(
    identity: Identity, canvas: Canvas, maps: np.ndarray, rng: np.random.Generator, fine: np.ndarray
) -> None:
    """Pores and permanent lines (bump), and the folds that an expression deepens (fold)."""
    at = canvas.at
    maps[..., GLOSS] += 0.5
    for vertex, rx, ry in ((4, 0.8, 1.2), (151, 2.2, 1.0), (6, 0.5, 1.0), (199, 0.8, 0.6)):
        maps[..., GLOSS] += 0.35 * canvas.blob(at[vertex], rx, ry)
    grain = 0.7 + 0.8 * canvas.blob(at[4], 1.6, 1.2) + sum(0.6 * canvas.blob(at[v], 1.8, 1.4) for v in (50, 280))
    height = 0.0019 * fine * grain + 0.005 * noise(rng, 14) + 0.0024 * noise(rng, 5)
    maps[..., GLOSS] *= 1 + 0.22 * noise(rng, 4) + 0.15 * noise(rng, 12)
    folds = np.zeros((SIZE, SIZE), np.float32)
    old = max(0.0, identity.age - 0.35)
    for side in range(2):  # bags under the eyes, lines from the corners of the mouth, loose skin beside the chin
        ring1, ring2 = np.array(EYE_RINGS_1[side]), np.array(EYE_RINGS_2[side])
        sign = -1 if side == 0 else 1
        height -= 0.10 * old * canvas.line(at[ring2[9:15]] * 0.9 + at[ring1[9:15]] * 0.1, 0.07, 0.09)
        corner, jaw = at[61 if side == 0 else 291], at[150 if side == 0 else 379]
        way = np.stack([corner + [sign * 0.15 * PER_CM, 0.1 * PER_CM], 0.55 * corner + 0.45 * jaw, jaw])
        height -= 0.13 * old * canvas.line(way + [[0, 0], [-sign * 2, 0], [0, 0]], 0.08, 0.13)
    # forehead: four wavy horizontal lines
    left, right, top, low = at[104], at[333], at[10], at[9]
    for k in range(4):
        y = low[1] + (top[1] - low[1]) * (0.26 + 0.17 * k) + rng.normal(0, 0.05) * PER_CM
        x = np.linspace(left[0], right[0], 7)
        wave = y - 0.1 * PER_CM * np.cos((x - top[0]) / (right[0] - top[0]) * np.pi) + rng.normal(0, 0.05, 7) * PER_CM
        folds -= (0.145 - 0.014 * k) * canvas.line(np.stack([x, wave], 1), 0.1, 0.13)
    # between the brows: two upright lines
    for inner, sign in ((107, -1), (336, 1)):
        foot = at[8] + [sign * 0.42 * PER_CM, -0.15 * PER_CM]
        head = at[9] + [sign * 0.5 * PER_CM, -0.5 * PER_CM]
        folds -= 0.19 * canvas.line(np.stack([foot, (foot + head) / 2 + [sign * 1.2, 0], head]), 0.1, 0.11)
        del inner
    # bridge of the nose
    for k in range(2):
        middle = at[168] * (1 - 0.3 * k) + at[6] * 0.3 * k
        x = np.array([-0.55, 0, 0.55]) * PER_CM
        folds -= 0.06 * canvas.line(middle + np.stack([x, np.array([0.12, 0, 0.12]) * PER_CM], 1), 0.07, 0.09)
    for nose, mid, end, sign in ((129, 206, 216, -1), (358, 426, 436, 1)):
        fold = np.stack([at[nose] + [sign * 2, 0], at[mid], at[end]])
        folds -= 0.17 * canvas.line(fold, 0.12, 0.16)
        height -= (0.012 + 0.05 * identity.age) * canvas.line(fold, 0.12, 0.16)
        del nose
    for corner, sign in ((33, -1), (263, 1)):
        for k, angle in enumerate((-28, 2, 30)):
            start = at[corner] + [sign * 0.35 * PER_CM, (k - 1) * 0.2 * PER_CM]
            way = np.array([sign * np.cos(np.radians(angle)), np.sin(np.radians(angle))])
            folds -= 0.05 * canvas.line(
                np.stack([start, start + way * 0.55 * PER_CM, start + way * 1.1 * PER_CM]), 0.06, 0.07
            )
    height += folds * 0.75 * max(0.0, identity.age - 0.25)
    maps[..., BUMP_X], bump_y = maps[..., BUMP_X] + _slopes(height)[0], _slopes(height)[1]
    maps[..., BUMP_Y] = bump_y
    maps[..., FOLD_X], maps[..., FOLD_Y] = _slopes(folds)
