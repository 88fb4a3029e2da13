"""The skin's texture maps of one identity, painted in the canonical mesh's UV plane."""

from __future__ import annotations

import cv2
import numpy as np

from bench.data.puppet.canonical import EYE_RINGS, EYE_RINGS_1, EYE_RINGS_2, INNER_LIP, OUTER_LIP, OVAL
from bench.data.puppet.identity import Identity
from bench.data.puppet.mesh import HeadMesh

SIZE = 512
UV_LOW, UV_HIGH = -0.3, 1.3
"""The square of the UV plane that the maps cover; beyond it the border texel goes on."""
RED, GREEN, BLUE, HAIR, BUMP_X, BUMP_Y, FOLD_X, FOLD_Y, GLOSS = range(9)
CHANNELS = 9
_PER_CM = 0.0485 * SIZE / (UV_HIGH - UV_LOW)
"""Texels per cm in the middle of the face."""


class _Canvas:
    """Painting in texels at landmark positions; strokes are antialiased masks in 0..1."""

    def __init__(self, mesh: HeadMesh):
        limit = mesh.subdivision[:468] @ mesh.uv
        self.at = (limit - UV_LOW) / (UV_HIGH - UV_LOW) * SIZE

    def blob(self, centre: np.ndarray, rx: float, ry: float) -> np.ndarray:
        """Gaussian of radii (rx, ry) cm about a texel position."""
        axis = np.arange(SIZE, dtype=np.float32)
        gx = np.exp(-(((axis - centre[0]) / (rx * _PER_CM)) ** 2) / 2)
        gy = np.exp(-(((axis - centre[1]) / (ry * _PER_CM)) ** 2) / 2)
        return gy[:, None] * gx[None]

    def polygon(self, points: np.ndarray, soft: float) -> np.ndarray:
        """Filled closed curve through `points` texels, edge blurred by `soft` cm."""
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillPoly(mask, [_fixed(_smooth_closed(points))], 255, cv2.LINE_AA, 4)
        return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(0.3, soft * _PER_CM))

    def line(self, points: np.ndarray, width: float, soft: float) -> np.ndarray:
        """Open curve through `points` texels, `width` and `soft` cm."""
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.polylines(mask, [_fixed(_smooth_open(points))], False, 255, max(1, round(width * _PER_CM)), cv2.LINE_AA, 4)
        return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(0.3, soft * _PER_CM))


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(points * 16).astype(np.int32)


def _smooth_open(points: np.ndarray, per: int = 8) -> np.ndarray:
    """Catmull-Rom through the points."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, per, endpoint=False)[:, None]
    out = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*out, points[-1:]])


def _smooth_closed(points: np.ndarray) -> np.ndarray:
    return _smooth_open(np.concatenate([points[-1:], points, points[:2]]))[8:-8]


def _noise(rng: np.random.Generator, scale: float) -> np.ndarray:
    """Smooth noise of unit spread, grain `scale` texels."""
    small = max(4, int(SIZE / scale))
    field = rng.standard_normal((small, small)).astype(np.float32)
    field = cv2.resize(field, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return field / (field.std() + 1e-6)


def paint(identity: Identity, mesh: HeadMesh) -> tuple[np.ndarray, np.ndarray]:
    """Maps (512, 512, 9) float32: linear RGB, hair cover, bump slope x y, expression-fold slope x y, gloss.

    And (512, 512) how far inside the hair line each texel lies, cm.
    """
    canvas = _Canvas(mesh)
    rng = np.random.default_rng([identity.texture_seed, 1])
    at = canvas.at
    maps = np.zeros((SIZE, SIZE, CHANNELS), np.float32)
    skin = np.empty((SIZE, SIZE, 3), np.float32)
    skin[:] = identity.skin
    blotch = _noise(rng, 60) * 0.5 + _noise(rng, 24) * 0.35 + _noise(rng, 9) * 0.22
    fine = _noise(rng, 2.2)
    skin *= 1 + (0.05 * blotch)[..., None] * np.array([0.5, 1.0, 1.0], np.float32) + (0.025 * fine)[..., None]

    def tint(mask: np.ndarray, factor: tuple[float, float, float]) -> None:
        nonlocal skin
        skin = skin * (1 - mask[..., None] * (1 - np.array(factor, np.float32)))

    mirror = mesh.canonical.mirror
    redness = 0.75 + 0.35 * rng.uniform()
    for vertex, rx, ry, amount in ((50, 1.7, 1.3, 0.55), (205, 1.5, 1.2, 0.35), (64, 0.6, 0.6, 0.4)):
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
    if identity.stubble > 0:
        _paint_stubble(identity, canvas, skin, rng)
    _paint_brows(identity, canvas, skin, maps, mirror, rng)
    maps[..., :3] = np.clip(skin, 0.003, 1)
    _paint_relief(identity, canvas, maps, rng, fine)
    inside = _inside_hair_line(identity, canvas, rng)
    maps[..., HAIR] = np.clip(inside / 0.6 + 0.35, 0, 1)
    return np.ascontiguousarray(maps), inside


def _paint_lips(
    identity: Identity, canvas: _Canvas, skin: np.ndarray, maps: np.ndarray, rng: np.random.Generator
) -> None:
    outer = canvas.at[list(OUTER_LIP)]
    mask = canvas.polygon(outer, 0.07)
    lines = _noise(rng, 3)
    lines = cv2.GaussianBlur(lines, (0, 0), 0.8, sigmaY=5)
    lines /= lines.std()
    colour = identity.lip[None, None].astype(np.float32) * (1 + 0.09 * lines)[..., None]
    inner = canvas.polygon(canvas.at[list(INNER_LIP)], 0.12)
    rim = np.clip(inner * 1.4, 0, 1)[..., None] * 0.35
    colour = colour * (1 - rim * np.array([0.35, 0.6, 0.55], np.float32))
    cover = (mask * (0.85 + 0.1 * identity.make_up))[..., None]
    skin[:] = skin * (1 - cover) + colour * cover
    maps[..., BUMP_X] += mask * lines * 0.05
    maps[..., GLOSS] += mask * (0.1 + 0.5 * identity.make_up)


def _paint_nostrils(canvas: _Canvas, skin: np.ndarray) -> None:
    for inner, outer in ((97, 98), (326, 327)):
        middle = canvas.at[inner] * 0.45 + canvas.at[outer] * 0.55 + [0, -0.05 * _PER_CM]
        mask = np.clip(canvas.blob(middle, 0.22, 0.1) * 1.3, 0, 1)[..., None]
        skin[:] = skin * (1 - mask * np.array([0.8, 0.88, 0.9], np.float32))


def _paint_freckles(identity: Identity, canvas: _Canvas, skin: np.ndarray, rng: np.random.Generator) -> None:
    mask = np.zeros((SIZE, SIZE), np.float32)
    spots = np.zeros((SIZE, SIZE), np.uint8)
    for _ in range(int(260 * identity.freckles)):
        x, y = canvas.at[4] + rng.normal(0, 1, 2) * [3.2 * _PER_CM, 1.6 * _PER_CM] - [0, 0.8 * _PER_CM]
        cv2.circle(
            spots, (int(x * 16), int(y * 16)), int(rng.uniform(10, 26)), int(rng.uniform(90, 255)), -1, cv2.LINE_AA, 4
        )
    mask = cv2.GaussianBlur(spots.astype(np.float32) / 255, (0, 0), 0.8)[..., None] * 0.55
    skin[:] = skin * (1 - mask * np.array([0.35, 0.5, 0.6], np.float32))


def _paint_stubble(identity: Identity, canvas: _Canvas, skin: np.ndarray, rng: np.random.Generator) -> None:
    at = canvas.at
    beard = [
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
        367,
        434,
        432,
        287,
        410,
        270,
        0,
        40,
    ]
    beard += [186, 57, 212, 214, 138]
    area = canvas.polygon(at[beard], 0.5)
    mouth = canvas.polygon(at[list(OUTER_LIP)], 0.12)
    grain = np.clip(0.65 + 0.35 * _noise(rng, 1.7), 0, 1.4)
    cover = np.clip(area * (1 - mouth) * grain * identity.stubble * 0.5, 0, 0.9)[..., None]
    skin[:] = skin * (1 - cover) + cover * (0.25 * skin + 0.75 * identity.hair.astype(np.float32) * 1.2)


def _brow_curves(at: np.ndarray, identity: Identity, mirror: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    upper, lower = [107, 66, 105, 63, 70], [55, 65, 52, 53, 46]
    if side:
        upper, lower = [int(mirror[i]) for i in upper], [int(mirror[i]) for i in lower]
    top, bottom = at[upper], at[lower]
    middle = 0.4 * top + 0.6 * bottom
    arch = identity.brow[2] * 0.12 * _PER_CM * np.array([-0.5, 0.2, 1.0, 0.6, -0.3])
    middle = middle - np.stack([np.zeros(5), arch], 1)
    tail = middle[-1] + 0.28 * (middle[-1] - middle[-2]) + [0, 0.12 * _PER_CM]
    return np.concatenate([middle, tail[None]]), bottom


def _paint_brows(identity, canvas, skin, maps, mirror, rng) -> None:
    thickness, density, _ = identity.brow
    hair = identity.hair * min(0.8, 0.5 * identity.skin.sum() / identity.hair.sum())
    hair = hair.astype(np.float32)
    up = 2
    for side, sign in ((0, -1.0), (1, 1.0)):
        curve = _smooth_open(_brow_curves(canvas.at, identity, mirror, side)[0], 12)
        run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
        run /= run[-1]
        strokes = np.zeros((SIZE * up, SIZE * up), np.uint8)
        for _ in range(int(250 * density)):
            t = rng.uniform(0, 1)
            centre = np.array([np.interp(t, run, curve[:, k]) for k in (0, 1)])
            half = thickness * _PER_CM * 0.36 * np.interp(t, [0, 0.15, 0.55, 1], [0.75, 1.0, 0.8, 0.12])
            offset = rng.uniform(-1, 1)
            root = centre + np.array([0, offset * half])
            lean = np.interp(t, [0, 0.12, 0.4, 1.0], [75, 50, 22, -12]) - 18 * offset * (1 - t) + rng.normal(0, 9)
            length = _PER_CM * rng.uniform(0.28, 0.5) * np.interp(t, [0, 0.3, 1], [0.8, 1.0, 0.7])
            tip = root + length * np.array([sign * np.cos(np.radians(lean)), -np.sin(np.radians(lean))])
            a, b = (tuple(int(v) for v in np.round(p * up * 16)) for p in (root, tip))
            cv2.line(strokes, a, b, int(rng.uniform(110, 235)), 1, cv2.LINE_AA, 4)
        mask = cv2.resize(strokes, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        soft = np.zeros((SIZE, SIZE), np.uint8)
        for a, b, t in zip(curve[:-1], curve[1:], run[:-1], strict=True):
            width = thickness * _PER_CM * 0.55 * np.interp(t, [0, 0.15, 0.55, 1], [0.7, 1.0, 0.8, 0.15])
            cv2.line(
                soft,
                tuple(int(v * 16) for v in a),
                tuple(int(v * 16) for v in b),
                255,
                max(1, round(width)),
                cv2.LINE_AA,
                4,
            )
        under = cv2.GaussianBlur(soft.astype(np.float32) / 255, (0, 0), 0.1 * _PER_CM)
        cover = np.clip(0.42 * under * density + mask * 1.5, 0, 0.95)[..., None]
        skin[:] = skin * (1 - cover) + hair * cover
        maps[..., GLOSS] -= 0.5 * cover[..., 0]


def _slopes(height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of a height map (cm): dh/dx towards image right, dh/dy upwards."""
    dy, dx = np.gradient(height)
    return dx * _PER_CM, -dy * _PER_CM


def _paint_relief(
    identity: Identity, canvas: _Canvas, maps: np.ndarray, rng: np.random.Generator, fine: np.ndarray
) -> None:
    """Pores and permanent lines (bump), and the folds that an expression deepens (fold)."""
    at = canvas.at
    maps[..., GLOSS] += 0.5
    for vertex, rx, ry in ((4, 0.8, 1.2), (151, 2.2, 1.0), (6, 0.5, 1.0), (199, 0.8, 0.6)):
        maps[..., GLOSS] += 0.35 * canvas.blob(at[vertex], rx, ry)
    height = 0.0022 * fine + 0.006 * _noise(rng, 14) + 0.004 * _noise(rng, 5)
    folds = np.zeros((SIZE, SIZE), np.float32)
    # forehead: four wavy horizontal lines
    left, right, top, low = at[104], at[333], at[10], at[9]
    for k in range(4):
        y = low[1] + (top[1] - low[1]) * (0.26 + 0.17 * k) + rng.normal(0, 0.05) * _PER_CM
        x = np.linspace(left[0], right[0], 7)
        wave = y - 0.1 * _PER_CM * np.cos((x - top[0]) / (right[0] - top[0]) * np.pi) + rng.normal(0, 0.05, 7) * _PER_CM
        folds -= (0.11 - 0.012 * k) * canvas.line(np.stack([x, wave], 1), 0.1, 0.13)
    # between the brows: two upright lines
    for inner, sign in ((107, -1), (336, 1)):
        foot = at[8] + [sign * 0.42 * _PER_CM, -0.15 * _PER_CM]
        head = at[9] + [sign * 0.5 * _PER_CM, -0.5 * _PER_CM]
        folds -= 0.13 * canvas.line(np.stack([foot, (foot + head) / 2 + [sign * 1.2, 0], head]), 0.1, 0.11)
        del inner
    # bridge of the nose
    for k in range(2):
        middle = at[168] * (1 - 0.3 * k) + at[6] * 0.3 * k
        x = np.array([-0.55, 0, 0.55]) * _PER_CM
        folds -= 0.06 * canvas.line(middle + np.stack([x, np.array([0.12, 0, 0.12]) * _PER_CM], 1), 0.07, 0.09)
    for nose, mid, end, sign in ((129, 206, 216, -1), (358, 426, 436, 1)):
        fold = np.stack([at[nose] + [sign * 2, 0], at[mid], at[end]])
        folds -= 0.17 * canvas.line(fold, 0.12, 0.16)
        height -= (0.012 + 0.05 * identity.age) * canvas.line(fold, 0.12, 0.16)
        del nose
    for corner, sign in ((33, -1), (263, 1)):
        for k, angle in enumerate((-28, 2, 30)):
            start = at[corner] + [sign * 0.35 * _PER_CM, (k - 1) * 0.2 * _PER_CM]
            way = np.array([sign * np.cos(np.radians(angle)), np.sin(np.radians(angle))])
            folds -= 0.05 * canvas.line(
                np.stack([start, start + way * 0.55 * _PER_CM, start + way * 1.1 * _PER_CM]), 0.06, 0.07
            )
    height += folds * 0.18 * max(0.0, identity.age - 0.3)
    maps[..., BUMP_X], bump_y = maps[..., BUMP_X] + _slopes(height)[0], _slopes(height)[1]
    maps[..., BUMP_Y] = bump_y
    maps[..., FOLD_X], maps[..., FOLD_Y] = _slopes(folds)


def _inside_hair_line(identity: Identity, canvas: _Canvas, rng: np.random.Generator) -> np.ndarray:
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
    knots = np.array([0, 18, 34, 50, 66, 84, 90, 94, 98])
    edge = np.array([0.0, 0.0, 0.004, -0.012, -0.004, 0.012, 0.03, 0.2, 0.6]) - 0.002 + 0.02 * line
    edge = edge + np.array([0.2, 0.4, 1, 1, 0.5, 0.1, 0, 0, 0]) * 0.055 * recede
    limit = np.interp(np.abs(angle), knots, edge)
    ragged = 0.006 * _noise(rng, 3) + 0.003 * _noise(rng, 12)
    outside = np.hypot(x, y) - radius - limit + ragged
    return (outside / 0.049).astype(np.float32)
