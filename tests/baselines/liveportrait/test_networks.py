"""LivePortrait's networks: shapes, coordinates and what must hold whatever the weights are."""

import pytest
import torch

from baselines.liveportrait.decoder import SpectralConv
from baselines.liveportrait.layers import places
from baselines.liveportrait.motion import Motion, degrees, rotation

FACE = torch.Generator().manual_seed(3)


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def angles(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_each_network_takes_what_the_one_before_gives(parts, pictures):
    appearance, motion, warping, decoder = parts
    features, face = appearance(pictures), motion(pictures)
    assert features.shape == (2, 3, 2, 16, 16)
    assert face.kp.shape == face.exp.shape == (2, 5, 3) and face.scale.shape == (2, 1) and face.t.shape == (2, 3)
    moved = warping(features, face.points(), face.points())
    assert moved.shape == (2, 16, 16, 16)
    out = decoder(moved)
    assert out.shape == (2, 3, 128, 128) and out.min() >= 0 and out.max() <= 1


def test_a_picture_does_not_depend_on_the_pictures_beside_it(parts, pictures):
    appearance, motion, warping, decoder = parts

    def made(x):
        face = motion(x).points()
        return decoder(warping(appearance(x), face + 0.1, face))

    together, alone = made(pictures), made(pictures[:1])
    assert torch.allclose(together[:1], alone, atol=1e-3)
    assert not torch.allclose(together[1:], alone, atol=0.1)


def test_a_rotation_is_a_rotation():
    turned = rotation(angles(10, -60, 90, 0), angles(-40, 20, 0, 0), angles(5, 170, -30, 0))
    identity = torch.eye(3, dtype=torch.float64).expand(4, 3, 3)
    assert torch.allclose(turned @ turned.mT, identity, atol=1e-12)
    assert torch.allclose(torch.linalg.det(turned), torch.ones(4, dtype=torch.float64))
    assert torch.equal(turned[3], identity[3])


def test_points_as_rows_are_turned_about_x_then_y_then_z():
    right, down, inward = torch.eye(3, dtype=torch.float64)
    none = angles(0)
    quarter = angles(90)
    assert torch.allclose(down @ rotation(quarter, none, none)[0], inward)  # pitch
    assert torch.allclose(inward @ rotation(none, quarter, none)[0], right)  # yaw
    assert torch.allclose(right @ rotation(none, none, quarter)[0], down)  # roll
    assert torch.allclose(down @ rotation(quarter, quarter, none)[0], right)  # pitch brings it inward, yaw to the right


def test_degrees_are_the_mean_of_bins_three_apart_from_minus_97_5():
    sure = torch.full((3, 66), -1e4)
    sure[range(3), [0, 32, 65]] = 1e4
    assert degrees(sure).tolist() == pytest.approx([-97.5, -1.5, 97.5])
    assert degrees(torch.zeros(1, 66)).item() == pytest.approx(0.0, abs=1e-4)


def test_key_points_are_turned_deformed_scaled_and_shifted_in_the_picture_alone():
    kp, exp = torch.randn(2, 1, 4, 3, generator=FACE)
    turned = rotation(*(torch.tensor([v]) for v in (10.0, 20.0, 30.0)))
    face = Motion(kp, turned, exp, torch.tensor([[1.5]]), torch.tensor([[0.1, -0.2, 9.0]]))
    expected = 1.5 * (kp @ turned + exp) + torch.tensor([0.1, -0.2, 0.0])
    assert torch.allclose(face.points(), expected, atol=1e-6)
    other = kp + 1
    assert torch.allclose(face.points(other) - face.points(), 1.5 * (torch.ones(1, 4, 3) @ turned), atol=1e-5)


def test_places_run_from_edge_to_edge_to_the_right_down_and_inward():
    at = places(3, 4, 5, torch.zeros(()))
    assert at.shape == (3, 4, 5, 3)
    assert at[0, 0, 0].tolist() == [-1, -1, -1] and at[2, 3, 4].tolist() == [1, 1, 1]
    assert at[0, 0, 4].tolist() == [1, -1, -1] and at[0, 3, 0].tolist() == [-1, 1, -1]


def test_where_no_key_point_moves_the_field_is_the_places_themselves(parts, pictures):
    appearance, motion, warping, _ = parts
    features, face = appearance(pictures), motion(pictures).points()
    field, seen = warping.dense_motion_network(features, face, face)
    assert torch.allclose(field, places(2, 16, 16, field).expand_as(field), atol=1e-6)
    assert seen.shape == (2, 1, 16, 16) and seen.min() > 0 and seen.max() < 1


def test_where_all_key_points_move_alike_no_place_moves_farther(parts, pictures):
    appearance, motion, warping, _ = parts
    features, face = appearance(pictures), motion(pictures).points()
    step = torch.tensor([0.2, 0.0, 0.0])
    field, _ = warping.dense_motion_network(features, face + step, face)
    moved = (field - places(2, 16, 16, field))[..., 0]  # the driving face is to the right: places look to the left
    assert moved.min() >= -0.2 - 1e-6 and moved.max() <= 1e-6 and moved.min() < -0.05


def test_weights_are_divided_by_their_gain_along_the_files_two_vectors():
    layer = SpectralConv(2, 3, 3)
    weight = torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(2))
    u, gains, v = torch.linalg.svd(weight.flatten(1), full_matrices=False)
    layer.load_state_dict({"weight_orig": weight, "bias": torch.zeros(3), "weight_u": u[:, 0], "weight_v": v[0]})
    x = torch.rand(1, 2, 5, 5)
    plain = torch.nn.functional.conv2d(x, weight, padding=1)
    assert torch.allclose(layer(x), plain / gains[0], atol=1e-6)
