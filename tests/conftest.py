"""Shared by the tests: one work folder with weights, one rendered smoke tree, made once however many processes test."""

import fcntl
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

os.environ.setdefault("WANDB_MODE", "disabled")  # no test mirrors, or sends anything from a machine with a key, unasked
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))  # what several tests, or a test and a page of the docs, share


def pytest_addoption(parser):
    parser.addoption(
        "--tolerances", metavar="PAGE", help="write the comparisons with reference tools as a page of the docs"
    )


def pytest_configure(config):
    if config.getoption("--tolerances") and "PYTEST_XDIST_WORKER" not in os.environ:
        path = Path(config.getoption("--tolerances")).with_suffix(".jsonl")
        path.unlink(missing_ok=True)
        os.environ["EMOTALK_TOLERANCES"] = str(path.absolute())


def pytest_collection_modifyitems(config, items):
    if config.getoption("--tolerances"):  # the table is filled by the tests that compare, and by nothing else
        items[:] = [item for item in items if "tolerance" in getattr(item, "fixturenames", ())]


def pytest_unconfigure(config):
    if config.getoption("--tolerances") and "PYTEST_XDIST_WORKER" not in os.environ:
        import tolerances

        lines = Path(os.environ["EMOTALK_TOLERANCES"])
        if lines.is_file():
            Path(config.getoption("--tolerances")).write_text(tolerances.page(tolerances.read(lines)), encoding="utf-8")
            lines.unlink()


@pytest.fixture
def tolerance(request):
    """tolerance(metric, reference, quantity, difference, allowed, unit=""): fails above `allowed`, and fills the table."""
    import tolerances

    def check(metric: str, reference: str, quantity: str, difference: float, allowed: float, unit: str = "") -> None:
        test = request.node.nodeid.rpartition("tests/")[2]
        tolerances.record(
            tolerances.Line(
                metric, reference, quantity, float(difference), float(allowed), unit, test.partition("[")[0]
            )
        )
        assert difference <= allowed, f"{metric}, {quantity}: {difference:.3g} from {reference}, allowed {allowed:.3g}"

    return check


@contextmanager
def alone(folder: Path):
    """One test process at a time in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory) -> Path:
    """A folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared"


@pytest.fixture(scope="session")
def face_weights(shared_folder) -> Path:
    """The face landmarker, fetched into the checkout's own work folder once and kept there."""
    from bench import weights

    with alone(shared_folder):
        work = os.environ.get("EMOTALK_WORK")
        os.environ["EMOTALK_WORK"] = str(ROOT / "work")
        try:
            path = weights.fetch("face_landmarker", progress=False)
        finally:
            os.environ.pop("EMOTALK_WORK") if work is None else os.environ.__setitem__("EMOTALK_WORK", work)
    os.environ.setdefault("EMOTALK_WEIGHTS", str(path.parent))
    return path


@pytest.fixture(scope="session")
def weight_file(shared_folder):
    """weight_file(name) -> path of a pretrained file, fetched once and kept as `face_weights` is; skips with the reason."""
    from bench import weights
    from bench.contract.errors import WeightsError

    def path(name: str) -> Path:
        with alone(shared_folder), pytest.MonkeyPatch.context() as patch:
            patch.setenv("EMOTALK_WORK", str(ROOT / "work"))
            try:
                return weights.fetch(name, progress=False)
            except WeightsError as error:
                pytest.skip(f"{name}: {error}")

    return path


@pytest.fixture(scope="session")
def smoke_tree(shared_folder, face_weights) -> Path:
    """The embedded dataset at its smallest, test part, as `emotalk prepare` renders it."""
    from bench.data.puppet.dataset import write_tree

    folder = shared_folder / "puppet-smoke"
    with alone(shared_folder):
        write_tree(folder, "smoke", parts=("test",), jobs=2)
    return folder


@pytest.fixture(scope="session")
def smoke_work(shared_folder, smoke_tree) -> Path:
    """A work folder in which the smoke tree is prepared."""
    from bench.prepare import prepare
    from bench.workspace import Workspace

    work = shared_folder / "work"
    with alone(shared_folder):
        prepare("puppet", root=smoke_tree, profile="smoke", manifest=None, part="test", space=Workspace(work), jobs=2)
    return work


@pytest.fixture(scope="session")
def cremad_tree(shared_folder) -> Path:
    """The six real CREMA-D clips in their dataset's layout, checked against their published hashes."""
    from bench import weights

    beside = ROOT.parent / "shared" / "real" / "cremad"
    if beside.is_dir():
        return beside
    with alone(shared_folder):
        weights.fetch_bundle("cremad-sample", shared_folder / "cremad", progress=False)
    return shared_folder / "cremad"
