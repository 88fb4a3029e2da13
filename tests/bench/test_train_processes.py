"""Several processes that train one model together: what one process with the whole batch gives, and what a death leaves."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import train_together
from handmade_store import write_store
from safetensors.numpy import load_file

from bench.contract.errors import UsageError
from bench.train import train
from bench.training.curve import read_curve
from bench.training.processes import ALONE, Processes, launched

EXACT = ("sgd", "parts", "phases", "rare", "bfloat16")


def together(folder: Path, *names: str, size: int = 2) -> list[subprocess.CompletedProcess]:
    """So many processes of one training, each with its exit code and what it said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, train_together.__file__, str(folder), *names]
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1",
              "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip
    started = [
        subprocess.Popen(command, env={**os.environ, **shared, "RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in range(size)
    ]
    said = [process.communicate(timeout=120)[1] for process in started]
    return [subprocess.CompletedProcess(command, p.returncode, "", text) for p, text in zip(started, said, strict=True)]


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[Path, Path]:
    """The same trainings by one process and by two."""
    alone, two = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("two")
    for name in EXACT:
        train(train_together.job(alone, name))
    for done in together(two, *EXACT):
        assert done.returncode == 0, done.stderr
    return alone, two


@pytest.mark.parametrize(
    ("name", "allowed"), [("sgd", 1e-5), ("parts", 1e-5), ("phases", 1e-5), ("rare", 1e-5), ("bfloat16", 1e-3)]
)
def test_two_processes_give_the_weights_and_the_curve_of_one_with_twice_the_batch(both, name, allowed):
    one, two = (load_file(folder / name / "best.safetensors") for folder in both)
    assert max(float(np.abs(one[key] - two[key]).max()) for key in one) < allowed
    curves = [list(read_curve(folder / name / "metrics.jsonl")) for folder in both]
    assert [(a.step, a.split, list(a.values)) for a in curves[0]] == [
        (b.step, b.split, list(b.values)) for b in curves[1]
    ]
    for a, b in zip(*curves, strict=True):
        assert list(a.values.values()) == pytest.approx(list(b.values.values()), abs=allowed * 100)


def test_only_the_first_process_leaves_files(both):
    files = [{str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in both]
    assert files[0] == files[1]


def test_a_batch_that_cannot_be_divided_is_wrong_use(tmp_path, monkeypatch):
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "here"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    job = train_together.job(tmp_path, "odd")
    monkeypatch.setattr(Processes, "told", lambda self, value=None: value)
    with pytest.raises(UsageError, match="2 processes: expected a divisor of batch_size = 15"):
        train(job)


@pytest.mark.parametrize(
    "names", [{}, {"WORLD_SIZE": "4"}, {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "a", "MASTER_PORT": "1"}]
)
def test_without_torchrun_a_process_is_alone(monkeypatch, names):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert launched() == ALONE


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_others_with_the_reason_and_the_run_goes_on_to_the_same_bits(tmp_path):
    for done in together(tmp_path / "whole", "dropout"):
        assert done.returncode == 0, done.stderr
    for name, survivor in (("dropout-killed", 0), ("dropout-cut", 1)):
        start = time.monotonic()
        ends = together(tmp_path / "cut", name)
        assert time.monotonic() - start < 60
        assert ends[1 - survivor].returncode == -9 and ends[survivor].returncode == 1
        assert "another process of this training has ended" in ends[survivor].stderr
        assert "Traceback" not in ends[survivor].stderr
    for done in together(tmp_path / "cut", "dropout"):
        assert done.returncode == 0, done.stderr
    whole, cut = tmp_path / "whole" / "dropout", tmp_path / "cut" / "dropout"
    assert (whole / "best.safetensors").read_bytes() == (cut / "best.safetensors").read_bytes()
    lines = [[line._replace(seconds=0) for line in read_curve(folder / "metrics.jsonl")] for folder in (whole, cut)]
    assert lines[0] == lines[1] and len(lines[0]) == 8


@pytest.mark.slow
def test_torchrun_and_the_command_line_give_one_record_and_one_document(tmp_path):
    parts = {"judge-train": ["M301_front_angry_1_002"], "validation": ["M201_front_fear_1_001"]}
    write_store(tmp_path / "store" / "puppet-smoke", parts)
    plugin = tmp_path / "toy_method.py"
    plugin.write_text(
        "from toy_trainable import Plain\n\n\nclass Together(Plain):\n    kind = 'plug-in'\n    consumes = frozenset()\n\n"
        "    def generate(self, request):\n        raise NotImplementedError\n"
    )
    words = ["-m", "torch.distributed.run", "--nproc-per-node=2", "-m", "bench.cli", "train", "--method", f"{plugin}:Together",
             "--profile", "smoke", "--device", "cpu", "--jobs", "1", "--set", "steps=20", "--json", "--work", tmp_path]  # fmt: skip
    paths = os.pathsep.join([str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["runs"]
    record = json.loads(Path(row["run"], "run.json").read_text())
    assert record["finished"] and record["processes"] == 2
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert json.loads(again.stdout)["runs"][0]["reused"]
