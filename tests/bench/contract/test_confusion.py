"""Rank stability of rows, and the confusion figure."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from bench.contract.confusion import Confusion, kendall_tau, rank_stability


def test_kendall_tau_in_parity_with_scipy(tolerance):
    rng = np.random.default_rng(0)
    lists = [rng.integers(0, 6, (2, 12)) for _ in range(50)]
    worst = max(abs(kendall_tau(a.tolist(), b.tolist()) - stats.kendalltau(a, b).statistic) for a, b in lists)
    tolerance("rank stability", "scipy.stats.kendalltau", "tau-b", worst, 1e-12)


def test_the_same_order_is_1_and_the_reverse_minus_1():
    assert kendall_tau([1, 2, 3], [10, 20, 30]) == 1 and kendall_tau([1, 2, 3], [3, 2, 1]) == -1


def test_what_orders_nothing_has_no_tau():
    assert kendall_tau([1, 1, 1], [1, 2, 3]) is None and kendall_tau([1], [2]) is None
    with pytest.raises(ValueError, match="equal length"):
        kendall_tau([1, 2], [1])


def test_rows_without_a_value_are_left_out_of_the_pair_alone():
    found = rank_stability(
        {"seed 0": [0.1, 0.2, 0.3], "seed 1": [0.1, None, 0.3], "geometry": [0.3, 0.2, float("nan")]}
    )
    assert found == [("seed 0", "seed 1", 1.0, 2), ("seed 0", "geometry", -1.0, 2), ("seed 1", "geometry", None, 1)]


def test_a_figure_of_another_version_is_refused():
    good = {"judge": "j", "emotions": ["sad"], "answers": ["sad"], "n_clips": [1], "real": [[1.0]], "generated": [[0.0]],
            "macro_f1_by_seed": [0.5]}  # fmt: skip
    assert Confusion(**good).kind == "confusion"
    with pytest.raises(ValidationError):
        Confusion(**good, schema_version=2)
    with pytest.raises(ValidationError):
        Confusion(**good | {"real": [[float("nan")]]})
