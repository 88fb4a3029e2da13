"""The key-point generator: what its coordinates, key points and pictures must do whatever the weights are."""

import numpy as np
import pytest
import torch

from baselines.generator.grids import grid, heatmaps, resized, sample
from baselines.generator.keypoints import Face, KeyPointNetwork
from baselines.generator.landmark_ties import FINE, TIED
from baselines.generator.model import Generator
from baselines.generator.regions import crops, weights
from baselines.generator.warping import Deformation

SIZE, POINTS = 64, 32


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return Generator(SIZE // 2, 2, POINTS, 24, 16, 8).eval()


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def turned(face: Face) -> Face:
    """The face with another pose that the network did not see."""
    angle = torch.tensor(0.3)
    roll = torch.tensor([[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0], [0, 0, 1.0]])
    return face._replace(rotation=roll @ face.rotation, shift=face.shift + 0.1, scale=face.scale * 1.2)


def test_a_picture_is_made_of_every_size_asked_for(generator, pictures):
    source = generator.source(pictures)
    out = generator(source, source.face)
    assert out["picture"].shape == pictures.shape and out["taken"].shape == (3, 1, SIZE, SIZE)
    assert out["picture"].min() >= 0 and out["picture"].max() <= 1
    with pytest.raises(ValueError, match="multiple of 32"):
        Generator(100, 2, POINTS)


def test_every_weight_of_the_generator_gets_a_gradient(pictures):
    torch.manual_seed(0)
    network = Generator(SIZE // 2, 2, POINTS, 24, 16, 8)
    source, driving = network.source(pictures), network.look(pictures.flip(-1))
    made = network(source, driving.of_person(source.face))["picture"]
    (made.mean() + driving.canonical.square().mean()).backward()
    missing = [name for name, p in network.named_parameters() if p.grad is None]
    assert missing == []


def test_a_frame_does_not_depend_on_the_frames_beside_it(generator, pictures):
    with torch.no_grad():
        source = generator.source(pictures[:1]).repeated(3)
        together = generator(source, generator.look(pictures))["picture"]
        alone = [generator(generator.source(pictures[:1]), generator.look(p[None]))["picture"] for p in pictures]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_deformation_is_what_is_left_when_pose_is_undone(generator, pictures):
    with torch.no_grad():
        face = generator.look(pictures)
    same = face.of_person(face)
    assert torch.allclose(same.posed, face.posed, atol=1e-5)
    rebuilt = face.scale * ((face.canonical + face.deformation) @ face.rotation.transpose(-1, -2)) + face.shift
    assert torch.allclose(rebuilt, face.posed, atol=1e-5)


def test_another_pose_on_one_person_moves_key_points_as_that_pose_says(generator, pictures):
    with torch.no_grad():
        face = generator.look(pictures)
    other = turned(face)
    moved = other._replace(posed=other.scale * ((face.canonical + face.deformation) @ other.rotation.mT) + other.shift)
    assert torch.allclose(moved.deformation, face.deformation, atol=1e-5)
    assert not torch.allclose(moved.posed, face.posed, atol=1e-2)


def test_rotations_are_rotations(pictures):
    torch.manual_seed(0)
    network = KeyPointNetwork(POINTS, 8)
    torch.nn.init.normal_(network.pose[-1].weight, std=0.5)
    rotation = network(pictures).rotation.detach()
    assert torch.allclose(rotation @ rotation.mT, torch.eye(3).expand(3, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(rotation), torch.ones(3), atol=1e-5)


def test_a_heatmap_is_highest_where_its_point_is():
    points = torch.tensor([[[-0.5, 0.25], [0.75, -0.75]]])
    maps = heatmaps(points, 32, 0.1)
    here = grid(32, maps).flatten(0, 1)
    assert torch.allclose(here[maps.flatten(2).argmax(-1)], points, atol=1 / 32)


def test_reading_a_picture_at_its_own_places_gives_the_picture(pictures):
    places = grid(SIZE, pictures)[None].expand(3, -1, -1, -1)
    assert torch.allclose(sample(pictures, places), pictures, atol=1e-5)


def test_smaller_pictures_keep_their_mean(pictures):
    assert torch.allclose(resized(pictures, 16).mean((2, 3)), pictures.mean((2, 3)), atol=1e-6)


def test_a_deformed_picture_shows_at_z_what_was_at_the_place_z_came_from():
    torch.manual_seed(3)
    x, y = grid(SIZE, torch.zeros(1)).unbind(-1)
    ramp = torch.stack([x, y, x * 0])[None]  # every pixel says where it is
    bent = Deformation(1, ramp)
    points = torch.tensor([[[0.0, 0.0], [0.3, -0.2], [-0.4, 0.1]]])
    shown = sample(bent.pictures(ramp), points[:, None])[0, :2, 0].T
    assert torch.allclose(shown, bent.at(points)[0].clamp(-1 + 1 / SIZE, 1 - 1 / SIZE), atol=0.01)


def test_crops_are_centred_on_eyes_and_mouth_and_weigh_more():
    x, y = grid(SIZE, torch.zeros(1)).unbind(-1)
    ramp = torch.stack([x, y, x * 0])[None]
    middles = torch.tensor([[[0.2, -0.1], [-0.2, -0.1], [0.0, 0.3]]])
    assert torch.allclose(crops(ramp, middles)[:, :2].mean((2, 3)), middles[0], atol=0.01)
    weight = weights(middles, SIZE, 4.0)[0, 0]
    assert weight.max() == pytest.approx(5, abs=0.1) and weight.min() == pytest.approx(1, abs=0.01)


def test_fine_key_points_are_eyes_and_mouth():
    names = [list(TIED)[i] for i in FINE]
    assert {"iris left", "iris right", "upper lip, inner"} <= set(names) and "chin" not in names
    assert len(set(TIED.values())) == len(TIED) and max(TIED.values()) < 478
    assert np.array(FINE).max() < len(TIED)


def test_a_frame_of_the_two_core_recipe_stays_under_two_gflop():
    import tomllib
    from importlib.resources import files

    from torch.utils.flop_counter import FlopCounterMode

    from baselines.generator.training import GeneratorConfig, build_generator

    recipe = tomllib.loads((files("baselines") / "generator" / "recipes" / "quick-cpu.toml").read_text())
    config = GeneratorConfig(**recipe)
    made = build_generator(config)
    picture = torch.rand(1, 3, config.size * config.scale, config.size * config.scale)
    with torch.no_grad():
        source = made.source(picture)
        with FlopCounterMode(display=False) as counted:
            made(source, source.face)
    assert 1.9e9 < counted.get_total_flops() < 2e9  # the recipe says 2.0
