"""`emotalk compare`: rows that measure the same are compared clip by clip and set by set; all others are refused."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hand_calibration import calibration, cell, damage
from result_rows import write_row
from run_emotalk import emotalk

from bench import compare
from bench.compare import compare_rows, find_row, load_row
from bench.contract.errors import NothingDoneError, UsageError
from bench.contract.metric import SetEstimate
from reports.comparison import html, markdown, summary, terminal
from reports.ruler import Ruler

GOOD = {"SSIM": 0.9, "M-LMD": 1.0, "SX-C": 5.8}
BAD = {"SSIM": 0.5, "M-LMD": 3.0, "SX-C": 3.0}


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "work" / "results"
    write_row(folder / "puppet-quick--good", "good", GOOD, spread=1.0, seed=1)
    write_row(folder / "puppet-quick--bad", "bad", BAD, spread=9.0, seed=2)
    return folder


@pytest.fixture(autouse=True)
def spread(monkeypatch):
    """The set metric of these rows: the SD of what the clips gave."""

    def estimate(clips, seed):
        x = np.stack([clip.arrays["x"] for clip in clips])
        return SetEstimate(lambda mask: float(x[mask].std()))

    metric = SimpleNamespace(name="spread", collection="numbers", estimate=estimate)
    monkeypatch.setattr(compare, "set_metric", lambda result, name: metric)


def rows_of(*folders):
    return [load_row(folder) for folder in folders]


def shown(record, target="new-speakers"):
    return {m.metric: m.targets[target].shown if target in m.targets else None for m in record.pairs[0].metrics}


def test_the_better_row_is_better_in_clip_and_set_metrics_of_every_direction(results):
    good, bad = rows_of(results / "puppet-quick--good", results / "puppet-quick--bad")
    assert set(shown(compare_rows([good, bad])).values()) == {"better"}
    assert set(shown(compare_rows([bad, good])).values()) == {"worse"}
    these = shown(compare_rows([good, bad]), "these-speakers")
    assert these == {"SSIM": "better", "M-LMD": "better", "SX-C": "better", "spread": None}


def test_a_row_against_itself_shows_nothing(results):
    [good] = rows_of(results / "puppet-quick--good")
    assert set(shown(compare_rows([good, good])).values()) == {"no difference shown"}


def test_holm_counts_the_rows_and_only_in_primary_endpoints(results, tmp_path):
    others = [write_row(tmp_path / f"r{k}", f"r{k}", BAD, seed=k + 5) for k in range(3)]
    record = compare_rows(rows_of(results / "puppet-quick--good", *others))
    cells = {m.metric: [pair.metrics[i].targets["new-speakers"] for pair in record.pairs]
             for i, m in enumerate(record.pairs[0].metrics)}  # fmt: skip
    assert all(cell.p_holm is None for cell in cells["SSIM"])
    assert min(c.p_holm for c in cells["M-LMD"]) == pytest.approx(3 * min(c.p for c in cells["M-LMD"]))


@pytest.mark.parametrize(
    ("change", "said"),
    [({"store_sha256": "other"}, "clips: s against other"), ({"part": "validation"}, "part: test against validation")],
)
def test_rows_of_other_clips_are_refused(results, tmp_path, change, said):
    other = write_row(tmp_path / "other", "other", BAD, **change)
    with pytest.raises(UsageError, match=said):
        compare_rows(rows_of(results / "puppet-quick--good", other))


def test_rows_made_with_other_weights_are_refused(results, tmp_path):
    other = write_row(tmp_path / "other", "other", BAD, weights="newer")
    with pytest.raises(UsageError, match="other versions or weights of face"):
        compare_rows(rows_of(results / "puppet-quick--good", other))


def test_a_metric_without_a_value_or_without_its_files_says_so_and_the_others_go_on(results, tmp_path):
    other = write_row(tmp_path / "other", "other", BAD | {"M-LMD": None})
    (other / "sets" / "numbers.safetensors").unlink()
    record = compare_rows(rows_of(results / "puppet-quick--good", other))
    reasons = {m.metric: m.reason for m in record.pairs[0].metrics}
    assert reasons["M-LMD"] == "no value of other: no-face" and "evaluate again" in reasons["spread"]
    assert shown(record)["SSIM"] == "better"


def test_under_match_value_and_truth_are_means_over_the_same_clips(results):
    """Clips whose real video has no value are in neither, so that the distance is one of the clips that were compared."""
    folders = results / "puppet-quick--good", results / "puppet-quick--bad"
    for folder in folders:
        clips = pd.read_parquet(folder / "clips.parquet")
        without = (clips["metric"] == "SX-C") & clips["clip_id"].str.endswith("_2")
        clips.loc[without, "truth"] = None
        clips.loc[without, "value"] = 100.0
        clips.to_parquet(folder / "clips.parquet")
    line = next(m for m in compare_rows(rows_of(*folders)).pairs[0].metrics if m.metric == "SX-C")
    assert (line.n_clips, line.truth) == (10, 6.0)
    assert (line.value, line.other) == (pytest.approx(5.8, abs=0.1), pytest.approx(3.0, abs=0.1))


def test_nothing_in_common_is_an_error(tmp_path):
    empty = dict.fromkeys(GOOD)
    one, other = (write_row(tmp_path / name, name, empty) for name in "ab")
    for folder in (one, other):
        (folder / "sets" / "numbers.safetensors").unlink()
    with pytest.raises(NothingDoneError):
        compare_rows(rows_of(one, other))


def test_substituted_clips_are_left_out_in_a_second_comparison(results, tmp_path):
    other = write_row(tmp_path / "other", "other", BAD, static=5)
    record = compare_rows(rows_of(results / "puppet-quick--good", other))
    [ssim, *_] = record.pairs[0].metrics
    assert (ssim.n_clips, ssim.n_own) == (20, 15) and ssim.own_only["new-speakers"].verdict == "better"


def test_rows_are_found_by_folder_by_name_and_by_the_end_of_a_name(results):
    whole = results / "puppet-quick--good"
    assert (
        find_row(str(whole), results) == find_row("puppet-quick--good", results) == find_row("good", results) == whole
    )
    with pytest.raises(UsageError, match="did you mean good"):
        find_row("goood", results)


def test_the_words_say_what_is_shown_and_for_whom(results):
    record = compare_rows(rows_of(results / "puppet-quick--good", results / "puppet-quick--bad"))
    assert summary(record.pairs[0]) == ["Shown for NEW speakers: better in SSIM, M-LMD, SX-C and spread."]
    for text in (terminal(record), markdown(record)):
        assert "good against bad" in text and "M-LMD" in text and "THESE speakers" in text


def test_every_difference_is_also_read_in_doses_of_what_moves_its_column(results):
    ruler = Ruler(
        calibration(
            damage(
                cell("SSIM", effect=lambda dose: -0.2 * dose, half=0.05),
                cell("M-LMD", version="2"),
                cell("SX-C", effect=lambda dose: 0.7 * dose, half=0.1, direction="match"),
            )
        )
    )
    rows = rows_of(results / "puppet-quick--good", results / "puppet-quick--bad")
    record = compare_rows(rows, ruler=ruler)
    doses = {m.metric: m.doses for m in record.pairs[0].metrics}
    assert doses["M-LMD"] == doses["spread"] == []
    assert doses["SSIM"][0].dose == pytest.approx(2.0, abs=0.2)
    # 0.2 and 3.0 from the real clips' value: 2.8 apart, on one side or on both
    assert doses["SX-C"][0].dose == pytest.approx(4.0, abs=0.2) or doses["SX-C"][0].reads == "more-than-top"
    for text in (terminal(record), markdown(record), html(record)):
        said = " ".join(text.split())
        assert "blur 2 px" in said and "as large as" in said and "calibrated on puppet quick test" in said
    turned = compare_rows(rows[::-1], ruler=ruler).pairs[0].metrics
    assert {m.metric: m.doses for m in turned} == doses


def test_a_number_of_all_clips_is_not_read_by_a_curve_of_far_fewer_and_its_cell_says_so(results):
    def curve(metric):
        made = cell(metric, effect=lambda dose: 0.1 * dose)
        return made.model_copy(update={"points": [p.model_copy(update={"n_clips": 3}) for p in made.points]})

    rows = rows_of(results / "puppet-quick--good", results / "puppet-quick--bad")
    record = compare_rows(rows, ruler=Ruler(calibration(damage(curve("spread"), curve("M-LMD")))))
    found = {m.metric: m for m in record.pairs[0].metrics}
    # a mean over clips: how many there are is no matter
    assert found["M-LMD"].doses and not found["M-LMD"].not_in_doses
    assert not found["spread"].doses
    for text in (terminal(record), markdown(record), html(record)):
        assert "measured on 3 clips, this row has 20" in text


def test_what_is_better_than_the_undamaged_clips_is_not_read_as_damaged(results, tmp_path):
    ruler = Ruler(calibration(damage(cell("SSIM", effect=lambda dose: -0.2 * dose, half=0.05))))
    for name, shown in (("good", False), ("bad", True)):
        row, base = results / f"puppet-quick--{name}", tmp_path / f"base-{name}"
        write_row(base, "gt-reencoded", GOOD | {"SSIM": 0.7})
        for pair in ((row, base), (base, row)):
            [ssim] = [m for m in compare_rows(rows_of(*pair), ruler=ruler).pairs[0].metrics if m.metric == "SSIM"]
            assert bool(ssim.doses) == shown, (name, pair)


def test_without_a_ruler_the_words_say_why_and_the_table_is_as_ever(results):
    rows = rows_of(results / "puppet-quick--good", results / "puppet-quick--bad")
    record = compare_rows(rows, ruler="no calibration of the dataset puppet")
    for text in (terminal(record), markdown(record), html(record)):
        assert "Not in doses: no calibration of the dataset puppet." in text and "as large as" not in text


def test_the_verb_writes_a_record_and_prints_it(results):
    work = results.parent
    done = emotalk("compare", "good", "bad", "--work", work, "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["row"] == "good" and (work / "comparisons" / "good--against--bad" / "compare.md").is_file()
    assert "<h2>good against bad" in (work / "comparisons" / "good--against--bad" / "compare.html").read_text()
    assert emotalk("compare", "good", "--work", work).returncode == 2


def test_a_folder_with_other_files_is_never_replaced(results, tmp_path):
    (tmp_path / "own.txt").write_text("not ours")
    done = emotalk("compare", "good", "bad", "--work", results.parent, "--out", tmp_path)
    assert done.returncode == 2 and "expected a new folder" in done.stderr
    assert (tmp_path / "own.txt").read_text() == "not ours"


def test_where_out_is_a_link_the_folder_behind_it_is_filled(results, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    done = emotalk("compare", "good", "bad", "--work", results.parent, "--out", tmp_path / "link")
    assert done.returncode == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "there" / "compare.json").is_file()


def test_where_no_interval_can_be_the_words_say_why(results, monkeypatch):
    record = compare_rows(rows_of(results / "puppet-quick--good", results / "puppet-quick--bad"))
    for metric in record.pairs[0].metrics:
        for target in metric.targets.values():
            target.verdict, target.interval = (
                "no interval",
                target.interval.model_copy(update={"low": None, "high": None, "reason": "2 speakers, 3 are needed"}),
            )
    assert "No interval for NEW speakers, 4 metrics: 2 speakers, 3 are needed." in summary(record.pairs[0])
