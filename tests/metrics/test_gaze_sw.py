"""Gaze-SW: degrees, equal to the exact Wasserstein distance, zero in expectation for equals, blind to order."""

import numpy as np
import pytest
from gaze_sets import collected, exchanged, frozen, independent, shuffled, stretched, turned, unaltered, value

from metrics.gaze_sw import ANGLES, GazeSW, distribution_functions, mean_area, projections


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return mean_area(*(distribution_functions(projections(one)).reshape(2, -1) for one in (a, b)))


def test_it_is_the_mean_of_exact_distances_over_projections_by_the_reference_of_scipy(tolerance):
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 6, (60, 2, 2)), rng.normal((1, -2), (9, 4), (45, 2, 2))
    exact = [
        np.mean([wasserstein_distance(projections(a)[:, eye, k], projections(b)[:, eye, k]) for k in range(ANGLES)])
        for eye in range(2)
    ]
    tolerance(
        "Gaze-SW",
        "scipy wasserstein_distance",
        "60 against 45 directions",
        abs(distance(a, b) - exact).max(),
        0.02,
        "deg",
    )


def test_a_shift_of_one_degree_is_two_over_pi_degrees():
    a = np.random.default_rng(1).normal(0, 5, (200, 2, 2))
    for shift in ((3, 0), (0, -3), (2.1, 2.1)):
        expected = np.linalg.norm(shift) * 2 / np.pi
        assert distance(a, a + shift) == pytest.approx([expected] * 2, rel=0.01)


def test_frames_that_are_not_a_number_are_left_out_and_far_ones_count_at_the_rim():
    a = np.random.default_rng(2).normal(0, 5, (50, 2, 2))
    holed = np.concatenate([a, np.full((5, 2, 2), np.nan)])
    assert (distribution_functions(projections(holed)) == distribution_functions(projections(a))).all()
    assert distance(a, a + 1e6)[0] < 60


def test_two_samples_of_one_distribution_are_zero_in_expectation():
    values = np.array([value(GazeSW(), collected(independent, seed, per_cell=1)) for seed in range(6)])
    assert abs(values.mean()) < 3 * values.std(ddof=1) / np.sqrt(len(values))


def test_equal_clips_are_zero_shuffled_ones_too_and_damage_grows():
    assert value(GazeSW(), collected(unaltered, per_cell=1)) == 0.0
    assert value(GazeSW(), collected(shuffled, per_cell=1)) == pytest.approx(0.0, abs=1e-9)
    values = [value(GazeSW(), collected(stretched(f), per_cell=1)) for f in (1.2, 1.6, 2.4)]
    assert np.diff([0, *values]).min() > 0.1
    assert value(GazeSW(), collected(frozen, per_cell=1)) > 0.5
    assert value(GazeSW(centre="real"), collected(turned((4, 0)), per_cell=1)) > 1.0


def test_sides_can_be_swapped_and_clips_come_in_any_order():
    clips, metric = collected(stretched(1.5), per_cell=1), GazeSW()
    assert value(metric, exchanged(clips)) == pytest.approx(value(metric, clips), abs=1e-12)
    assert value(metric, clips[::-1]) == value(metric, clips)
