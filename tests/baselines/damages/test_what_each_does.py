"""What a damage does, on numbers small enough to follow."""

import itertools

import numpy as np
import pytest

from baselines.damages.expression import MOUTH, BlinksRemoved, MouthFrozen, runs
from baselines.damages.gaze import GazeFrozen, GazeIid, GazeMirrored, GazeShuffled
from baselines.damages.landmarks import displacement
from baselines.damages.picture import ColourSwap, FramesDropped
from baselines.damages.pose import PoseFrozen, PoseOffset, PoseScaled
from baselines.damages.sound import lagged
from baselines.tracks import drawn_in_share, fitted_order, shuffled_within
from bench.contract.method import Request

ASKED = Request("clip", 40, 3, frozenset(), {})


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def gaze(random):
    return np.cumsum(random.standard_normal((40, 2, 2)), 0)


def test_a_late_sound_keeps_its_length_and_its_gap_is_the_sound_next_to_it_backwards():
    assert lagged(np.arange(6), 2).tolist() == [1, 0, 0, 1, 2, 3]
    assert lagged(np.arange(6), -2).tolist() == [2, 3, 4, 5, 5, 4]
    assert lagged(np.arange(6), 99).tolist() == [5, 4, 3, 2, 1, 0]


def test_swapped_colours_are_red_for_blue_and_half_of_it_makes_them_equal():
    frame = np.uint8([[[200, 50, 10]]])
    assert next(ColourSwap(1).altered(iter([frame]), ASKED)).tolist() == [[[10, 50, 200]]]
    assert next(ColourSwap(0.5).altered(iter([frame]), ASKED)).tolist() == [[[105, 50, 105]]]


def test_a_dropped_frame_shows_the_last_one_that_was_not():
    shown = [int(f) for f in FramesDropped(0.5).altered(iter(np.arange(400)), ASKED)]
    assert shown[0] == 0
    assert all(now in (t, before) for t, (before, now) in enumerate(itertools.pairwise(shown), start=1))
    assert 160 < sum(now != t for t, now in enumerate(shown)) < 240


def test_the_displacement_of_a_frame_has_its_size_everywhere_and_moves_neighbours_together(random):
    fields = np.stack([displacement(random, 64, 96) for _ in range(150)])
    assert fields.shape == (150, 2, 64, 96)
    assert np.abs(fields.std(0).mean((1, 2)) - 1).max() < 0.05
    at = fields[:, 0, 32]
    assert np.corrcoef(at[:, 40], at[:, 44])[0, 1] > 0.9
    assert abs(np.corrcoef(at[:, 10], at[:, 85])[0, 1]) < 0.25
    assert abs(np.corrcoef(fields[:-1, 0, 32, 40], fields[1:, 0, 32, 40])[0, 1]) < 0.25


def test_frames_change_places_only_within_the_window_and_all_stay(random):
    for window in (0, 1, 6, 100):
        order = shuffled_within(np.random.default_rng(1), 40, window)
        assert sorted(order) == list(range(40))
        overtaken = max((order[:t].max() - order[t] for t in range(1, 40)), default=0)
        assert overtaken < max(window, 1)


def test_frames_replaced_at_a_share_are_replaced_alike_at_a_higher_one():
    low, high = (drawn_in_share(np.random.default_rng(1), 400, share) for share in (0.3, 0.6))
    hit = low != np.arange(400)
    assert 0.2 < hit.mean() < 0.4
    assert (high[hit] == low[hit]).all()


def test_a_clip_fitted_to_a_longer_one_plays_forth_and_back():
    assert fitted_order(3, 7).tolist() == [0, 1, 2, 1, 0, 1, 2]
    assert fitted_order(5, 2).tolist() == [0, 1]
    assert fitted_order(1, 3).tolist() == [0, 0, 0]


def test_a_mirrored_gaze_looks_to_the_other_side_and_still_converges(gaze):
    made = GazeMirrored(1).gaze(gaze, ASKED)
    assert np.allclose(made[..., 0].mean(1), -gaze[..., 0].mean(1))
    assert np.allclose(made[:, 0, 0] - made[:, 1, 0], gaze[:, 0, 0] - gaze[:, 1, 0]), "vergence"
    assert np.allclose(made[..., 1].mean(1), gaze[..., 1].mean(1))
    assert np.allclose(GazeMirrored(1).gaze(made, ASKED), gaze)


def test_a_frozen_gaze_and_head_hold_still_at_a_state_of_the_clip(gaze):
    held = GazeFrozen(1).gaze(gaze, ASKED)
    assert np.ptp(held, 0).max() < 1e-9
    assert (np.abs(gaze - held[0]).max((1, 2)) < 1e-9).any()
    pose, position = gaze.reshape(40, 4)[:, :3], gaze.reshape(40, 4)[:, 1:]
    for half, track in zip(PoseFrozen(0.5).pose(pose, position, ASKED), (pose, position), strict=True):
        assert np.allclose(np.ptp(half, 0), 0.5 * np.ptp(track, 0))


def test_shuffled_and_independent_gaze_show_the_clips_own_directions(gaze):
    own = {direction.tobytes() for direction in gaze}
    shuffled, drawn = GazeShuffled(50).gaze(gaze, ASKED), GazeIid(1).gaze(gaze, ASKED)
    assert {direction.tobytes() for direction in shuffled} == own
    assert {direction.tobytes() for direction in drawn} < own


def test_a_scaled_head_keeps_its_mean_and_an_offset_one_its_movement(gaze):
    pose, position = gaze.reshape(40, 4)[:, :3], gaze.reshape(40, 4)[:, 1:]
    for made, true in zip(PoseScaled(0.5).pose(pose, position, ASKED), (pose, position), strict=True):
        assert np.allclose(made.mean(0), true.mean(0))
        assert np.allclose(made.std(0), 1.5 * true.std(0))
    turned, still = PoseOffset(-7).pose(pose, position, ASKED)
    assert np.allclose(turned - pose, [0, -7, 0])
    assert still is position


class Face:
    """A renderer's truth: a brow, a mouth, and lids that close in frames 5-7 and 20-22, raised otherwise."""

    action_names = ("brow_lower", *MOUTH, "blink", "lid_raise")

    def __init__(self, random):
        actions = random.random((40, len(self.action_names)))
        actions[:, -2], actions[:, -1] = 0, np.linspace(0.2, 0.6, 40)
        for at in (5, 20):
            actions[at : at + 3, -2:] = [[0.5, 0.1], [1, 0], [0.5, 0.1]]
        self.truth = {"actions": actions}


def test_a_frozen_mouth_is_its_mean_and_the_rest_of_the_face_goes_on(random):
    face = Face(random)
    made, true = MouthFrozen(1).altered(face, ASKED)["actions"], face.truth["actions"]
    assert np.allclose(made[:, 1:-2], true[:, 1:-2].mean(0))
    assert np.array_equal(made[:, [0, -2, -1]], true[:, [0, -2, -1]])
    half = MouthFrozen(0.5).altered(face, ASKED)["actions"]
    assert np.allclose(half[:, 1:-2].std(0), 0.5 * true[:, 1:-2].std(0))


def test_without_its_blinks_a_lid_goes_on_as_it_was_around_them(random):
    face = Face(random)
    made = BlinksRemoved(1).altered(face, ASKED)["actions"]
    assert not made[:, -2].any()
    assert np.allclose(made[:, -1], np.linspace(0.2, 0.6, 40))
    assert np.array_equal(made[:, :-2], face.truth["actions"][:, :-2])


def test_a_share_of_the_blinks_is_whole_blinks(random):
    face = Face(random)
    left = [
        len(runs(BlinksRemoved(share).altered(face, ASKED)["actions"][:, -2] > 0)) for share in np.linspace(0, 1, 21)
    ]
    assert left == sorted(left, reverse=True)
    assert set(left) == {0, 1, 2}


def test_runs_of_a_mask_end_before_their_end():
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, bool)) == []
