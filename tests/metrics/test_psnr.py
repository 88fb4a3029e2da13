"""PSNR: equal to the reference implementation, no 8-bit wrap, finite for identical frames, monotone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from skimage.metrics import peak_signal_noise_ratio

from bench.contract.metric import FrameMetric
from metrics.planes import gray_bt601
from metrics.psnr import PSNR, squared_error

FRAME = arrays(np.uint8, (1, 4, 5, 3))


@given(FRAME, FRAME)
def test_equals_scikit_image_on_all_frames_that_differ(x, y):
    value = PSNR().frames(x, y)[0]
    if (x == y).all():
        assert value == pytest.approx(10 * np.log10(255**2 * x.size))
    else:
        assert value == pytest.approx(peak_signal_noise_ratio(x, y, data_range=255), abs=1e-9)


def test_gray_equals_scikit_image_on_the_same_gray_plane():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2, 1, 40, 30, 3)).astype(np.uint8)
    expected = peak_signal_noise_ratio(gray_bt601(x), gray_bt601(y), data_range=255)
    assert PSNR(color="gray-bt601").frames(x, y)[0] == pytest.approx(expected, abs=1e-9)


@given(FRAME, FRAME)
def test_sides_can_be_swapped(x, y):
    for color in ("rgb", "gray-bt601"):
        assert PSNR(color).frames(x, y)[0] == PSNR(color).frames(y, x)[0]


def test_differences_do_not_wrap_at_eight_bits():
    dark, light = np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 255, np.uint8)
    assert PSNR().frames(dark, light)[0] == 0.0
    # 200 - 10 and 10 - 200 would be 190 and 66 in uint8
    a, b = np.full((1, 8, 8, 3), 200, np.uint8), np.full((1, 8, 8, 3), 10, np.uint8)
    assert PSNR().frames(a, b)[0] == pytest.approx(20 * np.log10(255 / 190), abs=1e-12)


def test_the_squared_error_is_exact_for_large_pictures():
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (2, 1080, 1920, 3)).astype(np.uint8)
    assert squared_error(x, y) == int(((x.astype(np.int64) - y) ** 2).sum())
    assert squared_error(np.zeros_like(x), np.full_like(x, 255)) == 255**2 * x.size


def test_identical_frames_are_finite_and_nothing_that_differs_is_above_them():
    x = np.random.default_rng(2).integers(0, 255, (1, 256, 256, 3)).astype(np.uint8)
    y = x.copy()
    y[0, 3, 4, 1] += 1
    same, nearly = PSNR().frames(x, x)[0], PSNR().frames(x, y)[0]
    assert same == pytest.approx(101.0668, abs=1e-4)
    assert nearly <= same
    y[0, 3, 5, 1] += 1
    assert PSNR().frames(x, y)[0] < nearly
    assert PSNR("gray-bt601").frames(x, x)[0] >= PSNR("gray-bt601").frames(x, y)[0]
    assert np.isfinite(PSNR("gray-bt601").frames(x, x)[0])


def test_falls_with_every_step_of_error():
    x = np.full((1, 16, 16, 3), 100, np.uint8)
    values = [PSNR().frames(x, x + np.uint8(step))[0] for step in range(0, 150, 10)]
    assert all(a > b for a, b in pairwise(values))


def test_a_frame_does_not_depend_on_its_batch():
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 256, (2, 6, 20, 24, 3)).astype(np.uint8)
    for color in ("rgb", "gray-bt601"):
        metric = PSNR(color)
        assert metric.frames(x, y).tolist() == [metric.frames(x[i : i + 1], y[i : i + 1])[0] for i in range(6)]
        assert metric.frames(x[:0], y[:0]).shape == (0,)
        assert metric.frames(x[:, ::2], y[:, ::2])[0] == metric.frames(x[:, ::2].copy(), y[:, ::2].copy())[0]


def test_the_clip_value_is_the_mean_of_frame_values_not_of_errors():
    x = np.zeros((2, 8, 8, 3), np.uint8)
    y = np.stack([np.full((8, 8, 3), 1, np.uint8), np.full((8, 8, 3), 100, np.uint8)])
    per_frame = PSNR().frames(x, y)
    assert per_frame.mean() == pytest.approx((20 * np.log10(255 / 1) + 20 * np.log10(255 / 100)) / 2)


def test_floats_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        PSNR().frames(np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 3)))


def test_is_a_frame_metric():
    assert isinstance(PSNR(), FrameMetric)
