"""Shoulders and the clothes over them: cut, collar, folds and weave; they stay with the body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.data.puppet.identity import WEAVES, Identity
from bench.data.puppet.parts import Surface, grid_triangles, plain_surface
from bench.data.puppet.shading import CLOTH, PLAIN_SKIN, RIB

_HEIGHTS = np.array([-12.0, -13.4, -14.4, -15.3, -16.1, -17.0, -18.2, -20.5, -25.0])
_WIDTHS = np.array([4.3, 5.5, 7.4, 10.4, 14.0, 17.0, 18.8, 19.6, 20.0])
_DEPTHS = np.array([3.8, 4.6, 5.4, 6.2, 6.9, 7.5, 8.1, 9.0, 10.4])
_FRONT = 84
"""Columns of the clothes on the side of the camera; the back has a quarter of them."""


def _trunk(angle: np.ndarray, y: np.ndarray, scale: float, grow: float | np.ndarray) -> np.ndarray:
    """Points of the trunk's surface: `angle` from the front (towards image right), height y cm."""
    a = np.interp(-y, -_HEIGHTS, _WIDTHS) * scale + grow
    b = np.interp(-y, -_HEIGHTS, _DEPTHS) * (0.5 + 0.5 * scale) + grow
    z = -6.0 - 0.1 * (-11 - y)
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.stack([a * np.sign(sine) * np.abs(sine) ** 0.9, y, z + b * np.sign(cosine) * np.abs(cosine) ** 0.85], -1)


def body_scale(identity: Identity) -> float:
    """Breadth of the shoulders against a broad man's."""
    return 1.0 if identity.sex == "M" else 0.87


def chest_front(points: np.ndarray, scale: float) -> np.ndarray:
    """z (n,) of the clothes' front at the points' x and y; -100 beside the shoulders and above them."""
    a = np.interp(-points[:, 1], -_HEIGHTS, _WIDTHS) * scale + 0.5
    b = np.interp(-points[:, 1], -_HEIGHTS, _DEPTHS) * (0.5 + 0.5 * scale) + 0.5
    sine = np.minimum(np.abs(points[:, 0]) / a, 1.0) ** (1 / 0.9)
    z = -6.0 - 0.1 * (-11 - points[:, 1]) + b * np.maximum(1 - sine * sine, 0.0) ** 0.425
    return np.where((sine < 1.0) & (points[:, 1] < _HEIGHTS[0]), z, -100.0)


def neck_share(y: np.ndarray) -> np.ndarray:
    """How far the neck goes with the head at height y cm: 1 under the jaw, 0 at its root."""
    t = np.clip((y + 17.0) / 7.5, 0, 1)
    return t * t * (3 - 2 * t)


def _neckline(angle: np.ndarray, scale: float, style: str) -> np.ndarray:
    """Height of the clothes' upper edge all round: a curve over the distance x from the middle, as it is cut in cloth."""
    lowest, half_width, power = {
        "crew": (-15.7, 5.4, 2.0),
        "v_neck": (-18.2, 5.4, 1.0),
        "turtleneck": (-14.9, 5.5, 2.0),
        "collar": (-16.6, 3.2, 1.0),
    }[style]
    top = -13.7
    y = np.full_like(angle, top)
    for _ in range(40):  # the trunk widens downwards, so height and width are found together
        x = np.abs(_trunk(angle, y, scale, 0.0)[:, 0]) / (half_width * scale)
        wanted = np.where(np.cos(angle) > 0, lowest + (top - lowest) * np.minimum(x, 1.0) ** power, top)
        y = 0.7 * y + 0.3 * wanted
    return y


def _folds(points: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """How far cloth stands off the body (...,) cm: folds that run from the shoulders and the armpits to the chest."""
    x, y = points[..., 0] / scale, points[..., 1]
    out = np.zeros(x.shape)
    front = np.clip((points[..., 2] + 5.0) / 3.0, 0, 1)
    for side in (-1.0, 1.0):
        for _ in range(7):
            start = np.array([side * rng.uniform(9.0, 16.0), rng.uniform(-19.5, -16.4)])
            end = np.array([side * rng.uniform(-1.0, 6.5), rng.uniform(-26.0, -19.5)])
            way = end - start
            length = np.hypot(*way)
            way /= length
            along = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / length
            across = (x - start[0]) * way[1] - (y - start[1]) * way[0]
            across = across + 0.5 * np.sin(2.2 * along + rng.uniform(0, 6))
            width = rng.uniform(0.45, 0.9)
            envelope = np.exp(-(((along - 0.45) / 0.42) ** 2))
            out += rng.uniform(0.1, 0.24) * envelope * np.exp(-((across / width) ** 2))
        # the seam where the sleeve is set in
        seam = x * side - (15.2 + 0.12 * (y + 17))
        out -= 0.12 * np.exp(-((seam / 0.22) ** 2))
    return out * front


def _cloth(
    points: np.ndarray, colours: np.ndarray, share: np.ndarray, weave: int, closed: bool = True, flip: bool = False
) -> Surface:
    """A grid (rows, columns, 3) of cloth; the pattern counts cm round and down along the grid."""
    rows, columns = points.shape[:2]
    step = np.linalg.norm(np.diff(points, axis=1), axis=2).mean(0)
    round_ = np.concatenate([[0], np.cumsum(step)])[None] * np.ones((rows, 1))
    down = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=2).mean(1))])[:, None]
    triangles = grid_triangles(rows, columns, closed)
    if flip:
        triangles = triangles[:, [0, 2, 1]]
    out = plain_surface(points.reshape(-1, 3), triangles, colours.reshape(-1, 3), CLOTH, share)
    pattern = np.stack([round_, down * np.ones((1, columns)), np.full(round_.shape, float(weave))], -1)
    return replace(out, pattern=pattern.reshape(-1, 3))


def shoulders(identity: Identity) -> list[Surface]:
    """Bare shoulders and the clothes over them; they stay with the body."""
    scale = body_scale(identity)
    rng = np.random.default_rng([identity.texture_seed, 6])
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    heights = np.linspace(-12.2, -25.0, 14)
    style = identity.clothes
    neckline = _neckline(angle, scale, style)
    y, a = np.meshgrid(heights, angle, indexing="ij")
    covered = np.clip((neckline[None] - 0.5 - y) / 1.0, 0, 1)  # bare skin draws back under the cloth
    bare = _trunk(a, y, scale, 0.0) * (1 - 0.06 * covered[..., None] * [1, 0, 1])
    bones = 0.22 * np.exp(-(((y + 15.0 + 0.1 * np.abs(bare[..., 0])) / 0.55) ** 2))  # collar bones, and the notch
    bones *= np.clip((np.abs(bare[..., 0]) - 1.0) / 1.5, 0, 1) * np.clip((np.cos(a) - 0.2) / 0.3, 0, 1)
    bare[..., 2] += bones
    skin = plain_surface(
        bare.reshape(-1, 3), grid_triangles(14, 64, True), identity.skin, PLAIN_SKIN, neck_share(y.reshape(-1))
    )
    # close columns in front, where the folds are seen
    angle = np.concatenate(
        [
            np.linspace(-0.5 * np.pi, 0.5 * np.pi, _FRONT, endpoint=False),
            np.linspace(0.5 * np.pi, 1.5 * np.pi, _FRONT // 4, endpoint=False),
        ]
    )
    neckline = _neckline(angle, scale, style)
    rows = 22
    down = np.linspace(0, 1, rows - 2) ** 1.2
    y = neckline[None] + (-25.2 - neckline[None]) * down[:, None]
    wide = np.broadcast_to(angle, y.shape)
    stand_off = _folds(_trunk(wide, y, scale, 0.45), rng, scale) * np.clip(3 * down[:, None], 0, 1)
    cloth = _trunk(wide, y, scale, 0.42 + stand_off)
    # the seam at the neck: a rolled edge, so that cloth has thickness
    inner = _trunk(angle, neckline - 0.02, scale, 0.05)
    lip = _trunk(angle, neckline + 0.16, scale, 0.3)
    points = np.concatenate([inner[None], lip[None], cloth])
    colours = np.broadcast_to(identity.cloth, points.shape).copy()
    band = np.where(np.abs(np.arange(rows) - 2) < 2, 0.9, 1.0)
    band[4] = 0.72 if style in ("crew", "v_neck") else 1.0  # stitching of the hem
    colours *= band[:, None, None]
    share = neck_share(points[..., 1].reshape(-1))
    out = [skin, _cloth(points, colours, share, WEAVES.index(identity.weave))]
    if style in ("turtleneck", "collar"):
        out.append(_collar(identity, angle, neckline, scale, style))
    return out


def _collar(identity: Identity, angle: np.ndarray, neckline: np.ndarray, scale: float, style: str) -> Surface:
    """A tube of cloth round the neck, open in front for a shirt."""
    if style == "turtleneck":
        rise = np.array([-0.4, 0.3, 1.1, 1.75, 2.15, 2.3, 2.75, 3.0, 2.85, 2.1])
        away = np.array([1.2, 0.95, 0.7, 0.6, 0.5, 0.62, 0.66, 0.48, 0.24, 0.1])
    else:
        rise = np.array([-0.9, -0.3, 0.4, 1.1, 1.6, 1.75, 1.55, 0.6])
        away = np.array([1.5, 1.25, 1.0, 0.8, 0.65, 0.5, 0.35, 0.3])
    round_ = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], -1)
    front = (angle + np.pi) % (2 * np.pi) - np.pi
    gap = np.clip(1 - np.abs(front) / 0.5, 0, 1) if style == "collar" else np.zeros_like(angle)
    neckline = neckline - 0.7
    base = _trunk(angle, neckline, scale, 0.65)
    points = np.empty((len(rise), len(angle), 3))
    for k in range(len(rise)):
        y = neckline + rise[k] * (1 - 0.85 * gap)
        middle = np.stack([np.zeros_like(y), np.zeros_like(y), -4.9 - 0.16 * (-8 - y)], -1)
        tube = middle + round_ * (np.array([identity.neck[0], 0, identity.neck[1]]) + away[k])
        blend = min(1.0, 0.2 + 0.3 * k)
        points[k] = base * (1 - blend) + tube * blend
        points[k, :, 1] = y
    inner = len(rise) - 3
    shade = np.where(np.arange(len(rise)) > inner, 0.55, 0.97)
    colours = np.broadcast_to(identity.cloth * shade[:, None, None], points.shape)
    weave = RIB if style == "turtleneck" else WEAVES.index(identity.weave)
    return _cloth(points, colours, neck_share(points[..., 1].reshape(-1)), weave, flip=True)
