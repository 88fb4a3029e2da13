"""The parts of a head that are not skin over bone: ears, teeth, tongue, shoulders and clothes, as plain surfaces."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from bench.data.puppet.identity import Identity
from bench.data.puppet.shading import CLOTH, PLAIN_SKIN, TEETH, TONGUE


@dataclass(frozen=True, eq=False)
class Surface:
    """points (n, 3) cm in the head's frame at rest, triangles (F, 3), colours (n, 3) linear RGB, one material; n = points.

    normals (n, 3): unit normals, strand directions for hair. head_share (n,): 1 goes with the head, 0 with the body.
    strand (n,) counts the strands of hair sideways.
    """

    points: np.ndarray
    triangles: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    material: int
    head_share: np.ndarray
    strand: np.ndarray | None = None


def grid_triangles(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Triangles of a (rows, columns) grid of points, row by row; `closed` joins the last column to the first."""
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    a = (row * columns + column).reshape(-1)
    b = (row * columns + (column + 1) % columns).reshape(-1)
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def surface_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals (n, 3)."""
    corner = points[triangles]
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    out = np.zeros_like(points)
    for k in range(3):
        np.add.at(out, triangles[:, k], face)
    return out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-12)


def _surface(points, triangles, colours, material, head_share=1.0) -> Surface:
    colours = np.broadcast_to(colours, points.shape).astype(float).copy()
    share = np.broadcast_to(np.asarray(head_share, float), (len(points),)).copy()
    return Surface(points, triangles, surface_normals(points, triangles), colours, material, share)


def _ridge(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.exp(-(((x - centre) / width) ** 2))


def ears(identity: Identity, face: np.ndarray) -> list[Surface]:
    """Both ears, subject's right first: shell with helix, antihelix, concha and lobe."""
    rng = np.random.default_rng([identity.texture_seed, 2])
    height = 2.75 * (1 + 0.06 * np.clip(rng.normal(), -2, 2)) * (1.04 if identity.sex == "M" else 0.94)
    flare = np.radians(20 + 6 * np.clip(rng.normal(), -1.5, 2))
    lobe = rng.uniform(0.6, 1.0)
    columns, radii = (
        36,
        np.array([0.0, 0.14, 0.26, 0.38, 0.48, 0.58, 0.68, 0.77, 0.85, 0.92, 0.97, 1.0, 0.97, 0.86, 0.7]),
    )
    angle = np.linspace(0, 2 * np.pi, columns, endpoint=False)  # 0 back, pi/2 up, pi front
    r, a = np.meshgrid(radii, angle, indexing="ij")
    up, back = np.sin(a), np.cos(a)
    outline_x = 1.6 * (1 - 0.12 * up - 0.28 * np.clip(-up, 0, 1) ** 2)
    outline_y = height * np.where(up < 0, 0.5 + 0.5 * lobe, 1.0)
    u = r * outline_x * back + 0.25 * up * np.abs(up)
    v = r * outline_y * up
    on_rim = np.clip(0.5 + 0.9 * up + 0.55 * back, 0, 1)
    relief = 0.42 * _ridge(r, 0.93, 0.09) * on_rim
    relief += 0.36 * _ridge(r, 0.56, 0.11) * np.clip(0.35 + 0.75 * back + 0.1 * up, 0, 1)
    relief -= 0.55 * _ridge(r, 0.2, 0.2) * np.clip(1 - 0.3 * up, 0, 1)
    relief += 0.45 * _ridge(r, 0.62, 0.16) * _ridge(a, np.pi, 0.32)
    relief += 0.22 * np.clip(-up - 0.5, 0, 1) * r
    behind = np.arange(len(radii)) >= 12
    relief[behind] = np.array([-0.12, -0.45, -0.8])[:, None] * np.ones(columns)
    depth = relief + 0.12 * r
    half_width = np.abs(face[[234, 454], 0]).mean()
    middle_y, middle_z = face[234, 1] - 0.15, face[234, 2] - 1.45
    out = []
    for side in (-1.0, 1.0):
        away = np.array([np.sin(flare) * side, 0.06, -np.cos(flare)])
        outwards = np.array([np.cos(flare) * side, 0.0, np.sin(flare)])
        upwards = np.array([0.07 * side, 1.0, -0.12])
        root = np.array([side * (half_width + 0.3), middle_y, middle_z])
        points = root + u[..., None] * away + v[..., None] * upwards + depth[..., None] * outwards
        triangles = grid_triangles(len(radii), columns, True)
        if side < 0:
            triangles = triangles[:, [0, 2, 1]]
        red = identity.skin * [1.0, 0.84, 0.82]
        colours = np.repeat(np.where(behind, 0.85, 1.0), columns)[:, None] * red
        out.append(_surface(points.reshape(-1, 3), triangles, colours, PLAIN_SKIN))
    return out


@dataclass(frozen=True)
class Mouth:
    """Inner parts of the mouth: `upper` teeth stay, `lower` teeth and `tongue` go with the jaw."""

    upper: Surface
    lower: Surface
    tongue: Surface


def mouth(identity: Identity, face: np.ndarray) -> Mouth:
    """Rows of teeth with gums, and the tongue, placed behind the closed lips of `face` (468, 3)."""
    rng = np.random.default_rng([identity.texture_seed, 3])
    line = 0.5 * (face[13] + face[14])
    enamel = np.array([0.80, 0.75, 0.65]) * (1 - 0.12 * identity.age) * rng.uniform(0.94, 1.03)
    gum = np.array([0.42, 0.14, 0.13])

    narrow = float(np.clip((face[308, 0] - face[78, 0]) / 4.3, 0.72, 1.05))

    def row(widths: list[float], top: float, bottom: float, front: float, upper: bool) -> Surface:
        edges = np.concatenate([[0], np.cumsum(widths) * narrow])
        edges = np.concatenate([-edges[:0:-1], edges])
        per = 7
        t = np.concatenate([np.linspace(a, b, per, endpoint=False) for a, b in itertools.pairwise(edges)])
        t = np.append(t, edges[-1])
        within = np.abs(((np.arange(len(t)) % per) / per) * 2 - 1)  # 1 at the border of a tooth
        arc = np.linspace(-3.6, 3.6, 721)
        z = -0.26 / narrow * arc**2
        length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(arc), np.diff(z)))])
        length -= length[360]
        x = np.interp(t, length, arc)
        heights = np.array([1.35, 1.1, 1.0, 0.6, 0.25, 0.06, 0.0])
        y = bottom + (top - bottom) * heights if upper else top - (top - bottom) * heights
        points = np.empty((len(heights), len(t), 3))
        bulge = -0.13 * within**3
        points[..., 0] = x * (1 - 0.02 * (heights[:, None] - 0.5))
        points[..., 1] = y[:, None] + 0.03 * (x**2)[None] * (0.5 if upper else -0.3)
        edge_round = (np.where(upper, 1, -1) * 0.07 * within**4)[None] * (heights < 0.1)[:, None]
        points[..., 1] += edge_round
        points[..., 2] = (
            (-0.26 / narrow * x**2)[None] + np.array([-0.1, 0.0, 0.05, 0.07, 0.03, -0.08, -0.28])[:, None] + bulge
        )
        dark = np.clip((within - 0.72) / 0.28, 0, 1)[None] * np.array([0, 0.3, 0.6, 0.75, 0.8, 0.85, 0.5])[:, None]
        colours = enamel * (1 - 0.55 * dark)[..., None]
        back_teeth = 1 - 0.28 * np.clip(np.abs(x) - 0.9, 0, 2)[None, :, None]
        colours = colours * back_teeth
        colours[:2] = gum * back_teeth
        points = points + np.array([line[0], line[1], front])
        triangles = grid_triangles(len(heights), len(t), False)
        if not upper:
            triangles = triangles[:, [0, 2, 1]]
        return _surface(points.reshape(-1, 3), triangles, colours.reshape(-1, 3), TEETH)

    front = min(face[13, 2], face[14, 2]) - 0.62
    upper = row([0.44, 0.34, 0.4, 0.38, 0.38, 0.5, 0.5], 0.62, -0.26, front, True)
    lower = row([0.28, 0.31, 0.36, 0.38, 0.38, 0.5, 0.5], -0.16, -0.86, front - 0.24, False)
    ring, rows = 20, 12
    theta, phi = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rows), np.linspace(0, 2 * np.pi, ring, endpoint=False), indexing="ij"
    )
    # the tongue's long axis is z; a shallow groove runs along its back
    body = np.stack([1.55 * np.sin(theta) * np.cos(phi), 0.5 * np.sin(theta) * np.sin(phi), 2.0 * np.cos(theta)], -1)
    body[..., 1] -= 0.12 * np.exp(-((body[..., 0] / 0.35) ** 2)) * (body[..., 1] > 0)
    points = body.reshape(-1, 3) + np.array([line[0], line[1] - 0.72, front - 2.35])
    triangles = grid_triangles(rows, ring, True)
    tongue = _surface(points, triangles, np.array([0.44, 0.15, 0.14]), TONGUE)
    return Mouth(upper, lower, tongue)


_HEIGHTS = np.array([-12.0, -13.6, -14.8, -15.8, -16.7, -17.6, -18.8, -20.5, -25.0])
_WIDTHS = np.array([4.2, 5.4, 6.9, 9.0, 11.9, 14.6, 16.4, 17.3, 18.2])
_DEPTHS = np.array([3.8, 4.6, 5.4, 6.2, 6.9, 7.5, 8.1, 9.0, 10.4])


def _trunk(angle: np.ndarray, y: np.ndarray, scale: float, grow: float) -> np.ndarray:
    """Points of the trunk's surface: `angle` from the front (towards image right), height y cm."""
    a = np.interp(-y, -_HEIGHTS, _WIDTHS) * scale + grow
    b = np.interp(-y, -_HEIGHTS, _DEPTHS) * (0.5 + 0.5 * scale) + grow
    z = -6.0 - 0.1 * (-11 - y)
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.stack([a * np.sign(sine) * np.abs(sine) ** 0.9, y, z + b * np.sign(cosine) * np.abs(cosine) ** 0.85], -1)


def neck_share(y: np.ndarray) -> np.ndarray:
    """How far the neck goes with the head at height y cm: 1 under the jaw, 0 at its root."""
    t = np.clip((y + 17.0) / 7.5, 0, 1)
    return t * t * (3 - 2 * t)


def _neckline(angle: np.ndarray, scale: float, style: str) -> np.ndarray:
    """Height of the clothes' upper edge all round: a curve over the distance x from the middle, as it is cut in cloth."""
    lowest, half_width, power = {
        "crew": (-15.9, 5.0, 2.0),
        "v_neck": (-18.4, 5.0, 1.0),
        "turtleneck": (-14.9, 5.5, 2.0),
        "collar": (-16.6, 3.2, 1.0),
    }[style]
    top = -13.9
    y = np.full_like(angle, top)
    for _ in range(40):  # the trunk widens downwards, so height and width are found together
        x = np.abs(_trunk(angle, y, scale, 0.0)[:, 0]) / (half_width * scale)
        wanted = np.where(np.cos(angle) > 0, lowest + (top - lowest) * np.minimum(x, 1.0) ** power, top)
        y = 0.7 * y + 0.3 * wanted
    return y


def shoulders(identity: Identity) -> list[Surface]:
    """Bare shoulders and the clothes over them; they stay with the body."""
    scale = 1.0 if identity.sex == "M" else 0.86
    columns = 64
    angle = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    rows = 14
    heights = np.linspace(-12.2, -25.0, rows)
    style = identity.clothes
    neckline = _neckline(angle, scale, style)
    y, a = np.meshgrid(heights, angle, indexing="ij")
    covered = np.clip((neckline[None] - 0.5 - y) / 1.0, 0, 1)  # bare skin draws back under the cloth
    bare = _trunk(a, y, scale, 0.0) * (1 - 0.06 * covered[..., None] * [1, 0, 1])
    skin = _surface(
        bare.reshape(-1, 3), grid_triangles(rows, columns, True), identity.skin, PLAIN_SKIN, neck_share(y.reshape(-1))
    )
    rows = 18
    down = np.linspace(0, 1, rows - 2) ** 1.3
    y = neckline[None] + (-25.2 - neckline[None]) * down[:, None]
    cloth = _trunk(np.broadcast_to(angle, y.shape), y, scale, 0.45)
    # the seam at the neck: a rolled edge, so that cloth has thickness
    inner = _trunk(angle, neckline - 0.02, scale, 0.05)
    lip = _trunk(angle, neckline + 0.16, scale, 0.3)
    points = np.concatenate([inner[None], lip[None], cloth])
    colours = np.broadcast_to(identity.cloth, points.shape).copy()
    if style == "crew":
        colours[:5] *= 0.88
    share = neck_share(points[..., 1].reshape(-1))
    triangles = grid_triangles(rows, columns, True)
    out = [skin, _surface(points.reshape(-1, 3), triangles, colours.reshape(-1, 3), CLOTH, share)]
    if style in ("turtleneck", "collar"):
        out.append(_collar(identity, angle, neckline, scale, style))
    return out


def _collar(identity: Identity, angle: np.ndarray, neckline: np.ndarray, scale: float, style: str) -> Surface:
    """A tube of cloth round the neck, open in front for a shirt."""
    if style == "turtleneck":
        rise = np.array([-0.4, 0.3, 1.1, 2.1, 2.9, 3.1, 2.9, 2.1])
        away = np.array([1.2, 0.95, 0.7, 0.55, 0.55, 0.45, 0.22, 0.1])
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
    triangles = grid_triangles(len(rise), len(angle), True)[:, [0, 2, 1]]
    shade = np.where(np.arange(len(rise)) > 5, 0.55, 0.95)
    colours = np.broadcast_to(identity.cloth * shade[:, None, None], points.shape)
    return _surface(
        points.reshape(-1, 3), triangles, colours.reshape(-1, 3), CLOTH, neck_share(points[..., 1].reshape(-1))
    )
