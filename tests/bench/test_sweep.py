"""`emotalk sweep`: which trials there are, that none is trained twice, and what the table says of them."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from handmade_store import write_store
from safetensors.numpy import load_file

from bench import train as trainer
from bench.atomic import read_json
from bench.contract.errors import ExitCode, UsageError
from bench.flags.sweeps import Sweep as Flags
from bench.sweep_verb import sweep_verb
from bench.sweeps import account
from bench.workspace import Workspace

GRID = {
    "method": "grid",
    "metric": {"name": "validation/accuracy", "goal": "maximize"},
    "parameters": {
        "steps": {"value": 20},
        "validate_every": {"value": 10},
        "learning_rate": {"values": ["1e-2", 0.001]},
        "seed": {"values": [0, 1]},
    },
    "emotalk": {"metric": "toy", "dataset": "puppet", "profile": "smoke"},
}


class Killed(BaseException):
    """Nothing catches it: the sweep ends there as if the process did."""


@pytest.fixture
def space(tmp_path, monkeypatch) -> Workspace:
    """A work folder with the two parts prepared, and a toy among the trainables."""
    from metrics import trainables

    monkeypatch.setitem(trainables.TRAINABLES, "toy", "toy_trainable:Toy")
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path / "work"))
    parts = {"judge-train": ["M301_front_angry_1_002"], "validation": ["M201_front_fear_1_001"]}
    write_store(tmp_path / "work" / "store" / "puppet-smoke", parts)
    return Workspace.open()


@pytest.fixture
def trained(monkeypatch) -> list[tuple[str, int, int]]:
    """What the trainer was asked for: learning rate, seed, step it began at."""
    asked = []

    class Seen(trainer._Run):
        def __init__(self, job):
            super().__init__(job)
            asked.append((job.config.learning_rate, job.seed, self.step))

    monkeypatch.setattr(trainer, "_Run", Seen)
    return asked


def written(folder: Path, document: dict, **changes) -> str:
    path = folder / "toy-sweep.yaml"
    path.write_text(yaml.safe_dump({**document, **changes}, sort_keys=False))
    return str(path)


def sweep(space, tmp_path, document=GRID, **flags):
    return sweep_verb(Flags(file=written(tmp_path, document), device="cpu", jobs=1, **flags), space, "emotalk sweep")


def documents(outcome) -> list[dict]:
    return [json.loads(p.read_text()) for p in sorted(Path(outcome.document["folder"], "trials").glob("*.json"))]


def test_a_grid_is_trained_in_the_order_of_the_file_and_never_again(space, tmp_path, trained):
    first = sweep(space, tmp_path)
    assert first.code == ExitCode.DONE
    assert trained == [(0.01, 0, 0), (0.01, 1, 0), (0.001, 0, 0), (0.001, 1, 0)]
    assert {t["status"] for t in documents(first)} == {"finished"}
    again = sweep(space, tmp_path)
    assert len(trained) == 4 and again.document == first.document


def test_each_trial_is_the_run_that_emotalk_train_makes_with_the_same_settings(space, tmp_path):
    from bench.flags.clips import Train
    from bench.train_verb import train_verb

    trial = documents(sweep(space, tmp_path))[0]
    settings = ("steps=20", "validate_every=10", "learning_rate=0.01")
    flags = Train(metric="toy", profile="smoke", settings=settings, device="cpu", jobs=1)
    [row] = train_verb(flags, space, "emotalk train").document["runs"]
    assert Path(row["run"]) == space.root / trial["run"] and row["best"]["value"] == trial["score"]


def test_a_trial_that_is_killed_goes_on_from_its_checkpoint_to_the_same_weights(space, tmp_path, trained, monkeypatch):
    from toy_trainable import Toy

    whole = Toy.loss

    def cut(self, model, batch, context):
        if context.seed == 1 and context.step == 15:
            raise Killed
        return whole(self, model, batch, context)

    monkeypatch.setattr(Toy, "loss", cut)
    with pytest.raises(Killed):
        sweep(space, tmp_path)
    [folder] = (space.root / "sweeps").iterdir()
    assert [read_json(p)["status"] for p in sorted((folder / "trials").glob("*.json"))] == ["finished", "running"]
    monkeypatch.setattr(Toy, "loss", whole)
    done = sweep(space, tmp_path)
    assert trained == [(0.01, 0, 0), (0.01, 1, 0), (0.01, 1, 10), (0.001, 0, 0), (0.001, 1, 0)]
    resumed = load_file(space.root / documents(done)[1]["run"] / "best.safetensors")
    other = Workspace(tmp_path / "other")
    (space.root / "store").rename(tmp_path / "store")
    other.root.mkdir()
    (tmp_path / "store").rename(other.root / "store")
    whole_run = load_file(other.root / documents(sweep(other, tmp_path))[1]["run"] / "best.safetensors")
    assert all((resumed[name] == whole_run[name]).all() for name in whole_run)


def test_a_trial_that_fails_is_recorded_the_others_go_on_and_the_next_command_tries_it_again(
    space, tmp_path, monkeypatch
):
    from toy_trainable import Toy

    whole = Toy.loss

    def broken(self, model, batch, context):
        if context.seed == 1:
            raise ZeroDivisionError("a bug")
        return whole(self, model, batch, context)

    monkeypatch.setattr(Toy, "loss", broken)
    done = sweep(space, tmp_path)
    assert done.code == ExitCode.SOME_FAILED
    assert [t["status"] for t in documents(done)] == ["finished", "failed", "finished", "failed"]
    assert documents(done)[1]["reason"] == "ZeroDivisionError: a bug" and "a bug" in done.text
    monkeypatch.setattr(Toy, "loss", whole)
    assert sweep(space, tmp_path).code == ExitCode.DONE


def test_a_changed_file_is_another_sweep_and_what_is_trained_already_is_taken_from_there(space, tmp_path, trained):
    one = sweep(space, tmp_path)
    parameters = {**GRID["parameters"], "seed": {"values": [0, 1, 2]}}
    two = sweep(space, tmp_path, {**GRID, "parameters": parameters})
    assert one.document["folder"] != two.document["folder"]
    assert [seed for _, seed, start in trained[4:] if start == 0] == [2, 2]
    renamed = sweep(space, tmp_path, {**GRID, "description": "the same"})
    assert renamed.document["folder"] == one.document["folder"]


def test_clips_prepared_anew_and_another_version_are_another_sweep(space, tmp_path, monkeypatch):
    from toy_trainable import Toy

    folders = [sweep(space, tmp_path).document["folder"]]
    write_store(space.store("puppet-smoke"), {"validation": ["M201_front_fear_1_002"]})
    folders.append(sweep(space, tmp_path).document["folder"])
    monkeypatch.setattr(Toy, "version", "2")
    folders.append(sweep(space, tmp_path).document["folder"])
    assert len(set(folders)) == 3


def test_random_draws_depend_on_the_seed_and_their_number_alone(space, tmp_path, trained):
    parameters = {**GRID["parameters"], "learning_rate": {"min": 1e-4, "max": "1e-1", "distribution": "log_uniform_values"},
                  "width": {"min": 4, "max": 9}}  # fmt: skip
    document = {**GRID, "method": "random", "parameters": parameters}
    few, many = sweep(space, tmp_path, document, count=2), sweep(space, tmp_path, document, count=4)
    assert len(trained) == 4
    assert [t["settings"] for t in documents(few)][:2] == [t["settings"] for t in documents(many)][:2]
    rates = [t["settings"]["learning_rate"] for t in documents(many)]
    assert len(set(rates)) == 4 and all(1e-4 <= rate <= 0.1 for rate in rates)
    assert all(t["settings"]["width"] in range(4, 10) for t in documents(many))
    other = sweep(space, tmp_path, document, count=2, seed=1)
    assert other.document["folder"] != few.document["folder"]
    assert documents(other)[0]["settings"] != documents(few)[0]["settings"]


def test_the_table_pairs_seeds_with_the_baseline(space, tmp_path):
    parameters = {**GRID["parameters"], "seed": {"values": [0, 1, 2]}, "learning_rate": {"values": [0.01, 1e-9]}}
    done = sweep(space, tmp_path, {**GRID, "parameters": parameters})
    table = done.document
    base, other = (next(g for g in table["groups"] if g["baseline"] == wanted) for wanted in (True, False))
    scores = {(t["settings"]["learning_rate"], t["seed"]): t["score"] for t in table["trials"]}
    pairs = [scores[1e-9, seed] - scores[0.01, seed] for seed in range(3)]
    found = other["difference"]
    assert found["pairs"] == 3 and found["mean"] == pytest.approx(sum(pairs) / 3)
    assert found["low"] < found["mean"] < found["high"] and found["verdict"] in ("worse", "not shown", "better")
    assert (
        base["mean"] == pytest.approx(sum(scores[0.01, seed] for seed in range(3)) / 3) and base["difference"] is None
    )
    folder = Path(table["folder"])
    lines = (folder / "table.csv").read_text().splitlines()
    assert len(lines) == 7 and "validation/accuracy" in lines[0]
    assert json.loads((folder / "table.json").read_text())["groups"] == table["groups"]
    assert "| baseline |" in (folder / "table.md").read_text()


def test_variants_change_several_fields_and_are_compared_by_name(space, tmp_path):
    parameters = {"steps": {"value": 20}, "variant": {"values": ["full", "narrow"]}, "seed": {"values": [0, 1]}}
    training = {**GRID["emotalk"], "baseline": {"variant": "narrow"},
                "variants": {"full": {}, "narrow": {"width": 2, "learning_rate": 0.1}}}  # fmt: skip
    done = sweep(space, tmp_path, {**GRID, "parameters": parameters, "emotalk": training})
    config = json.loads((space.root / documents(done)[2]["run"] / "config.json").read_text())
    assert (config["width"], config["learning_rate"]) == (2, 0.1)
    assert [g["settings"] for g in done.document["groups"] if g["baseline"]] == ["variant=narrow"]
    assert (
        next(g for g in done.document["groups"] if not g["baseline"])["difference"]["verdict"] == "fewer than 3 pairs"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"program": "train.py"}, "program is not supported here; .*supported are: name"),
        ({"metrics": {}}, "did you mean metric?"),
        ({"method": "hyperopt"}, "grid, random or bayes"),
        ({"metric": {"name": "validation/accuracy", "goal": "minimize"}}, "chosen by .* goal maximize"),
        ({"metric": {"name": "accuracy", "goal": "maximize"}}, "as validation/accuracy"),
        ({"metric": {"name": "validation/recall", "goal": "maximize"}}, "none of what toy has: validation/accuracy"),
        ({"parameters": {"stepps": {"value": 3}}}, "did you mean 'steps'"),
        ({"parameters": {"steps": {"values": [10, "many"]}}}, "a whole number"),
        ({"parameters": {"steps": {"min": 0.5, "max": 9}}}, "grid needs listed values"),
        ({"parameters": {"steps": {"value": 3, "max": 9}}}, "either value"),
        ({"parameters": {"steps": {"mean": 3}}}, "mean is not supported here"),
        ({"parameters": {"steps": {"min": 1, "max": 9, "distribution": "normal"}}}, "supported are: constant"),
        ({"parameters": {"seed": {"values": [-1]}}}, "whole numbers from 0"),
        (
            {"parameters": {"variant": {"values": ["full"]}}},
            "unknown key 'variant'",
        ),
        ({"method": "random"}, "give --count N"),
        ({"run_cap": 0}, "at least 1"),
        ({"early_terminate": {"type": "median"}}, "type: hyperband"),
        ({"emotalk": {"metric": "joodge"}}, "unknown 'joodge'"),
        ({"emotalk": {"metric": "toy", "method": "toy"}}, "either method"),
        ({"emotalk": {"metric": "toy", "profile": "huge"}}, "one of 'smoke'"),
        ({"emotalk": {"metric": "toy", "profile": "smoke", "baseline": {"steps": 3}}}, "steps is not supported here"),
        ({"emotalk": {"metric": "toy", "profile": "quick"}}, "is not prepared"),
    ],
)
def test_what_would_not_be_obeyed_is_refused_before_anything_runs(space, tmp_path, change, said):
    with pytest.raises(UsageError, match=said):
        sweep(space, tmp_path, {**GRID, **change})
    assert not [p for p in (space.root / "runs").rglob("best.safetensors")]


def test_a_name_that_is_no_file_gets_the_nearest_of_those_that_come_along(space):
    with pytest.raises(UsageError, match="did you mean judge-geometry"):
        sweep_verb(Flags(file="judge-geometrie"), space, "emotalk sweep")


def test_every_sweep_that_comes_along_fits_what_it_trains(tmp_path, monkeypatch):
    from bench.sweeps import sweep as sweeps
    from bench.sweeps.definition import find, read, shipped

    nothing = SimpleNamespace(source=SimpleNamespace(fingerprint=""))
    monkeypatch.setattr(sweeps, "TrainingClips", lambda *given: nothing)
    monkeypatch.setattr(sweeps.TrialRows, "identity", "")
    for name in shipped():
        definition = read(find(name))
        found = sweeps.Sweep(definition, sweeps.training_flags(definition, {}), Workspace(tmp_path), 3)
        assert found.propose([]), name


def test_wandb_is_never_asked_offline_or_without_a_key(space, tmp_path, monkeypatch):
    monkeypatch.setattr(account, "_registered", lambda *given: pytest.fail("W&B was asked"))
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    one = {**GRID, "parameters": {"steps": {"value": 5}}}
    for mode, key, flag in (("", None, "auto"), ("", "k" * 40, "off"), ("offline", "k" * 40, "auto"), ("disabled", "k" * 40, "auto"),
                            ("online", None, "on")):  # fmt: skip
        monkeypatch.setenv("WANDB_MODE", mode)
        monkeypatch.setenv("WANDB_API_KEY", key) if key else monkeypatch.delenv("WANDB_API_KEY", raising=False)
        assert sweep(space, tmp_path, one, wandb=flag).code == ExitCode.DONE


def test_a_wandb_that_fails_is_one_line_and_the_sweep_goes_on_here(space, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setenv("WANDB_MODE", "online")
    folder = tmp_path / "broken" / "wandb"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('no such server')")
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    done = sweep(space, tmp_path, {**GRID, "parameters": {"steps": {"value": 5}}})
    assert done.code == ExitCode.DONE
    [line] = [line for line in capfd.readouterr().err.splitlines() if line.startswith("W&B:")]
    assert "no such server" in line and "goes on here" in line


STAND_IN = """
import json, os, subprocess, sys
LOG = os.environ["STAND_IN_LOG"]

def sweep(config, project, entity):
    with open(LOG, "w") as file:
        json.dump(config, file)
    print("Create sweep with ID: abc")
    return "abc"
"""
AGENT = """
import itertools, json, os, subprocess, sys
config = json.load(open(os.environ["STAND_IN_LOG"]))
assert sys.argv[1:] == ["agent", "--project", "faces", "abc"], sys.argv
names = list(config["parameters"])
lists = [rows.get("values", [rows.get("value")]) for rows in config["parameters"].values()]
for values in itertools.product(*lists):
    words = []
    for word in config["command"]:
        if word == "${args_no_hyphens}":
            words += [f"{n}={v}" for n, v in zip(names, values)]
        else:
            words.append("/usr/bin/env" if word == "${env}" else word)
    subprocess.run(words, check=True)
"""


@pytest.mark.slow
def test_with_an_account_the_sweep_is_registered_once_and_its_agents_make_the_same_trials(space, tmp_path, monkeypatch):
    folder = tmp_path / "stand-in" / "wandb"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(STAND_IN)
    (folder / "__main__.py").write_text(AGENT)
    root = Path(__file__).parents[2]
    plugin = tmp_path / "toy_method.py"
    plugin.write_text("from toy_trainable import Plain\n\n\nclass Here(Plain):\n    kind = 'plug-in'\n    consumes = frozenset()\n\n"
                      "    def generate(self, request):\n        raise NotImplementedError\n")  # fmt: skip
    paths = [folder.parent, root / "tests" / "support", root]
    for name, value in (("PYTHONPATH", os.pathsep.join(map(str, paths))), ("STAND_IN_LOG", str(tmp_path / "log.json")),
                        ("WANDB_API_KEY", "k" * 40), ("WANDB_MODE", "online"), ("WANDB_PROJECT", "faces")):  # fmt: skip
        monkeypatch.setenv(name, value)
    training = {"method": f"{plugin}:Here", "profile": "smoke"}
    document = {**GRID, "emotalk": training}
    done = sweep(space, tmp_path, document)
    assert done.code == ExitCode.DONE and len(documents(done)) == 4
    told = json.loads((tmp_path / "log.json").read_text())
    assert "emotalk" not in told and told["parameters"] == GRID["parameters"]
    (tmp_path / "log.json").rename(tmp_path / "first.json")
    (tmp_path / "first.json").rename(tmp_path / "log.json")
    os.utime(tmp_path / "log.json", (1, 1))
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert sweep(space, tmp_path, document).document["trials"] == done.document["trials"]
    assert os.stat(tmp_path / "log.json").st_mtime == 1


@pytest.mark.slow
def test_agents_share_the_trials_of_one_sweep(tmp_path, space, monkeypatch):
    root = Path(__file__).parents[2]
    plugin = tmp_path / "toy_method.py"
    plugin.write_text("from toy_trainable import Plain\n\n\nclass Here(Plain):\n    kind = 'plug-in'\n    consumes = frozenset()\n\n"
                      "    def generate(self, request):\n        raise NotImplementedError\n")  # fmt: skip
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, [root / "tests" / "support", root])))
    document = {**GRID, "emotalk": {"method": f"{plugin}:Here", "profile": "smoke"}}
    done = sweep(space, tmp_path, document, agents=2, wandb="off")
    assert done.code == ExitCode.DONE and [t["status"] for t in documents(done)] == ["finished"] * 4
