import numpy as np

from bench.data.puppet import raster
from bench.data.puppet.occlusion import LightView, sky_share

SIZE = 40


def buffers():
    owner, depth = np.empty((SIZE, SIZE), np.int32), np.empty((SIZE, SIZE), np.float32)
    raster.clear(owner, depth)
    return owner, depth


def quad(x0, y0, x1, y1, z):
    """Two triangles over a rectangle of samples, wound as surfaces that face the camera are."""
    return np.array([[x0, y0, z], [x1, y0, z], [x0, y1, z], [x1, y1, z]], float), np.array(
        [[0, 2, 1], [1, 2, 3]], np.int32
    )


def test_a_rectangle_covers_its_samples_and_no_others():
    owner, depth = buffers()
    raster.draw_triangles(*quad(4.5, 6.5, 20.5, 30.5, 1.0), 2, owner, depth)
    covered = owner >= 0
    assert covered[7:31, 5:21].all()
    assert covered.sum() == 24 * 16
    assert (depth[covered] == 1.0).all()


def test_the_nearer_surface_wins_in_either_order():
    near, far = quad(5.5, 5.5, 20.5, 20.5, 2.0), quad(0.5, 0.5, 30.5, 30.5, 1.0)
    for first, second in ((near, far), (far, near)):
        owner, depth = buffers()
        points = np.concatenate([first[0], second[0]])
        triangles = np.concatenate([first[1], second[1] + 4]).astype(np.int32)
        raster.draw_triangles(points, triangles, 4, owner, depth)
        assert depth[10, 10] == 2.0
        assert depth[25, 25] == 1.0


def test_backs_are_hidden_unless_two_sided():
    points, triangles = quad(4.5, 4.5, 20.5, 20.5, 1.0)
    turned = np.ascontiguousarray(triangles[:, ::-1])
    owner, depth = buffers()
    raster.draw_triangles(points, turned, 2, owner, depth)
    assert (owner < 0).all()
    raster.draw_triangles(points, turned, 0, owner, depth)
    assert (owner >= 0).any()


def test_a_fan_leaves_no_hole_at_shared_edges():
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 12))
    ring = np.stack([20 + 15 * np.cos(angle), 20 - 15 * np.sin(angle), np.zeros(12)], 1)
    points = np.concatenate([[[20.3, 19.6, 0]], ring])
    triangles = np.array([(0, 1 + k, 1 + (k + 1) % 12) for k in range(12)], np.int32)
    owner, depth = buffers()
    raster.draw_triangles(points, triangles, 12, owner, depth)
    rows = owner >= 0
    for row in rows:
        inside = np.flatnonzero(row)
        assert len(inside) == 0 or len(inside) == inside[-1] - inside[0] + 1


def test_a_sphere_is_a_disc_nearest_in_the_middle():
    owner, depth = buffers()
    raster.draw_sphere(np.array([0.0, 0.0, 0.0]), 1.0, 7, 600.0, 60.0, 20.0, 20.0, owner, depth)
    inside = owner == 7
    assert abs(inside.sum() - np.pi * 100) < 20
    assert depth[20, 20] == depth[inside].max()
    assert abs(depth[20, 20] - 1.0) < 1e-6


def test_projection_keeps_the_axis_and_grows_with_nearness():
    points = np.array([[0, 0, 5.0], [1, 1, 0], [1, 1, 10]])
    out = np.empty((3, 3))
    raster.project(points, 100.0, 50.0, 10.0, 20.0, out)
    assert (out[0, :2] == [10, 20]).all()
    assert out[2, 0] > out[1, 0] > 10, "x to the right"
    assert out[2, 1] < out[1, 1] < 20, "y up is row down"


def test_a_roof_takes_the_light():
    roof, triangles = quad(-8.0, -8.0, 8.0, 8.0, 0.0)
    roof = roof[:, [0, 2, 1]]  # lies flat at y = 0
    points, normals = np.array([[0.0, -2, 0], [0, 2, 0], [15.0, -2, 0]]), np.tile([0.0, 1, 0], (3, 1))
    view = LightView(np.array([0.0, 1.0, 0.01]))
    view.draw(roof, triangles)
    share = np.empty(3)
    view.reach(points, normals, share)
    assert share[0] < 0.01
    assert share[1] > 0.99
    assert share[2] > 0.99
    sky = sky_share([(roof, triangles)], points, normals)
    assert sky[0] < 0.4 < 0.9 < sky[1]


def strands(cover):
    """Covered samples of a rectangle of 24 strands."""
    points, triangles = quad(4.5, 6.5, 28.5, 30.5, 1.0)
    attrs = np.zeros((4, 5), np.float32)
    attrs[:, 0] = np.where(points[:, 0] > 10, 24.0, 0.0)
    attrs[:, 1] = cover
    owner, depth = buffers()
    raster.draw_strands(points, triangles, 0, attrs, owner, depth)
    return owner >= 0


def test_hair_thins_out_strand_by_strand():
    full, half, none = strands(1.0), strands(0.5), strands(0.0)
    assert full.sum() == 24 * 24
    assert none.sum() == 0
    columns = half[7:31, 5:29]
    assert (columns == columns[:1]).all(), "a strand is there over its whole length, or not at all"
    assert 5 <= columns[0].sum() <= 19
    thinner = strands(0.3)
    assert (half | ~thinner).all(), "less cover only takes strands away"
    assert thinner.sum() < half.sum()


def test_hair_hides_what_lies_behind_and_not_what_lies_before():
    near, far = quad(4.5, 4.5, 20.5, 20.5, 2.0), quad(0.5, 0.5, 30.5, 30.5, 1.0)
    points = np.concatenate([far[0], near[0]])
    triangles = np.concatenate([far[1], near[1] + 4]).astype(np.int32)
    attrs = np.full((8, 5), 2.0, np.float32)
    owner, depth = buffers()
    raster.draw_triangles(points, triangles[:2], 2, owner, depth)
    raster.draw_strands(points, triangles, 2, attrs, owner, depth)
    assert owner[10, 10] >= 2
    assert owner[25, 25] < 2
