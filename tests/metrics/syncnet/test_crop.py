"""Face tracks and crops: those of the reference for the same boxes, and the crop from landmarks."""

import numpy as np
import pytest
import syncnet_case

from metrics.syncnet import crop
from metrics.syncnet.tracks import overlap, tracks_of

PACKAGE = "syncnet-python 0.2.3"


def still(frames, box=(50, 60, 170, 200), confidence=0.95):
    return [np.array([[*box, confidence]], float)] * frames


def picture(height=120, width=160):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.full_like(rows, 200)], -1).astype(np.uint8)


def test_tracks_of_given_boxes_have_parity_with_the_reference(golden, tolerance):
    ours = tracks_of(syncnet_case.detections())
    assert len(ours) == 2 and "tracks/2/frames" not in golden
    for number, track in enumerate(ours):
        frames, boxes = golden[f"tracks/{number}/frames"], golden[f"tracks/{number}/boxes"]
        assert (track.first, len(track)) == (frames[0], len(frames))
        tolerance("S3FD tracks", PACKAGE, "boxes of two faces", np.abs(track.boxes - boxes).max(), 1e-9, "px")


def test_crops_of_given_tracks_have_parity_with_the_reference(golden, second, tolerance):
    import cv2

    pictures, _ = second
    for number, track in enumerate(tracks_of(syncnet_case.detections())):
        chosen = range(0, len(track), 40)
        wide = [cv2.resize(pictures[(track.first + n) % 25], (640, 360)) for n in chosen]
        ours = np.stack([crop.cut(p, track.places[n]) for p, n in zip(wide, chosen, strict=True)])[:, ::8, ::8]
        difference = np.abs(ours.astype(int) - golden[f"tracks/{number}/crops"]).max()
        tolerance("S3FD crop", PACKAGE, "pixels of the crop, first frame and every 40th", difference, 0, "gray levels")


def test_a_track_of_exactly_100_detections_is_dropped_and_of_101_is_kept():
    assert tracks_of(still(100)) == []
    (track,) = tracks_of(still(101))
    assert (track.first, len(track)) == (0, 101)


def test_a_face_may_be_unseen_25_frames_and_its_boxes_are_bridged_linearly():
    moved = still(60, box=(60, 60, 180, 200))
    (track,) = tracks_of([*still(60), *[np.zeros((0, 5))] * 24, *moved])
    assert len(track) == 144
    np.testing.assert_allclose(track.boxes[59:85, 0], np.linspace(50, 60, 26))
    assert tracks_of([*still(60), *[np.zeros((0, 5))] * 25, *moved]) == []


@pytest.mark.parametrize(
    ("box", "confidence"), [((50, 60, 150, 160), 0.95), ((50, 60, 170, 200), 0.9)], ids=["small", "unsure"]
)
def test_small_and_unsure_faces_make_no_track(box, confidence):
    assert tracks_of(still(150, box, confidence)) == []


def test_a_second_face_first_in_some_frames_does_not_break_the_track():
    two = np.array([[50, 60, 170, 200, 0.95], [400, 60, 520, 200, 0.95]])
    assert [len(t) for t in tracks_of([two[:: (-1) ** frame] for frame in range(120)])] == [120, 120]


def test_boxes_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="n, 5"):
        tracks_of([np.zeros((2, 4))])


def test_overlap_of_equal_disjoint_and_half_covered_boxes():
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert overlap((0, 0, 2, 2), (5, 5, 6, 6)) == overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)


def test_the_crop_reaches_half_a_face_up_and_1_8_down_and_is_gray_outside():
    cut = crop.cut(picture(), np.array([80.0, 60.0, 20.0]))
    assert cut.shape == (224, 224, 3)
    # rows 40..96, columns 52..108: pixel values are their own coordinates
    assert abs(int(cut[0, 112, 0]) - 40) <= 1 and abs(int(cut[-1, 112, 0]) - 95) <= 1
    assert abs(int(cut[112, 0, 1]) - 52) <= 1 and abs(int(cut[112, -1, 1]) - 107) <= 1
    below = crop.cut(picture(), np.array([80.0, 119.0, 20.0]))
    assert (below[-1] == crop.GRAY).all()


@pytest.mark.parametrize("place", [(np.nan, 60, 20), (80, 60, 0.5), (-1, 60, 20), (80, 500, 20)])
def test_a_place_off_the_picture_is_refused(place):
    with pytest.raises(ValueError, match="not on a picture"):
        crop.cut(picture(), np.array(place, float))


def test_the_reference_s_median_is_pulled_down_at_the_ends_and_ours_is_not():
    falling = np.linspace(100, 80, 40)
    assert crop.median_zero_ends(falling)[0] == falling[6] and crop.median_zero_ends(falling)[-1] == falling[-1]
    assert crop.median(falling)[0] == falling[0]
    np.testing.assert_array_equal(crop.median(falling)[6:-6], crop.median_zero_ends(falling)[6:-6])


def landmarks(frames, x=100.0):
    points = np.zeros((frames, 478, 3))
    points[:, :468, 0] = x + np.linspace(-30, 30, 468)
    points[:, :468, 1] = 120 + np.linspace(-40, 40, 468)
    points[:, 468:] = 1e4  # irises do not enter
    return points


def test_the_face_is_the_box_of_its_mesh():
    places = crop.face_places(landmarks(5), np.ones(5, bool))
    np.testing.assert_allclose(places, [[100, 120, 40]] * 5)


def test_short_gaps_are_bridged_and_long_ones_and_the_ends_stay_unseen():
    valid = np.ones(100, bool)
    valid[[0, 99]] = False
    valid[20:45] = False  # 25 frames
    valid[60:86] = False  # 26
    points = landmarks(100)
    points[~valid] = np.nan
    unseen = np.isnan(crop.face_places(points, valid)[:, 0])
    assert np.flatnonzero(unseen).tolist() == [0, *range(60, 86), 99]


def test_a_jump_of_one_frame_does_not_move_the_crop():
    points = landmarks(30)
    points[12, :, 0] += 50
    np.testing.assert_allclose(crop.face_places(points, np.ones(30, bool))[:, 0], 100)


def test_no_valid_frame_gives_no_place():
    assert np.isnan(crop.face_places(landmarks(4), np.zeros(4, bool))).all()
