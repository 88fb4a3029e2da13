import numpy as np
import pytest

from bench.data.puppet.subdivision import loop_step, subdivide

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
SQUARE = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])


def edge_counts(triangles):
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


def test_constants_are_preserved():
    matrix, _, _ = subdivide(SQUARE, 5, 3)
    assert np.allclose(matrix @ np.full(5, 7.0), 7.0, atol=1e-12)


def test_weights_are_never_negative():
    matrix, _, _ = subdivide(TETRAHEDRON, 4, 2)
    assert matrix.data.min() >= 0


def test_it_is_linear(seed=0):
    matrix, _, _ = subdivide(TETRAHEDRON, 4, 2)
    a, b = np.random.default_rng(seed).normal(size=(2, 4, 3))
    assert np.allclose(matrix @ (2 * a - 3 * b), 2 * (matrix @ a) - 3 * (matrix @ b))


def test_every_triangle_becomes_four_and_knows_its_parent():
    matrix, fine, parent = subdivide(SQUARE, 5, 2)
    assert len(fine) == 16 * len(SQUARE)
    assert (np.bincount(parent) == 16).all()
    assert fine.max() == matrix.shape[0] - 1


def test_a_closed_surface_stays_closed_and_a_disc_keeps_one_border():
    assert (edge_counts(subdivide(TETRAHEDRON, 4, 2)[1]) == 2).all()
    borders = edge_counts(subdivide(SQUARE, 5, 2)[1]) == 1
    assert borders.sum() == 4 * 4


def test_the_border_of_a_flat_square_stays_in_its_plane_and_inside_it():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 1.0]])
    fine = subdivide(SQUARE, 5, 3)[0] @ points
    assert fine[:4, 2].max() == 0.0, "border vertices must not feel the vertex inside"
    assert fine[:, :2].min() >= 0
    assert fine[:, :2].max() <= 1


def test_winding_is_kept():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 0.0]])
    matrix, fine, _ = subdivide(SQUARE, 5, 2)
    corner = (matrix @ points)[fine]
    area = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 2]
    assert (area > 0).all()


def test_an_edge_with_three_triangles_is_refused():
    with pytest.raises(ValueError, match="not a surface"):
        loop_step(np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]]), 5)
