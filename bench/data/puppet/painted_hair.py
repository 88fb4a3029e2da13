"""Hair that is painted on the skin: eyebrows, beards, the soft edge of the hair line."""

from __future__ import annotations

import cv2
import numpy as np

from bench.data.puppet.canonical import OUTER_LIP, OVAL
from bench.data.puppet.canvas import (
    BUMP_X,
    GLOSS,
    PER_CM,
    SIZE,
    UV_HIGH,
    UV_LOW,
    Canvas,
    fixed,
    noise,
    smooth_open,
    strokes,
)
from bench.data.puppet.identity import Identity

_BEARD = (
    *(
        93,
        132,
        58,
        172,
        136,
        150,
        149,
        176,
        148,
        152,
        377,
        400,
        378,
        379,
        365,
        397,
        288,
        361,
        323,
        401,
        435,
        434,
        432,
        287,
        410,
    ),
    *(270, 0, 40, 186, 57, 212, 214, 215, 177),
)
_MOUSTACHE = (186, 165, 167, 164, 393, 391, 410, 409, 269, 0, 39, 185)


def paint_beard(identity: Identity, canvas: Canvas, skin: np.ndarray, maps: np.ndarray, rng) -> None:
    """Stubble under the skin and the hairs of a beard on it."""
    at = canvas.at
    mouth = np.clip(1.6 * canvas.polygon(at[list(OUTER_LIP)], 0.05), 0, 1)
    hair = identity.hair.astype(np.float32) * min(0.9, 0.6 * identity.skin.sum() / identity.hair.sum())
    area = canvas.polygon(at[list(_BEARD)], 0.5) * (1 - mouth)
    if identity.stubble > 0:
        grain = np.clip(0.75 + 0.25 * noise(rng, 1.7), 0, 1.4)
        cover = np.clip(area * grain * identity.stubble * 0.42, 0, 0.9)[..., None]
        skin[:] = skin * (1 - cover) + cover * (0.35 * skin + 0.65 * hair)
    if identity.beard in ("none", "stubble"):
        return
    lip = np.clip(1.3 * canvas.polygon(at[list(_MOUSTACHE)], 0.13), 0, 1)
    chin = 1.6 * canvas.blob(at[199] + [0, 0.1 * PER_CM], 1.05, 0.9)
    where = {
        "moustache": lip,
        "goatee": np.maximum(lip, np.clip(chin * (1 + 0.25 * noise(rng, 5)) - 0.25, 0, 1)),
        "full": np.maximum(np.clip(1.8 * area * (1 + 0.2 * noise(rng, 5)) - 0.3, 0, 1), lip),
    }[identity.beard] * (1 - mouth)
    where = cv2.GaussianBlur(where, (0, 0), 0.05 * PER_CM)
    rows, columns = np.nonzero(where > 0.08)
    share = where[rows, columns]
    n = min(9000, int(5 * share.sum()))
    k = rng.choice(len(rows), n, p=share / share.sum())
    roots = np.stack([columns[k], rows[k]], 1) + rng.uniform(-0.5, 0.5, (n, 2))
    away = roots - at[0]
    upper = roots[:, 1] < at[13, 1]
    way = np.stack([away[:, 0] * np.where(upper, 1.4, 0.35), np.abs(away[:, 0]) * 0.3 + 0.9 * PER_CM], 1)
    way = way / np.linalg.norm(way, axis=1, keepdims=True) + rng.normal(0, 0.22, (n, 2))
    tips = roots + way * PER_CM * rng.uniform(0.18, 0.42, (n, 1))
    mask = np.clip(1.25 * strokes(roots, tips, rng.uniform(0.35, 1.0, n), 2), 0, 1) * (1 - mouth)
    # not opaque: a black moustache is read as an open mouth
    cover = np.clip(0.46 * where**1.5 + 0.58 * mask * np.clip(3 * where, 0, 1), 0, 0.75)[..., None]
    tone = 0.5 + 0.9 * mask[..., None]
    skin[:] = skin * (1 - cover) + hair * tone * cover
    maps[..., GLOSS] -= 0.4 * cover[..., 0]
    maps[..., BUMP_X] += 0.25 * np.gradient(cv2.GaussianBlur(mask, (0, 0), 0.8), axis=1)


def _brow_curves(at: np.ndarray, identity: Identity, mirror: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    upper, lower = [107, 66, 105, 63, 70], [55, 65, 52, 53, 46]
    if side:
        upper, lower = [int(mirror[i]) for i in upper], [int(mirror[i]) for i in lower]
    top, bottom = at[upper], at[lower]
    middle = 0.4 * top + 0.6 * bottom
    arch = identity.brow[2] * 0.12 * PER_CM * np.array([-0.5, 0.2, 1.0, 0.6, -0.3])
    middle = middle - np.stack([np.zeros(5), arch], 1)
    tail = middle[-1] + 0.28 * (middle[-1] - middle[-2]) + [0, 0.12 * PER_CM]
    return np.concatenate([middle, tail[None]]), bottom


def paint_brows(
    identity: Identity, canvas: Canvas, skin: np.ndarray, maps: np.ndarray, rng: np.random.Generator
) -> None:
    """Both eyebrows, hair by hair, into skin (SIZE, SIZE, 3) and the gloss of maps."""
    thickness, density, _ = identity.brow
    hair = identity.hair * min(0.8, 0.5 * identity.skin.sum() / identity.hair.sum())
    hair = hair.astype(np.float32)
    for side, sign in ((0, -1.0), (1, 1.0)):
        curve = smooth_open(_brow_curves(canvas.at, identity, canvas.mirror, side)[0], 12)
        run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
        run /= run[-1]
        n = int(430 * density)
        t = rng.uniform(0, 1, n)
        centre = np.stack([np.interp(t, run, curve[:, k]) for k in (0, 1)], 1)
        half = thickness * PER_CM * 0.34 * np.interp(t, [0, 0.15, 0.55, 1], [0.7, 1.0, 0.8, 0.14])
        offset = rng.uniform(-1, 1, n)
        roots = centre + np.stack([np.zeros(n), offset * half], 1)
        lean = np.interp(t, [0, 0.12, 0.4, 1.0], [66, 42, 20, -14]) - 22 * offset * (1 - t) + rng.normal(0, 7, n)
        length = PER_CM * rng.uniform(0.26, 0.48, n) * np.interp(t, [0, 0.3, 1], [0.75, 1.0, 0.75])
        way = np.stack([sign * np.cos(np.radians(lean)), -np.sin(np.radians(lean))], 1)
        # the first hairs stand apart
        level = rng.uniform(0.4, 0.95, n) * np.interp(t, [0, 0.12], [0.55, 1.0])
        mask = strokes(roots, roots + way * length[:, None], level)
        soft = np.zeros((SIZE, SIZE), np.uint8)
        for a, b, t in zip(curve[:-1], curve[1:], run[:-1], strict=True):
            width = thickness * PER_CM * 0.5 * np.interp(t, [0, 0.15, 0.55, 1], [0.6, 1.0, 0.8, 0.15])
            level = int(255 * np.interp(t, [0, 0.15, 0.8, 1], [0.35, 1.0, 1.0, 0.5]))
            cv2.line(soft, fixed(a).tolist(), fixed(b).tolist(), level, max(1, round(width)), cv2.LINE_AA, 4)
        under = cv2.GaussianBlur(soft.astype(np.float32) / 255, (0, 0), 0.11 * PER_CM)
        cover = np.clip(0.5 * under * density + mask * 1.1, 0, 0.93)[..., None]
        skin[:] = skin * (1 - cover) + hair * cover
        maps[..., GLOSS] -= 0.5 * cover[..., 0]


def inside_hair_line(identity: Identity, canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """How far inside the ragged hair line a texel lies, cm; negative on the face."""
    centre = np.array([0.5, 0.53])
    uv = UV_LOW + (np.arange(SIZE) + 0.5) / SIZE * (UV_HIGH - UV_LOW)
    x, y = np.meshgrid(uv - centre[0], uv - centre[1])
    angle = np.degrees(np.arctan2(x, -y))  # 0 at the top, 90 at image right
    oval = (canvas.at[list(OVAL)] / SIZE) * (UV_HIGH - UV_LOW) + UV_LOW - centre
    oval_angle = np.degrees(np.arctan2(oval[:, 0], -oval[:, 1]))
    order = np.argsort(oval_angle)
    radius = np.interp(angle, oval_angle[order], np.linalg.norm(oval[order], axis=1), period=360)
    # hair line relative to the oval (UV units, + outside): forehead, temples, in front of the ear
    line = identity.hair_line
    recede = (0.5 + line) * identity.age * (1.0 if identity.sex == "M" else 0.2)
    if identity.hair_style == "buzz":
        recede *= 0.4
    knots = np.array([0, 14, 28, 40, 52, 66, 79, 85, 91, 96])
    edge = np.array([0.0, 0.004, 0.010, 0.012, -0.004, -0.016, 0.0, 0.06, 0.3, 0.6]) + 0.02 * line - 0.006
    peak = rng.uniform(-1, 1)  # a widow's peak or a round forehead
    edge = edge + 0.012 * peak * np.array([-1, 0.1, 1, 1, 0.2, 0, 0, 0, 0, 0])
    edge = edge + np.array([0.2, 0.4, 0.8, 1, 0.9, 0.4, 0.1, 0, 0, 0]) * 0.055 * recede
    if identity.hair_style == "receding":
        edge = edge + np.array([0.75, 0.85, 1.0, 1.0, 0.8, 0.3, 0.05, 0, 0, 0]) * (0.10 + 0.05 * line)
    limit = np.interp(np.abs(angle), knots, edge)
    ragged = 0.0015 * noise(rng, 3) + 0.0035 * noise(rng, 16)
    outside = np.hypot(x, y) - radius - limit + ragged
    return (outside / 0.049).astype(np.float32)


def hair_on_skin(identity: Identity, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How far hair covers the skin, 0..1: single hairs at the hair line, close together behind it."""
    rows, columns = np.nonzero((inside > -0.12) & (inside < 1.5))
    chosen = rng.choice(len(rows), 3200)
    middle = (np.array([0.5, 0.53]) - UV_LOW) / (UV_HIGH - UV_LOW) * SIZE
    short = 0.45 if identity.hair_style in ("buzz", "curly", "afro") else 1.0
    roots = np.stack([columns[chosen], rows[chosen]], 1) + rng.uniform(-0.5, 0.5, (len(chosen), 2))
    way = (roots - middle) / np.linalg.norm(roots - middle, axis=1, keepdims=True)
    tips = roots + (way + rng.normal(0, 0.35, way.shape)) * PER_CM * rng.uniform(0.25, 0.6, (len(way), 1)) * short
    level = (0.3 + 0.6 * np.clip(inside[rows[chosen], columns[chosen]] + 0.12, 0, 1)) * rng.uniform(0.5, 1.0, len(way))
    single = strokes(roots, tips, level, 2)
    t = np.clip(inside / 1.1, 0, 1)
    base = t * t * (3 - 2 * t)
    if identity.hair_style != "buzz":
        base = np.maximum(base, np.clip(inside * 2.2, 0, 0.96))
    return np.clip(np.maximum(base, single), 0, 1)
