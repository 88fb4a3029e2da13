"""Bayesian search and early stopping, for which optuna is asked: from the trials' own files alone."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from handmade_store import write_store

from bench.contract.errors import ExitCode, UsageError
from bench.flags.sweeps import Sweep as Flags
from bench.sweep_verb import sweep_verb
from bench.workspace import Workspace

BAYES = {
    "method": "bayes",
    "metric": {"name": "validation/accuracy", "goal": "maximize"},
    "parameters": {
        "steps": {"value": 20},
        "validate_every": {"value": 10},
        "learning_rate": {"min": 1e-5, "max": 0.1, "distribution": "log_uniform_values"},
        "batch_size": {"min": 8, "max": 32, "distribution": "q_uniform", "q": 8},
        "sizes": {"values": [[1], [1, 2]]},
    },
    "run_cap": 5,
    "emotalk": {"metric": "toy", "profile": "smoke"},
}
STOPPING = {
    "method": "grid",
    "metric": {"name": "validation/accuracy", "goal": "maximize"},
    "parameters": {
        "steps": {"value": 80},
        "validate_every": {"value": 10},
        "learning_rate": {"values": [1e-2, 1e-9, 1e-8]},
    },
    "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 2},
    "emotalk": {"metric": "toy", "profile": "smoke"},
}


@pytest.fixture
def space(tmp_path, monkeypatch) -> Workspace:
    """A work folder with the two parts prepared, and a toy among the trainables."""
    from metrics import trainables

    monkeypatch.setitem(trainables.TRAINABLES, "toy", "toy_trainable:Toy")
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path / "work"))
    parts = {"judge-train": ["M301_front_angry_1_002"], "validation": ["M201_front_fear_1_001"]}
    write_store(tmp_path / "work" / "store" / "puppet-smoke", parts)
    return Workspace.open()


def sweep(space, folder, document, **flags):
    path = folder / "toy-sweep.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return sweep_verb(Flags(file=str(path), device="cpu", jobs=1, **flags), space, "emotalk sweep")


def documents(outcome) -> list[dict]:
    return [json.loads(p.read_text()) for p in sorted(Path(outcome.document["folder"], "trials").glob("*.json"))]


@pytest.mark.parametrize("document", [BAYES, STOPPING])
def test_without_optuna_the_error_names_the_extra_that_brings_it(space, tmp_path, monkeypatch, document):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'emotalk-bench\[sweep\]'"):
        sweep(space, tmp_path, document)


@pytest.mark.slow
def test_bayes_suggests_within_the_file_and_the_same_after_a_stop(space, tmp_path):
    pytest.importorskip("optuna", reason="optuna is not installed: pip install -e '.[sweep]'")
    whole = sweep(space, tmp_path, BAYES)
    assert whole.code == ExitCode.DONE and len(documents(whole)) == 5
    for trial in documents(whole):
        settings = trial["settings"]
        assert settings["batch_size"] in (8, 16, 24, 32) and settings["sizes"] in ([1], [1, 2])
        assert 1e-5 <= settings["learning_rate"] <= 0.1
    other = Workspace(tmp_path / "other")
    other.root.mkdir()
    (other.root / "store").symlink_to(space.root / "store")
    for count in (2, 5):  # ended after two, then gone on with
        cut = sweep(other, tmp_path, BAYES, count=count)
    assert [t["settings"] for t in documents(cut)] == [t["settings"] for t in documents(whole)]
    before = [t["ended"] for t in documents(cut)]
    assert [t["ended"] for t in documents(sweep(other, tmp_path, BAYES))] == before


@pytest.mark.slow
def test_trials_that_fall_behind_are_stopped_and_are_not_the_runs_of_a_plain_training(space, tmp_path):
    pytest.importorskip("optuna", reason="optuna is not installed: pip install -e '.[sweep]'")
    done = sweep(space, tmp_path, STOPPING)
    first, *others = documents(done)
    assert (first["status"], first["steps"], len(first["validations"])) == ("finished", 80, 8)
    assert all(
        t["status"] == "stopped" and t["steps"] < 80 and len(t["validations"]) == t["steps"] / 10 for t in others
    )
    assert [g["n"] for g in done.document["groups"]] == [1, 0, 0]
    plain = sweep(space, tmp_path, {k: v for k, v in STOPPING.items() if k != "early_terminate"})
    assert not {t["run"] for t in documents(plain)} & {t["run"] for t in documents(done)}
    assert {t["steps"] for t in documents(plain)} == {80}
    assert documents(sweep(space, tmp_path, STOPPING)) == documents(done)
