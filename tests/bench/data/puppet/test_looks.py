"""What the heads look like: statements about pictures of many speakers."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bench.data.puppet import raster
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.backdrop import backdrop
from bench.data.puppet.canonical import EYE_RINGS_1, OUTER_LIP
from bench.data.puppet.hair import CUTS
from bench.data.puppet.identity import BACKDROPS, BEARDS, HAIR_STYLES, WEAVES, Identity
from bench.data.puppet.render import HeadRenderer, Performance

BROWS = (55, 65, 52, 53, 46, 285, 295, 282, 283, 276)
STYLES = [(style, sex) for sex, styles in HAIR_STYLES.items() for style in styles]


def one(pose=(0, 0, 0), **actions):
    performance = Performance.rest(1)
    performance.pose[:] = pose
    for name, value in actions.items():
        performance.actions[:, ACTIONS.index(name)] = value
    return performance


@cache
def speaker(style, sex):
    """The first speaker with that hair."""
    for seed in range(300, 600):
        identity = Identity.from_seed(seed, sex)
        if identity.hair_style == style:
            return HeadRenderer(identity)
    raise AssertionError(f"no speaker of 300 has {style} hair")


def hair_at(head, performance, points):
    """Whether the frontmost surface at picture points (n, 2) px is hair."""
    next(head.frames(performance))
    scene, n = head._scene, head.size * head.samples
    owner, depth = np.empty((n, n), np.int32), np.empty((n, n), np.float32)
    raster.clear(owner, depth)
    raster.draw_triangles(scene.screen, scene.triangles[: scene.hair], scene.two_sided, owner, depth)
    raster.draw_strands(scene.screen, scene.triangles, scene.hair, scene.attrs, owner, depth)
    at = np.round(points * head.samples - 0.5).astype(int)
    return owner[at[:, 1], at[:, 0]] >= scene.hair


def test_every_style_has_a_cut():
    assert {style for style, _ in STYLES} == set(CUTS)


@pytest.mark.parametrize(("style", "sex"), STYLES)
def test_hair_leaves_eyes_brows_and_mouth_free(face_weights, style, sex):
    head = speaker(style, sex)
    face = [*EYE_RINGS_1[0], *EYE_RINGS_1[1], *OUTER_LIP, 4, 152]
    for pose in ((0, 0, 0), (-15, 0, 0)):
        performance = one(pose)
        points = head.landmarks(performance)[0]
        assert not hair_at(head, performance, points[[*face, *BROWS]]).any()
    for yaw in (-18, 18):  # the half of the face that is turned to the camera
        performance = one((0, yaw, 0))
        points = head.landmarks(performance)[0]
        middle = points[4, 0]
        seen = [i for i in face if (points[i, 0] - middle) * yaw < 0]
        assert not hair_at(head, performance, points[seen]).any()


@pytest.mark.parametrize(("style", "sex"), [("long", "F"), ("crop", "M"), ("afro", "F"), ("swept_back", "M")])
def test_a_larger_picture_shows_the_same_finer(face_weights, style, sex):
    small = speaker(style, sex)
    performance = one((3, 8, 0), jaw_open=0.3, smile_left=0.4)
    a = next(small.frames(performance)).astype(float)
    b = next(HeadRenderer(small.identity, size=512).frames(performance)).astype(float)
    b = b.reshape(256, 2, 256, 2, 3).mean((1, 3))
    assert np.abs(a - b).mean() < 2.5
    assert abs(a.mean() - b.mean()) < 0.5
    box = small.landmarks(performance)[0][:468]
    (x0, y0), (x1, y1) = box.min(0).astype(int), box.max(0).astype(int)
    assert np.abs(a - b)[y0:y1, x0:x1].mean() < 3.0


@pytest.mark.parametrize(
    ("actions", "centre"),
    [
        ({"brow_inner_raise": 1.0, "brow_outer_raise": 1.0}, 151),
        ({"brow_lower": 1.0}, 9),
        ({"smile_left": 1.0, "smile_right": 1.0}, 206),
    ],
)
def test_an_expression_draws_its_folds(face_weights, actions, centre):
    """The same movement with and without its folds: with them the skin there is rougher."""
    head = speaker("swept_back", "M")
    performance = one(**actions)
    x, y = head.landmarks(performance)[0][centre].astype(int)
    window = slice(y - 12, y + 12), slice(x - 12, x + 12)
    next(head.frames(performance))
    weights = head._scene._fold_weights
    folded = next(head.frames(performance))[window].astype(float)
    head._scene._fold_weights = weights * 0
    plain = next(head.frames(performance))[window].astype(float)
    head._scene._fold_weights = weights
    assert np.abs(folded - plain).max() > 5
    rough = [sum(np.abs(np.diff(picture, 2, axis=k)).mean() for k in (0, 1)) for picture in (folded, plain)]
    assert rough[0] > 1.05 * rough[1]


def test_closed_lips_show_no_hole(face_weights):
    for style, sex in (("crop", "M"), ("long", "F"), ("bob", "F")):
        head = speaker(style, sex)
        points = head.landmarks(one())[0]
        x = slice(int(points[78, 0]) + 3, int(points[308, 0]) - 2)
        y = slice(int(points[13, 1]) - 1, int(points[14, 1]) + 2)
        seam = next(head.frames(one()))[y, x].mean(-1)
        assert seam.min() >= 0.15 * seam.max(), "a dark line, no black gap"


def test_rooms_and_clothes_are_muted(face_weights):
    for seed in range(200):
        identity = Identity.from_seed(seed, "MF"[seed % 2])
        for colour in (*identity.background, identity.cloth):
            assert np.ptp(colour) < 0.32
            assert 0.01 < colour.max() < 0.85
    for kind in BACKDROPS:
        identity = replace(Identity.from_seed(1, "F"), backdrop=kind)
        small, large = backdrop(identity, 64), backdrop(identity, 256)
        assert small.shape == (64, 64, 3)
        assert np.abs(large.reshape(64, 4, 64, 4, 3).mean((1, 3)) - small).mean() < 0.01
        assert np.abs(np.diff(large.mean(-1), axis=0)).max() < 0.06, "out of focus: no sharp edge"
        assert np.array_equal(large, backdrop(identity, 256))


def test_traits_spread_over_the_seeds():
    men, women = ([Identity.from_seed(seed, sex) for seed in range(250)] for sex in "MF")
    assert {i.beard for i in men} == set(BEARDS)
    assert {i.beard for i in women} == {"none"}
    assert max(i.stubble for i in women) == 0.0
    assert {i.weave for i in men} == set(WEAVES)
    assert {i.backdrop for i in women} == set(BACKDROPS)
    assert np.mean([i.light[0] > 0 for i in men]) == pytest.approx(0.5, abs=0.1)
    luminance = np.array([i.skin.sum() for i in men + women])
    assert luminance.max() > 4 * luminance.min()
    receding = [i.age for i in men if i.hair_style == "receding"]
    assert min(receding) > np.median([i.age for i in men])
