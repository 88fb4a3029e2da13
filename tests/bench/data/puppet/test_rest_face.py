"""The faces at rest: symmetric, closed, level, and of proportions that people have."""

import numpy as np
import pytest

from bench.contract.geometry import POSE_POINTS, POSE_WEIGHTS, pose_of, weighted_procrustes
from bench.data.puppet.actions import ACTIONS, ActionModel
from bench.data.puppet.average_face import AVERAGE_SHIFT, average_face
from bench.data.puppet.canonical import LIP_PAIRS, N_CANONICAL
from bench.data.puppet.identity import Identity
from bench.data.puppet.mesh import head_mesh
from bench.data.puppet.rest_face import MEAN_FACE, NETWORK_TILT, SHAPE_MODES, rest_face

PEOPLE = [(seed, sex) for seed in range(40) for sex in "MF"]


@pytest.fixture(scope="module")
def mesh(face_weights):
    return head_mesh(face_weights)


@pytest.fixture(scope="module")
def faces(mesh):
    """(80, 468, 3) cm: the surface at rest of 80 people."""
    rows = mesh.subdivision[:N_CANONICAL]
    return np.stack([rows @ mesh.control_points(rest_face(Identity.from_seed(*who), mesh)[0]) for who in PEOPLE])


def test_the_average_face_is_symmetric_and_moves_what_it_names(mesh):
    field = average_face(mesh.canonical)
    assert np.allclose((field * [-1, 1, 1])[mesh.canonical.mirror], field, atol=1e-9)
    for vertex in (10, 152, 64):
        assert field[vertex, 1] == pytest.approx(AVERAGE_SHIFT[vertex][1], abs=0.25)
    assert set(MEAN_FACE) <= set(SHAPE_MODES)


def test_faces_are_symmetric_and_their_lips_touch(faces, mesh):
    mirrored = (faces * [-1, 1, 1])[:, mesh.canonical.mirror]
    assert np.abs(mirrored - faces).max() < 1e-6
    pairs = np.array(LIP_PAIRS)
    gap = faces[:, pairs[:, 0], 1] - faces[:, pairs[:, 1], 1]
    assert gap.max() < 0.02


def test_faces_at_rest_are_level(faces, mesh):
    weights = np.zeros(N_CANONICAL)
    weights[list(POSE_POINTS)] = POSE_WEIGHTS
    for face in faces[:6]:
        pitch = pose_of(weighted_procrustes(mesh.canonical.points, face, weights))[0]
        assert pitch == pytest.approx(NETWORK_TILT, abs=0.5)


# ratio of two distances between landmarks -> the range that adults' faces lie in, with a margin for the shape modes
PROPORTIONS = {
    "mouth over the distance of the pupils": ((61, 291), (159, 386), 0.62, 1.05),
    "upper lip and philtrum over nose": ((2, 13), (168, 2), 0.28, 0.7),
    "chin with lower lip over nose": ((14, 152), (168, 2), 0.6, 1.25),
    "jaw over cheekbones": ((172, 397), (234, 454), 0.6, 0.93),
    "nose over the distance of the inner corners of the eyes": ((64, 294), (133, 362), 0.7, 1.6),
    "eye over face": ((33, 133), (234, 454), 0.16, 0.25),
    "lid opening over eye": ((159, 145), (33, 133), 0.25, 0.48),
    "brow to upper lid over eye": ((52, 159), (33, 133), 0.25, 0.75),
}


@pytest.mark.parametrize("name", PROPORTIONS)
def test_proportions_are_those_of_people(faces, name):
    (a, b), (c, d), low, high = PROPORTIONS[name]
    ratio = np.linalg.norm(faces[:, a] - faces[:, b], axis=1) / np.linalg.norm(faces[:, c] - faces[:, d], axis=1)
    assert low < ratio.min(), dict(zip(PEOPLE, ratio.round(2), strict=True))
    assert ratio.max() < high


def test_people_differ(faces):
    centred = faces - faces.mean(1, keepdims=True)
    distance = np.linalg.norm(centred[:, None] - centred[None], axis=-1).mean(-1)
    assert distance[np.triu_indices(len(faces), 1)].min() > 0.12, "cm, mean over the landmarks"


def test_a_wrinkled_nose_and_its_companions_do_not_add_up(mesh):
    face, lips = rest_face(Identity.from_seed(3, "F"), mesh)
    model = ActionModel(face, mesh.canonical, lips)

    def lift(**values):
        actions = np.zeros(len(ACTIONS))
        for name, value in values.items():
            actions[ACTIONS.index(name)] = value
        moved = model.face(actions, np.zeros(2)) - face
        return moved[39, 1], -moved[107, 1]

    both = lift(nose_wrinkle=1, upper_lip_raise=1, brow_lower=1)
    wrinkle, companions = np.array(lift(nose_wrinkle=1)), np.array(lift(upper_lip_raise=1, brow_lower=1))
    assert (both > wrinkle).all()
    assert (both < 1.3 * np.maximum(wrinkle, companions)).all()
