"""The gate's verdict in words: every sentence carries the difference, the margin, and why it says what it says."""

from xml.etree import ElementTree

import pytest

from bench.contract.dose import Dose
from bench.contract.regression import Distance, GateLine, Margin, Moved, RegressionRecord, Ungated
from bench.contract.result import DatasetRecord, Interval, MethodRecord
from reports.junit import junit
from reports.regression import markdown, sentence, terminal

DOSE = Dose(damage="blur", unit="px", kind="picture", reads="dose", dose=0.4, top=2.0, smallest=0.001, says="rises")


def line(verdict, metric="LPIPS", **changes):
    margin = Margin(
        metric=metric,
        margin=0.02,
        share=0.10,
        control="static",
        considered=[
            Distance(control="static", distance=0.2, value=0.25, base=0.05, n_clips=24),
            Distance(control="gt-mismatched", distance=None, reason="no-partner-clip"),
        ],
        doses=changes.pop("doses", [DOSE]),
    )
    interval = Interval(target="these-speakers", low=0.01, high=0.05, method="m")
    about = {
        "metric": metric, "kind": "clip", "direction": "lower", "unit": "1", "value": 0.13, "reference": 0.1, "n_clips": 24,
        "n_speakers": 12, "difference": 0.03, "interval": interval, "upper": 0.047, "p_worse": 0.001, "p_holm": 0.002,
        "detectable": 0.025, "margin": margin, "verdict": verdict,
    }  # fmt: skip
    return GateLine(**(about | changes))


def record(*lines, verdict="not worse", **changes):
    about = {
        "row": "two_stage", "method": MethodRecord(name="two_stage", version="1", consumes=[], kind="re-implementation"),
        "reference": "before", "reference_row": "two_stage", "reference_sha256": "r", "protocol": "emotalk",
        "dataset": DatasetRecord(name="puppet", profile="quick", part="test", manifest="quick", manifest_sha256="m",
                                 n_scored=24, n_speakers=12, n_rejected=0, store_sha256="s"),
        "protocol_sha256": "p", "alpha": 0.05, "seed": 0, "lines": list(lines), "ungated": [], "moved": [], "n_others": 9,
        "command": "emotalk regress", "created": "2026-01-01T00:00:00+00:00", "verdict": verdict,
    }  # fmt: skip
    return RegressionRecord(**(about | changes))


def test_worse_tells_by_how_much_the_margin_in_doses_and_p():
    assert sentence(line("worse")) == (
        "LPIPS worse: badness +0.030 [0.010, 0.050] against the reference, margin 0.020, as large as blur 0.4 px; p .002 after Holm."
    )


def test_not_shown_tells_what_could_have_been_shown():
    assert sentence(line("not shown")).endswith("these clips show a worsening of 0.025 or more in 80 % of draws.")


def test_not_worse_and_better_tell_the_most_that_it_can_be():
    assert sentence(line("not worse", upper=0.012)).endswith("; at most 0.012 worse (one-sided 95 %).")
    assert sentence(line("better", upper=-0.012)).endswith("; at most 0.000 worse (one-sided 95 %).")


def test_without_an_interval_the_reason_stands_there():
    none = Interval(target="new-speakers", method="m", reason="2 speakers, 3 are needed")
    said = sentence(line("not shown", interval=none, upper=None, p_worse=None, p_holm=None, detectable=None))
    assert said == "LPIPS not shown: 2 speakers, 3 are needed; margin 0.020, as large as blur 0.4 px."


@pytest.mark.parametrize("words", [terminal, markdown])
def test_the_text_opens_with_the_verdict_and_names_what_decides_it(words):
    said = words(record(line("worse"), line("not shown", "SX-D"), line("not worse", "M-LMD"), verdict="regressed"))
    assert "Regressed: worse in LPIPS." in said and "WORSE" in said and "blur 0.4 px" in said
    unsure = words(record(line("not shown"), line("not shown", "SX-D"), verdict="could not tell"))
    assert "Could not tell: LPIPS and SX-D not shown" in " ".join(unsure.split())
    assert "no metric of the gate could be judged" in " ".join(words(record(verdict="could not tell")).split())


def test_a_guard_that_is_not_shown_is_named_and_not_called_missing_evidence():
    guard = line("not shown", "Sacc-rate")
    guard.margin.role = "guard"
    said = terminal(record(line("not worse"), guard))
    assert "Not worse: every primary endpoint is within its margin; of the guards not shown: Sacc-rate." in said


def test_margins_are_told_with_the_values_they_came_from():
    said = markdown(record(line("not worse")))
    assert "10 % of 0.200, how much worse static (0.250) is than gt-reencoded (0.050) on 24 clips" in said
    assert "beside it gt-mismatched:" in said


def test_what_lies_outside_the_gate_is_told_as_such():
    moved = Moved(metric="SSIM", direction="higher", unit="1", value=0.7, reference=0.8, verdict="worse")
    said = terminal(
        record(line("not worse"), moved=[moved], ungated=[Ungated(metric="LSE-D", reason="weights-missing")])
    )
    assert "Outside the gate, worse (descriptive, of 9 columns): SSIM 0.7000 (0.8000)." in said
    assert "Not in the gate: LSE-D" in said


def test_without_a_ruler_no_column_speaks_of_doses():
    said = terminal(record(line("not worse", doses=[])))
    assert "as large as" not in said


def test_junit_has_a_case_per_metric_and_says_why_one_failed_or_was_skipped():
    lines = [line("worse"), line("not shown", "SX-D"), line("not worse", "M-LMD"), line("better", "Emo-F1")]
    text = junit(record(*lines, verdict="regressed", row="a<b>&\x00\x1b"))
    suites = ElementTree.fromstring(text.encode())
    assert (suites.attrib["tests"], suites.attrib["failures"], suites.attrib["skipped"]) == ("4", "1", "1")
    cases = {case.attrib["name"]: case for case in suites.iter("testcase")}
    assert list(cases) == ["LPIPS", "SX-D", "M-LMD", "Emo-F1"]
    assert cases["LPIPS"].find("failure").attrib["message"] == sentence(lines[0])
    assert cases["SX-D"].find("skipped").attrib["message"] == sentence(lines[1])
    assert cases["M-LMD"].find("failure") is cases["M-LMD"].find("skipped") is None
    assert {p.attrib["name"]: p.attrib["value"] for p in suites.iter("property")}["exit code"] == "1"
