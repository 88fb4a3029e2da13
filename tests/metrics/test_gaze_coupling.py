"""Gaze-head: -1 for eyes that make up for the head, 0 for strangers, no value for what never moves."""

from dataclasses import replace

import numpy as np
import pytest
from gaze_sets import collected, cues_of, frozen, shuffled, unaltered, value

from bench.contract.errors import Unscorable
from metrics.gaze_coupling import GazeHead, head_shares, resting_velocities


def test_eyes_that_make_up_for_the_head_are_near_minus_one():
    found = GazeHead().estimate(collected(unaltered), 0)
    assert found.statistic(np.ones(36, bool)) < -0.9
    assert found.details["gain generated"] == pytest.approx(-1, abs=0.1)
    assert found.details["real"] == found.statistic(np.ones(36, bool))


def test_the_head_of_another_clip_is_none_of_the_eyes_business():
    def other_head(cues, rng):
        yaw = 6 * np.sin(np.arange(len(cues)) / rng.uniform(6, 14) + rng.uniform(0, 6))
        return replace(cues, transform=cues_of(cues.gaze, yaw).transform)

    assert abs(value(GazeHead(), collected(other_head, per_cell=6))) < 0.25
    assert abs(value(GazeHead(), collected(shuffled))) < 0.25


def test_saccades_do_not_enter_and_the_share_of_the_head_is_found():
    gaze, yaw = np.zeros((60, 2)), np.zeros(60)
    gaze[30:, 0], yaw[33:] = 12, 4  # the eyes jump, the head follows and stays
    eyes, head = resting_velocities(gaze, yaw)
    assert (eyes == 0).all() and head.max() > 0
    ((turn, shift),) = head_shares(gaze, yaw)
    assert (turn, shift) == pytest.approx((4, 16))


def test_eyes_that_never_move_have_no_value_and_the_order_of_clips_does_not_matter():
    with pytest.raises(Unscorable, match="do not move"):
        GazeHead().estimate(collected(frozen), 0)
    clips = collected(unaltered)
    assert value(GazeHead(), clips) == value(GazeHead(), clips[::-1])
