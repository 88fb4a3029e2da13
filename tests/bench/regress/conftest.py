"""A made-up row of five speakers, frozen as the reference of a gate with a margin per primary metric."""

from types import SimpleNamespace

import numpy as np
import pytest
from regression_rows import ABOUT, DECLARED, MODEL, write_rows
from result_rows import write_row

from bench.compare import load_row
from bench.contract.metric import SetEstimate
from bench.regress.margins import control_rows, margins_of
from bench.regress.reference import freeze, load_reference


@pytest.fixture(autouse=True)
def spread(monkeypatch):
    """The set metric of these rows: the SD of what the clips gave."""

    def estimate(clips, seed):
        x = np.stack([clip.arrays["x"] for clip in clips])
        return SetEstimate(lambda mask: float(x[mask].std()))

    metric = SimpleNamespace(name="spread", collection="numbers", estimate=estimate)
    for module in ("gate", "margins", "reference"):
        monkeypatch.setattr(f"bench.regress.{module}.set_metric", lambda result, name: metric)


@pytest.fixture
def results(tmp_path):
    return write_rows(tmp_path / "work" / "results")


@pytest.fixture
def margins(results):
    controls = control_rows(load_row(results / "model").result, DECLARED, results)
    return margins_of(controls, DECLARED, 0, "no calibration of these rows")


@pytest.fixture
def references(tmp_path):
    return tmp_path / "references"


@pytest.fixture
def frozen(results, margins, references):
    freeze(load_row(results / "model"), "model", *margins, references, ABOUT)
    return load_reference("model", [references])


@pytest.fixture
def another(tmp_path):
    """another(values): a row like the frozen one with other noise, and with some values changed."""

    def write(values=None, name="other", spread=2.0, seed=5, **about):
        return load_row(write_row(tmp_path / name, name, MODEL | (values or {}), spread=spread, seed=seed, **about))

    return write
