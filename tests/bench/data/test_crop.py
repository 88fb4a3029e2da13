import numpy as np
import pytest

from bench.contract.errors import RejectedInput
from bench.data.crop import Crop, detect_whole, find_crop


def face(left, top, side, score=0.9):
    return np.array([score, left, top, left + side, top + side, *np.zeros(12)])


def picture(height=360, width=480):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_crop_of_256_source_pixels_is_taken_without_resampling():
    frame = picture()
    np.testing.assert_array_equal(Crop(10, 20, 256).cut(frame), frame[20:276, 10:266])


def test_pixels_outside_the_picture_repeat_its_border():
    frame = picture()
    cut = Crop(-30, 0, 256).cut(frame)
    np.testing.assert_array_equal(cut[:, :30], np.repeat(frame[:256, :1], 30, axis=1))
    np.testing.assert_array_equal(cut[:, 30:], frame[:256, :226])


@pytest.mark.parametrize("side", [100, 256, 301, 700])
def test_every_crop_is_256_pixels_square(side):
    assert Crop(-5, 40, side).cut(picture(720, 640)).shape == (256, 256, 3)


@pytest.mark.parametrize("crop", [Crop(0, 0, 256), Crop(-17, 33, 301), Crop(400, 2, 1079)])
def test_the_stored_affine_gives_the_crop_back(crop):
    assert Crop.from_affine(crop.affine) == crop


def test_affine_maps_the_corners_of_the_square_to_the_corners_of_the_crop():
    crop = Crop(-17, 33, 301)
    a, b, c, d, e, f = crop.affine
    # pixel centres are at integers: the square reaches from -0.5 to 255.5
    for x, y, at in ((-17.5, 32.5, (-0.5, -0.5)), (283.5, 333.5, (255.5, 255.5))):
        assert (a * x + b * y + c, d * x + e * y + f) == pytest.approx(at)


def test_the_crop_follows_the_face_by_shift_and_scale():
    frames = [np.stack([face(100, 80, 90)]), np.stack([face(110, 84, 92)])]
    here = find_crop(frames, 480, 360)
    moved = find_crop([f + np.array([0, 40, 20, 40, 20, *np.zeros(12)]) for f in frames], 480, 360)
    assert (moved.left - here.left, moved.top - here.top, moved.side) == (40, 20, here.side)


def test_a_head_that_travels_gets_a_larger_crop():
    still = find_crop([np.stack([face(100, 80, 90)])] * 4, 480, 360)
    moving = find_crop([np.stack([face(100 + 20 * i, 80, 90)]) for i in range(4)], 480, 360)
    assert moving.side > still.side


@pytest.mark.parametrize(
    ("detections", "reason"),
    [
        ([np.zeros((0, 17))] * 4, "no-face"),
        ([np.stack([face(100, 80, 90)])] + [np.zeros((0, 17))] * 2, "no-face"),
        ([np.stack([face(60, 80, 90), face(280, 80, 88)])] * 3, "two-faces"),
        ([np.stack([face(-45, 80, 90)])] * 3, "face-out-of-frame"),
    ],
)
def test_clips_without_exactly_one_whole_face_are_rejected_by_name(detections, reason):
    with pytest.raises(RejectedInput) as error:
        find_crop(detections, 480, 360)
    assert error.value.reason == reason


def test_a_small_face_in_the_background_does_not_count():
    find_crop([np.stack([face(100, 80, 90), face(400, 10, 30)])] * 3, 480, 360)


def test_a_face_seen_only_with_room_around_it_is_told_in_the_frames_own_pixels():
    def shy(frame):
        # answers only to a picture that is wider than the original one
        return np.stack([face(200, 150, 90)]) if frame.shape[1] > 480 else np.zeros((0, 17))

    (found,) = detect_whole(shy, picture())
    np.testing.assert_array_equal(found[1:5], [200 - 240, 150 - 90, 290 - 240, 240 - 90])
