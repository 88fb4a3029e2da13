"""Rows behind a calibration are held against the undamaged row of their own clips, with the margins of a reference."""

import pytest
from regression_rows import MODEL, write_control
from result_rows import write_row

from bench.regress.catches import catches, markdown


@pytest.fixture
def calibrated(tmp_path):
    """Two damages at two doses, one of them on other clips than any undamaged row."""
    folder = tmp_path / "calibration"
    write_control(folder, "gt-reencoded", MODEL, spread=2.0, seed=9)
    for name, lips, seed in (("jitter~0.5", 2.1, 10), ("jitter~10", 4.0, 11)):
        write_row(folder / name, name, MODEL | {"M-LMD": lips}, spread=2.0, seed=seed)
    write_row(folder / "blur~1", "blur~1", MODEL, store_sha256="elsewhere")
    return folder


def test_each_dose_is_told_with_what_it_is_worse_in(calibrated, margins):
    found = catches(margins[0], calibrated)
    assert [one.name for one in found] == ["jitter~0.5", "jitter~10"]
    assert [{line.metric for line in one.lines if line.verdict == "worse"} for one in found] == [set(), {"M-LMD"}]
    assert "| jitter 10 | 20 | M-LMD | — | spread, SX-C |" in markdown(found)


def test_a_metric_that_a_damaged_row_was_not_scored_in_is_left_out(calibrated, margins):
    write_row(calibrated / "noise~1", "noise~1", MODEL | {"M-LMD": None}, spread=2.0)
    [noise] = [one for one in catches(margins[0], calibrated) if one.name == "noise~1"]
    assert [line.metric for line in noise.lines] == ["spread", "SX-C"]
