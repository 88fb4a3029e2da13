"""The ablation table of a sweep: the differences of `emotalk compare`, and what the header and the seeds say."""

from pathlib import Path

import numpy as np
import pytest
from result_rows import write_row
from scored_sweep import results, swept, work_folder

from bench.compare import NEW, compare_rows, load_row
from bench.sweeps.ablation import ablation, lines


@pytest.fixture
def space(tmp_path, monkeypatch):
    return work_folder(tmp_path, monkeypatch)


def test_differences_are_those_of_emotalk_compare_turned_round(space):
    done = swept(space)
    [base, wide] = map(load_row, results(done))
    [pair] = compare_rows([base, wide]).pairs
    table = done.document["ablation"]
    for metric, column in zip(pair.metrics, table["columns"], strict=True):
        [first, second] = column["settings"]
        assert (first["setting"], first["difference"], second["setting"]) == ("variant=full", None, "variant=wide")
        interval, found = metric.targets[NEW].interval, second["difference"]
        assert (found["low"], found["high"]) == (-interval.high, -interval.low)
        assert found["mean"] == pytest.approx(second["mean"] - first["mean"])
    assert table["speakers"] == 4 and table["clips"] == 8


def test_the_table_says_in_which_space_and_on_whose_clips(space):
    done = swept(space)
    text = Path(done.document["folder"], "table.md").read_text()
    assert "cue space: no pixels were made; validation speakers" in text and text in done.text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    full, wide = ([row for row in rows if row[1] == name and len(row) == 6] for name in ("full", "wide"))
    assert [row[0].split()[0] for row in full] == ["M-LMD*", "F-LMD", "Gaze-JS*"]
    assert [row[-1] for row in full] == ["baseline"] * 3
    assert all(row[-1] in ("better", "worse", "not shown") and " to " in row[4] for row in wide)
    assert "cues/Gaze-JS" in Path(done.document["folder"], "table.csv").read_text().splitlines()[0]


def test_of_several_seeds_the_table_has_their_spread_and_the_mean_of_their_intervals(tmp_path):
    folders = {
        name: {
            seed: write_row(tmp_path / f"{name}{seed}", f"{name}{seed}", {"M-LMD": value + 0.1 * seed, "SX-C": 5.0}, seed=seed + 9 * n)
            for seed in (0, 1)
        }
        for n, (name, value) in enumerate([("full", 2.0), ("less", 3.0)])
    }  # fmt: skip
    table = ablation(folders, "full", 0)
    [lmd] = [column for column in table["columns"] if column["column"] == "M-LMD"]
    full, less = lmd["settings"]
    values = [load_row(folder).result.metric("M-LMD").value for folder in folders["full"].values()]
    assert full["mean"] == pytest.approx(np.mean(values)) and full["sd"] == pytest.approx(np.std(values, ddof=1))
    each = [
        compare_rows([load_row(folders[name][seed]) for name in ("full", "less")]).pairs[0].metrics[0].targets[NEW]
        for seed in (0, 1)
    ]
    assert less["difference"]["high"] == pytest.approx(-np.mean([target.interval.low for target in each]))
    assert less["difference"]["low"] == pytest.approx(-np.mean([target.interval.high for target in each]))
    assert less["difference"]["verdict"] == "worse" and 0.9 < less["difference"]["mean"] < 1.1


def test_a_difference_that_one_seed_does_not_show_after_holm_is_not_shown(tmp_path, monkeypatch):
    from bench.sweeps import ablation as module

    folders = {
        name: {
            seed: write_row(tmp_path / f"{name}{seed}", name, {"M-LMD": value}, seed=seed + 9 * n) for seed in (0, 1)
        }
        for n, (name, value) in enumerate([("full", 2.0), ("less", 3.0)])
    }
    whole = module.compare_rows

    def doubtful(rows, seed):
        record = whole(rows, seed)
        if rows[0].folder.name == "full1":
            record.pairs[0].metrics[0].targets[NEW].p_holm = 0.2
        return record

    monkeypatch.setattr(module, "compare_rows", doubtful)
    lmd = ablation(folders, "full", 0)["columns"][0]
    assert lmd["settings"][1]["difference"]["low"] > 0
    assert lmd["settings"][1]["difference"]["verdict"] == "no difference shown"


def test_a_column_without_a_value_says_why_once(tmp_path):
    folders = {
        name: {0: write_row(tmp_path / name, name, {"M-LMD": 2.0, "SX-C": None})} for name in ("full", "less", "least")
    }
    text = lines(ablation(folders, "full", 0), "cues/", "two_stage@cues")
    assert text[-1].strip() == "SX-C, no value of full, less, least: no-face"
    assert len([line for line in text if "no value |" in line or line.rstrip(" |").endswith("no value")]) == 3
