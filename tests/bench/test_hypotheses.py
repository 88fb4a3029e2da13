"""`emotalk hypotheses`: each claim ends as what `emotalk compare` shows of its two rows, or says what it lacks."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hand_calibration import calibration, cell, damage
from result_rows import write_row

from bench import cli
from bench.compare import NEW, THESE, compare_rows, load_row
from bench.contract.errors import UsageError
from bench.contract.metric import SetEstimate
from bench.contract.result import Result
from bench.hypotheses import judge, refuse_unknown
from bench.hypotheses_verb import hypotheses_verb
from bench.power import power_of_rows
from bench.workspace import Workspace
from metrics.statistics import holm
from reports.hypotheses import Hypotheses, load_hypotheses
from reports.hypothesespage import blocks, page
from reports.ruler import Ruler
from reports.textblock import markdown, terminal

GOOD = {"SSIM": 0.9, "M-LMD": 1.0, "SX-C": 5.8}
BAD = {"SSIM": 0.5, "M-LMD": 3.0, "SX-C": 3.0}
HEAD = {"schema_version": 1, "dataset": "puppet", "profile": "quick", "part": "test", "protocol": "emotalk",
        "training_seeds": [0], "sampling_seeds": [0]}  # fmt: skip


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "work" / "results"
    write_row(folder / "puppet-quick--good", "good", GOOD, spread=1.0, seed=1)
    write_row(folder / "puppet-quick--static", "static", BAD, spread=9.0, seed=2)
    write_row(folder / "puppet-quick--twin", "twin", GOOD, spread=1.0, seed=3)
    return folder


@pytest.fixture(autouse=True)
def spread(monkeypatch):
    """The set metric of these rows: the SD of what the clips gave."""

    def estimate(clips, seed):
        x = np.stack([clip.arrays["x"] for clip in clips])
        return SetEstimate(lambda mask: float(x[mask].std()))

    metric = SimpleNamespace(name="spread", collection="numbers", estimate=estimate)
    monkeypatch.setattr("bench.compare.set_metric", lambda result, name: metric)


def claims(*triples, **changes):
    """A document whose claims are (better, than, metric)."""
    listed = [
        {"id": f"h{k}", "claim": "so it is", "better": better, "than": than, "metric": metric}
        for k, (better, than, metric) in enumerate(triples)
    ]
    return Hypotheses.model_validate(HEAD | {"hypothesis": listed} | changes)


def judged(results, *triples, **changes):
    return judge(claims(*triples, **changes), "f" * 64, "claims.toml", results)


@pytest.mark.parametrize("metric", ["SSIM", "M-LMD", "SX-C", "spread"])
@pytest.mark.parametrize(
    ("better", "than", "verdict"),
    [
        ("good", "static", "supported"),
        ("static", "good", "refuted"),
        ("good", "twin", "not shown"),
        ("good", "nobody", "not tested"),
    ],
)
def test_a_claim_ends_as_the_difference_says_in_every_direction(results, metric, better, than, verdict):
    [one] = judged(results, (better, than, metric)).hypotheses
    assert one.verdict == verdict
    assert one.these == ("not tested" if metric == "spread" else verdict)


@pytest.mark.parametrize("metric", ["SSIM", "M-LMD", "SX-C", "spread"])
def test_the_numbers_are_those_of_compare(results, metric):
    record = compare_rows([load_row(results / f"puppet-quick--{name}") for name in ("good", "static", "twin")])
    expected = [next(m for m in pair.metrics if m.metric == metric) for pair in record.pairs]
    found = judged(results, ("good", "static", metric), ("good", "twin", metric)).hypotheses
    for one, line in zip(found, expected, strict=True):
        assert one.comparison.model_dump(exclude={"targets"}) == line.model_dump(exclude={"targets"})
        assert one.comparison.targets.keys() == line.targets.keys()
        for name, target in line.targets.items():
            mine = one.comparison.targets[name]
            assert (mine.interval, mine.p) == (target.interval, target.p)
            assert not line.primary or mine.p_holm == target.p_holm


def test_holm_runs_over_the_claims_of_one_metric_and_over_no_others(results):
    record = judged(
        results, ("good", "twin", "M-LMD"), ("good", "static", "SSIM"), ("twin", "static", "M-LMD"),
        ("good", "static", "M-LMD"),
    )  # fmt: skip
    for name in (NEW, THESE):
        of = [h.comparison.targets[name] for h in record.hypotheses]
        assert of[1].p_holm == of[1].p
        mouths = [of[0], of[2], of[3]]
        assert [t.p_holm for t in mouths] == holm([t.p for t in mouths])
        assert mouths[0].p_holm != mouths[0].p or mouths[1].p_holm != mouths[1].p


def test_a_claim_that_is_not_tested_counts_in_the_correction(results):
    alone, _ = judged(results, ("good", "static", "M-LMD"), ("nobody", "static", "M-LMD")).hypotheses
    target = alone.comparison.targets[NEW]
    assert target.p_holm == pytest.approx(2 * target.p)
    whole = judged(results, ("good", "static", "M-LMD"), ("twin", "static", "M-LMD")).hypotheses[0]
    assert whole.comparison.targets[NEW].p_holm <= target.p_holm


def test_what_holm_takes_back_is_not_shown(results):
    """The difference alone leaves out 0; among many claims of the metric it does not."""
    write_row(results / "near", "near", GOOD | {"M-LMD": 1.09}, seed=3)
    first = judged(results, ("good", "near", "M-LMD")).hypotheses[0]
    p = first.comparison.targets[NEW].p
    assert first.verdict == "supported" and 0.001 < p < 0.05
    many = [("good", f"nobody-{k}", "M-LMD") for k in range(int(0.05 / p) + 1)]
    assert judged(results, ("good", "near", "M-LMD"), *many).hypotheses[0].verdict == "not shown"


@pytest.mark.parametrize("metric", ["SSIM", "M-LMD"])
def test_what_could_have_been_seen_is_what_power_says_of_these_two_rows(results, metric):
    [one, _] = judged(results, ("good", "static", metric), ("good", "nobody", metric)).hypotheses
    rows = [load_row(results / f"puppet-quick--{name}") for name in ("good", "static")]
    power = next(m for m in power_of_rows(rows, comparisons=2).metrics if m.metric == metric).smallest[0]
    assert one.detectable == pytest.approx(power.middle, rel=1e-6)
    assert one.detectable_holm == pytest.approx(power.holm, rel=1e-6)


def test_a_missing_row_is_named_with_what_makes_it(results):
    record = judged(results, ("good", "frozen-pose", "SSIM"), ("gt", "static", "SSIM"), ("mine", "static", "SSIM"))
    missing = {row.name: row for row in record.missing}
    assert list(missing) == ["frozen-pose", "gt", "mine"]
    assert missing["frozen-pose"].command == "emotalk run --dataset puppet --profile quick --methods frozen-pose"
    assert missing["mine"].command.startswith("emotalk evaluate") and "--name mine" in missing["mine"].command
    assert record.hypotheses[0].missing == ["frozen-pose"]
    assert record.hypotheses[0].reason == "frozen-pose: not evaluated yet"


def test_of_several_results_the_whole_one_of_the_method_as_it_comes_is_taken(results):
    write_row(results / "checkpoint", "good", BAD)
    write_row(results / "few-clips", "good", BAD, n_scored=5)
    _change(results / "checkpoint", checkpoint_sha256="c" * 64)
    record = judged(results, ("good", "static", "M-LMD"))
    assert {row.name: row.folder for row in record.rows}["good"] == "puppet-quick--good"
    assert record.hypotheses[0].verdict == "supported"
    write_row(results / "again", "good", BAD)
    [one] = judged(results, ("good", "static", "M-LMD")).hypotheses
    assert one.verdict == "not tested" and "several results are called so: again, puppet-quick--good" in one.reason


def test_rows_of_other_clips_are_not_compared_and_the_reason_stands_there(results):
    write_row(results / "elsewhere", "elsewhere", BAD, store_sha256="other")
    [one] = judged(results, ("good", "elsewhere", "SSIM")).hypotheses
    assert one.verdict == "not tested" and "cannot be compared: clips" in one.reason
    [one] = judged(results, ("good", "static", "LPIPS")).hypotheses
    assert one.verdict == "not tested" and "has no column LPIPS" in one.reason


def test_without_an_interval_nothing_is_tested(results):
    for folder in results.iterdir():
        clips = pd.read_parquet(folder / "clips.parquet")
        clips[clips["speaker"].isin(["A", "B"])].to_parquet(folder / "clips.parquet")
    [one] = judged(results, ("good", "static", "SSIM")).hypotheses
    assert (one.verdict, one.reason) == ("not tested", "2 speakers, 3 are needed")
    assert one.these == "not tested"


def test_the_differences_are_read_in_doses(results, monkeypatch):
    ruler = Ruler(calibration(damage(cell("SSIM", effect=lambda dose: -0.2 * dose, half=0.05))))
    monkeypatch.setattr("reports.ruler.find_ruler", lambda result, folders: ruler)
    record = judged(results, ("good", "static", "SSIM"))
    assert record.hypotheses[0].comparison.doses[0].dose == pytest.approx(2.0, abs=0.2)
    assert "blur 2 px" in terminal(blocks(record))


def test_the_words_hold_verdicts_numbers_the_hash_and_what_is_missing(results):
    record = judged(
        results,
        ("good", "static", "M-LMD"),
        ("static", "good", "SSIM"),
        ("good", "twin", "SX-C"),
        ("gt", "good", "SSIM"),
    )
    made = blocks(record)
    text = page(record, markdown(made))
    assert "f" * 64 in text and f"on {record.created[:10]}" in text
    assert "1 supported, 1 refuted, 1 not shown and 1 not tested" in text
    assert "REFUTED" in text and "emotalk run --dataset puppet --profile quick --methods gt" in text
    assert "p Holm" in text and "seen in 80 % (Holm)" in text
    assert str(results) not in text and "broken" not in text
    assert "puppet · quick · test · protocol emotalk" in terminal(made)


def test_not_better_than_a_still_picture_is_called_broken(results):
    write_row(results / "still", "still", BAD, seed=8)
    record = judged(results, ("still", "static", "M-LMD"), ("good", "static", "SX-C"))
    assert "still is not shown to be better than a still picture in M-LMD: it is broken there." in markdown(
        blocks(record)
    )


def test_the_shipped_claims_are_about_metrics_and_rules_that_exist():
    refuse_unknown(load_hypotheses()[0])


@pytest.mark.parametrize(
    "change",
    [{"dataset": "pupet"}, {"profile": None}, {"profile": "large"}, {"part": "tset"}, {"protocol": "emotak"},
     {"dataset": "mead"}],
)  # fmt: skip
def test_clips_and_rules_that_there_are_not_are_wrong_use(change):
    with pytest.raises(UsageError):
        refuse_unknown(claims(("a", "b", "SSIM"), **change))
    with pytest.raises(UsageError, match="h0: metric: unknown 'SSIN'; did you mean 'SSIM'"):
        refuse_unknown(claims(("a", "b", "SSIN")))


def _claims_file(folder):
    lines = [f"{key} = {json.dumps(value)}" for key, value in HEAD.items()]
    lines += ["[[hypothesis]]", 'id = "one"', 'claim = "so it is"', 'better = "good"', 'than = "static"',
              'metric = "M-LMD"']  # fmt: skip
    file = folder / "claims.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def ask(results, *words):
    work = results.parent
    flags = cli.parsed(["hypotheses", *map(str, words), "--work", str(work)])
    return hypotheses_verb(flags, Workspace(work), "emotalk hypotheses")


def test_the_verb_writes_record_and_page_and_says_what_came_out(results, tmp_path):
    done = ask(results, _claims_file(tmp_path), "--write", tmp_path / "docs" / "page.md")
    folder = results.parent / "hypotheses" / "puppet-quick--test--emotalk--claims"
    assert int(done.code) == 0 and done.document["hypotheses"][0]["verdict"] == "supported"
    written = json.loads((folder / "hypotheses.json").read_text())
    assert written["hypotheses"] == done.document["hypotheses"] and written["file"] == "claims.toml"
    assert (tmp_path / "docs" / "page.md").read_text().startswith("# Hypotheses\n")
    assert "1 supported" in done.text


def test_where_nothing_can_be_tested_the_exit_code_says_so_and_the_page_is_written(results):
    done = ask(results)  # the claims that come along are about another profile
    assert int(done.code) == 5 and done.document["rows"] == []
    assert {h["verdict"] for h in done.document["hypotheses"]} == {"not tested"}
    assert (results.parent / "hypotheses" / "puppet-bench--test--emotalk" / "hypotheses.md").is_file()


@pytest.mark.parametrize("words", ["--profile quick", "--split test", "--limit 3", "--manifest x"])
def test_flags_that_choose_clips_are_refused(results, words):
    with pytest.raises(UsageError, match="says on which clips"):
        ask(results, *words.split())


def _change(folder, **method):
    result = Result.load(folder / "result.json")
    result.model_copy(update={"method": result.method.model_copy(update=method)}).save(folder / "result.json")
