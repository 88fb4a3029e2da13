"""Landmarks in whole pixels, as dlib's predictor gives them: what rounding alone does to distances and velocities."""

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.landmarks68 import LANDMARKS_68
from metrics.lmd import WHOLE, FaceLMD, MouthLMD
from metrics.lvd import FaceLVD, MouthLVD

ALL = [MouthLMD, FaceLMD, MouthLVD, FaceLVD]


def face(frames=40, seed=0, noise=0.0):
    still = np.random.default_rng(0).uniform(60, 190, (1, 478, 3))
    moved = still + np.random.default_rng(1).normal(0, 0.4, (frames, 1, 3)).cumsum(0)
    moved += np.random.default_rng(seed).normal(0, noise, moved.shape)
    return Cues(**{**vars(Cues.empty(frames)), "landmarks": moved.astype(np.float32), "valid": np.ones(frames, bool)})


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("normalisation", ["own-mean", "raw", "face-size", "eat-like"])
def test_equal_shapes_are_zero_in_whole_pixels_too(metric, normalisation):
    assert metric(normalisation, WHOLE).clip(face(), face()) == 0


@pytest.mark.parametrize("metric", ALL)
def test_landmarks_that_are_whole_already_are_not_changed(metric):
    sides = [face(seed=seed, noise=2) for seed in (2, 3)]
    whole = [Cues(**{**vars(side), "landmarks": np.rint(side.landmarks)}) for side in sides]
    assert (
        metric("own-mean", WHOLE).clip(*sides)
        == metric("own-mean").clip(*whole)
        == metric("own-mean", WHOLE).clip(*whole)
    )


def test_whole_pixels_are_those_of_the_128_px_crop_under_eat_like():
    real, made = face(frames=1), face(frames=1)
    # one mouth point 0.8 px of 256 lower is 0.4 px of 128: lost or doubled by rounding, never kept
    made.landmarks[0, LANDMARKS_68[57], 1] += 0.8
    value = MouthLMD("eat-like", WHOLE).clip(real, made)
    step = 2 * 19 / 20 / 20  # a point moved by 1 px: itself 19/20 off its mean, the other nineteen 1/20 each
    assert value == pytest.approx(0, abs=1e-9) or value == pytest.approx(step, abs=1e-9)
    assert MouthLMD("eat-like").clip(real, made) == pytest.approx(0.4 * step, rel=1e-3)


def test_rounding_moves_small_differences_more_than_large_ones():
    moved = {}
    for noise in (0.15, 12):
        sides = [face(), face(seed=4, noise=noise)]
        exact, whole = (MouthLVD("eat-like", name).clip(*sides) for name in ("mediapipe-68", WHOLE))
        moved[noise] = abs(whole / exact - 1)
    assert moved[0.15] > 0.02 > 0.01 > moved[12]


@pytest.mark.parametrize("metric", ALL)
def test_the_definition_says_that_they_are_rounded(metric):
    assert "rounded to whole px" in metric("own-mean", WHOLE).definition
    assert "rounded" not in metric("own-mean").definition
