"""Gaze-trans: equal moves are zero, the order of frames is seen, eyes that never move differ as far as can be."""

import numpy as np
import pytest
from gaze_sets import collected, cues_of, exchanged, frozen, independent, labels, shuffled, turned, unaltered, value

from bench.contract.metric import Collected
from bench.contract.seen import Pair, Seen
from metrics.gaze import GazeJS
from metrics.gaze_bins import move_edges
from metrics.gaze_events import SaccadeRate
from metrics.gaze_tracks import collect_gaze
from metrics.gaze_transitions import GazeTransitions, move_shares


def test_moves_are_counted_from_region_to_region():
    places = np.array([(0, 0), (0, 0), (10, 0), (10, 0), (10, 10), (0, 0)], float)
    shares = move_shares(np.repeat(places[:, None], 2, 1), move_edges())
    middle, right, right_up = 4, 5, 8  # row by row in pitch, 3 yaw regions a row
    assert {(int(i) // 9, int(i) % 9): s for i, s in enumerate(shares) if s} == {
        (middle, right): pytest.approx(1 / 3),
        (right, right_up): pytest.approx(1 / 3),
        (right_up, middle): pytest.approx(1 / 3),
    }


def test_a_gap_interrupts_and_a_clip_without_a_move_is_a_kind_of_its_own():
    places = np.array([(0, 0), (np.nan, np.nan), (10, 0)])
    shares = move_shares(np.repeat(places[:, None], 2, 1), move_edges())
    assert shares[-1] == 1.0 and shares.sum() == 1.0


def test_equal_clips_are_zero_independent_ones_about_zero():
    assert value(GazeTransitions(), collected(unaltered)) == 0.0
    values = np.array([value(GazeTransitions(), collected(independent, seed, per_cell=1)) for seed in range(12)])
    assert abs(values.mean()) < 3 * values.std(ddof=1) / np.sqrt(len(values))


def test_the_way_round_is_seen_where_maps_and_rates_are_the_same():
    """Real eyes go left, middle, right, left ...; the generated ones the other way."""
    way = np.repeat([-10.0, 0.0, 10.0], 8)

    def other_way(n: int) -> Collected:
        gaze = np.repeat(np.stack([np.roll(np.tile(way, 3), 5 * n), np.zeros(72)], -1)[:, None], 2, 1)
        who = labels(f"S{n % 3}", "sad", n)
        return Collected(who, collect_gaze(Pair(Seen(who, cues_of(gaze)), Seen(who, cues_of(gaze[::-1])))))

    clips = [other_way(n) for n in range(12)]
    assert value(GazeTransitions(), clips) > 0.5
    assert value(GazeJS(), clips) == pytest.approx(0, abs=1e-9)
    rate = SaccadeRate().estimate(clips, 0)
    assert rate.statistic(np.ones(12, bool)) == pytest.approx(rate.details["real"])


def test_eyes_that_never_move_differ_as_far_as_can_be():
    found = GazeTransitions().estimate(collected(frozen), 0)
    assert found.details["uncorrected"] > 0.9
    assert found.details["clips without a move generated"] == 1.0


def test_sides_can_be_swapped_a_constant_does_not_count_and_order_of_clips_neither():
    clips, metric = collected(shuffled), GazeTransitions()
    assert value(metric, exchanged(clips)) == pytest.approx(value(metric, clips), abs=1e-12)
    assert value(metric, clips[::-1]) == value(metric, clips)
    assert value(metric, collected(turned((5, 5)))) == pytest.approx(0, abs=1e-3)
