"""The same method with several checkpoints and sampling seeds: results lie side by side, and their spread is taken apart."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from result_rows import write_row

from baselines.registry import find_method
from bench import cli
from bench.contract.errors import UsageError
from bench.contract.result import Interval, Result
from bench.evaluate_verb import evaluate_verb
from bench.generate import generate
from bench.hypotheses_seeds import seed_spread
from bench.verbs import result_name
from bench.workspace import Workspace
from reports.hypotheses import Hypotheses
from reports.hypothesesseeds import blocks
from reports.textblock import markdown, terminal

NAME = "mine@cues"
CLAIM = {"id": "one", "claim": "so it is", "better": "mine", "than": "static", "metric": "M-LMD"}
DOCUMENT = Hypotheses.model_validate(
    {"schema_version": 1, "dataset": "puppet", "profile": "quick", "part": "test", "protocol": "emotalk",
     "training_seeds": [0, 1, 2], "sampling_seeds": [0, 1, 2], "hypothesis": [CLAIM]}
)  # fmt: skip
CHECKPOINTS = ("a" * 64, "b" * 64, "c" * 64)


def write(results, checkpoint, seed, lmd, sync=5.0, name=NAME, **row):
    """A result of this checkpoint and sampling seed: M-LMD `lmd` +- 0.5, SX-C `sync` +- 0.25 from the truth of 6."""
    folder = write_row(results / f"{checkpoint[:1]}-{seed}-{lmd}", name, {"M-LMD": lmd, "SX-C": sync}, **row)
    result = Result.load(folder / "result.json")
    method = result.method.model_copy(update={"checkpoint_sha256": checkpoint or None, "seed": seed})

    def around(middle, half):
        return [Interval(target="new-speakers", low=middle - half, high=middle + half, method="by hand")]

    changes = {
        "M-LMD": {"value": lmd, "intervals": around(lmd, 0.5)},
        "SX-C": {"value": sync, "truth": 6.0, "difference": sync - 6.0, "intervals": around(sync, 9.0),
                 "difference_intervals": around(sync - 6.0, 0.25)},
    }  # fmt: skip
    metrics = [m.model_copy(update=changes.get(m.metric, {})) for m in result.metrics]
    result.model_copy(update={"method": method, "metrics": metrics}).save(folder / "result.json")
    return folder


@pytest.fixture
def results(tmp_path):
    """Three checkpoints 0.1 apart, in each three sampling seeds 0.01 apart."""
    for i, checkpoint in enumerate(CHECKPOINTS):
        for seed in range(3):
            write(tmp_path, checkpoint, seed, round(2 + 0.1 * i + 0.01 * seed, 2), sync=5.0 - 0.5 * i)
    return tmp_path


def spread(results, metric):
    return next(m for m in seed_spread(NAME, DOCUMENT, "f" * 64, results).metrics if m.metric == metric)


def test_the_spread_between_training_seeds_and_between_sampling_seeds_are_told_apart(results):
    found = spread(results, "M-LMD")
    assert found.mean == pytest.approx(2.11)
    assert (found.low, found.high) == (2.0, 2.22)
    assert found.training_sd == pytest.approx(0.1)
    assert found.sampling_sd == pytest.approx(0.01)
    assert found.half_interval == pytest.approx(0.5)


def test_under_match_it_is_the_difference_to_the_real_clips(results):
    found = spread(results, "SX-C")
    assert found.mean == pytest.approx(-1.5)
    assert found.training_sd == pytest.approx(0.5) and found.sampling_sd == pytest.approx(0.0, abs=1e-12)
    assert found.half_interval == pytest.approx(0.25)


def test_with_nine_results_nothing_is_lacking_and_other_rows_do_not_enter(results):
    write(results, "", 0, 99.0, name="mine")
    write(results, CHECKPOINTS[0], 0, 98.0, part="validation")
    record = seed_spread(NAME, DOCUMENT, "f" * 64, results)
    assert [(row.checkpoint_sha256, row.sampling_seed) for row in record.rows] == [
        (checkpoint, seed) for checkpoint in CHECKPOINTS for seed in range(3)
    ]
    assert record.lacking == record.commands == record.left_out == []
    assert (record.n_clips, record.n_speakers) == (20, 5)


def test_what_is_lacking_is_said_with_the_commands(tmp_path):
    write(tmp_path, CHECKPOINTS[0], 0, 2.0)
    write(tmp_path, CHECKPOINTS[0], 2, 2.2)
    record = seed_spread(NAME, DOCUMENT, "f" * 64, tmp_path)
    assert record.lacking == ["1 of 3 checkpoints are there", f"no sampling seed 1 of checkpoint {'a' * 12}"]
    assert "--method mine@cues --checkpoint FILE --seed N" in record.commands[0]
    [lmd, *_] = record.metrics
    assert lmd.training_sd is None and lmd.sampling_sd == pytest.approx(np.std([2.0, 2.2], ddof=1))
    nothing = seed_spread("nobody@cues", DOCUMENT, "f" * 64, tmp_path)
    assert nothing.rows == nothing.metrics == [] and nothing.lacking == ["0 of 3 checkpoints are there"]
    assert "No result of nobody@cues is there." in terminal(blocks(nothing))


def test_a_metric_that_one_result_lacks_says_why(results):
    folder = next(results.iterdir())
    result = Result.load(folder / "result.json")
    metrics = [
        m.model_copy(update={"value": None, "reason": "no-face"} if m.metric == "M-LMD" else {}) for m in result.metrics
    ]
    result.model_copy(update={"metrics": metrics}).save(folder / "result.json")
    found = spread(results, "M-LMD")
    assert (found.mean, found.reason) == (None, "no-face")
    assert "Nothing to show: M-LMD: no face was found." in markdown(blocks(seed_spread(NAME, DOCUMENT, "f", results)))


def test_two_results_of_the_same_seeds_are_refused_and_named(results):
    write(results, CHECKPOINTS[1], 2, 7.0)
    with pytest.raises(UsageError, match=r"b-2-2.12, b-2-7.0; keep one"):
        seed_spread(NAME, DOCUMENT, "f" * 64, results)


def test_results_made_by_other_networks_are_left_out_and_named(results):
    write(results, CHECKPOINTS[1], 5, 7.0, weights="newer")
    record = seed_spread(NAME, DOCUMENT, "f" * 64, results)
    assert record.left_out == ["b-5-7.0: other clips, rules or networks"] and len(record.rows) == 9


def test_the_table_shows_mean_spreads_and_the_interval(results):
    text = markdown(blocks(seed_spread(NAME, DOCUMENT, "f" * 64, results)))
    assert "9 results of mine@cues: 3 checkpoints, sampling seeds 0, 1 and 2; 20 clips, 5 speakers." in text
    assert "| M-LMD\\* ↓ | 2.110 | 2.000 to 2.220 | 0.100 | 0.010 | 0.500 |" in text
    assert "| SX-C\\* →gt | −1.50 | −2.00 to −1.00 | 0.50 | 0.00 | 0.25 |" in text


@pytest.mark.parametrize(
    ("seed", "made_with", "name"),
    [
        (0, 0, "puppet-quick--mine@cues-ab12cd"),
        (0, None, "puppet-quick--mine@cues-ab12cd"),
        (0, 1, "puppet-quick--mine@cues-ab12cd--made-with-seed1"),
        (1, 1, "puppet-quick--mine@cues-ab12cd--seed1"),
        (1, 0, "puppet-quick--mine@cues-ab12cd--seed1--made-with-seed0"),
    ],
)
def test_results_of_other_seeds_lie_side_by_side(seed, made_with, name):
    flags = cli.Evaluate(videos=Path("videos"), seed=seed)
    selection = SimpleNamespace(document={"manifest": "quick"})
    assert result_name(flags, "mine@cues-ab12cd", "emotalk", selection, made_with) == name


def test_evaluate_asks_the_videos_with_which_seed_they_were_made(smoke_work, smoke_selection, tmp_path, monkeypatch):
    folders = []

    def refused(protocols, *args, **options):
        folders.extend(protocols)
        raise UsageError("that is enough")

    generate(find_method("static"), smoke_selection, tmp_path, seed=2, jobs=1, limit=1)
    monkeypatch.setattr("bench.evaluate.evaluate_under", refused)
    flags = cli.Evaluate(videos=tmp_path, profile="smoke", work=smoke_work)
    with pytest.raises(UsageError, match="that is enough"):
        evaluate_verb(flags, Workspace(smoke_work), "emotalk evaluate")
    assert [folder.name for folder in folders] == ["puppet-smoke--static--made-with-seed2"]
