"""Geometry: signs as stated, and inverses that are inverses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.contract import geometry as geo

angle = st.floats(-85, 85)
seeds = st.integers(0, 2**32 - 1)


def some_face(seed: int, frames: int = 3) -> np.ndarray:
    """Head-frame points (frames, 478, 3) cm whose weighted centre is the canonical one, as a pose fit leaves them."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, (4, 5, 2), (frames, 478, 3)) + np.array([0, 0, 3])
    weights = np.asarray(geo.POSE_WEIGHTS) / sum(geo.POSE_WEIGHTS)
    return points - (weights @ points[:, geo.POSE_POINTS])[:, None] + geo.CANONICAL_CENTRE


def some_transform(seed: int, frames: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed + 1)
    transform = np.tile(np.eye(4), (frames, 1, 1))
    transform[:, :3, :3] = geo.euler_to_matrix(rng.uniform(-40, 40, (frames, 3))) * rng.uniform(
        0.9, 1.1, (frames, 1, 1)
    )
    transform[:, :3, 3] = rng.uniform((-10, -10, -90), (10, 10, -30), (frames, 3))
    return transform


@pytest.mark.parametrize(
    ("angles", "face_goes_to", "crown_goes_to"),
    [
        ((30, 0, 0), (0, 0.5, np.sqrt(0.75)), (0, np.sqrt(0.75), -0.5)),  # up: the face rises, the crown falls back
        ((0, 30, 0), (0.5, 0, np.sqrt(0.75)), (0, 1, 0)),  # towards the image's right
        ((0, 0, 30), (0, 0, 1), (0.5, np.sqrt(0.75), 0)),  # clockwise as seen: the crown goes to the image's right
    ],
)
def test_signs_are_those_of_the_contract(angles, face_goes_to, crown_goes_to):
    rotation = geo.euler_to_matrix(np.array(angles, float))
    np.testing.assert_allclose(rotation @ (0, 0, 1), face_goes_to, atol=1e-12)
    np.testing.assert_allclose(rotation @ (0, 1, 0), crown_goes_to, atol=1e-12)


@given(angle, angle, angle)
def test_euler_angles_are_rz_ry_rx_and_come_back(pitch, yaw, roll):
    def alone(*angles):
        return geo.euler_to_matrix(np.array(angles, float))

    rotation = alone(pitch, yaw, roll)
    np.testing.assert_allclose(rotation, alone(0, 0, roll) @ alone(0, yaw, 0) @ alone(pitch, 0, 0), atol=1e-12)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(geo.matrix_to_euler(rotation), (pitch, yaw, roll), atol=1e-9)
    transform = np.eye(4)
    transform[:3, :3] = rotation * 1.07
    np.testing.assert_allclose(geo.pose_of(transform), (pitch, yaw, roll), atol=1e-9)


@given(angle, angle, angle)
def test_a_mirrored_head_has_mirrored_yaw_and_roll(pitch, yaw, roll):
    mirror = np.diag([-1.0, 1, 1])
    rotation = mirror @ geo.euler_to_matrix(np.array([pitch, yaw, roll])) @ mirror
    np.testing.assert_allclose(geo.matrix_to_euler(rotation), (pitch, -yaw, -roll), atol=1e-9)


def test_pose_of_an_invalid_frame_is_nan():
    transform = np.stack([np.eye(4), np.full((4, 4), np.nan)])
    pose = geo.pose_of(transform)
    assert (pose[0] == 0).all() and np.isnan(pose[1]).all()


@given(angle, angle)
def test_gaze_angles_are_unit_vectors_and_come_back(yaw, pitch):
    vector = geo.gaze_to_vector(np.array([yaw, pitch]))
    assert abs(np.linalg.norm(vector) - 1) < 1e-12
    np.testing.assert_allclose(geo.vector_to_gaze(3 * vector), (yaw, pitch), atol=1e-9)
    assert np.sign(vector[0]) == np.sign(np.round(yaw, 12)) or abs(yaw) < 1e-9
    assert np.sign(vector[1]) == np.sign(np.round(pitch, 12)) or abs(pitch) < 1e-9


@given(angle, angle)
def test_gaze_straight_out_of_a_turned_head_points_where_the_head_points(pitch, yaw):
    transform = np.eye(4)[None].copy()
    transform[0, :3, :3] = geo.euler_to_matrix(np.array([pitch, yaw, 0.0]))
    seen = geo.gaze_in_camera(np.zeros((1, 2, 2)), transform)
    np.testing.assert_allclose(seen[0], [(yaw, pitch)] * 2, atol=1e-9)


@settings(max_examples=40)
@given(seeds)
def test_normalise_and_relocate_are_inverses(seed):
    head, transform = some_face(seed), some_transform(seed)
    for size in ((256, 256), (480, 360), (1080, 1920)):
        screen = geo.relocate(head, transform, size)
        assert np.abs(screen[..., 2].mean(-1)).max() < 1e-9
        np.testing.assert_allclose(geo.normalise(screen, transform, size), head, atol=1e-8)
        again = geo.relocate(geo.normalise(screen, transform, size), transform, size)
        assert np.abs(again - screen).max() < 1e-3


@settings(max_examples=20)
@given(seeds)
def test_they_are_inverses_in_the_files_precision_too(seed):
    transform = some_transform(seed)
    landmarks = geo.relocate(some_face(seed), transform, (256, 256)).astype(np.float32)
    stored = transform.astype(np.float32)
    back = geo.relocate(geo.normalise(landmarks, stored, (256, 256)), stored, (256, 256))
    assert np.abs(back - landmarks).max() < 1e-3


@settings(max_examples=20)
@given(seeds)
def test_normalised_landmarks_know_neither_pose_nor_picture_size(seed):
    head = some_face(seed)
    one = geo.normalise(geo.relocate(head, some_transform(seed), (256, 256)), some_transform(seed), (256, 256))
    two = geo.normalise(geo.relocate(head, some_transform(seed + 9), (640, 480)), some_transform(seed + 9), (640, 480))
    np.testing.assert_allclose(one, two, atol=1e-8)


def test_normalise_of_some_landmarks_is_that_of_all_and_nan_stays_nan():
    transform = some_transform(3)
    landmarks = geo.relocate(some_face(3), transform, (256, 256))
    landmarks[1], transform[1] = np.nan, np.nan
    whole = geo.normalise(landmarks, transform, (256, 256))
    np.testing.assert_array_equal(geo.normalise(landmarks, transform, (256, 256), only=(33, 263)), whole[:, [33, 263]])
    assert np.isnan(whole[1]).all() and np.isfinite(whole[[0, 2]]).all()
    assert np.isnan(geo.relocate(whole, transform, (256, 256))[1]).all()


def test_a_head_turned_to_the_right_moves_its_nose_to_the_right_of_the_picture():
    head = np.tile(np.asarray(geo.CANONICAL_CENTRE), (1, 478, 1)) + np.random.default_rng(0).normal(0, 1, (1, 478, 3))
    head[0, 4] = (0, 0, 9)
    transform = np.eye(4)[None].copy()
    transform[0, 2, 3] = -60

    def nose(*angles):
        transform[0, :3, :3] = geo.euler_to_matrix(np.array(angles, float))
        return geo.relocate(head, transform, (256, 256))[0, 4]

    assert nose(0, 20, 0)[0] > nose(0, 0, 0)[0] + 2
    assert nose(20, 0, 0)[1] < nose(0, 0, 0)[1] - 2  # up in the picture is a smaller y
    assert nose(0, 0, 0)[2] < 0  # nearer than the mean


@settings(max_examples=40)
@given(seeds)
def test_procrustes_finds_the_similarity_it_was_given(seed):
    rng = np.random.default_rng(seed)
    source, weights = rng.normal(size=(33, 3)) * 4, rng.uniform(0.01, 1, 33)
    transform = some_transform(seed, 4)
    target = source @ np.swapaxes(transform[:, :3, :3], 1, 2) + transform[:, None, :3, 3]
    np.testing.assert_allclose(geo.weighted_procrustes(source, target, weights), transform, atol=1e-8)


@settings(max_examples=40)
@given(seeds)
def test_procrustes_is_the_least_squares_similarity_and_never_a_reflection(seed):
    rng = np.random.default_rng(seed)
    source, weights = rng.normal(size=(12, 3)), rng.uniform(0.1, 1, 12)
    target = source * (-1, 1, 1) + rng.normal(0, 0.2, (12, 3))
    best = geo.weighted_procrustes(source, target, weights)

    def loss(transform):
        return (weights * ((source @ transform[:3, :3].T + transform[:3, 3] - target) ** 2).sum(1)).sum()

    assert np.linalg.det(best[:3, :3]) > 0
    for _ in range(10):
        near = best.copy()
        near[:3, :3] = best[:3, :3] @ geo.euler_to_matrix(rng.normal(0, 2, 3)) * rng.normal(1, 0.02)
        near[:3, 3] += rng.normal(0, 0.02, 3)
        assert loss(near) >= loss(best) - 1e-12
    centre = weights @ source / weights.sum()
    np.testing.assert_allclose(best[:3, :3] @ centre + best[:3, 3], weights @ target / weights.sum(), atol=1e-12)


def test_procrustes_of_an_invalid_frame_is_nan_and_disturbs_no_other():
    rng = np.random.default_rng(0)
    source, weights = rng.normal(size=(33, 3)), np.ones(33)
    target = np.stack([source, source * 2])
    target[0, 5] = np.nan
    out = geo.weighted_procrustes(source, target, weights)
    assert np.isnan(out[0]).all()
    np.testing.assert_array_equal(out[1], geo.weighted_procrustes(source, target[1], weights))


@given(arrays(np.float64, (7, 2), elements=st.floats(-40, 40)))
def test_every_gaze_falls_into_the_bin_whose_edges_hold_it(gaze):
    yaw, pitch = np.array([-20.0, -7, 0, 7, 20]), np.array([-15.0, 0, 15])
    bins = geo.gaze_bins(gaze, yaw, pitch)
    column, row = bins % 4, bins // 4
    assert ((bins >= 0) & (bins < 8)).all()
    x, y = np.clip(gaze[:, 0], -20, 19.999), np.clip(gaze[:, 1], -15, 14.999)
    assert ((yaw[column] <= x) & (x < yaw[column + 1])).all()
    assert ((pitch[row] <= y) & (y < pitch[row + 1])).all()


def test_bin_centres_lie_in_their_bins_and_nan_in_none():
    yaw, pitch = np.linspace(-20, 20, 9), np.linspace(-15, 15, 5)
    centres = geo.gaze_bin_centres(yaw, pitch)
    np.testing.assert_array_equal(geo.gaze_bins(centres, yaw, pitch), np.arange(32))
    assert geo.gaze_bins(np.array([[np.nan, 0], [0, np.nan]]), yaw, pitch).tolist() == [-1, -1]
    with pytest.raises(ValueError, match="ascending"):
        geo.gaze_bins(np.zeros((1, 2)), yaw[::-1], pitch)


@settings(max_examples=40)
@given(seeds)
def test_similarity_2d_recovers_turn_scale_and_shift_and_leaves_out_nan(seed):
    rng = np.random.default_rng(seed)
    source = rng.normal(0, 30, (9, 2))
    turn, scale, shift = rng.uniform(-np.pi, np.pi), rng.uniform(0.3, 3), rng.normal(0, 50, 2)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    target = source @ matrix.T + shift
    target[4] = np.nan
    found = geo.similarity_2d(source, target)
    np.testing.assert_allclose(found, np.column_stack([matrix, shift]), atol=1e-8)
    np.testing.assert_allclose(geo.apply_affine(found, source)[5], target[5], atol=1e-8)
    with pytest.raises(ValueError, match="two different points"):
        geo.similarity_2d(source, np.full_like(source, np.nan))
    with pytest.raises(ValueError, match="two different points"):
        geo.similarity_2d(np.ones((5, 2)), target[5:][:1].repeat(5, 0))


def test_interocular_distance_is_that_of_the_outer_corners():
    landmarks = np.zeros((2, 478, 3))
    landmarks[:, 33], landmarks[:, 263] = (10, 20, 5), (40, 60, -5)
    np.testing.assert_allclose(geo.interocular_distance(landmarks), [50, 50])
