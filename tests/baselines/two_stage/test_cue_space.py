"""Taking cues apart and putting them together: exact for landmarks and pose, within half a bin for gaze."""

import numpy as np
import pytest

from baselines.two_stage import gaze_bins
from baselines.two_stage.cue_space import SIZE, Reference, apart, matrices_of, numbers_of, together
from bench.contract.cues import Cues
from bench.contract.eyes import eyes_in_head, gaze_of, looking
from bench.contract.geometry import normalise


@pytest.fixture(scope="module")
def cues(smoke_work):
    return Cues.load(smoke_work / "store/puppet-smoke/clips/M101_front_neutral_1_003/cues.safetensors")


@pytest.fixture(scope="module")
def reference(cues):
    return Reference.of(cues[:1])


def test_landmarks_and_pose_come_back_exactly(cues, reference):
    parts = apart(cues, reference)
    again = together(parts.expression, parts.pose, parts.gaze, reference)
    mesh = slice(0, 468)
    assert np.abs(again.landmarks[:, mesh] - cues.landmarks[:, mesh])[..., :2].max() < 1e-3  # px
    assert np.abs(again.transform - cues.transform).max() < 1e-3
    assert np.abs(again.openness - cues.openness).max() < 1e-4


def test_gaze_comes_back_within_half_a_bin(cues, reference):
    parts = apart(cues, reference)
    binned = together(parts.expression, parts.pose, gaze_bins.to_angles(parts.bins), reference)
    half = np.array([gaze_bins.YAW[1] - gaze_bins.YAW[0], gaze_bins.PITCH[1] - gaze_bins.PITCH[0]]) / 2
    inside = (np.abs(parts.gaze) < (gaze_bins.YAW[-1], gaze_bins.PITCH[-1])).all(-1)
    assert inside.mean() > 0.9
    assert (np.abs(binned.gaze - cues.gaze)[inside] <= half + 1e-4).all()


def test_relocated_irises_are_read_as_the_gaze_that_was_asked_for(cues, reference):
    parts = apart(cues, reference)
    again = together(parts.expression, parts.pose, parts.gaze, reference)
    read = gaze_of(eyes_in_head(again.landmarks, again.transform, SIZE), again.transform)
    assert np.abs(read - cues.gaze).max() < 0.05  # degrees; float32 px


def test_another_pose_moves_landmarks_and_leaves_the_face_as_it_is(cues, reference):
    parts = apart(cues, reference)
    turned = together(parts.expression, parts.pose + np.array([0, 1, 0, 0, 0, 0, 0]), parts.gaze, reference)
    assert np.abs(turned.landmarks - cues.landmarks)[..., :2].mean() > 3
    there = normalise(turned.landmarks, turned.transform, SIZE)[:, :468] - reference.landmarks[:468]
    assert np.abs(there - parts.expression).max() < 1e-3


def test_without_relocation_the_landmarks_stay_where_the_reference_is(cues, reference):
    parts = apart(cues, reference)
    one, other = (
        together(parts.expression, parts.pose + shift, parts.gaze, reference, moved=False) for shift in (0, 1)
    )
    assert np.array_equal(one.landmarks, other.landmarks) and not np.allclose(one.transform, other.transform)


def test_the_reference_itself_is_zero(cues, reference):
    parts = apart(cues[:1], reference)
    for part in (parts.expression, parts.irises, parts.pose, parts.gaze):
        assert np.abs(part).max() < 1e-5


def test_a_frame_without_a_face_is_refused(cues, reference):
    broken = Cues.empty(3)
    with pytest.raises(ValueError, match="3 of 3 frames have no face"):
        apart(broken, reference)
    with pytest.raises(ValueError, match="one frame with a face"):
        Reference.of(broken[:1])


def test_poses_as_numbers_are_the_same_transforms():
    rng = np.random.default_rng(0)
    numbers = rng.normal(0, [20, 20, 20, 0.1, 2, 2, 5], (50, 7)) + [0, 0, 0, 0, 0, 0, -30]
    assert np.allclose(numbers_of(matrices_of(numbers)), numbers, atol=1e-9)


def test_bins_hold_their_own_middles_and_nan_has_none():
    bins = np.arange(gaze_bins.COUNT)
    assert (gaze_bins.to_bins(gaze_bins.to_angles(bins)) == bins).all()
    assert gaze_bins.to_bins(np.array([np.nan, 0.0])) == -1
    assert gaze_bins.to_bins(np.array([99.0, -99.0])) == gaze_bins.to_bins(np.array([29.0, -29.0]))


def test_an_iris_without_a_direction_stays(cues):
    head = normalise(cues.landmarks[:2], cues.transform[:2], SIZE)
    assert np.array_equal(looking(head, np.full((2, 2, 2), np.nan)), head)


def test_jitter_at_the_edge_of_a_bin_is_no_change_of_direction():
    edge = np.stack([np.full(40, 5.0), np.zeros(40)], 1) + np.random.default_rng(0).normal(0, 0.6, (40, 2))
    assert len(np.unique(gaze_bins.to_bins(edge))) > 1
    assert len(np.unique(gaze_bins.steadied(edge))) == 1


def test_a_look_elsewhere_and_back_is_two_changes_at_the_right_frames():
    gaze = np.zeros((30, 2))
    gaze[10:20] = [12.0, -9.0]
    steady = gaze_bins.steadied(gaze)
    assert np.flatnonzero(np.diff(steady)).tolist() == [9, 19]
    assert steady[0] == steady[29] == gaze_bins.to_bins(np.zeros(2))


def test_a_steadied_bin_is_never_farther_off_than_half_a_bin_and_the_slack():
    gaze = np.cumsum(np.random.default_rng(1).normal(0, 1.5, (400, 2)), 0).clip(-29, 29)
    off = np.abs(gaze - gaze_bins.to_angles(gaze_bins.steadied(gaze)))
    assert (off <= np.array([2.5, 3.0]) + gaze_bins.SLACK + 1e-9).all()
