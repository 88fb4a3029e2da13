"""Sweeps whose trials are scored as rows of the table: what their weights generate for validation speakers' clips."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scored_sweep import ONE, SPEAKER, TOY, UNSCORED, VALIDATION, changed, documents, swept, work_folder

from bench import verbs
from bench.atomic import read_json
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError
from bench.flags.sweeps import Sweep as Flags
from bench.sweeps import account, sweep, trial_rows
from bench.sweeps.definition import define


class Killed(BaseException):
    """Nothing catches it: the sweep ends there as if the process did."""


@pytest.fixture
def space(tmp_path, monkeypatch):
    return work_folder(tmp_path, monkeypatch)


def told(module, done):
    """The function that a module is named after; `done` is told of every call."""
    name = module.__name__.rpartition(".")[2]
    whole = getattr(module, name)

    def seen(*given, **named):
        done.append(name)
        return whole(*given, **named)

    return seen


@pytest.fixture
def scored(monkeypatch) -> list[str]:
    """The rows that were generated, and those that were evaluated, in order."""
    from bench import evaluate, generate

    done = []
    for module in (generate, evaluate):
        monkeypatch.setattr(module, module.__name__.rpartition(".")[2], told(module, done))
    return done


def test_a_trial_is_scored_as_the_row_that_its_weights_make(space, tmp_path):
    from baselines.registry import find_method
    from bench.data.store import Store
    from bench.evaluate import evaluate
    from bench.generate import generate

    done = swept(space, ONE)
    assert done.code == ExitCode.DONE
    [trial] = documents(done)
    [weights] = Path(done.document["folder"], "trials").glob("*/toy.safetensors")
    selection = Store(space.store("puppet-smoke")).selection("smoke", "validation")
    generate(find_method("speaker.py:Speaker@cues", weights), selection, tmp_path / "made", jobs=1)
    columns = ["M-LMD", "F-LMD", "Gaze-JS"]
    row = evaluate(selection, tmp_path / "made", out=tmp_path / "row", cache=tmp_path / "cache", jobs=1, only=columns)
    assert trial["score"] > 0 and trial["score"] == trial["scores"]["cues/M-LMD"]
    assert {name: trial["scores"][f"cues/{name}"] for name in columns} == {
        cell.metric: cell.value for cell in row.result.metrics
    }
    assert "validation/accuracy" in trial["scores"]


def test_a_trial_killed_between_training_and_scoring_is_scored_and_not_trained_again(space, scored, monkeypatch):
    from bench import generate
    from bench import train as trainer

    whole, steps = generate.generate, trainer._Run.__init__

    def cut(*given, **named):
        if len(scored) == 2:
            raise Killed
        return whole(*given, **named)

    monkeypatch.setattr(generate, "generate", cut)
    with pytest.raises(Killed):
        swept(space)
    [folder] = (space.root / "sweeps").iterdir()
    assert [read_json(p)["status"] for p in sorted((folder / "trials").glob("*.json"))] == ["finished", "running"]
    monkeypatch.setattr(generate, "generate", whole)
    monkeypatch.setattr(trainer._Run, "__init__", lambda *given: pytest.fail("trained again"))
    done = swept(space)
    assert [t["status"] for t in documents(done)] == ["finished", "finished"]
    assert scored == ["generate", "evaluate"] * 2
    monkeypatch.setattr(trainer._Run, "__init__", steps)
    assert swept(space).document == done.document and len(scored) == 4


def test_scoring_goes_on_with_the_clips_that_are_not_generated_yet(space, monkeypatch):
    from bench import generate

    one, made = generate._one, []

    def cut(*given):
        made.append(given[2].clip.clip_id)
        if len(made) == 4:
            raise Killed
        return one(*given)

    monkeypatch.setattr(generate, "_one", cut)
    with pytest.raises(Killed):
        swept(space, ONE)
    assert swept(space, ONE).code == ExitCode.DONE
    assert made[:3] == VALIDATION[:3] and made[4:] == VALIDATION[3:]


def test_another_number_of_clips_is_another_sweep_on_clips_of_all_speakers(space):
    all_clips, half = swept(space), swept(space, changed(score={"clips": 4}))
    assert all_clips.document["folder"] != half.document["folder"]
    table = half.document["ablation"]
    assert (table["clips"], table["speakers"]) == (4, 4)
    assert [t["run"] for t in documents(half)] == [t["run"] for t in documents(all_clips)]


def test_without_named_columns_a_trial_has_all_that_cues_give(space):
    score = define(changed(score={"columns": []}), "toy").score
    rows = trial_rows.TrialRows(score, SimpleNamespace(), space)
    assert {"M-LMD", "GeoEmo-acc", "GeoEmo-F1", "Cohesion", "Gaze-JS", "Pose-W1", "Blink-rate"} <= set(rows.columns)
    assert not {"SSIM", "FID", "Emo-acc", "SX-D", "LSE-D"} & set(rows.columns)


def test_a_trial_whose_weights_cannot_speak_fails_with_the_reason(space, tmp_path):
    spoilt = SPEAKER.replace("        true, rng", "        raise ZeroDivisionError('a bug')\n        true, rng")
    (tmp_path / "speaker.py").write_text(spoilt)
    done = swept(space)
    assert done.code == ExitCode.NOTHING_DONE and "No trial is finished and scored yet" in done.text
    assert documents(done)[0]["reason"].startswith("speaker.py:Speaker@cues: 8 of 8 clips could not be generated")
    (tmp_path / "speaker.py").write_text(SPEAKER)
    assert swept(space).code == ExitCode.DONE


@pytest.mark.parametrize(
    ("change", "flags", "said"),
    [
        ({"metric": {"name": "cues/M-LDM", "goal": "minimize"}}, {}, "none of what the trials are scored by: cues/M-LMD"),
        ({"metric": {"name": "cues/M-LMD", "goal": "maximize"}}, {}, "cues/M-LMD: expected the goal minimize"),
        ({"metric": {"name": "pixels/M-LMD", "goal": "minimize"}}, {}, "is none of what the trials are scored by"),
        ({"early_terminate": {"type": "hyperband", "min_iter": 1}}, {}, "expected a metric as validation/accuracy"),
        ({"score": {"columns": ["SSIM"]}}, {}, "cues alone give .*unknown 'SSIM'"),
        ({"score": {"column": ["M-LMD"]}}, {}, "did you mean columns"),
        ({"score": {"clips": 0}}, {}, "clips: expected a number of clips"),
        ({"score": {"method": "tow_stage"}}, {}, "did you mean two_stage"),
        ({"score": {"method": "gt"}}, {}, "the class is called with the checkpoint's path, which failed"),
        ({"score": {"columns": ["Blink-rate"]}, "metric": {"name": "cues/Blink-rate", "goal": "minimize"}}, {}, "against the real"),
        ({}, {"cues_only": True, "render": True}, "either --cues-only or --render"),
        (UNSCORED, {}, "expected a number of validation"),
        (UNSCORED, {"render": True}, "need a `score:`"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused_before_anything_runs(space, change, flags, said):
    document = changed(score=change.get("score")) | {key: value for key, value in change.items() if key != "score"}
    with pytest.raises(UsageError, match=said):
        swept(space, document, **flags)
    assert not list((space.root / "runs").rglob("*.safetensors"))


def test_pixels_without_the_renderers_weights_are_refused_with_the_reason(space, monkeypatch):
    from baselines.two_stage import methods
    from bench.contract.errors import WeightsError

    def none(name):
        raise WeightsError(f"the suite ships no weights {name!r}")

    monkeypatch.setattr(methods, "weights_of", none)
    with pytest.raises(UsageError, match=r"two_stage needs more than the trained weights: .*'generator'"):
        swept(space, changed(score={"method": "two_stage"}), render=True)


def test_render_scores_the_same_column_of_videos_and_wandb_is_told_so(space):
    definition = define(TOY, "toy").scored_in(render=True)
    assert (definition.metric, definition.score.prefix) == ("pixels/M-LMD", "pixels/")
    assert definition.scored_in(render=False) == define(TOY, "toy")
    flags = Flags(file="toy.yaml", render=True, device="cpu")
    found = sweep.Sweep(definition, sweep.training_flags(definition, {}), space)
    told = account.as_wandb(flags, found)
    assert told["metric"]["name"] == "pixels/M-LMD" and "--render" in told["command"]


def test_prepare_makes_every_part_that_is_needed_first(space, monkeypatch):
    made = []

    def prepared(flags, *given):
        made.append((flags.dataset, flags.profile, flags.split))
        return Outcome(ExitCode.DONE, {}, "prepared")

    monkeypatch.setattr(verbs, "prepare", prepared)
    assert swept(space, ONE, prepare=True).code == ExitCode.DONE
    assert made == [("puppet", "smoke", "judge-train"), ("puppet", "smoke", "validation")]


STAGE_1 = {
    "method": "grid",
    "metric": {"name": "cues/M-LMD", "goal": "minimize"},
    "parameters": {
        "steps": {"value": 2},
        "validate_every": {"value": 2},
        "batch_size": {"value": 2},
        "length": {"value": 10},
        "width": {"value": 16},
        "layers": {"value": 1},
        "heads": {"value": 2},
        "codes": {"value": 4},
        "variant": {"values": ["full", "regressed-gaze"]},
    },
    "emotalk": {
        "method": "speech_to_cues",
        "profile": "smoke",
        "baseline": {"variant": "full"},
        "variants": {"full": {}, "regressed-gaze": {"discretised": False}},
        "score": {"method": "two_stage", "clips": 2, "columns": ["M-LMD", "GeoEmo-acc", "Pose-W1"]},
    },
}


@pytest.mark.slow
def test_stage_1_is_trained_and_scored_in_cue_space(space):
    done = swept(space, STAGE_1)
    assert done.code == ExitCode.DONE, done.text
    one, other = (t["scores"] for t in documents(done))
    assert all(
        np.isfinite(side[f"cues/{name}"]) for side in (one, other) for name in ("M-LMD", "GeoEmo-acc", "Pose-W1")
    )
    assert one["cues/M-LMD"] != other["cues/M-LMD"]
