import zipfile

import numpy as np
import pytest

from bench.data.puppet import canonical as c
from bench.data.puppet import mesh as m


@pytest.fixture(scope="module")
def head(face_weights):
    return m.head_mesh(face_weights)


def test_canonical_mesh_is_symmetric_and_faces_the_camera(head):
    face = head.canonical
    assert face.points.shape == (468, 3)
    assert face.triangles.shape == (898, 3)
    assert np.allclose(face.points[face.mirror] * [-1, 1, 1], face.points)
    assert (face.mirror[face.mirror] == np.arange(468)).all()
    assert face.points[4, 2] == face.points[:, 2].max(), "the nose tip is foremost"
    assert face.points[33, 0] < 0 < face.points[263, 0], "33 is on the subject's right, image left"


def test_rings_lie_where_their_names_say(head):
    points = head.canonical.points
    for rings in (c.EYE_RINGS, c.EYE_RINGS_1, c.EYE_RINGS_2):
        assert [head.canonical.mirror[i] for i in rings[0]] == list(rings[1])
    assert all(points[u, 1] > points[low, 1] for u, low in c.LIP_PAIRS)
    assert np.allclose(points[list(c.UPPER_LIP), 0], points[list(c.LOWER_LIP), 0], atol=0.4)


def test_eyes_and_mouth_are_open_and_the_rest_is_one_surface(head):
    edges = np.sort(
        np.concatenate([head.triangles[:, [0, 1]], head.triangles[:, [1, 2]], head.triangles[:, [2, 0]]]), axis=1
    )
    _, count = np.unique(edges, axis=0, return_counts=True)
    assert set(count) == {1, 2}
    # borders: two lid margins of 16, the outer ring of 36, each edge cut in four
    assert (count == 1).sum() == 4 * (16 + 16 + 36)


def test_neighbours_agree_about_outside(head):
    directed = np.concatenate([head.triangles[:, [0, 1]], head.triangles[:, [1, 2]], head.triangles[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed), "an edge runs once in each direction"


def test_subdivision_and_followers_keep_constants(head):
    assert np.allclose(head.subdivision @ np.ones(head.n_control), 1)
    follow = head.follow @ np.ones(468)
    assert follow.min() >= 0
    assert follow.max() <= 1
    assert (follow[:468] == 1).all()


def test_control_points_of_a_symmetric_face_are_symmetric(head):
    points = head.subdivision @ head.control_points(head.canonical.points)
    distance = np.abs(points[::37, None] * [-1, 1, 1] - points[None]).sum(-1).min(1)
    assert distance.max() < 1e-6


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "other.task"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("geometry_pipeline_metadata_landmarks.binarypb", b"\x0a\x02ab")
    with pytest.raises(ValueError, match="468"):
        c.load_canonical_mesh(path)
