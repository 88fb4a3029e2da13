"""A whole row against its floor, against a second row, and against the programs that people chain today.

    pytest -m slow -s tests/speed/test_row.py

Two clips and one repeat: a guard against decay, with room for a busy machine. `python -m bench.speed` measures.
"""

from pathlib import Path

import pytest

from bench.speed.measure import METHODS, measure
from bench.speed.report import block, ratios

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
REFERENCE = Path(__file__).resolve().parents[2] / ".venv-ref" / "bin" / "python"


@pytest.fixture(scope="module")
def found(smoke_work, tmp_path_factory, weight_file):
    from baselines.registry import find_method
    from bench.data.store import Store
    from bench.generate import generate

    for name in ("fid_inception", "lpips_alex"):
        weight_file(name)
    work = tmp_path_factory.mktemp("work")
    (work / "store").symlink_to(smoke_work / "store")
    selection = Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test")
    for method in METHODS:
        generate(find_method(method), selection, work / "generated" / method / "puppet-smoke", seed=0, jobs=1)
    measured = measure(work, 2, 1, REFERENCE if REFERENCE.is_file() else None, profile="smoke")
    print("\n" + block(measured, "two clips, one repeat"))
    return measured


def test_row_floor(found):
    r = ratios(found)
    assert r["row"] < 2 and r["every frame"] < 1.6


def test_second_method(found):
    assert ratios(found)["second"] < 0.8


def test_row_chain(found):
    if not found.tools:
        pytest.skip("no reference environment: make reference-venv")
    assert all(times[0].values for tool, times in found.tools.items() if tool != "fid")
    assert ratios(found)["chain without networks"] > 1.5
