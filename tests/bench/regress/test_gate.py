"""A row is held against a frozen one: what is worse by more than the margin is worse, and what cannot be held is refused."""

import numpy as np
import pytest

from bench.compare import load_row
from bench.contract.errors import ExitCode, Reason, UsageError
from bench.contract.regression import Ungated
from bench.contract.result import Problem
from bench.regress.conditions import MissingValues
from bench.regress.gate import gate


def verdicts(record):
    return {line.metric: line.verdict for line in record.lines}


def line(record, metric):
    return next(one for one in record.lines if one.metric == metric)


def test_the_same_row_differs_by_exactly_nothing_and_is_not_worse(results, frozen):
    record = gate(load_row(results / "model"), frozen)
    assert {(one.difference, one.upper) for one in record.lines} == {(0.0, 0.0)}
    assert set(verdicts(record).values()) == {"not worse"} and record.verdict == "not worse" and record.moved == []
    assert record.exit_code == ExitCode.DONE


def test_another_run_of_an_equal_model_is_not_worse(another, frozen):
    assert set(verdicts(gate(another(), frozen)).values()) == {"not worse"}


@pytest.mark.parametrize(
    ("metric", "values", "spread"),
    [("M-LMD", {"M-LMD": 2.9}, 2.0), ("SX-C", {"SX-C": 4.2}, 2.0), ("SX-C", {"SX-C": 7.8}, 2.0), ("spread", {}, 4.0)],
)
def test_worse_by_two_margins_is_worse_there_and_nowhere_else(another, frozen, metric, values, spread):
    record = gate(another(values, spread=spread), frozen)
    assert verdicts(record) == dict.fromkeys(("M-LMD", "SX-C", "spread"), "not worse") | {metric: "worse"}
    assert record.verdict == "regressed" and record.exit_code == ExitCode.CRASHED
    assert line(record, metric).difference > line(record, metric).margin.margin and line(record, metric).p_holm < 0.05


def test_better_is_called_better_and_passes(another, frozen):
    record = gate(another({"M-LMD": 1.5}), frozen)
    assert verdicts(record)["M-LMD"] == "better" and record.verdict == "not worse"


def test_worse_within_the_margin_passes(another, frozen):
    found = line(gate(another({"M-LMD": 2.2}), frozen), "M-LMD")
    assert found.verdict == "not worse" and found.interval.low > 0.0


def scatter(frozen, metric):
    """Noise of ten margins on every clip of the frozen row."""
    noise = np.random.default_rng(0).normal(0.0, 4.0, 20)
    noise -= noise.mean()
    for (clip, value), n in zip(list(frozen.columns[metric].values.items()), noise, strict=True):
        frozen.columns[metric].values[clip] = value + n


def test_where_clips_scatter_more_than_the_margin_nothing_is_shown(another, frozen):
    scatter(frozen, "M-LMD")
    record = gate(another(), frozen)
    found = line(record, "M-LMD")
    assert found.verdict == "not shown" and found.detectable > found.margin.margin
    assert record.verdict == "could not tell" and record.exit_code == ExitCode.COULD_NOT_TELL


def test_a_metric_that_is_worse_outweighs_one_that_is_not_shown(another, frozen):
    scatter(frozen, "M-LMD")
    assert gate(another({"SX-C": 4.0}), frozen).verdict == "regressed"


def test_a_guard_raises_an_alarm_but_holds_up_nothing(another, frozen):
    scatter(frozen, "SX-C")
    unsure = gate(another(), frozen)
    assert verdicts(unsure)["SX-C"] == "not shown" and unsure.verdict == "not worse"
    assert gate(another({"SX-C": 0.0}, name="far"), frozen).verdict == "regressed"


def test_columns_outside_the_gate_are_told_and_decide_nothing(another, frozen):
    record = gate(another({"SSIM": 0.4}), frozen)
    assert [(m.metric, m.verdict) for m in record.moved] == [("SSIM", "worse")]
    assert record.n_others == 1 and record.verdict == "not worse"


def test_holm_runs_over_the_metrics_of_the_gate(another, frozen):
    record = gate(another({"M-LMD": 2.9}), frozen)
    smallest = min(record.lines, key=lambda one: one.p_worse)
    assert smallest.p_holm == pytest.approx(len(record.lines) * smallest.p_worse)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data_version": "3"}, "version of the embedded dataset: 2 in the reference, 3 here"),
        ({"store_sha256": "t"}, "hash of the clips with their reference images: s in the reference, t here"),
        ({"manifest_sha256": "n"}, "hash of the manifest: m in the reference, n here"),
        ({"part": "validation"}, "part: test in the reference, validation here"),
        ({"profile": "bench"}, "profile: quick in the reference, bench here"),
        ({"n_scored": 19}, "number of clips: 20 in the reference, 19 here"),
        ({"weights": "newer"}, "network face: other weights of face"),
    ],
)
def test_what_was_measured_otherwise_is_refused_with_what_differs(another, frozen, changed, said):
    with pytest.raises(UsageError, match=said):
        gate(another(**changed), frozen)


def test_another_protocol_another_network_and_another_definition_are_refused(results, frozen):
    row = load_row(results / "model")
    row.result.protocol.sha256 = "changed"
    with pytest.raises(UsageError, match="hash of the protocol: p in the reference, changed here"):
        gate(row, frozen)
    row = load_row(results / "model")
    row.result.extractors[0].version = "2"
    with pytest.raises(UsageError, match="network face: version 1 in the reference, 2 here"):
        gate(row, frozen)
    row = load_row(results / "model")
    row.result.extractors.clear()
    with pytest.raises(UsageError, match="network face: not used here"):
        gate(row, frozen)
    row = load_row(results / "model")
    row.result.metric("M-LMD").version = "2"
    with pytest.raises(UsageError, match="M-LMD has another version"):
        gate(row, frozen)


def test_cues_alone_and_videos_are_not_held_against_each_other(another, frozen):
    row = another()
    row.result.metric("SSIM").reason = Reason.CUE_SPACE_ONLY
    with pytest.raises(UsageError, match="it is of cues alone, the reference of videos; give the method without @cues"):
        gate(row, frozen)
    frozen.record.ungated.append(Ungated(metric="LPIPS", reason=Reason.CUE_SPACE_ONLY))
    assert gate(row, frozen).verdict == "not worse"
    with pytest.raises(UsageError, match="it is of videos, the reference of cues alone; give the method with @cues"):
        gate(another(name="rendered"), frozen)


def test_values_that_lack_are_refused_and_named(results, frozen):
    row = load_row(results / "model")
    frozen.columns["M-LMD"].values["Z_angry_1"] = 2.0
    with pytest.raises(MissingValues, match="M-LMD on Z_angry_1"):
        gate(row, frozen)


def test_a_metric_without_a_value_and_outputs_that_failed_are_refused(another, results, frozen):
    with pytest.raises(MissingValues, match="no value of M-LMD"):
        gate(another({"M-LMD": None}), frozen)
    row = load_row(results / "model")
    row.result.problems.append(Problem(clip_id="A_angry_1", status="static", reason="missing-output", detail="none"))
    with pytest.raises(MissingValues, match="1 outputs lack or failed, no verdict: A_angry_1: missing-output"):
        gate(row, frozen)
    assert MissingValues.exit_code == ExitCode.SOME_FAILED


def test_a_clip_without_a_value_in_both_is_left_out_of_both(results, frozen):
    del frozen.columns["M-LMD"].values["A_angry_1"]
    assert line(gate(load_row(results / "model"), frozen), "M-LMD").n_clips == 19
