"""CPBD of frames: equal to the package, falling with blur, without a value where nothing can be measured."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.feature import canny

from bench.contract.cues import Cues
from bench.contract.errors import Unscorable
from bench.contract.seen import Video
from metrics.extractors.edge_map import canny_edges
from metrics.extractors.sharpness import FRAMES_PER_CLIP, Sharpness, cpbd, edge_widths, gray_8bit

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "reference"))
from cpbd_pictures import pictures  # noqa: E402

WITHOUT_EDGES = {"flat", "steps"}


def test_equals_the_package_cpbd_within_tolerance(tolerance):
    with np.load(TESTS / "golden" / "cpbd.npz") as golden:
        expected = {name: float(golden[name]) for name in golden.files}
    ours = {name: cpbd(picture) for name, picture in pictures().items()}
    assert set(ours) == set(expected)
    # the package says 0 where there is no edge at all; that is no sharpness of 0, and here no value
    assert {name for name, value in ours.items() if np.isnan(value)} == WITHOUT_EDGES
    assert all(expected[name] == 0 for name in WITHOUT_EDGES)
    worst = max(abs(ours[name] - expected[name]) for name in set(ours) - WITHOUT_EDGES)
    tolerance("CPBD", "cpbd 1.0.7", f"value, {len(ours) - len(WITHOUT_EDGES)} pictures", worst, 1e-12)


@pytest.mark.parametrize("name", ["coins", "noise", "camera-blurred-4", "steps"])
def test_edge_map_equals_the_reference_of_scikit_image(name, tolerance):
    picture = pictures()[name].astype(float)
    different = (canny_edges(picture) != canny(picture)).sum()
    tolerance("CPBD", "scikit-image 0.26 canny", "pixels that differ", different, 0, "px")


def test_gray_equals_the_reference_of_pillow(tolerance):
    frame = data.astronaut()
    difference = np.abs(gray_8bit(frame).astype(int) - np.array(Image.fromarray(frame).convert("L"))).max()
    tolerance("CPBD", "Pillow mode L", "gray level", difference, 0, "levels")


def test_falls_with_blur_and_rises_with_noise():
    picture = data.camera()[100:356, 100:356]
    blurred = [cpbd(gaussian_filter(picture, sigma)) for sigma in (0.01, 0.7, 1, 2)]
    assert all(a > b for a, b in pairwise(blurred))
    noise = np.random.default_rng(0).normal(0, 20, picture.shape)
    assert cpbd(np.clip(picture + noise, 0, 255).astype(np.uint8)) > blurred[0]


def test_the_width_of_a_ramp_is_the_number_of_its_steps():
    for steps in (2, 4, 8):
        # steepest in the middle, so that the middle is the edge
        rise = 2 + np.minimum(np.arange(steps), np.arange(steps)[::-1])
        row = 10 + np.cumsum(np.r_[np.zeros(30), rise, np.zeros(30), -rise, np.zeros(30)])
        widths = edge_widths(np.repeat(row[None], 16, 0))
        assert set(widths[widths > 0]) == {steps}


def test_left_and_right_can_be_swapped_for_the_width_of_edges():
    picture = gaussian_filter(data.camera()[100:228, 100:228].astype(float), 1)
    there, back = edge_widths(picture), edge_widths(picture[:, ::-1])[:, ::-1]
    both = (there > 0) & (back > 0)
    assert both.sum() > 100 and (there[both] == back[both]).all()


def video(frames: np.ndarray | None) -> Video:
    return Video(cues=Cues.empty(0 if frames is None else len(frames)), frames=frames)


def test_the_extractor_gives_spread_frames_and_no_value_for_flat_ones():
    frames = np.zeros((60, 64, 64, 3), np.uint8)
    frames[::2] = np.random.default_rng(0).integers(0, 256, (64, 64, 3))
    out = Sharpness({})(video(frames))
    assert out["cpbd"].shape == out["frame"].shape == (FRAMES_PER_CLIP,)
    assert np.isnan(out["cpbd"][out["frame"] % 2 == 1]).all() and np.isfinite(out["cpbd"][out["frame"] % 2 == 0]).all()


def test_no_frames_and_too_small_frames_are_refused():
    for nothing in (None, np.zeros((0, 64, 64, 3), np.uint8)):
        with pytest.raises(Unscorable):
            Sharpness({})(video(nothing))
    with pytest.raises(ValueError, match="64 x 64"):
        cpbd(np.zeros((63, 80), np.uint8))
