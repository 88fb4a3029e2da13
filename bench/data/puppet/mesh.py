"""The control mesh of a head: MediaPipe's canonical face mesh, with lid margins, a mouth pouch, skull and neck added.

Units are cm, x towards image right (the subject's left), y up, z towards the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import sparse

from bench.data.puppet.canonical import (
    EYE_RINGS,
    EYE_RINGS_1,
    INNER_LIP,
    LOWER_LIP,
    N_CANONICAL,
    OVAL,
    UPPER_LIP,
    CanonicalMesh,
    load_canonical_mesh,
)
from bench.data.puppet.subdivision import subdivide

N_RINGS = 7
SKULL_CENTRE = np.array([0.0, 1.9, -4.4])

SKIN, LID_MARGIN, POUCH = 0, 1, 2
"""Kinds of control triangles."""


@dataclass(frozen=True)
class HeadMesh:
    """Topology shared by all heads; n control points, m fine points.

    triangles (F, 3) int32 of the fine surface, kind (F,) SKIN | LID_MARGIN | POUCH; subdivision (m, n) sparse;
    follow (n, 468) sparse: how far each control point goes along with the canonical points when the face moves;
    uv (n, 2) texture coordinates; neck_ring (n,) 0 on the face, 1..7 outwards on skull and neck;
    eye_points: per eye the fine vertices that may lie on the eyeball. Fine vertex i < 468 is canonical landmark i.
    """

    canonical: CanonicalMesh
    triangles: np.ndarray
    kind: np.ndarray
    subdivision: sparse.csr_matrix
    follow: sparse.csr_matrix
    uv: np.ndarray
    ring: np.ndarray
    eye_points: tuple[np.ndarray, np.ndarray]
    n_control: int

    @property
    def kind_of_point(self) -> np.ndarray:
        """(m,) the kind of a triangle at every fine point: POUCH and LID_MARGIN win over SKIN."""
        kind = np.zeros(self.subdivision.shape[0], np.int64)
        np.maximum.at(kind, self.triangles.reshape(-1), np.repeat(self.kind, 3))
        return kind

    def control_points(self, face: np.ndarray, neck: tuple[float, float] = (5.3, 5.0)) -> np.ndarray:
        """All control points (n, 3) of a head whose canonical points are `face` (468, 3), neck radii (x, z) cm."""
        parts = [face]
        for ring in EYE_RINGS:
            parts.append(_lid_margin(face, ring))
        parts.extend(_pouch(face))
        parts.append(_skull_and_neck(face, neck).reshape(-1, 3))
        return np.concatenate(parts)


def _lid_margin(face: np.ndarray, ring: tuple[int, ...]) -> np.ndarray:
    rim = face[list(ring)]
    towards = rim.mean(0) - rim
    # the corners reach further in, as caruncle and canthus do: there the eyeball has curved away behind the lids
    inwards = np.full((len(ring), 1), 0.02)
    inwards[[0, 8]], inwards[[1, 15, 7, 9]] = 0.2, 0.1
    return rim + inwards * towards + [0, 0, -0.3]


def _pouch(face: np.ndarray) -> list[np.ndarray]:
    """Inner sides of the lips and the walls of the mouth: two rings and a point at the back."""
    rim = face[list(INNER_LIP)]
    middle = rim.mean(0)
    upper = np.array([i in UPPER_LIP for i in INNER_LIP], float)[:, None]
    lower = np.array([i in LOWER_LIP for i in INNER_LIP], float)[:, None]
    lift = (upper - lower) * [0, 1, 0]
    first = rim + 0.18 * lift + [0, 0, -0.45]
    second = rim + (rim - middle) * [0.15, 0, 0] + 1.5 * lift + [0, 0, -1.6]
    second[:, 2] = np.minimum(second[:, 2], middle[2] - 1.2)
    back = middle + np.array([0, 0, -5.0])
    return [first, second, back[None]]


def _skull_and_neck(face: np.ndarray, neck: tuple[float, float]) -> np.ndarray:
    """(36, 7, 3): from every vertex of the face oval over the skull to its back, or under the jaw down the neck."""
    oval = face[list(OVAL)]
    half_width = np.abs(oval[:, 0]).max()
    radii = np.array([half_width * 1.03, max(10.4, oval[:, 1].max() + 2.4 - SKULL_CENTRE[1]), 10.0])
    out = np.empty((len(OVAL), N_RINGS, 3))
    steps = np.array([0.09, 0.2, 0.33, 0.47, 0.62, 0.78, 0.94])
    for column in range(len(OVAL)):
        start = oval[column]
        from_chin = abs(column - 18)  # 0 at the chin, 18 at the top
        offset = (start - SKULL_CENTRE) / radii
        size = np.linalg.norm(offset)
        direction = offset / size
        pole = np.array([0.0, -0.1, -1.0]) / np.hypot(0.1, 1.0)
        angle = np.arccos(np.clip(direction @ pole, -1, 1))
        skull = np.empty((N_RINGS, 3))
        for k, step in enumerate(steps):
            turned = (np.sin((1 - step) * angle) * direction + np.sin(step * angle) * pole) / np.sin(angle)
            ease = min(1.0, step / 0.45)
            skull[k] = SKULL_CENTRE + radii * turned * (size + (1 - size) * ease * ease * (3 - 2 * ease))
        phi = np.radians(min(from_chin, 12) * 15.0) * (1 if column <= 18 else -1)

        def neck_point(y: float, grow: float = 1.0, phi: float = phi) -> np.ndarray:
            back = -4.9 - 0.16 * (-8 - y)
            return np.array([neck[0] * grow * np.sin(phi), y, back + neck[1] * grow * np.cos(phi)])

        top = -11.6 + 4.2 * min(from_chin, 10) / 10
        top = min(top, start[1] - 1.6) if from_chin < 4 else top
        first = neck_point(top)
        under = np.array([0, -0.35 - 0.25 * np.cos(phi / 2), 0])
        down = np.array(
            [
                start + 0.22 * (first - start) * [0.6, 1, 1] + under * 0.8,
                start + 0.6 * (first - start) * [0.9, 1, 1] + under,
                first,
                neck_point(top - 1.9, 0.985),
                neck_point(-15.5, 1.0),
                neck_point(-18.5, 1.1),
                neck_point(-23.0, 1.4),
            ]
        )
        share = float(np.clip((10.5 - from_chin) / 3.5, 0, 1))
        out[column] = share * down + (1 - share) * skull
    return out


def _left_of_middle(ring: np.ndarray) -> np.ndarray:
    """Which edges (point to next point) of a closed ring (n, 3) lie on the subject's left."""
    return ring[:, 0] + np.roll(ring[:, 0], -1) > 0


def build_head_mesh(canonical: CanonicalMesh, steps: int = 2) -> HeadMesh:
    """The head's topology from the canonical face: the discs that fill eyes and mouth are cut out, the rest is added."""

    def cut(triangles: np.ndarray, ring: tuple[int, ...]) -> np.ndarray:
        return triangles[~np.isin(triangles, ring).all(1)]

    face = canonical.triangles
    for ring in (*EYE_RINGS, INNER_LIP):
        face = cut(face, ring)
    directed = {(int(t[k]), int(t[(k + 1) % 3])) for t in face for k in range(3)}
    triangles, kinds = [face], [np.full(len(face), SKIN)]
    at = N_CANONICAL
    follow_rows, follow_cols, follow_weights = [np.arange(at)], [np.arange(at)], [np.ones(at)]
    uv = [canonical.uv]
    ring_number = [np.zeros(at)]

    def band(inner: np.ndarray, outer: np.ndarray, kind: int, other_side: np.ndarray | None = None) -> None:
        """Triangles between two closed rings; winding continues that of the surface on the `inner` side.

        Where `other_side` is set the squares are cut along their other diagonal: so a ring round the middle of the face
        is mirror-symmetric.
        """
        a, b = inner, np.roll(inner, -1)
        c, d = outer, np.roll(outer, -1)
        cut_bc = np.stack([a, b, c, c, b, d], 1)
        cut_ad = np.stack([a, b, d, a, d, c], 1)
        swap = np.zeros(len(inner), bool) if other_side is None else other_side
        quads = np.where(swap[:, None], cut_ad, cut_bc).reshape(-1, 3)
        # a directed border edge (a, b) of the surface must be met as (b, a) by its new neighbour
        if (int(a[0]), int(b[0])) in directed:
            quads = quads[:, [1, 0, 2]]
        directed.update((int(t[k]), int(t[(k + 1) % 3])) for t in quads for k in range(3))
        triangles.append(quads)
        kinds.append(np.full(len(quads), kind))

    def add(
        points: int, sources: np.ndarray, weight: np.ndarray | float, uv_points: np.ndarray, ring: float
    ) -> np.ndarray:
        nonlocal at
        new = np.arange(at, at + points)
        at += points
        follow_rows.append(new)
        follow_cols.append(sources)
        follow_weights.append(np.broadcast_to(np.asarray(weight, float), (points,)))
        uv.append(uv_points)
        ring_number.append(np.full(points, ring))
        return new

    for ring in EYE_RINGS:
        index = np.array(ring)
        band(index, add(16, index, 1.0, canonical.uv[index], 0), LID_MARGIN)
    lip = np.array(INNER_LIP)
    first = add(20, lip, 1.0, canonical.uv[lip], 0)
    second = add(20, lip, 0.95, canonical.uv[lip], 0)
    left = _left_of_middle(canonical.points[lip])
    band(lip, first, POUCH, left)
    band(first, second, POUCH, left)
    back = add(1, np.array([14]), 0.4, canonical.uv[[14]], 0)
    fan = np.stack([np.roll(second, -1), second, np.full(20, back[0])], 1)
    if (int(second[0]), int(second[1])) not in directed:
        fan = fan[:, [1, 0, 2]]
    triangles.append(fan)
    kinds.append(np.full(20, POUCH))

    oval = np.array(OVAL)
    outwards = canonical.uv[oval] - [0.5, 0.53]
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    columns = np.empty((len(OVAL), N_RINGS), int)
    base = at
    for column in range(len(OVAL)):
        columns[column] = base + column * N_RINGS + np.arange(N_RINGS)
    shares = (0.62, 0.3, 0.1, 0.03, 0.0, 0.0, 0.0)
    reach = np.cumsum([0.055, 0.065, 0.07, 0.065, 0.06, 0.06, 0.06])
    for column in range(len(OVAL)):
        add(
            N_RINGS,
            np.full(N_RINGS, OVAL[column]),
            np.array(shares),
            canonical.uv[OVAL[column]] + outwards[column] * reach[:, None],
            0,
        )
        ring_number[-1][:] = 0
        ring_number[-1] = np.arange(1, N_RINGS + 1, dtype=float)
    previous = oval
    for k in range(N_RINGS):
        band(previous, columns[:, k], SKIN, _left_of_middle(canonical.points[oval]))
        previous = columns[:, k]

    control = np.concatenate(triangles)
    kind = np.concatenate(kinds)
    matrix, fine, parent = subdivide(control, at, steps)
    follow = sparse.csr_matrix(
        (np.concatenate(follow_weights), (np.concatenate(follow_rows), np.concatenate(follow_cols))), (at, N_CANONICAL)
    )
    eye_points = []
    for side in range(2):
        near = np.zeros(at)
        near[list(EYE_RINGS[side])] = 1
        near[list(EYE_RINGS_1[side])] = 1
        eye_points.append(np.flatnonzero(matrix @ near > 0.3).astype(np.int32))
    return HeadMesh(
        canonical,
        fine,
        kind[parent],
        matrix,
        follow,
        np.concatenate(uv),
        np.concatenate(ring_number),
        tuple(eye_points),
        at,
    )


@lru_cache(maxsize=2)
def head_mesh(task_path: Path) -> HeadMesh:
    """The head mesh of the canonical face in `task_path` (face_landmarker.task); built once per process."""
    return build_head_mesh(load_canonical_mesh(task_path))
