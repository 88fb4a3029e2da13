"""The parts of a head that are not skin over bone: ears, teeth and tongue, as plain surfaces."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from bench.data.puppet.identity import Identity
from bench.data.puppet.shading import PLAIN_SKIN, TEETH, TONGUE


@dataclass(frozen=True, eq=False)
class Surface:
    """points (n, 3) cm in the head's frame at rest, triangles (F, 3), colours (n, 3) linear RGB, one material; n = points.

    normals (n, 3): unit normals, strand directions for hair. head_share (n,): 1 goes with the head, 0 with the body.
    pattern (n, 3): for hair the count of strands sideways, the share of strands that reach this point, 0; for cloth cm
    round, cm down, and the weave's number.
    """

    points: np.ndarray
    triangles: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    material: int
    head_share: np.ndarray
    pattern: np.ndarray | None = None


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


def plain_surface(points, triangles, colours, material, head_share=1.0) -> Surface:
    """A surface of one material and head share, with its own normals; colours (3,) or (n, 3)."""
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
    under_hair = identity.hair_style in ("long", "bob", "fringe", "curly_long")
    if under_hair:
        flare *= 0.4
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
    relief -= 0.12 * _ridge(r, 0.2, 0.2) * np.clip(1 - 0.3 * up, 0, 1)
    relief += 0.45 * _ridge(r, 0.62, 0.16) * _ridge(a, np.pi, 0.32)
    relief += 0.22 * np.clip(-up - 0.5, 0, 1) * r
    behind = np.arange(len(radii)) >= 12
    relief[behind] = np.array([-0.12, -0.45, -0.8])[:, None] * np.ones(columns)
    depth = relief + 0.12 * r + 0.1
    # what light hardly gets into: the bowl with the ear's opening, the groove under the rim, the fork above the bowl
    opening = np.exp(-(((r * back + 0.3) / 0.17) ** 2 + ((r * up + 0.02) / 0.14) ** 2))
    hollow = 1 - 0.42 * _ridge(r, 0.22, 0.22) - 0.5 * opening
    hollow -= 0.24 * _ridge(r, 0.76, 0.07) * on_rim + 0.2 * _ridge(r, 0.44, 0.06) * np.clip(0.3 + back, 0, 1)
    hollow = np.clip(hollow, 0.2, 1)
    lobe_share = np.clip(-up - 0.4, 0, 1) * r
    half_width = np.abs(face[[234, 454], 0]).mean()
    middle_y, middle_z = face[234, 1] - 0.15, face[234, 2] - 1.45
    out = []
    for side in (-1.0, 1.0):
        away = np.array([np.sin(flare) * side, 0.06, -np.cos(flare)])
        outwards = np.array([np.cos(flare) * side, 0.0, np.sin(flare)])
        upwards = np.array([0.07 * side, 1.0, -0.12])
        root = np.array([side * (half_width + (0.0 if under_hair else 0.3)), middle_y, middle_z])
        points = root + u[..., None] * away + v[..., None] * upwards + depth[..., None] * outwards
        triangles = grid_triangles(len(radii), columns, True)
        if side < 0:
            triangles = triangles[:, [0, 2, 1]]
        red = identity.skin * [1.0, 0.84, 0.82]
        colours = (np.where(behind[:, None], 0.85, 1.0) * hollow)[..., None] * red
        colours = colours * (1 - 0.10 * (_ridge(r, 0.95, 0.12) + lobe_share))[..., None] ** np.array([0, 1.6, 1.4])
        colours = colours.reshape(-1, 3)
        out.append(plain_surface(points.reshape(-1, 3), triangles, colours, PLAIN_SKIN))
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
        gaps = 0.5 if upper else 0.34
        tooth = np.repeat(rng.uniform(0.93, 1.03, len(edges)), per)[: len(t)]  # no two teeth are equally white
        colours = enamel * ((1 - gaps * dark) * tooth)[..., None]
        colours = colours * np.array([1, 0.9, 0.95, 1, 1, 0.97, 0.9])[:, None, None]
        back_teeth = 1 - 0.28 * np.clip(np.abs(x) - 0.9, 0, 2)[None, :, None]
        colours = colours * back_teeth
        colours[:2] = gum * back_teeth
        points = points + np.array([line[0], line[1], front])
        triangles = grid_triangles(len(heights), len(t), False)
        if not upper:
            triangles = triangles[:, [0, 2, 1]]
        return plain_surface(points.reshape(-1, 3), triangles, colours.reshape(-1, 3), TEETH)

    front = min(face[13, 2], face[14, 2]) - 0.62
    upper = row([0.44, 0.34, 0.4, 0.38, 0.38, 0.5, 0.5], 0.62, -0.34, front, True)
    lower = row([0.28, 0.31, 0.36, 0.38, 0.38, 0.5, 0.5], -0.30, -1.0, front - 0.26, False)
    ring, rows = 20, 12
    theta, phi = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rows), np.linspace(0, 2 * np.pi, ring, endpoint=False), indexing="ij"
    )
    # the tongue's long axis is z; a shallow groove runs along its back
    body = np.stack([1.55 * np.sin(theta) * np.cos(phi), 0.5 * np.sin(theta) * np.sin(phi), 2.0 * np.cos(theta)], -1)
    body[..., 1] -= 0.12 * np.exp(-((body[..., 0] / 0.35) ** 2)) * (body[..., 1] > 0)
    points = body.reshape(-1, 3) + np.array([line[0], line[1] - 0.72, front - 2.5])
    triangles = grid_triangles(rows, ring, True)
    tongue = plain_surface(points, triangles, np.array([0.44, 0.15, 0.14]), TONGUE)
    return Mouth(upper, lower, tongue)
