"""The dot-and-interval picture of one metric."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.load import Loaded, load
from reports.strip import LABEL, WIDTH, strip, ticks
from reports.table import tables


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5))
def test_ticks_are_round_few_and_inside(low, span):
    at, decimals = ticks(low, low + span)
    assert 2 <= len(at) <= 12
    assert all(low - 1e-6 * span <= t <= low + span * (1 + 1e-6) for t in at)
    assert len({f"{t:.{decimals}f}" for t in at}) == len(at)


def test_every_picture_is_sound_and_inside_its_frame(realistic):
    drawn = 0
    for table in tables(load(realistic)):
        for j in range(len(table.columns)):
            picture = ElementTree.fromstring(str(strip(table, j)))
            width, height = map(float, picture.get("viewBox").split()[2:])
            for shape in picture.iter():
                xs = [float(shape.get(k)) for k in ("x1", "x2", "cx") if shape.get(k)]
                ys = [float(shape.get(k)) for k in ("y", "y1", "y2", "cy") if shape.get(k)]
                assert all(LABEL <= x <= width for x in xs) and all(0 <= y <= height for y in ys)
            assert len(list(picture.iter("circle"))) == sum(line[j].value is not None for line in table.cells)
            drawn += 1
    assert drawn == 9


def one_column(make, tmp_path, **cells):
    make_result, _, _ = make
    [table] = tables([Loaded(make_result(name, [m]), tmp_path) for name, m in cells.items()])
    return str(strip(table, 0))


def test_a_larger_value_stands_further_right(make, tmp_path):
    value = make[1]
    text = one_column(make, tmp_path, gt=value("SSIM", 1.0), a=value("SSIM", 0.5), b=value("SSIM", 0.7))
    truth, a, b = (float(x) for x in re.findall(r'cx="([\d.]+)"', text))
    assert a < b < truth
    assert 'class="ceiling"' in text and 'class="floor"' not in text


def test_a_huge_interval_is_cut_with_arrow_heads_and_leaves_room_for_the_dots(make, tmp_path):
    value = make[1]
    text = one_column(make, tmp_path, a=value("SSIM", 0.5, 400.0), b=value("SSIM", 0.7))
    a, b = (float(x) for x in re.findall(r'cx="([\d.]+)"', text))
    assert text.count("<polygon") == 2
    assert b - a > (WIDTH - LABEL) / 5


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-9, 1e9])
def test_one_value_alone_can_be_drawn(make, tmp_path, value):
    text = one_column(make, tmp_path, a=make[1]("SSIM", value, 0.0))
    assert text.count("<circle") == 1 and "nan" not in text


def test_infinity_is_written_not_drawn(make, tmp_path):
    text = one_column(make, tmp_path, a=make[1]("PSNR", math.inf, None), b=make[1]("PSNR", 30.0))
    assert text.count("<circle") == 1 and "∞" in text


def test_a_difference_smaller_than_its_intervals_looks_small(make, tmp_path):
    value = make[1]
    text = one_column(make, tmp_path, a=value("SSIM", 0.80010), b=value("SSIM", 0.80012))
    a, b = (float(x) for x in re.findall(r'cx="([\d.]+)"', text))
    assert b - a < 2 and "<polygon" not in text


def test_a_ground_truth_far_beyond_all_others_stands_at_the_edge_with_its_value(make, tmp_path):
    value = make[1]
    text = one_column(
        make, tmp_path, gt=value("PSNR", 101.0, None), a=value("PSNR", 20.0, 1.0), b=value("PSNR", 30.0, 1.0)
    )
    a, b = (float(x) for x in re.findall(r'cx="([\d.]+)"', text))
    assert b - a > (WIDTH - LABEL) / 3
    assert ">101.0" in text and text.count("<polygon") == 1 and 'class="ceiling"' not in text


def test_of_a_ground_truth_and_one_other_both_are_drawn(make, tmp_path):
    text = one_column(make, tmp_path, gt=make[1]("PSNR", 101.0, None), a=make[1]("PSNR", 20.0, 1.0))
    assert text.count("<circle") == 2


@pytest.mark.parametrize(("truth", "anchor"), [(101.0, "end"), (-101.0, "start")])
def test_the_value_of_a_ground_truth_at_the_edge_runs_towards_the_middle(make, tmp_path, truth, anchor):
    value = make[1]
    text = one_column(make, tmp_path, gt=value("PSNR", truth, None), a=value("PSNR", 20.0), b=value("PSNR", 30.0))
    [shown] = [t for t in ElementTree.fromstring(text).iter("text") if t.get("class") == "none"]
    assert shown.get("text-anchor") == anchor and LABEL < float(shown.get("x")) < WIDTH
