"""Ratios of made-up measurements, and the page they are written into."""

import pytest

from bench.speed.chain import ToolTime
from bench.speed.measure import Measured
from bench.speed.passes import Passes
from bench.speed.report import BEGIN, END, block, ratios, written_into
from bench.speed.rows import Rows, RowTime


def rows(*cpus: float, inception: int = 20) -> Rows:
    passes = Passes({"inception": inception, "LPIPS": 50, "judge": 10}, {"inception": 2.0, "LPIPS": 1.0, "judge": 0.5})
    return Rows(6.0, tuple(RowTime(f"row{n}", cpu, 2 * cpu, passes, 54) for n, cpu in enumerate(cpus)))


@pytest.fixture
def found() -> Measured:
    ways = {
        ("inception", 1, "channels-first"): 90.0,
        ("inception", 16, "channels-last"): 70.0,
        ("LPIPS", 8, "channels-last"): 8.0,
    }
    ways |= {(f"face_{part}", 1, "channels-last"): 2.0 for part in ("detector", "landmarks", "blendshapes")}
    slower = {way: ms + 10 for way, ms in ways.items()}
    return Measured(
        2, 50, [ways, slower, ways], [rows(6.0, 3.0), rows(9.0, 9.0), rows(5.0, 3.0)], [rows(12.0, inception=100)] * 3
    )


def test_the_floor_is_the_best_way_of_each_network_times_its_pictures(found):
    assert found.best_ways()["inception"] == (("inception", 16, "channels-last"), 70.0)
    bare = found.bare(found.default)
    # a pair is two pictures for the trunk of LPIPS; what is not timed alone costs what it cost in the row
    assert bare == {"inception": (20, pytest.approx(1.4)), "LPIPS": (100, pytest.approx(0.8)), "judge": (10, 0.5)}


def test_ratios_are_those_of_medians_and_know_nothing_of_a_chain_that_was_not_run(found):
    r = ratios(found)
    assert r["row"] == pytest.approx(6 / 2.7) and r["row with start-up"] == pytest.approx(12 / 2.7)
    assert r["every frame"] == pytest.approx(12 / (7 + 0.8 + 0.5)) and r["second"] == pytest.approx(0.5)
    assert not any("chain" in name for name in r)


def test_the_chain_is_compared_after_its_start_up_and_without_its_networks(found):
    found.tools = {
        "fid": [ToolTime(40.0, 4.0, 20.0, 10.0, 41.0, (1.0,))],
        "ssim": [ToolTime(9.0, 1.0, None, 0.0, 9.0, (1.0,))],
        "landmarks": [ToolTime(3.0, 1.0, None, 0.0, 3.0, (50,))],
    }
    r = ratios(found)
    assert r["chain"] == pytest.approx((36 + 8 + 2) / 12)
    rest = 36 - 20 + 8 + 2 - 50 * 6.0 / 1e3  # mediapipe's networks are taken to be the bare ones
    assert r["chain without networks, default row"] == pytest.approx(rest / (6 - 3.5))
    assert r["chain without networks and matrix root"] == pytest.approx((rest - 10) / (6 - 3.5))


def test_the_block_takes_its_own_place_and_says_what_was_not_reached(found):
    first = written_into("# Speed\n\nwords\n", block(found, "python -m bench.speed"))
    again = written_into(first, block(found, "python -m bench.speed"))
    assert again.startswith("# Speed\n\nwords\n") and again.count(BEGIN) == again.count(END) == 1
    assert "| **2.22** | at most 1.5 | NO |" in again and "| **0.50** | at most 0.7 | yes |" in again
