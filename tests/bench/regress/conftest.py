"""A made-up row of five speakers, frozen as the reference of a gate with a margin per primary metric."""

import shutil
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
from regression_rows import ABOUT, DECLARED, MODEL, write_rows
from result_rows import write_row

from bench.compare import load_row
from bench.contract.metric import SetEstimate
from bench.regress.margins import control_rows, margins_of
from bench.regress.reference import freeze, load_reference


def patched(patch):
    """The set metric of these rows is the SD of what the clips gave."""

    def estimate(clips, seed):
        x = np.stack([clip.arrays["x"] for clip in clips])
        return SetEstimate(lambda mask: float(x[mask].std()))

    metric = SimpleNamespace(name="spread", collection="numbers", estimate=estimate)
    for module in ("catches", "gate", "margins", "rates", "reference"):
        patch.setattr(f"bench.regress.{module}.set_metric", lambda result, name: metric)


@pytest.fixture(autouse=True)
def of_set(monkeypatch):
    patched(monkeypatch)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Result folders, margins, and a folder of references with the model in it."""
    folder = tmp_path_factory.mktemp("regress")
    results = write_rows(folder / "results")
    with pytest.MonkeyPatch.context() as patch:
        patched(patch)
        model = load_row(results / "model")
        found = margins_of(control_rows(model.result, DECLARED, results), DECLARED, 0, "no calibration of these rows")
        freeze(model, "model", *found, folder / "references", ABOUT)
    return folder, found


@pytest.fixture
def results(made_once, tmp_path):
    return shutil.copytree(made_once[0] / "results", tmp_path / "work" / "results")


@pytest.fixture
def margins(made_once):
    return deepcopy(made_once[1])


@pytest.fixture
def references(tmp_path):
    return tmp_path / "references"


@pytest.fixture
def frozen(made_once, references):
    shutil.copytree(made_once[0] / "references", references)
    return load_reference("model", [references])


@pytest.fixture
def another(tmp_path):
    """another(values): a row like the frozen one with other noise, and with some values changed."""

    def write(values=None, name="other", spread=2.0, seed=5, **about):
        return load_row(write_row(tmp_path / name, name, MODEL | (values or {}), spread=spread, seed=seed, **about))

    return write
