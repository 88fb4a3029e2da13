"""Warp error of steps: small for motion, large for flicker, no value where little is seen twice."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from skimage import data

from bench.contract.cues import Cues
from bench.contract.errors import Unscorable
from bench.contract.seen import Video
from metrics.extractors.warp import ABSOLUTE, RELATIVE, WarpError, _visible, warp_error

PICTURE = data.astronaut()


def moved(x: float, y: float, angle: float = 0.0) -> np.ndarray:
    """(256, 256, 3): a window on the photo."""
    turn = cv2.getRotationMatrix2D((228, 228), angle, 1.0)
    turn[:, 2] += (-100 - x, -50 - y)
    return cv2.warpAffine(PICTURE, turn, (256, 256), flags=cv2.INTER_CUBIC)


def test_a_still_picture_has_none():
    assert warp_error(moved(0, 0), moved(0, 0)) == (0.0, 1.0)


# half a pixel costs the most: the warped frame is interpolated, and so less sharp than the one it is compared with
@pytest.mark.parametrize(
    ("motion", "share"), [((1, 0, 0), 0.1), ((3, -2, 0), 0.1), ((0.5, 0.5, 0), 0.6), ((0, 0, 2), 0.35)]
)
def test_motion_explains_most_of_the_difference(motion, share):
    before, after = moved(0, 0), moved(*motion)
    error, visible = warp_error(before, after)
    assert visible > 0.8
    assert error < share * cv2.absdiff(before, after).mean()


def test_grows_with_flicker_on_top_of_motion():
    values = [
        warp_error(moved(0, 0), np.clip(moved(2, 1) * gain, 0, 255).astype(np.uint8))[0] for gain in (1, 1.03, 1.1)
    ]
    assert all(a < b for a, b in pairwise(values))


def test_two_unrelated_frames_have_no_value():
    noise = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3)).astype(np.uint8)
    error, visible = warp_error(*noise)
    assert np.isnan(error) and visible < 0.5


def test_a_step_does_not_depend_on_the_steps_before_it():
    frames = np.stack([moved(k, 0.3 * k * k) for k in range(4)])

    def run(part: np.ndarray) -> np.ndarray:
        return WarpError({})(Video(cues=Cues.empty(len(part)), frames=part))["error"]

    assert run(frames).tolist() == [run(frames[k : k + 2])[0] for k in range(3)]


@pytest.mark.parametrize("frames", [None, np.zeros((1, 32, 32, 3), np.uint8)])
def test_fewer_than_two_frames_have_a_reason(frames):
    with pytest.raises(Unscorable):
        WarpError({})(Video(cues=Cues.empty(1), frames=frames))


def test_what_is_visible_is_what_the_formula_says_of_every_pixel():
    rng = np.random.default_rng(0)
    forward = rng.normal(0, 3, (40, 60, 2)).astype(np.float32)
    back = (-forward + rng.normal(0, 0.5, forward.shape)).astype(np.float32)
    target = forward + np.stack(np.meshgrid(np.arange(60), np.arange(40)), -1).astype(np.float32)
    inside = ((target >= 0) & (target <= (59, 39))).all(-1)
    apart, allowed = ((forward + back) ** 2).sum(-1), (forward**2 + back**2).sum(-1)
    seen = _visible(target, forward, back, np.float32(RELATIVE), np.float32(ABSOLUTE))
    assert 0.3 < np.mean(seen == 255) < 0.9 and set(np.unique(seen)) == {0, 255}
    assert ((seen == 255) == (inside & ~(apart > RELATIVE * allowed + ABSOLUTE))).all()
