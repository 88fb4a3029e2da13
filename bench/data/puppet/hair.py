"""Hair of the head: a dark undercoat on the scalp, and some hundred tapering locks that grow over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from bench.data.puppet.identity import Identity
from bench.data.puppet.mesh import SKULL_CENTRE, HeadMesh
from bench.data.puppet.parts import Surface, grid_triangles, surface_normals
from bench.data.puppet.shading import HAIR


@dataclass(frozen=True)
class _Cut:
    """One hair style. Lengths cm; `lift` how steeply a lock leaves the scalp; `fall` pull downwards per cm of length."""

    locks: int
    length: tuple[float, float]
    width: float
    lift: float
    fall: float
    coat: float
    curl: float = 0.0
    curl_turns: float = 0.0
    curtain: float | None = None
    """Height y where the hair behind the neck ends; None for short hair."""
    knot: bool = False


CUTS = {
    "buzz": _Cut(0, (0.3, 0.5), 0.12, 0.5, 0.0, 0.14),
    "crop": _Cut(900, (1.5, 2.4), 0.26, 0.42, 0.05, 0.45),
    "side_part": _Cut(900, (4.0, 6.0), 0.3, 0.3, 0.05, 0.75),
    "swept_back": _Cut(800, (4.5, 6.5), 0.3, 0.34, 0.03, 0.8),
    "curly": _Cut(900, (3.0, 4.4), 0.3, 0.6, 0.03, 0.9, 0.42, 2.6),
    "pixie": _Cut(900, (3.0, 4.6), 0.28, 0.28, 0.06, 0.6),
    "bob": _Cut(660, (12.5, 14.0), 0.68, 0.2, 0.16, 0.8, curtain=-9.5),
    "long": _Cut(640, (22.0, 26.0), 0.74, 0.2, 0.16, 0.85, curtain=-20.0),
    "curly_long": _Cut(800, (18.0, 23.0), 0.6, 0.3, 0.14, 1.0, 0.4, 4.0, curtain=-18.0),
    "tied_back": _Cut(760, (8.0, 11.0), 0.32, 0.16, 0.0, 0.4, knot=True),
}


@dataclass(frozen=True)
class Hair:
    """`coat` surfaces (they shade the face) and `locks` drawn over them, `count` of them."""

    coat: list[Surface]
    locks: Surface | None
    count: int


def _smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def head_share(points: np.ndarray) -> np.ndarray:
    """How far hair goes with the head: 1 on the scalp, less below the jaw, where it lies on the shoulders."""
    return 1 - 0.75 * _smoothstep(-7.0, -18.0, points[:, 1])


def grow(identity: Identity, mesh: HeadMesh, skin: np.ndarray, normals: np.ndarray, inside: np.ndarray) -> Hair:
    """Hair over the skin points (m, 3) with unit normals (m, 3), `inside` (m,) cm inside the hair line."""
    cut = CUTS[identity.hair_style]
    rng = np.random.default_rng([identity.texture_seed, 4])
    volume = identity.hair_volume
    scalp = np.where(skin[:, 1] > -3.0, inside, -1.0)
    coat = [_coat(identity, mesh, skin, normals, scalp, cut.coat * volume, rng)]
    half_width = np.abs(skin[skin[:, 1] > 0, 0]).max()
    top = skin[:, 1].max()
    shape = np.array([half_width, top - SKULL_CENTRE[1], 10.0])
    if cut.curtain is not None:
        coat.append(_curtain(identity, shape, cut, volume, rng))
    if cut.knot:
        coat.append(_knot(identity, top, rng))
    if not cut.locks:
        return Hair(coat, None, 0)
    return Hair(coat, _locks(identity, mesh, cut, skin, normals, scalp, shape, volume, rng), cut.locks)


def _streaks(points: np.ndarray, rng: np.random.Generator, identity: Identity, dark: float) -> np.ndarray:
    """Colours of an undercoat: darker than the locks, with soft streaks."""
    tone = np.zeros(len(points))
    for _ in range(5):
        way = rng.normal(0, 1, 3) * [1.6, 0.5, 0.5]
        tone += np.sin(points @ way + rng.uniform(0, 6.28))
    return identity.hair * dark * (1 + 0.12 * tone)[:, None]


def _coat(identity, mesh, skin, normals, inside, thickness, rng) -> Surface:
    depth = np.clip((skin[:, 1] - 1.0) / 5.0, 0.3, 1)  # thinner beside the ears
    offset = np.where(inside > 0, 0.015 + thickness * _smoothstep(0.0, 2.6, inside) * depth, -0.1)
    points = skin + normals * offset[:, None]
    keep = (inside[mesh.triangles] > 0.5).all(1) & (mesh.kind == 0)
    triangles = mesh.triangles[keep]
    used, index = np.unique(triangles, return_inverse=True)
    triangles = index.reshape(-1, 3).astype(np.int32)
    points = points[used]
    tangent = _combed(points, identity)
    dark = 0.78 if CUTS[identity.hair_style].locks else 1.0
    outwards = (mesh.subdivision @ mesh.uv)[used] - [0.5, 0.53]
    strand = 55 * np.arctan2(outwards[:, 0], -outwards[:, 1])
    return Surface(
        points, triangles, tangent, _streaks(points, rng, identity, dark), HAIR, np.ones(len(points)), strand
    )


def _combed(points: np.ndarray, identity: Identity) -> np.ndarray:
    """Strand directions of the undercoat: away from the crown, along the skull."""
    crown = np.array([0.8 * identity.parting, 11.5, -7.5])
    outward = (points - SKULL_CENTRE) / np.linalg.norm(points - SKULL_CENTRE, axis=1, keepdims=True)
    way = points - crown
    way -= (way * outward).sum(1, keepdims=True) * outward
    return way / (np.linalg.norm(way, axis=1, keepdims=True) + 1e-9)


def _curtain(identity: Identity, shape: np.ndarray, cut: _Cut, volume: float, rng: np.random.Generator) -> Surface:
    """The mass of long hair behind face and neck."""
    columns, rows = 44, 20
    angle = np.linspace(np.radians(54), np.radians(306), columns)  # from image right round the back to image left
    heights = np.linspace(4.0, cut.curtain, rows)
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
    strand = 46 * a.reshape(-1)
    colours = _streaks(points, rng, identity, 0.5) * (1 - 0.25 * below.reshape(-1))[:, None]
    return Surface(points, triangles, tangent, colours, HAIR, head_share(points), strand)


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
    return Surface(
        points, triangles, tangent, _streaks(points, rng, identity, 0.9), HAIR, np.ones(len(points)), 9 * t.reshape(-1)
    )


def _locks(identity, mesh, cut, skin, normals, inside, shape, volume, rng) -> Surface:
    weight = np.where((skin[:, 2] > -10.5) & (inside > 0.05), 1.0, 0.0)
    weight *= np.where(skin[:, 2] > -4, 1.0, 0.6)
    short = cut.curtain is None
    if short:  # shaved short beside and behind the ears
        weight *= _smoothstep(0.0, 3.0, skin[:, 1])
    if cut.curtain is not None:
        weight *= np.where(skin[:, 1] > 4.0, 1.0, 0.25)
    side_sign = np.sign(identity.parting) or 1.0
    part_x = 2.6 * side_sign if identity.hair_style == "side_part" else 1.4 * identity.parting
    if identity.hair_style in ("side_part", "long", "bob", "curly_long"):  # dense along the parting
        weight *= 1 + 2.5 * np.exp(-(((skin[:, 0] - part_x) / 1.3) ** 2)) * (skin[:, 1] > 5)
    root_index = rng.choice(len(skin), cut.locks, p=weight / weight.sum())
    root_index = root_index[np.argsort(skin[root_index, 2], kind="stable")]
    n = len(root_index)
    position = skin[root_index] + rng.normal(0, 0.12, (n, 3))
    outward = normals[root_index]
    style = identity.hair_style
    across = np.where(position[:, 0] > part_x, 1.0, -1.0)
    if style == "side_part":  # most of the hair is combed over to one side
        across = np.where(position[:, 0] * side_sign > part_x * side_sign, side_sign, -side_sign)
    length = rng.uniform(*cut.length, n) * (0.85 + 0.15 * volume)
    front = _smoothstep(1.0, 4.5, position[:, 2])
    if style in ("side_part", "swept_back", "crop", "pixie", "curly"):
        length *= 0.25 + 0.75 * _smoothstep(1.5, 8.0, position[:, 1])  # shorter at the sides
        if cut.curl:
            length *= 1 - 0.5 * front
    phase, jitter = rng.uniform(0, 2 * np.pi, n), rng.normal(0, 1, (n, 3))
    steps = 7 if short and not cut.curl else 8 if short else 18 if cut.curl else 12
    ds = length / steps
    layer = (cut.coat * volume) * rng.uniform(0.75, 1.45, n) + 0.05
    body = _Body(skin[mesh.kind_of_point == 0])
    path = np.empty((steps + 1, n, 3))
    path[0] = position
    point = position.copy()
    velocity = np.zeros((n, 3))
    for step in range(steps):
        t = step / steps
        way = _flow(style, point, across, identity, front, t)
        way += (0.5 if cut.curl and short else 0.16) * jitter * (0.5 + t)
        outward = (point - SKULL_CENTRE) / shape**2
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        way -= 0.9 * (way * outward).sum(1, keepdims=True) * outward * (point[:, 1:2] > -2)
        way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
        pull = np.minimum(cut.fall * ds * (step + 1), 2.5)[:, None] * np.array([0, -1.0, 0])
        aim = way + cut.lift * max(0.0, 1 - 2.2 * t) * outward + pull
        aim /= np.linalg.norm(aim, axis=1, keepdims=True)
        velocity = aim if step == 0 else 0.45 * velocity + 0.55 * aim
        point = point + velocity * ds[:, None]
        point = body.push_out(point, layer * min(1.0, 0.25 + 2.5 * t))
        path[step + 1] = point
    if not short:
        path = _cut_off(path, cut.curtain - 0.3 + 0.45 * jitter[:, 0])
        # long hair hangs together in strands
        guides = np.arange(0, n, 14)
        sided = position + np.stack([30 * across, np.zeros(n), np.zeros(n)], 1)  # never across the parting
        _, nearest = cKDTree(sided[guides]).query(sided)
        path += 0.6 * _run(steps)[:, None, None] * (path[:, guides[nearest]] - path)
    if cut.curl:
        t = _run(steps)[:, None]
        swing = cut.curl * np.minimum(1.0, 3 * t) * volume
        turn = phase + 2 * np.pi * cut.curl_turns * t
        sideways = np.stack([np.cos(turn), 0.6 * np.sin(turn), np.sin(turn)], -1)
        path = path + swing[..., None] * sideways
    return _ribbons(identity, path, cut.width, rng)


def _cut_off(path: np.ndarray, lowest: np.ndarray) -> np.ndarray:
    """The paths (steps + 1, n, 3), those that hang below `lowest` (n,) cm cut off there."""
    t = _run(len(path) - 1)
    out = path.copy()
    for lock in np.flatnonzero((path[..., 1] < lowest).any(0)):
        below = int(np.argmax(path[:, lock, 1] < lowest[lock]))
        if below == 0:
            continue
        high, low = path[below - 1, lock, 1], path[below, lock, 1]
        end = t[below - 1] + (high - lowest[lock]) / (high - low) * (t[below] - t[below - 1])
        for k in range(3):
            out[:, lock, k] = np.interp(t * end, t, path[:, lock, k])
    return out


def _run(steps: int) -> np.ndarray:
    """(steps + 1,) from 0 at the root to 1 at the tip."""
    return np.linspace(0, 1, steps + 1)


def _flow(
    style: str, point: np.ndarray, across: np.ndarray, identity: Identity, front: np.ndarray, t: float
) -> np.ndarray:
    """Where the comb goes at the points (n, 3), `t` 0 root .. 1 tip."""
    n = len(point)
    crown = np.array([0.8 * identity.parting, 10.0, -8.5])
    radial = point - crown
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    if style in ("crop", "pixie"):
        sweep = np.stack([0.5 * np.full(n, np.sign(identity.parting) or 1.0), np.zeros(n), np.zeros(n)], 1)
        return radial + sweep * front[:, None] * (1.0 if style == "pixie" else 0.5)
    if style == "side_part":
        return np.stack([across * 1.0, 0.25 * (1 - t) * front - 0.2, -0.55 + 0.25 * t * np.ones(n)], 1)
    if style == "swept_back":
        return np.stack([0.18 * point[:, 0] / 7, 0.5 * front * (1 - t) - 0.1, -np.ones(n)], 1)
    if style == "tied_back":
        aim = np.array([0.0, 12.5, -7.5]) - point
        return aim / (np.linalg.norm(aim, axis=1, keepdims=True) + 1e-6)
    if style in ("curly",):
        return radial
    # long styles: from the parting sideways and back, then down
    down = _smoothstep(0.5, 0.95, np.abs(point[:, 0]) / 8.2)
    gather = np.clip((-2.2 - point[:, 2]) * 0.16, -0.4, 0.4)  # beside the ears, over the mass behind
    return np.stack([across * (1 - down), -0.25 - 1.2 * down, -0.5 * (1 - down) + gather * down], 1)


class _Body:
    """The skin as seen from the middle of the skull: how far it lies in every direction."""

    def __init__(self, skin: np.ndarray):
        arm = skin - SKULL_CENTRE
        self._distance = np.linalg.norm(arm, axis=1)
        self._tree = cKDTree(arm / self._distance[:, None])

    def push_out(self, point: np.ndarray, layer: np.ndarray) -> np.ndarray:
        """The points (n, 3), those nearer to the skin than `layer` (n,) cm moved outwards."""
        arm = point - SKULL_CENTRE
        size = np.linalg.norm(arm, axis=1)
        _, near = self._tree.query(arm / size[:, None], k=4)
        least = self._distance[near].mean(1) + layer
        return SKULL_CENTRE + arm * np.where(size < least, least / size, 1.0)[:, None]


def _ribbons(identity: Identity, path: np.ndarray, width: float, rng: np.random.Generator) -> Surface:
    """Tapering ribbons (two triangles a step) along the paths (steps + 1, n, 3), facing outwards."""
    steps, n = path.shape[0] - 1, path.shape[1]
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-9
    outward = path - SKULL_CENTRE * [1, 0, 1] - [0, 1, 0] * np.minimum(path[..., 1:2], SKULL_CENTRE[1])
    outward[..., 2] += 3.0
    sideways = np.cross(tangent, outward)
    sideways /= np.linalg.norm(sideways, axis=2, keepdims=True) + 1e-9
    t = _run(steps)[:, None]
    profile = width * rng.uniform(0.6, 1.35, n) * np.minimum(1.0, 0.5 + 2.5 * t) * np.clip(1.02 - t, 0, 1) ** 0.35
    left, right = path - sideways * profile[..., None] / 2, path + sideways * profile[..., None] / 2
    points = np.stack([left, right], 2)  # (steps + 1, n, 2, 3)
    index = np.arange((steps + 1) * n * 2).reshape(steps + 1, n, 2)
    a, b, c, d = index[:-1, :, 0], index[:-1, :, 1], index[1:, :, 0], index[1:, :, 1]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    order = np.argsort(np.concatenate([np.tile(np.arange(n), steps)] * 2), kind="stable")
    tone = np.exp(rng.normal(0, 0.16, n))[None, :, None, None] * (0.72 + 0.38 * t)[..., None, None]
    edge = np.array([0.86, 1.1])[None, None, :, None]
    colours = np.broadcast_to(identity.hair * tone * edge, points.shape)
    flat = points.reshape(-1, 3)
    normals = np.repeat(tangent[:, :, None], 2, 2).reshape(-1, 3)
    across = np.array([0.0, max(2.0, width / 0.11)])
    strand = np.broadcast_to(17.0 * np.arange(n)[None, :, None] + across, (steps + 1, n, 2)).reshape(-1)
    colours = colours.reshape(-1, 3).copy()
    return Surface(flat, triangles[order].astype(np.int32), normals, colours, HAIR, head_share(flat), strand)
