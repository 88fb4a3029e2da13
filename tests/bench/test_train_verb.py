"""`emotalk train`: which clips may be learned from, what a run leaves behind, and that a finished one is not made again."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from handmade_store import write_store
from moving_face import cues_of
from run_emotalk import emotalk
from safetensors.numpy import load_file

from bench import experts
from bench.cli import Train
from bench.contract.errors import ExitCode, UsageError, WeightsError
from bench.contract.expert_file import read_expert
from bench.tracking.mirror import Mirror
from bench.train_verb import train_verb
from bench.workspace import Workspace

JUDGE_TRAIN = ["M301_front_angry_1_002", "M301_front_contempt_2_001"]
VALIDATION = ["M201_front_contempt_2_002", "M201_front_fear_1_001"]
QUICK = ("steps=20", "validate_every=10")


@pytest.fixture
def space(tmp_path, monkeypatch) -> Workspace:
    """A work folder with the two parts prepared, and a toy among the trainables."""
    from metrics import trainables

    monkeypatch.setitem(trainables.TRAINABLES, "toy", "toy_trainable:Toy")
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))
    write_store(tmp_path / "store" / "puppet-smoke", {"judge-train": JUDGE_TRAIN, "validation": VALIDATION})
    return Workspace(tmp_path)


def run(space, **flags):
    flags = {"metric": "toy", "profile": "smoke", "settings": QUICK, "device": "cpu", "jobs": 1} | flags
    return train_verb(Train(**flags), space, "emotalk train")


def test_training_speakers_of_another_profile_join_and_the_recipe_says_so(space):
    alone = run(space)
    more = ["M302_front_sad_1_001", "W301_front_sad_1_001"]
    write_store(space.store("puppet-quick"), {"judge-train": more, "validation": VALIDATION}, manifest="quick")
    [row] = run(space, also=("quick",)).document["runs"]
    record = json.loads((Path(row["run"]) / "run.json").read_text())
    assert record["train_speakers"] == ["M301", "M302", "W301"] and record["validation_clips"] == len(VALIDATION)
    assert record["manifest"] == "smoke+quick" and row["run_id"] != alone.document["runs"][0]["run_id"]
    assert "--also quick" in read_expert(Path(row["expert"])).card["recipe"]


def test_a_dataset_without_profiles_takes_no_further_ones(space):
    from bench.training.clips import _further

    with pytest.raises(UsageError, match="mead has no profiles"):
        _further(Train(metric="toy", dataset="mead"), space, "judge-train")


def test_a_run_leaves_its_record_its_curve_its_weights_and_an_expert(space):
    outcome = run(space)
    assert outcome.code == ExitCode.DONE
    [row] = outcome.document["runs"]
    folder = Path(row["run"])
    parts = {"config.json", "run.json", "metrics.jsonl", "best.safetensors", "last", "card.json"}
    assert {p.name for p in folder.iterdir()} >= parts
    record = json.loads((folder / "run.json").read_text())
    assert record["kind"] == "judge" and record["finished"] and record["manifest"] == "smoke" and record["seed"] == 0
    assert record["train_speakers"] == ["M301"] and record["validation_speakers"] == ["M201"]
    assert len(record["checkpoint_sha256"]) == 64 and record["data_version"] == "2"
    assert row["expert"] == str(space.experts("puppet") / "toy.safetensors")


def test_a_finished_run_is_not_run_again_and_another_configuration_seed_or_clip_is_another_run(space):
    first = run(space).document["runs"][0]
    again = run(space).document["runs"][0]
    assert again["reused"] and again["run_id"] == first["run_id"]
    ids = {first["run_id"]}
    for change in ({"settings": (*QUICK, "width=4")}, {"seed": 1}, {"limit": 1}, {"patience": 3}):
        row = run(space, **change).document["runs"][0]
        assert not row["reused"]
        ids.add(row["run_id"])
    assert len(ids) == 5


def test_an_expert_that_is_gone_is_exported_again_without_training(space):
    first = run(space).document["runs"][0]
    expert = Path(first["expert"])
    card, weights = json.loads(expert.with_suffix(".json").read_text()), expert.read_bytes()
    expert.unlink()
    curve = Path(first["run"], "metrics.jsonl").read_text()
    run(space)
    assert expert.read_bytes() == weights and json.loads(expert.with_suffix(".json").read_text()) == card
    assert Path(first["run"], "metrics.jsonl").read_text() == curve


def test_several_seeds_are_several_experts_with_the_seed_in_their_names(space):
    rows = run(space, seeds="0,2").document["runs"]
    assert [Path(row["expert"]).name for row in rows] == ["toy-0.safetensors", "toy-2.safetensors"]
    assert {"toy-0", "toy-2"} <= set(experts.available("puppet"))


def test_the_card_is_of_the_rounded_weights_and_says_how_to_make_them(space, tmp_path):
    [row] = run(space, settings=(*QUICK, "sizes=1,2"), out=tmp_path / "elsewhere").document["runs"]
    expert = read_expert(Path(row["expert"]))
    card = expert.card
    assert {array.dtype.name for array in load_file(row["expert"]).values()} == {"float16", "int64"}
    assert card["bytes"] == Path(row["expert"]).stat().st_size < 4_000_000
    assert card["classes"] == ["no", "yes"] and card["config"]["sizes"] == [1, 2] and card["family"] == "puppet"
    assert card["chosen_by"]["value"] == card["measured"]["accuracy"]
    assert str(tmp_path) not in json.dumps(card)
    words = shlex.split(card["recipe"])
    assert words[:4] == ["emotalk", "train", "--metric", "toy"] and "sizes=1,2" in words and "smoke" in words


def test_an_expert_is_found_by_name_and_only_for_its_family_and_version(space):
    path = Path(run(space).document["runs"][0]["expert"])
    assert experts.resolve("toy", dataset="puppet", data_version="2") == path
    assert experts.resolve("toy", dataset="puppet-cremad", data_version=2) == path
    with pytest.raises(WeightsError, match="version 2 of the data"):
        experts.resolve("toy", dataset="puppet", data_version="3")
    with pytest.raises(experts.ExpertMissing, match="emotalk train --metric toy --dataset cremad") as caught:
        experts.resolve("toy", dataset="cremad", data_version=None)
    assert caught.value.reason == "expert-missing"
    with pytest.raises(WeightsError, match="M301"):
        experts.resolve("toy", dataset="puppet", data_version="2", speakers=["m301", "M101"])


def test_a_puppet_expert_put_into_another_familys_folder_is_refused(space):
    path = Path(run(space).document["runs"][0]["expert"])
    other = space.experts("mead")
    other.mkdir(parents=True)
    for file in (path, path.with_suffix(".json")):
        (other / file.name).write_bytes(file.read_bytes())
    with pytest.raises(WeightsError, match="cannot score mead"):
        experts.resolve("toy", dataset="mead", data_version="2")


def test_an_expert_that_is_not_what_its_card_says_is_refused(space):
    path = Path(run(space).document["runs"][0]["expert"])
    path.write_bytes(path.read_bytes()[:-2] + b"\0\1")
    with pytest.raises(WeightsError, match="SHA-256"):
        experts.resolve("toy", dataset="puppet", data_version="2")
    path.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match="card"):
        experts.resolve("toy", dataset="puppet", data_version="2")


def test_speakers_held_out_are_never_trained_on(space):
    store = space.store("puppet-smoke")
    write_store(store, {"judge-train": [*JUDGE_TRAIN, "M201_front_fear_1_002"]})
    with pytest.raises(UsageError, match="M201"):
        run(space)
    write_store(store, {"judge-train": [*JUDGE_TRAIN, "M101_front_fear_1_002"]})
    with pytest.raises(UsageError, match="M101"):
        run(space)


def test_clips_of_test_are_neither_trained_nor_chosen_on(space, monkeypatch):
    from toy_trainable import Toy

    from bench.contract.clip import Part

    write_store(space.store("puppet-smoke"), {"test": ["M101_front_fear_1_002"]})
    for parts in ((Part.JUDGE_TRAIN, Part.TEST), (Part.TEST, Part.VALIDATION), (Part.VALIDATION, Part.VALIDATION)):
        monkeypatch.setattr(Toy, "speakers", parts)
        with pytest.raises(UsageError, match="only clips of"):
            run(space)


def test_a_part_that_is_not_prepared_is_named_with_the_command(space):
    (space.store("puppet-smoke") / "selections" / "smoke-validation.json").unlink()
    with pytest.raises(UsageError, match="emotalk prepare --dataset puppet --profile smoke --split validation"):
        run(space)


def test_a_run_of_another_version_of_the_data_does_not_go_on(space):
    row = run(space).document["runs"][0]
    record = Path(row["run"], "run.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"data_version": "1", "finished": False}))
    with pytest.raises(UsageError, match="version 1 of the data"):
        run(space)


def test_the_mirror_is_told_the_curve_and_a_mirror_that_fails_costs_nothing(space, tmp_path):
    told = []

    class Ear(Mirror):
        def _put(self, **message):
            told.append(message)

        def _start(self):
            self._process = object()

    mirror = Ear("offline", work=tmp_path)
    train_verb(
        Train(metric="toy", profile="smoke", settings=QUICK, device="cpu", jobs=1), space, "emotalk train", mirror
    )
    assert [m["job"] for m in told if m["do"] == "begin"] == ["train"]
    curve = [(m["step"], *m["values"]) for m in told if m["do"] == "log"]
    assert [step for step, *names in curve if "validation/accuracy" in names] == [10, 20]
    assert [step for step, *names in curve if "train/loss" in names] == [10, 20]

    class Broken(Ear):
        def _put(self, **message):
            raise OSError("no network")

    broken = Broken("offline", work=tmp_path)
    flags = Train(metric="toy", profile="smoke", settings=QUICK, device="cpu", jobs=1, seed=5)
    assert train_verb(flags, space, "emotalk train", broken).code == ExitCode.DONE


def test_a_network_too_large_to_ship_is_refused_before_it_is_trained(space):
    with pytest.raises(UsageError, match="MB"):
        run(space, settings=(*QUICK, "width=400000"))
    assert not (space.root / "runs").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"metric": "joodge"}, "unknown 'joodge'"),
        ({"metric": None}, "either --metric"),
        ({"method": "static"}, "either --metric"),
        ({"metric": None, "method": "static"}, "nothing to train"),
        ({"seeds": "1,x"}, "whole numbers"),
        ({"seeds": "1,1"}, "different numbers"),
        ({"split": "test"}, "no --split"),
        ({"patience": 0}, "at least 1"),
    ],
)
def test_wrong_use_is_said(space, flags, said):
    with pytest.raises(UsageError, match=said):
        run(space, **flags)


def test_doctor_finds_nothing_wrong_with_such_a_run(space):
    from bench.doctor.leaks_in_work import examine

    run(space)
    assert [finding for finding in examine(space) if finding.state == "LACK"] == []


@pytest.fixture
def faces(tmp_path) -> Path:
    """A work folder whose clips have cues that move: what the cohesion matcher is trained on."""

    def cues(clip_id):
        return cues_of(np.random.default_rng(zlib.crc32(clip_id.encode())))

    parts = {
        "judge-train": [
            f"M301_front_{emotion}_1_00{take}" for emotion in ("angry", "sad", "fear") for take in (1, 2, 3)
        ],
        "validation": [f"M201_front_{emotion}_1_00{take}" for emotion in ("angry", "sad") for take in (1, 2)],
    }
    write_store(tmp_path / "store" / "puppet-smoke", parts, cues)
    return tmp_path


FACES = "--metric cohesion --profile smoke --jobs 1 --device cpu --set batch_size=8 --set width=8 --set warmup_steps=2".split()


def test_the_command_trains_and_a_wrong_name_gets_the_nearest(faces):
    done = emotalk("train", *FACES, "--set", "steps=4", "--set", "validate_every=2", "--json", "--work", faces)
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["runs"]
    assert Path(row["expert"]).is_file() and row["steps"] == 4
    wrong = emotalk("train", *FACES, "--set", "stepps=4", "--work", faces)
    assert wrong.returncode == 2 and "did you mean 'steps'" in wrong.stderr and "Traceback" not in wrong.stderr


@pytest.mark.slow
def test_a_run_killed_without_warning_goes_on_to_the_same_curve_and_weights(faces):
    flags = ["train", *FACES, "--set", "steps=60", "--set", "validate_every=10", "--work", faces]
    folder = faces / "runs" / "cohesion"

    def curve():
        [path] = folder.glob("*/metrics.jsonl")
        return [{**json.loads(line), "seconds": None} for line in path.read_text().splitlines()]

    kills = 0
    for lines in (3, 7):  # a line per ten steps, and one per validation
        process = subprocess.Popen([sys.executable, "-m", "bench.cli", *map(str, flags)], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until:
            if any(len(path.read_text().splitlines()) >= lines for path in folder.glob("*/metrics.jsonl")):
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.01)
        process.wait()
    assert kills == 2, "the run was over before it could be killed"
    assert emotalk(*flags).returncode == 0
    resumed, weights = curve(), next(folder.glob("*/best.safetensors")).read_bytes()
    (folder).rename(faces / "runs" / "resumed")
    assert emotalk(*flags).returncode == 0
    assert resumed == curve() and weights == next(folder.glob("*/best.safetensors")).read_bytes()
