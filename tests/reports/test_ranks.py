"""Second opinions: the same order of rows is 1, the opposite -1, too few rows say nothing."""

import pytest

from reports.load import Loaded
from reports.ranks import agreements
from reports.table import tables


@pytest.fixture
def table_of(make, tmp_path):
    """table_of([(FID, KID), ...]): one row for each pair of values."""
    make_result, metric_value, _ = make

    def build(pairs, names=("FID", "KID"), **changes):
        rows = []
        for k, values in enumerate(pairs):
            cells = [metric_value(n, v, direction="lower", **changes) for n, v in zip(names, values, strict=True)]
            rows.append(Loaded(make_result(f"m{k}", cells), tmp_path))
        return tables(rows)[0]

    return build


def test_the_same_order_is_one_and_the_opposite_is_minus_one(table_of):
    [same] = agreements(table_of([(k, 10 * k) for k in range(5)]))
    [opposite] = agreements(table_of([(k, -k) for k in range(5)]))
    assert (same.tau, opposite.tau, same.rows) == (pytest.approx(1), pytest.approx(-1), 5)


def test_three_rows_a_constant_column_and_missing_values_say_nothing(table_of):
    assert agreements(table_of([(k, k) for k in range(3)]))[0].tau is None
    assert agreements(table_of([(k, 1.0) for k in range(6)]))[0].text == "—"
    [gaps] = agreements(table_of([(k, None if k == 2 else k) for k in range(6)]))
    assert gaps.rows == 5


def test_columns_without_a_second_opinion_are_not_listed(table_of):
    assert agreements(table_of([(k, k) for k in range(5)], names=("SSIM", "PSNR"))) == []
