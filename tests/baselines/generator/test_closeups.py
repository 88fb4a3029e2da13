"""Eyes and mouth from near: found where they are, painted where they were cut from."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.generator import follows
from baselines.generator.closeups import ClosePainter, ClosePlaces
from baselines.generator.frames import NEEDED
from baselines.generator.grids import grid
from baselines.generator.landmark_ties import CLOSE, TIED
from baselines.generator.regions import CROP, WIDTHS, crops, middles_of, pasted
from baselines.generator.terms import close_tie

SIZE, POINTS = 256, 32


@pytest.fixture
def points() -> torch.Tensor:
    """Two faces: eyes left and right above, mouth below."""
    torch.manual_seed(0)
    posed = 0.02 * torch.randn(2, POINTS, 3)
    for group, (x, y) in zip(CLOSE, ((0.3, -0.2), (-0.3, -0.2), (0.0, 0.35)), strict=True):
        posed[:, list(group), 0] += x
        posed[:, list(group), 1] += y
    return posed


def smooth_picture() -> torch.Tensor:
    x, y = grid(SIZE, torch.zeros(1)).unbind(-1)
    return torch.stack([0.5 + 0.3 * x, 0.5 + 0.3 * y, 0.5 + 0.2 * x * y])[None].repeat(2, 1, 1, 1)


def test_regions_hold_the_eyes_and_the_mouth_and_no_key_point_twice():
    names = [[list(TIED)[n] for n in group] for group in CLOSE]
    assert all("left" in name for name in names[0]) and all("right" in name for name in names[1])
    assert [n.removesuffix(" left") for n in names[0]] == [n.removesuffix(" right") for n in names[1]]
    assert all("mouth" in name or "lip" in name for name in names[2])
    assert len({n for group in CLOSE for n in group}) == sum(map(len, CLOSE))


def test_what_is_cut_and_pasted_where_it_was_gives_the_picture(points):
    picture, middles = smooth_picture(), middles_of(points)
    near = crops(picture, middles).unflatten(0, (-1, 3))
    opaque = torch.ones(2, 3, 1, CROP, CROP)
    again = pasted(picture * 0, torch.cat([near, opaque], 2), middles)
    inside = pasted(picture * 0, torch.ones(2, 3, 4, CROP, CROP), middles)[:, :1] > 0.999
    assert inside.float().mean() > 0.05
    assert (again - picture).abs()[inside.expand_as(picture)].max() < 5e-3


def test_what_is_transparent_leaves_the_picture_as_it_is(points):
    picture = smooth_picture()
    painted = torch.rand(2, 3, 4, CROP, CROP)
    painted[:, :, 3] = 0
    assert torch.equal(pasted(picture, painted, middles_of(points)), picture)


def test_a_paint_stays_within_its_regions(points):
    torch.manual_seed(0)
    picture = smooth_picture()
    made = ClosePainter(8)(picture, picture, points, points)
    touched = (made - picture).abs().amax(1) > 1e-6
    x, y = grid(SIZE, torch.zeros(1)).unbind(-1)
    for number in range(2):
        near = torch.zeros(SIZE, SIZE, dtype=torch.bool)
        for (mx, my), width in zip(middles_of(points)[number], WIDTHS, strict=True):
            reach = width / 2 * (1 + 1 / CROP)  # the outermost cells are read half a cell further
            near |= ((x - mx).abs() < reach) & ((y - my).abs() < reach)
        assert touched[number].any() and not (touched[number] & ~near).any()


def test_places_near_are_found_from_near_and_the_others_stay(points):
    torch.manual_seed(0)
    network = ClosePlaces(8)
    torch.nn.init.normal_(network.eye.body[-1].weight, std=0.05)
    found = network(smooth_picture(), points)
    close = sorted(n for group in CLOSE for n in group)
    others = [n for n in range(POINTS) if n not in close]
    assert torch.equal(found[:, others], points[:, others]) and torch.equal(found[..., 2], points[..., 2])
    assert not torch.allclose(found[:, close, :2], points[:, close, :2])


def test_a_mirrored_face_has_mirrored_eyes():
    torch.manual_seed(0)
    network = ClosePlaces(8).eval()
    torch.nn.init.normal_(network.eye.body[-1].weight, std=0.05)
    picture = torch.rand(1, 3, SIZE, SIZE)
    points = torch.zeros(1, POINTS, 3)
    for side, x in ((0, 0.3), (1, -0.3)):
        points[:, list(CLOSE[side]), 0] = x
    one, other = network(picture, points), network(picture.flip(-1), points)
    flip = torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(one[:, list(CLOSE[0])], other[:, list(CLOSE[1])] * flip, atol=1e-4)


def test_ties_from_near_do_not_mind_where_the_region_is(points):
    landmarks = torch.zeros(2, len(NEEDED), 3)
    for n, name in enumerate(TIED.values()):
        landmarks[:, NEEDED.index(name)] = points[:, n]
    assert float(close_tie(points + 0.2, landmarks)) == pytest.approx(0, abs=1e-6)
    off = points.clone()
    off[:, CLOSE[0][4], 0] += 0.1
    assert float(close_tie(off, landmarks)) > 1e-3


def test_key_points_that_are_the_landmarks_follow_with_a_slope_of_one():
    rng = np.random.default_rng(0)
    landmarks = rng.normal(0, 0.1, (6, len(NEEDED), 3)).astype(np.float32)

    class Data:
        def spread(self, of_clip):
            return [(n, n) for n in range(6)]

        def of(self, pairs):
            which = [n for n, _ in pairs]
            return {"driving": np.full((len(which), 8, 8, 3), which[0], np.uint8), "landmarks": landmarks[which]}

    class Sees:
        """Its key points are half as far from each other as the landmarks."""

        def look(self, pictures):
            start = int(pictures[0, 0, 0, 0] * 255 + 0.5)
            tied = landmarks[start : start + len(pictures)][:, [NEEDED.index(n) for n in TIED.values()]]
            return SimpleNamespace(posed=torch.from_numpy(0.5 * tied))

    for numbers in follows.followed(Sees(), Data(), "cpu", size=3).values():
        assert numbers["r"] == pytest.approx(1) and numbers["slope"] == pytest.approx(0.5)
