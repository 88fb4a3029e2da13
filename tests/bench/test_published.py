"""EAT's published per-clip scores under our statistics: the printed means, both intervals, and the limits of four speakers."""

import csv
import hashlib
import io
import json
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from run_emotalk import emotalk
from scipy import stats

from bench.contract.published import PerClipRecord
from bench.published import per_clip_record
from data_manifests import make
from reports.published import load_published

FACTS = os.environ.get("EMOTALK_FACTS")
RECORD = per_clip_record(load_published())
BY_NAME = {q.quantity: q for q in RECORD.quantities}
TEXT = (files("data_manifests") / "mead" / "eat100_scores.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(io.StringIO(TEXT)))


def ends(quantity, target):
    return next(i for i in BY_NAME[quantity].intervals if i.target == target)


@pytest.mark.parametrize(
    ("quantity", "printed", "allowed"),
    [("M-LMD", 2.223, 5e-4), ("F-LMD", 2.425, 5e-4), ("Sync confidence", 8.215, 5e-4), ("AV offset", -2, 0)],
)
def test_means_over_clips_equal_the_published_ones_reference(tolerance, quantity, printed, allowed):
    q = BY_NAME[quantity]
    tolerance(f"{quantity} of EAT, 100 clips", "published totals", "mean over clips", abs(q.mean - printed), allowed)
    assert q.printed == printed and q.agrees


@pytest.mark.parametrize(("quantity", "printed", "gap"), [("PSNR", 21.79, 0.07), ("SSIM", 0.6795, 0.002)])
def test_printed_means_over_frames_are_not_the_means_over_clips_and_lie_inside_the_interval(quantity, printed, gap):
    q, these = BY_NAME[quantity], ends(quantity, "these-speakers")
    assert q.printed == printed and not q.agrees and "all frames" in q.averaged
    assert gap / 2 < abs(q.mean - printed) < gap and these.low < printed < these.high


def test_the_offset_is_minus_two_on_every_clip():
    assert {row["av_offset_frames"] for row in ROWS} == {"-2"} and len(ROWS) == RECORD.n_clips == 100


def test_new_speakers_is_student_t_on_four_means_with_three_degrees_of_freedom():
    interval = ends("SSIM", "new-speakers")
    means = np.array(list(BY_NAME["SSIM"].speaker_means.values()))
    theirs = stats.t.interval(0.95, 3, means.mean(), stats.sem(means))
    assert (interval.low, interval.high) == (pytest.approx(theirs[0]), pytest.approx(theirs[1]))
    assert "df 3" in interval.method and list(RECORD.clips_by_speaker) == ["M003", "M030", "W009", "W015"]


def test_these_speakers_is_narrower_than_new_speakers_everywhere():
    for name, q in BY_NAME.items():
        if q.spread > 0:
            these, new = ends(name, "these-speakers"), ends(name, "new-speakers")
            assert these.high - these.low < new.high - new.low, name


def test_four_speakers_cannot_show_most_published_differences_of_psnr_but_can_show_large_ones_of_landmarks():
    middle = {q: next(s for s in BY_NAME[q].smallest if s.correlation == 0.5) for q in ("PSNR", "SSIM", "M-LMD")}
    assert middle["PSNR"].pairs_below == middle["PSNR"].pairs == 38
    assert 0 < middle["SSIM"].pairs_below < middle["SSIM"].pairs
    assert middle["M-LMD"].pairs_below < middle["M-LMD"].pairs / 3
    assert RECORD.least_sign_p == 0.125 > RECORD.alpha


def test_the_claimed_difference_between_eat_and_eamm_would_need_dozens_of_speakers():
    [found] = [d for d in RECORD.differences if not d.one_table and d.quantity == "SSIM"]
    assert (found.first, found.second, found.difference) == ("EAT", "EAMM", 0.02)
    assert found.correlation_needed > 0.95 and 30 < found.speakers_needed < 50


def test_the_frozen_record_that_reports_show_is_this_one():
    frozen = (files("reports") / "reference" / "eat100-scores.json").read_text(encoding="utf-8")
    one, other = json.loads(frozen), json.loads(RECORD.model_dump_json())
    assert PerClipRecord.loads(frozen).data_sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert flat(one) == pytest.approx(flat(other), rel=1e-6, abs=1e-9)
    assert words(one) == words(other)


def flat(node):
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    own = [float(node)] if isinstance(node, int | float) and not isinstance(node, bool) else []
    return own + [v for child in children for v in flat(child)]


def words(node):
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    own = [node] if isinstance(node, str) else []
    return own + [v for child in children for v in words(child)]


@pytest.mark.skipif(not FACTS, reason="EMOTALK_FACTS names no folder of fact tables")
def test_the_scores_are_those_of_the_facts_digit_by_digit():
    assert [list(row) for row in make.score_rows(Path(FACTS))] == [list(row.values()) for row in ROWS]


def test_the_verb_prints_everything_and_writes_the_page(tmp_path):
    done = emotalk("published", "--out", tmp_path / "out", "--work", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The same method differs this much between papers" in done.stdout and "[0.6069, 0.7450]" in done.stdout
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"published.html", "published.md", "eat100-scores.json"}
