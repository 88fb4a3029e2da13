"""Locks of hair: the way each one takes from its root over the head and the shoulders, drawn as a ribbon of strands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from bench.data.puppet.clothes import body_scale, chest_front
from bench.data.puppet.identity import Identity
from bench.data.puppet.mesh import SKULL_CENTRE
from bench.data.puppet.parts import Surface
from bench.data.puppet.shading import HAIR

COMBED, COIL = range(2)
STRAND_CM = 0.075
"""Width of one drawn strand."""


@dataclass(frozen=True)
class Cut:
    """One hair style. Lengths cm; `lift` how steeply a lock leaves the scalp; `fall` pull downwards per cm of length."""

    locks: int
    length: tuple[float, float]
    width: float
    lift: float
    fall: float
    coat: float
    curl: float = 0.0
    turns: float = 0.0
    curtain: float | None = None
    """Height y where the hair behind the neck ends; None for short hair."""
    knot: bool = False
    kind: int = COMBED


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def head_share(points: np.ndarray) -> np.ndarray:
    """How far hair goes with the head: 1 on the scalp, less below the jaw, where it lies on the shoulders."""
    return 1 - 0.8 * smoothstep(-7.0, -16.0, points[:, 1])


def grow_locks(identity, mesh, cut, skin, normals, inside, thickness, shape, rng) -> Surface:
    """The locks of a cut over the skin points (m, 3): as many as the cut says, those of the forehead first."""
    root = _roots(identity, cut, skin, inside, rng)
    if cut.kind == COIL:
        return _coils(identity, cut, skin[root], normals[root], thickness[root], rng)
    path = _combed_paths(identity, mesh, cut, skin, normals, root, shape, inside[root], rng)
    long = cut.curtain is not None
    return _ribbons(
        identity, path, cut.width, rng, fade=1.2 if identity.hair_style == "bob" else 3.0 if long else np.inf
    )


def _part_x(identity: Identity) -> tuple[float, float]:
    """Where the parting is, cm, and its side."""
    side = float(np.sign(identity.parting) or 1.0)
    return (2.6 * side if identity.hair_style == "side_part" else 1.4 * identity.parting), side


def _roots(identity: Identity, cut: Cut, skin: np.ndarray, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices (locks,) of the skin points where locks grow."""
    weight = np.where((skin[:, 2] > -10.5) & (inside > 0.05), 1.0, 0.0)
    weight *= np.where(skin[:, 2] > -4, 1.0, 0.6 if cut.curtain is None else 0.25)  # seldom seen at the back
    if cut.curtain is None:  # shaved short beside and behind the ears
        weight *= smoothstep(3.3, 5.2, skin[:, 1]) if cut.kind == COMBED else smoothstep(0.0, 2.0, skin[:, 1])
    else:
        weight *= np.where(skin[:, 1] > 4.0, 1.0, 0.25)
    part_x, _ = _part_x(identity)
    if identity.hair_style in ("side_part", "long", "bob", "curly_long", "fringe"):  # dense along the parting
        weight *= 1 + 2.5 * np.exp(-(((skin[:, 0] - part_x) / 1.3) ** 2)) * (skin[:, 1] > 5)
    if identity.hair_style == "fringe":
        weight *= 1 + 2.0 * (_of_fringe(skin) > 0.5)
    if identity.hair_style == "receding":
        weight *= 1 - smoothstep(5.5, 7.0, skin[:, 1])
    root = rng.choice(len(skin), cut.locks, p=weight / weight.sum())
    return root[np.argsort(-skin[root, 2], kind="stable")]  # nearest first: what lies behind is not drawn


def _of_fringe(position: np.ndarray) -> np.ndarray:
    """Which roots (n,) fall over the forehead, 0..1."""
    return ((position[:, 2] > 0.0) & (position[:, 1] > 6.5) & (np.abs(position[:, 0]) < 5.2)).astype(float)


def _coils(identity, cut, position, normals, thickness, rng) -> Surface:
    """Tight curls that stand on the coat: short spirals, their axes a little off the normal."""
    n, steps = len(position), 9
    axis = normals + rng.normal(0, 0.38, (n, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    first = np.cross(axis, rng.normal(0, 1, (n, 3)))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(axis, first)
    start = position + normals * (thickness * rng.uniform(0.78, 1.0, n))[:, None] + rng.normal(0, 0.1, (n, 3))
    length = rng.uniform(*cut.length, n) * identity.hair_volume * np.clip(thickness / (0.7 * cut.coat), 0.3, 1) * 0.5
    t = _run(steps)[:, None, None]
    turn = 2 * np.pi * cut.turns * t[..., 0] + rng.uniform(0, 2 * np.pi, n)
    radius = cut.curl * rng.uniform(0.7, 1.3, n) * (0.6 + 0.4 * t[..., 0])
    path = start + axis * length[:, None] * t
    path = path + radius[..., None] * (np.cos(turn)[..., None] * first + np.sin(turn)[..., None] * second)
    return _ribbons(identity, path, cut.width, rng, spread=0.08, root=0.72, comb=normals)


def _combed_paths(identity, mesh, cut, skin, normals, root_index, shape, inside, rng) -> np.ndarray:
    """(steps + 1, n, 3): locks that follow the comb, fall, lie on head and shoulders, and may wave."""
    n, volume, style = len(root_index), identity.hair_volume, identity.hair_style
    part_x, side = _part_x(identity)
    position = skin[root_index] + rng.normal(0, 0.12, (n, 3))
    outward = normals[root_index]
    across = np.where(position[:, 0] > part_x, 1.0, -1.0)
    if style == "side_part":  # most of the hair is combed over to one side
        across = np.where(position[:, 0] * side > part_x * side, side, -side)
    length = rng.uniform(*cut.length, n) * (0.85 + 0.15 * volume)
    short = cut.curtain is None
    front = smoothstep(1.0, 4.5, position[:, 2])
    layer = (cut.coat * volume) * rng.uniform(0.75, 1.4, n) + 0.05
    lift = np.full(n, cut.lift)
    if style in ("side_part", "swept_back", "crop", "pixie", "receding"):
        length *= 0.25 + 0.75 * smoothstep(1.5, 8.0, position[:, 1])  # shorter and flatter at the sides
        lift *= 0.25 + 0.75 * smoothstep(3.0, 8.0, position[:, 1])
        layer *= 0.4 + 0.6 * smoothstep(3.0, 8.0, position[:, 1])
    if style in ("crop", "receding"):  # shorter towards the hair line
        length *= 0.5 + 0.5 * smoothstep(0.0, 1.6, inside)
    fringe = _of_fringe(position) if style == "fringe" else np.zeros(n)
    brow = skin[[9, 107, 336], 1].mean()
    fringe_end = brow + 0.9 + rng.normal(0, 0.14, n)
    length = np.where(fringe > 0, np.minimum(length, 8.0), length)
    jitter = rng.normal(0, 1, (n, 3))
    steps = 7 if short else 18 if cut.curl else 13
    ds = length / steps
    layer = np.where(fringe > 0, 0.35 + 0.5 * layer, layer)
    body = _Body(skin[mesh.kind_of_point == 0])
    scale = body_scale(identity)
    path = np.empty((steps + 1, n, 3))
    path[0] = position
    point = position.copy()
    velocity = np.zeros((n, 3))
    for step in range(steps):
        t = step / steps
        way = _flow(style, point, across, identity, front, t, fringe)
        way += 0.14 * jitter * (0.5 + t)
        outward = (point - SKULL_CENTRE) / shape**2
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        way -= 0.9 * (way * outward).sum(1, keepdims=True) * outward * (point[:, 1:2] > -2)
        way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
        pull = np.minimum(cut.fall * ds * (step + 1), 2.5)[:, None] * np.array([0, -1.0, 0])
        aim = way + (lift * max(0.0, 1 - 2.2 * t))[:, None] * outward + pull
        aim /= np.linalg.norm(aim, axis=1, keepdims=True)
        velocity = aim if step == 0 else 0.45 * velocity + 0.55 * aim
        point = point + velocity * ds[:, None]
        point = body.push_out(point, layer * min(1.0, 0.25 + 2.5 * t))
        if not short:
            # beside the face, not over it
            least = 0.83 * shape[0] * (1 - smoothstep(brow - 0.6, brow + 3.4, point[:, 1])) * (1 - fringe)
            beside = np.where(point[:, 2] > 0, np.maximum(np.abs(point[:, 0]), least), np.abs(point[:, 0]))
            point[:, 0] = np.where(point[:, 0] < 0, -beside, beside)
            # on the shoulders and down the chest
            front_of_chest = chest_front(point, scale) + 0.25 + 0.45 * layer
            ahead = point[:, 2] > -7.0
            point[:, 2] = np.where(ahead, np.maximum(point[:, 2], front_of_chest), point[:, 2])
        path[step + 1] = point
    if short:
        over_face = position[:, 2] > 0.5 if style in ("pixie", "crop", "side_part") else np.zeros(n, bool)
        return np.where(over_face[None, :, None], _cut_off(path, fringe_end), path)
    if fringe.any():
        path = np.where((fringe > 0)[None, :, None], _cut_off(path, fringe_end), path)
    path = _cut_off(path, np.where(fringe > 0, -50.0, cut.curtain - 0.3 + 0.6 * jitter[:, 0]))
    # long hair hangs together in strands
    guides = np.arange(0, n, 11)
    sided = position + np.stack([30 * across, 60 * fringe, np.zeros(n)], 1)  # never across the parting
    _, nearest = cKDTree(sided[guides]).query(sided)
    guide = guides[nearest]
    path += ((0.42 if cut.curl else 0.55) * (1 - fringe) * _run(steps)[:, None])[..., None] * (path[:, guide] - path)
    if cut.curl:
        phase = rng.uniform(0, 2 * np.pi, n)
        phase = phase[guide] + 0.35 * (phase - np.pi)
        t = _run(steps)[:, None]
        turn = phase + 2 * np.pi * cut.turns * t**1.1
        swing = cut.curl * volume * np.minimum(1.0, 2.2 * t) * (1 - fringe)
        path = path + swing[..., None] * np.stack([np.cos(turn), 0.0 * turn, 0.8 * np.sin(turn)], -1)
    return path


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


def _flow(style, point, across, identity, front, t, fringe) -> np.ndarray:
    """Where the comb goes at the points (n, 3), `t` 0 root .. 1 tip."""
    n = len(point)
    crown = np.array([0.8 * identity.parting, 10.0, -8.5])
    radial = point - crown
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    if style in ("crop", "pixie", "receding"):
        sweep = np.stack([0.5 * np.full(n, np.sign(identity.parting) or 1.0), np.zeros(n), np.zeros(n)], 1)
        down = np.stack([np.zeros(n), -0.8 * smoothstep(4.0, 7.5, np.abs(point[:, 0])), np.zeros(n)], 1)
        return radial + down + sweep * front[:, None] * (1.0 if style == "pixie" else 0.5)
    sides = smoothstep(4.5, 7.5, np.abs(point[:, 0]))
    if style == "side_part":
        return np.stack(
            [across * (1 - 0.8 * sides), 0.25 * (1 - t) * front - 0.2 - 0.9 * sides, -0.55 + 0.25 * t * np.ones(n)], 1
        )
    if style == "swept_back":
        return np.stack([0.18 * point[:, 0] / 7, 0.5 * front * (1 - t) - 0.1 - 0.5 * sides, -np.ones(n)], 1)
    if style == "tied_back":
        aim = np.array([0.0, 10.0, -9.5]) - point
        return aim / (np.linalg.norm(aim, axis=1, keepdims=True) + 1e-6)
    # long styles: from the parting sideways and back, then down
    down = smoothstep(0.5, 0.95, np.abs(point[:, 0]) / 8.2)
    gather = np.clip((-2.2 - point[:, 2]) * 0.16, -0.4, 0.4)  # beside the ears, over the mass behind
    way = np.stack([across * (1 - down), -0.25 - 1.2 * down, -0.5 * (1 - down) + gather * down], 1)
    over = np.stack([0.08 * point[:, 0] / 4, -1.0 * np.ones(n), 0.45 * np.ones(n)], 1)
    return way + fringe[:, None] * (over - way)


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


def _ribbons(
    identity: Identity,
    path: np.ndarray,
    width: float,
    rng: np.random.Generator,
    spread: float = 0.1,
    root: float = 0.75,
    fade: float = np.inf,
    comb: np.ndarray | None = None,
) -> Surface:
    """Ribbons (two triangles a step) of strands along the paths (steps + 1, n, 3), facing outwards.

    Strands end one after the other over the last `fade` cm, at most 45 % of the lock, and begin one after the other.
    `spread`: how locks differ in tone; `root`: tone at the root;
    `comb` (n, 3): outward directions of curls, whose gleam is that of the whole and not of each turn.
    """
    steps, n = path.shape[0] - 1, path.shape[1]
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-9
    outward = path - SKULL_CENTRE * [1, 0, 1] - [0, 1, 0] * np.minimum(path[..., 1:2], SKULL_CENTRE[1])
    outward[..., 2] += 3.0
    sideways = np.cross(tangent, outward)
    sideways /= np.linalg.norm(sideways, axis=2, keepdims=True) + 1e-9
    t = _run(steps)[:, None]
    own_width = width * rng.uniform(0.6, 1.35, n)
    profile = own_width * np.minimum(1.0, 0.5 + 2.5 * t) * (1 - 0.45 * t)
    left, right = path - sideways * profile[..., None] / 2, path + sideways * profile[..., None] / 2
    points = np.stack([left, right], 2)  # (steps + 1, n, 2, 3)
    index = np.arange((steps + 1) * n * 2).reshape(steps + 1, n, 2)
    a, b, c, d = index[:-1, :, 0], index[:-1, :, 1], index[1:, :, 0], index[1:, :, 1]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    order = np.argsort(np.concatenate([np.tile(np.arange(n), steps)] * 2), kind="stable")
    tone = np.exp(rng.normal(0, spread, n))[None, :, None, None] * (root + (1.08 - root) * t)[..., None, None]
    colours = np.broadcast_to(identity.hair * tone, points.shape).reshape(-1, 3).copy()
    flat = points.reshape(-1, 3)
    if comb is not None:
        tangent = tangent - 0.75 * (tangent * comb).sum(2, keepdims=True) * comb
        smooth = np.cross(comb, [0.2, 0.3, 1.0])
        tangent = 0.3 * tangent + smooth * np.sign((tangent * smooth).sum(2, keepdims=True) + 1e-9)
        tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-9
    normals = np.repeat(tangent[:, :, None], 2, 2).reshape(-1, 3)
    strands = np.maximum(2.0, own_width / STRAND_CM)
    first = 40.0 * np.arange(n)
    strand = np.stack([first, first + strands], 1)[None] * np.ones((steps + 1, 1, 1))
    first_share = 0.35 if np.isinf(fade) else 0.12  # where long hair begins no edge is to be seen
    long = np.linalg.norm(np.diff(path, axis=0), axis=2).sum(0)
    left_over = (1 - t) / np.minimum(0.45, fade / long)[None]
    cover = np.minimum(
        0.04 + 1.25 * smoothstep(-0.1, 1.0, left_over), first_share + (9.0 if np.isinf(fade) else 2.6) * t
    )[..., None] * np.ones((1, 1, 2))
    pattern = np.stack([strand, cover, np.zeros(cover.shape)], -1).reshape(-1, 3)
    return Surface(flat, triangles[order].astype(np.int32), normals, colours, HAIR, head_share(flat), pattern)
