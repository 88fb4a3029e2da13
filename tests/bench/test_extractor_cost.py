"""The table of costs: measured on real clips, and written into its page again and again without growing."""

import pytest

from bench.extractor_cost import BEGIN, END, Cost, block, costs, written_into


def test_the_block_is_replaced_and_the_rest_of_the_page_stays():
    cheap, dear = Cost("cheap", "metric", 0.5, 0.0, 3.0), Cost("dear", "extractor", 20.0, 1.5, 300.0)
    first = written_into("# Speed\n\nwords\n", block([cheap], [], 2, 50, "cpu"))
    again = written_into(first, block([cheap, dear], ["SX-D (expert-missing)"], 2, 50, "cpu"))
    assert again.startswith("# Speed\n\nwords\n") and again.count(BEGIN) == again.count(END) == 1
    lines = [line for line in again.splitlines() if line.startswith(("| cheap", "| dear"))]
    assert lines == ["| dear | extractor | 20.00 | 1.5 | 300 |", "| cheap | metric | 0.50 | 0.0 | 3 |"]
    assert "All together 20.5 ms" in again and "for want of weights: SX-D (expert-missing)" in again


@pytest.mark.slow
def test_costs_are_measured_in_processes_of_their_own(smoke_work, monkeypatch):
    from bench.protocols import load_protocol

    monkeypatch.setattr("bench.extractor_cost._protocol", lambda: load_protocol("emotalk-light"))
    found, missing, frames = costs(smoke_work / "store" / "puppet-smoke", clips=1)
    assert [c.name for c in found] == ["face", "SSIM", "PSNR"] and not missing and frames > 10
    by_name = {c.name: c for c in found}
    assert by_name["SSIM"].ms_per_frame > by_name["PSNR"].ms_per_frame > 0
