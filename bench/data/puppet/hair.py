"""Hair of the head: a coat over the scalp, the mass of long hair behind it, and some hundred locks drawn over both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.puppet.identity import Identity
from bench.data.puppet.locks import COIL, Cut, grow_locks, head_share, smoothstep
from bench.data.puppet.mesh import SKULL_CENTRE, HeadMesh
from bench.data.puppet.parts import Surface, grid_triangles, surface_normals
from bench.data.puppet.shading import HAIR

CUTS = {
    "buzz": Cut(0, (0.3, 0.5), 0.12, 0.5, 0.0, 0.16),
    "receding": Cut(420, (1.4, 2.2), 0.3, 0.3, 0.05, 0.2),
    "crop": Cut(1300, (1.5, 2.3), 0.25, 0.42, 0.05, 0.45),
    "side_part": Cut(800, (4.0, 6.0), 0.5, 0.3, 0.05, 0.75),
    "swept_back": Cut(800, (4.5, 6.5), 0.45, 0.34, 0.03, 0.8),
    "curly": Cut(1500, (0.9, 1.5), 0.23, 0.9, 0.0, 0.9, curl=0.2, turns=2.0, kind=COIL),
    "afro": Cut(2300, (1.1, 1.7), 0.26, 0.9, 0.0, 3.2, curl=0.26, turns=2.0, kind=COIL),
    "pixie": Cut(850, (3.0, 4.6), 0.42, 0.28, 0.06, 0.6),
    "bob": Cut(520, (13.5, 15.0), 0.8, 0.2, 0.16, 0.8, curtain=-9.0),
    "long": Cut(500, (22.0, 27.0), 0.9, 0.2, 0.16, 0.85, curtain=-20.0),
    "fringe": Cut(540, (20.0, 24.0), 0.8, 0.2, 0.16, 0.85, curtain=-15.5),
    "curly_long": Cut(520, (21.0, 26.0), 0.8, 0.3, 0.15, 1.05, curl=0.34, turns=3.6, curtain=-18.5),
    "tied_back": Cut(700, (8.0, 11.0), 0.5, 0.06, 0.0, 0.5, knot=True),
}


@dataclass(frozen=True)
class Hair:
    """`coat` surfaces (they shade the face) and `locks` drawn over them, `count` of them."""

    coat: list[Surface]
    locks: Surface | None
    count: int


def grow(identity: Identity, mesh: HeadMesh, skin: np.ndarray, normals: np.ndarray, inside: np.ndarray) -> Hair:
    """Hair over the skin points (m, 3) with unit normals (m, 3), `inside` (m,) cm inside the hair line."""
    cut = CUTS[identity.hair_style]
    rng = np.random.default_rng([identity.texture_seed, 4])
    volume = identity.hair_volume
    scalp = np.where(skin[:, 1] > -3.0, inside, -1.0)
    thickness = _coat_thickness(skin, scalp, cut, volume)
    coat = [_coat(identity, mesh, skin, normals, scalp, thickness, rng)]
    half_width = np.abs(skin[skin[:, 1] > 0, 0]).max()
    top = skin[:, 1].max()
    shape = np.array([half_width, top - SKULL_CENTRE[1], 10.0])
    if cut.curtain is not None:
        coat.append(_curtain(identity, shape, cut, volume, rng))
    if cut.knot:
        coat.append(_knot(identity, top, rng))
    if not cut.locks:
        return Hair(coat, None, 0)
    locks = grow_locks(identity, mesh, cut, skin, normals, scalp, thickness, shape, rng)
    return Hair(coat, locks, cut.locks)


def _streaks(points: np.ndarray, rng: np.random.Generator, identity: Identity, dark: float) -> np.ndarray:
    """Colours of an undercoat: darker than the locks, with soft streaks."""
    tone = np.zeros(len(points))
    for _ in range(5):
        way = rng.normal(0, 1, 3) * [1.6, 0.5, 0.5]
        tone += np.sin(points @ way + rng.uniform(0, 6.28))
    return identity.hair * dark * (1 + 0.06 * tone)[:, None]


def _coat_thickness(skin: np.ndarray, inside: np.ndarray, cut: Cut, volume: float) -> np.ndarray:
    """Height (m,) cm of the coat over the skin: nothing at the hair line, thin beside the ears."""
    depth = np.clip((skin[:, 1] - 1.0) / 5.0, 0.6 if cut.knot else 0.3, 1)
    run = 1.7 if cut.kind == COIL else 2.6
    return 0.015 + cut.coat * volume * smoothstep(0.0, run, inside) * depth


def _coat(identity, mesh, skin, normals, inside, thickness, rng) -> Surface:
    cut = CUTS[identity.hair_style]
    height = 0.8 if cut.kind == COIL else 1.0  # curls stand above it
    points = skin + normals * np.where(inside > 0, height * thickness, -0.1)[:, None]
    edge = 1.0 if not cut.locks else 0.1  # what is shorn is painted on the skin, and ends softly
    keep = (inside[mesh.triangles] > edge).all(1) & (mesh.kind == 0)
    triangles = mesh.triangles[keep]
    used, index = np.unique(triangles, return_inverse=True)
    triangles = index.reshape(-1, 3).astype(np.int32)
    points = points[used]
    tangent = _combed(points, identity)
    if cut.kind == COIL:  # curls have no common direction
        tangent = np.cross(normals[used], rng.normal(0, 1, (len(used), 3)))
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    dark = 1.0 if not cut.locks else 0.8 if cut.curtain is None else 0.66
    if cut.kind == COIL:
        dark = 0.72
    outwards = (mesh.subdivision @ mesh.uv)[used] - [0.5, 0.53]
    strand = (110 if cut.locks else 300) * np.arctan2(outwards[:, 0], -outwards[:, 1])
    soft = 0.8 if cut.curtain is not None else 1.3
    first = 0.6 if cut.kind == COIL else 0.1
    cover = first + 1.2 * smoothstep(edge, edge + soft, inside[used])
    if identity.hair_style == "receding":  # thin on top
        cover *= 1 - smoothstep(5.0, 7.5, points[:, 1])
    pattern = np.stack([strand, cover, np.zeros(len(used))], 1)
    colours = _streaks(points, rng, identity, dark)
    return Surface(points, triangles, tangent, colours, HAIR, np.ones(len(points)), pattern)


def _combed(points: np.ndarray, identity: Identity) -> np.ndarray:
    """Strand directions of the undercoat: away from the crown, along the skull."""
    crown = np.array([0.8 * identity.parting, 11.5, -7.5])
    outward = (points - SKULL_CENTRE) / np.linalg.norm(points - SKULL_CENTRE, axis=1, keepdims=True)
    way = points - crown
    way -= (way * outward).sum(1, keepdims=True) * outward
    return way / (np.linalg.norm(way, axis=1, keepdims=True) + 1e-9)


def _curtain(identity: Identity, shape: np.ndarray, cut: Cut, volume: float, rng: np.random.Generator) -> Surface:
    """The mass of long hair behind face and neck."""
    columns, rows = 44, 20
    angle = np.linspace(np.radians(54), np.radians(306), columns)  # from image right round the back to image left
    heights = np.linspace(
        4.0, min(cut.curtain, -19.0) if cut.curtain < -13 else cut.curtain, rows
    )  # no tips at the nape
    y, a = np.meshgrid(heights, angle, indexing="ij")
    below = np.clip((2.0 - y) / 14.0, 0, 1)
    flare = 0.5 + 0.5 * volume + 0.4 * np.sin(below * np.pi) * volume
    wave = 0.12 * np.sin(5 * a + 0.9 * y + rng.uniform(0, 6))
    x = (shape[0] + flare + wave) * np.sign(np.sin(a)) * np.abs(np.sin(a)) ** 0.5
    z = SKULL_CENTRE[2] - 0.6 + (7.0 + flare) * np.cos(a)
    tips = rng.normal(0, 0.5, columns)
    y = y + below * np.convolve(tips, np.ones(3) / 3, mode="same")[None]
    points = np.stack([x, y, z], -1).reshape(-1, 3)
    tangent = np.tile([0.0, -1.0, 0.05], (len(points), 1))
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    triangles = grid_triangles(rows, columns, False)
    down = np.linspace(0, 1, rows)[:, None] * np.ones((1, columns))
    pattern = np.stack([110 * a, 1.25 * (1 - smoothstep(0.93, 1.0, down)) + 0.02, np.zeros_like(a)], -1).reshape(-1, 3)
    colours = _streaks(points, rng, identity, 0.55) * (1 - 0.25 * below.reshape(-1))[:, None]
    return Surface(points, triangles, tangent, colours, HAIR, head_share(points), pattern)


def _knot(identity: Identity, top: float, rng: np.random.Generator) -> Surface:
    """A bun on the crown."""
    rows, columns = 14, 24
    t, a = np.meshgrid(
        np.linspace(0.05, np.pi - 0.05, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij"
    )
    radius = 2.5 * identity.hair_volume * (1 + 0.06 * np.sin(5 * a + 3 * t))
    unit = np.stack([np.sin(t) * np.sin(a), np.cos(t), np.sin(t) * np.cos(a)], -1)
    points = (unit * radius[..., None] * [1.1, 0.8, 1.0]).reshape(-1, 3) + np.array([0, top + 0.9, -7.0])
    triangles = grid_triangles(rows, columns, True)
    tangent = np.cross(surface_normals(points, triangles), [0.3, 1.0, 0.2])
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    pattern = np.stack([24 * t.reshape(-1), np.full(t.size, 2.0), np.zeros(t.size)], 1)
    colours = _streaks(points, rng, identity, 0.9)
    return Surface(points, triangles, tangent, colours, HAIR, np.ones(len(points)), pattern)
