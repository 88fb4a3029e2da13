"""The one trainer: the same seed gives the same run, killed or not; the best checkpoint is the best one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_trainable import Toy, ToyAdversary, ToyConfig

from bench.contract.errors import NothingDoneError, UsageError
from bench.contract.metric import Direction
from bench.train import Job, train
from bench.training.callbacks import EarlyStopping
from bench.training.config import make_config
from bench.training.curve import read_curve
from bench.training.optimisers import rate_at

CLIPS = (object(), object())


class Killed(BaseException):
    """Nothing catches it: the run ends there as if the process did."""


def kill_after(steps):
    def callback(event, step, values, run):
        if event == "train" and step == steps:
            raise Killed

    return callback


def job(folder: Path, toy=None, callbacks=(), seed=0, **config) -> Job:
    return Job(toy or Toy(), replace(ToyConfig(), **config), seed, "cpu", folder, CLIPS, CLIPS, None, callbacks)


def curve(folder: Path):
    return [(line.step, line.split, line.values) for line in read_curve(folder / "metrics.jsonl")]


def weights(folder: Path) -> bytes:
    return (folder / "best.safetensors").read_bytes()


def last_state(folder: Path) -> bytes:
    return next((folder / "last").glob("step-*.safetensors")).read_bytes()


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("kind", [Toy, ToyAdversary])
def test_a_killed_run_goes_on_to_the_same_curve_and_the_same_weights_bit_for_bit(tmp_path, kind, ema):
    train(job(tmp_path / "whole", kind(), ema=ema))
    for steps in (10, 30):  # 10: before the first checkpoint; 30: behind the second one, before the third
        with pytest.raises(Killed):
            train(job(tmp_path / "cut", kind(), [kill_after(steps)], ema=ema))
    second = kind()
    train(job(tmp_path / "cut", second, ema=ema))
    assert second.steps_done[0] == 20, "the run did not go on from its last checkpoint"
    assert curve(tmp_path / "cut") == curve(tmp_path / "whole")
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
    assert last_state(tmp_path / "cut") == last_state(tmp_path / "whole")


def test_another_seed_is_another_run_and_the_same_seed_the_same(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(job(tmp_path / name, seed=seed))
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert weights(tmp_path / "a") != weights(tmp_path / "c")


def test_training_leaves_the_callers_random_state_alone(tmp_path):
    import torch

    torch.manual_seed(3)
    before = torch.get_rng_state()
    train(job(tmp_path / "a"))
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_curve_falls_and_best_is_the_best_validation(tmp_path):
    done = train(job(tmp_path / "a", steps=60))
    lines = curve(tmp_path / "a")
    losses = [values["loss"] for _, split, values in lines if split == "train"]
    scores = {step: values["accuracy"] for step, split, values in lines if split == "validation"}
    assert losses[-1] < losses[0]
    assert done.best_value == max(scores.values()) and scores[done.best_step] == done.best_value
    assert list(scores) == [10, 20, 30, 40, 50, 60]


def test_a_half_written_line_of_the_curve_is_cut_off(tmp_path):
    with pytest.raises(Killed):
        train(job(tmp_path / "a", callbacks=[kill_after(30)]))
    with (tmp_path / "a" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 30, "spl')
    train(job(tmp_path / "a"))
    assert [step for step, split, _ in curve(tmp_path / "a") if split == "train"] == [10, 20, 30, 40]


def test_early_stopping_ends_a_run_and_a_resumed_one_counts_on(tmp_path):
    class Stuck(Toy):
        def validate(self, model, data, context):
            return {"accuracy": 0.5}

    def stopping():
        return EarlyStopping(("accuracy", Direction.HIGHER), patience=2)

    whole = train(job(tmp_path / "a", Stuck(), [stopping()], steps=90))
    assert (whole.steps, whole.stopped, whole.best_step) == (30, True, 10)
    with pytest.raises(Killed):
        train(job(tmp_path / "b", Stuck(), [kill_after(30), stopping()], steps=90))
    assert train(job(tmp_path / "b", Stuck(), [stopping()], steps=90)).steps == 30


def test_a_diverging_loss_is_an_error_that_says_what_to_try(tmp_path):
    class Exploding(Toy):
        def loss(self, model, batch, context):
            return {"loss": super().loss(model, batch, context)["loss"] * float("inf")}

    with pytest.raises(NothingDoneError, match="learning_rate"):
        train(job(tmp_path / "a", Exploding()))


def test_a_validation_without_the_number_it_is_chosen_by_is_an_error(tmp_path):
    class Silent(Toy):
        def validate(self, model, data, context):
            return {"recall": 1.0}

    with pytest.raises(UsageError, match="accuracy"):
        train(job(tmp_path / "a", Silent()))


def test_a_value_that_is_not_finite_is_never_the_best(tmp_path):
    class Nothing(Toy):
        def validate(self, model, data, context):
            return {"accuracy": float("nan")}

    with pytest.raises(NothingDoneError, match="no checkpoint can be chosen"):
        train(job(tmp_path / "a", Nothing()))
    assert next(values for _, split, values in curve(tmp_path / "a") if split == "validation") == {"accuracy": None}


def test_phases_move_their_own_parameters_only(tmp_path):
    import torch

    class FirstOnly(ToyAdversary):
        phases = ("first",)

    toy = FirstOnly()
    done = train(job(tmp_path / "a", toy))
    torch.manual_seed(0)
    assert len(toy.steps_done) == 40
    from bench.train import seed_everything

    seed_everything(0, "weights")
    fresh = toy.build(ToyConfig()).state_dict()
    trained = done.model.state_dict()
    assert torch.equal(fresh["4.weight"], trained["4.weight"]) and not torch.equal(
        fresh["0.weight"], trained["0.weight"]
    )


def test_checkpoints_hold_no_pickle(tmp_path):
    train(job(tmp_path / "a"))
    suffixes = {path.suffix for path in (tmp_path / "a").rglob("*") if path.is_file() and path.name != ".lock"}
    assert suffixes == {".safetensors", ".json", ".jsonl"}


def test_the_learning_rate_rises_linearly_then_falls_as_a_cosine():
    rates = np.array([rate_at(step, 100, 10) for step in range(100)])
    assert np.allclose(rates[:10], np.arange(1, 11) / 10)
    assert (np.diff(rates[10:]) < 0).all() and rates[-1] < 1e-3 and np.isclose(rates[55], 0.5)


def test_settings_are_typed_and_a_wrong_key_gets_the_nearest_name(tmp_path):
    config = make_config(ToyConfig, None, ["steps=2_000", "learning_rate=3e-4", "sizes=1,2,3", "name=a=b"])
    assert config == replace(ToyConfig(), steps=2000, learning_rate=3e-4, sizes=(1, 2, 3), name="a=b")
    file = tmp_path / "a.toml"
    file.write_text("steps = 7\nwidth = 3\nlearning_rate = 1\n")
    assert make_config(ToyConfig, file, ["steps=9"]) == replace(ToyConfig(), steps=9, width=3, learning_rate=1.0)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("step=3", "did you mean 'steps'"),
        ("steps=many", "a whole number"),
        ("steps=0", "at least 1"),
        ("learning_rate", "KEY=VALUE"),
        ("learning_rate=-1", "at least 0"),
        ("learning_rate=inf", "a finite number"),
    ],
)
def test_a_wrong_setting_is_wrong_use(setting, said):
    with pytest.raises(UsageError, match=said):
        make_config(ToyConfig, None, [setting])


@pytest.mark.parametrize("line", ['steps = "3"', "steps = 1.5", "steps = true", "nothing = 1", "steps ="])
def test_a_wrong_configuration_file_is_wrong_use(tmp_path, line):
    (tmp_path / "a.toml").write_text(line)
    with pytest.raises(UsageError):
        make_config(ToyConfig, tmp_path / "a.toml")


def test_the_state_document_is_json_that_names_its_file(tmp_path):
    train(job(tmp_path / "a"))
    state = json.loads((tmp_path / "a" / "last" / "state.json").read_text())
    assert state["step"] == 40 and (tmp_path / "a" / "last" / state["file"]).is_file()
