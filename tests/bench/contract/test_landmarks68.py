"""The 68 points: unique, in range, and symmetric left and right."""

from __future__ import annotations

from bench.contract.geometry import POSE_POINTS, POSE_WEIGHTS, SUBJECT_LEFT_EYE, SUBJECT_RIGHT_EYE
from bench.contract.landmarks68 import LANDMARKS_68, MIRROR_478, MOUTH_20, MOUTH_68

# Where each iBUG-68 point goes in a mirrored picture.
MIRROR_68 = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30),
    *(35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)


def test_there_are_68_different_points_on_the_mesh():
    assert len(LANDMARKS_68) == len(set(LANDMARKS_68)) == 68
    assert all(0 <= point < 468 for point in LANDMARKS_68)


def test_the_mouth_is_its_last_20():
    assert tuple(range(48, 68)) == MOUTH_68 and LANDMARKS_68[48:] == MOUTH_20
    assert LANDMARKS_68[48] == 61 and LANDMARKS_68[54] == 291 and LANDMARKS_68[62] == 13 and LANDMARKS_68[66] == 14


def test_mirroring_is_its_own_inverse_and_moves_everything_off_the_midline():
    assert sorted(MIRROR_478) == list(range(478))
    assert all(MIRROR_478[MIRROR_478[point]] == point for point in range(478))
    assert MIRROR_478[468] == 473 and MIRROR_478[4] == 4


def test_the_68_are_symmetric():
    assert [MIRROR_478[point] for point in LANDMARKS_68] == [LANDMARKS_68[i] for i in MIRROR_68]


def test_eyes_and_pose_points_are_symmetric():
    for key, points in SUBJECT_RIGHT_EYE.items():
        other = SUBJECT_LEFT_EYE[key]
        pairs = zip(points, other, strict=True) if isinstance(points, tuple) else [(points, other)]
        assert all(MIRROR_478[a] == b for a, b in pairs)
    weights = dict(zip(POSE_POINTS, POSE_WEIGHTS, strict=True))
    assert all(weights[MIRROR_478[point]] == weight for point, weight in weights.items())
