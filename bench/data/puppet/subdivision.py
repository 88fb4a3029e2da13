"""Loop subdivision written as one sparse matrix, so that whatever lives on the control points rides through it."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def loop_step(triangles: np.ndarray, n_vertices: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One Loop subdivision step: (m, n) matrix with rows summing to 1, and the (4 F, 3) triangles over m vertices.

    The first n rows move the old vertices, the others make one vertex per edge; boundary edges follow the cubic
    B-spline rule, so a boundary stays a smooth curve of its own. Source: Loop 1987; boundary rule Hoppe et al. 1994.
    Raises ValueError for an edge that more than two triangles share.
    """
    corners = np.concatenate([triangles[:, [0, 1, 2]], triangles[:, [1, 2, 0]], triangles[:, [2, 0, 1]]])
    ends = np.sort(corners[:, :2], axis=1)
    edges, edge_of, count = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.reshape(-1)
    if count.max() > 2:
        raise ValueError(f"expected at most two triangles at an edge, got {count.max()}; the mesh is not a surface")
    border = count == 1
    n_edges = len(edges)
    rows, cols, weights = [], [], []

    def put(row: np.ndarray, col: np.ndarray, weight: np.ndarray | float) -> None:
        rows.append(row)
        cols.append(col)
        weights.append(np.broadcast_to(np.asarray(weight, float), row.shape))

    edge_rows = n_vertices + np.arange(n_edges)
    for side in (0, 1):
        put(edge_rows, edges[:, side], np.where(border, 0.5, 0.375))
    inside = ~border[edge_of]
    put(n_vertices + edge_of[inside], corners[inside, 2], 0.125)

    valence = np.bincount(edges.reshape(-1), minlength=n_vertices)
    on_border = np.zeros(n_vertices, bool)
    on_border[edges[border].reshape(-1)] = True
    used = np.maximum(valence, 3)
    beta = np.where(used == 3, 3 / 16, (0.625 - (0.375 + np.cos(2 * np.pi / used) / 4) ** 2) / used)
    own = np.where(on_border, 0.75, 1 - valence * beta)
    own[valence == 0] = 1.0
    vertices = np.arange(n_vertices)
    put(vertices, vertices, own)
    for a, b in ((0, 1), (1, 0)):
        centre, other = edges[:, a], edges[:, b]
        smooth = ~on_border[centre]
        put(centre[smooth], other[smooth], beta[centre[smooth]])
        put(centre[border], other[border], 0.125)
    matrix = sparse.csr_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(cols))), (n_vertices + n_edges, n_vertices)
    )
    n_faces = len(triangles)
    ab, bc, ca = (n_vertices + edge_of[k * n_faces : (k + 1) * n_faces] for k in range(3))
    a, b, c = triangles.T
    faces = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
    return matrix, faces


def subdivide(triangles: np.ndarray, n_vertices: int, steps: int) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """`steps` Loop steps at once: (m, n) sparse matrix, (F 4^steps, 3) int32 triangles, (F 4^steps,) parent triangle."""
    matrix = sparse.identity(n_vertices, format="csr")
    parent = np.arange(len(triangles))
    for _ in range(steps):
        step, triangles = loop_step(triangles, matrix.shape[0])
        matrix = (step @ matrix).tocsr()
        parent = np.repeat(parent, 4)
    matrix.sort_indices()
    return matrix, np.ascontiguousarray(triangles, np.int32), parent
