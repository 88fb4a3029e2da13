"""SSIM: equal to the reference implementation, bounded, symmetric, falling with noise."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from bench.contract.errors import UsageError
from bench.contract.metric import FrameMetric
from metrics.planes import gray_bt601
from metrics.ssim import SSIM, gaussian_window, ssim

REFERENCE = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}


def picture(seed: int, shape: tuple[int, ...] = (64, 80, 3)) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.0), None, 0, 255, cv2.NORM_MINMAX)


def noisy(frame: np.ndarray, level: int, seed: int = 7) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-level, level + 1, frame.shape)
    return np.clip(frame.astype(int) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(256, 256, 3), (64, 80, 3), (11, 11, 3), (12, 37, 3)])
@pytest.mark.parametrize("level", [0, 1, 40, 255])
def test_rgb_equals_the_reference_of_scikit_image(shape, level, tolerance):
    x = picture(1, shape)
    y = noisy(x, level)
    expected = structural_similarity(x, y, channel_axis=-1, **REFERENCE)
    difference = abs(SSIM().frames(x[None], y[None])[0] - expected)
    tolerance("SSIM", "scikit-image", "value, gaussian window, RGB", difference, 1e-12)


@pytest.mark.parametrize("shape", [(256, 256, 3), (7, 7, 3), (12, 37, 3)])
@pytest.mark.parametrize("level", [0, 1, 40, 255])
def test_uniform_window_equals_the_default_of_the_reference_scikit_image(shape, level, tolerance):
    x = picture(1, shape)
    y = noisy(x, level)
    expected = structural_similarity(x, y, channel_axis=-1)
    difference = abs(SSIM(window="uniform-7").frames(x[None], y[None])[0] - expected)
    tolerance("SSIM", "scikit-image", "value, uniform-7 window, RGB", difference, 1e-12)


def test_the_choice_of_window_is_visible_in_the_number_and_in_the_definition():
    x = picture(3)[None]
    y = noisy(x, 30)
    values = {window: SSIM(window=window).frames(x, y)[0] for window in ("gaussian", "uniform-7")}
    assert abs(values["gaussian"] - values["uniform-7"]) > 1e-3
    assert SSIM(window="gaussian").definition != SSIM(window="uniform-7").definition


@pytest.mark.parametrize("level", [1, 40])
def test_gray_equals_scikit_image_on_the_same_gray_plane(level):
    x = picture(2)
    y = noisy(x, level)
    expected = structural_similarity(gray_bt601(x), gray_bt601(y), **REFERENCE)
    assert SSIM(color="gray-bt601").frames(x[None], y[None])[0] == pytest.approx(expected, abs=1e-12)


def test_flat_pictures_agree_with_scikit_image_where_rounding_is_worst():
    x, y = np.full((32, 32, 3), 255, np.uint8), np.full((32, 32, 3), 254, np.uint8)
    expected = structural_similarity(x, y, channel_axis=-1, **REFERENCE)
    assert SSIM().frames(x[None], y[None])[0] == pytest.approx(expected, abs=1e-9)


def test_the_choice_of_colour_is_visible_in_the_number_and_in_the_definition():
    x = picture(3)[None]
    y = noisy(x, 30)
    assert SSIM("rgb").frames(x, y)[0] != pytest.approx(SSIM("gray-bt601").frames(x, y)[0], abs=1e-3)
    assert SSIM("rgb").definition != SSIM("gray-bt601").definition


def test_equal_frames_are_one_and_the_sides_can_be_swapped():
    x, y = np.stack([picture(4), picture(5)]), np.stack([picture(6), picture(5)])
    assert SSIM().frames(x, x) == pytest.approx([1.0, 1.0], abs=1e-12)
    np.testing.assert_allclose(SSIM().frames(x, y), SSIM().frames(y, x), atol=1e-14)


def test_falls_with_every_step_of_noise():
    x = picture(8)[None]
    values = [SSIM().frames(x, noisy(x, level))[0] for level in (0, 2, 5, 12, 30, 80, 200)]
    assert all(a > b for a, b in pairwise(values))
    assert -1.0 <= values[-1] < 0.5


def test_a_frame_does_not_depend_on_its_batch():
    x = np.stack([picture(seed) for seed in range(5)])
    y = noisy(x, 20)
    whole = SSIM().frames(x, y)
    alone = [SSIM().frames(x[i : i + 1], y[i : i + 1])[0] for i in range(5)]
    assert whole.tolist() == alone
    assert SSIM().frames(x[:0], y[:0]).shape == (0,)


def test_frames_are_left_as_they_were():
    x, y = picture(1)[None], picture(2)[None]
    before = x.copy(), y.copy()
    SSIM().frames(x, y)
    ssim(x.astype(np.float64), y.astype(np.float64))
    assert (x == before[0]).all() and (y == before[1]).all()


def test_the_window_is_wangs():
    window = np.outer(gaussian_window(), gaussian_window())
    assert window.shape == (11, 11)
    assert window.sum() == pytest.approx(1.0, abs=1e-15)
    assert window[5, 6] / window[5, 5] == pytest.approx(np.exp(-1 / (2 * 1.5**2)))


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        (np.zeros((1, 20, 20, 3), np.float32), np.zeros((1, 20, 20, 3), np.float32), "uint8"),
        (np.zeros((1, 20, 20, 3), np.uint8), np.zeros((1, 20, 21, 3), np.uint8), "differ"),
        (np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20, 3), np.uint8), r"\(B, H, W, 3\)"),
        (np.zeros((1, 10, 20, 3), np.uint8), np.zeros((1, 10, 20, 3), np.uint8), "11x11"),
    ],
)
def test_what_cannot_be_compared_is_refused(x, y, word):
    with pytest.raises(ValueError, match=word):
        SSIM().frames(x, y)


def test_an_unknown_option_names_the_choices():
    with pytest.raises(UsageError, match="did you mean 'gray-bt601'"):
        SSIM(color="gray-bt602")
    with pytest.raises(UsageError, match=r"ssim\.window"):
        SSIM(window="uniform")


def test_is_a_frame_metric():
    assert isinstance(SSIM(), FrameMetric)


def test_real_frames_agree_with_the_reference_scikit_image_in_ssim_and_psnr(cremad_tree, tolerance):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    from bench.data import media
    from metrics.psnr import PSNR
    from metrics.ssim import SSIM

    frames = np.stack(list(media.read_frames(next(iter(sorted(cremad_tree.rglob("*.flv")))), max_frames=40))[::6])
    for real, other, ours, decibel in zip(
        frames[:-1],
        frames[1:],
        SSIM().frames(frames[:-1], frames[1:]),
        PSNR().frames(frames[:-1], frames[1:]),
        strict=True,
    ):
        theirs = structural_similarity(
            real, other, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        tolerance("SSIM", "scikit-image", "value, gaussian window, real frames", abs(ours - theirs), 1e-12)
        difference = abs(decibel - peak_signal_noise_ratio(real, other, data_range=255))
        tolerance("PSNR", "scikit-image", "value, real frames", difference, 1e-9, "dB")
