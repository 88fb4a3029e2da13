"""The spread between protocols: copies do not move, swapped values lose the winner, empty cells keep their reason."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from bench.contract.errors import UsageError
from bench.contract.result import CLIP_COLUMNS
from bench.contract.spread import NOT_EVALUATED, NOT_IN_PROTOCOL
from bench.spread import build_spread, spread_record
from reports.spread import headline, metric_notes, moving, terminal
from reports.spreadpage import page

LEVELS = {"m0": 0.9, "m1": 0.8, "m2": 0.7, "m3": 0.6, "m4": 0.5}
SPEAKERS, EMOTIONS = ("S1", "S2", "S3", "S4"), ("angry", "happy")
CLIPS = [(s, e, k) for s in SPEAKERS for e in EMOTIONS for k in range(3)]


@pytest.fixture
def written(make, tmp_path):
    """written({protocol: {row: {metric: value or (value, changes)}}}, **protocol changes): folders of results."""
    make_result, metric_value, _ = make

    def cell(name, value):
        value, changes = value if isinstance(value, tuple) else (value, {})
        return metric_value(name, value, **changes)

    def build(protocols, unknown=(), noise=0.01):
        folders = []
        for name, rows in protocols.items():
            ours = name == "emotalk"
            about = {"name": name, "status": "ours" if ours else "unverified", "sha256": name, "text": f'title = "{name}, as it is"\n',
                     "unknown": [] if ours else list(unknown)}  # fmt: skip
            for row, values in rows.items():
                result = make_result(row, [cell(m, v) for m, v in values.items()], protocol=about)
                folders.append(save(tmp_path / f"{row}--{name}", result, noise))
        return folders

    return build


def save(folder, result, noise):
    folder.mkdir()
    result.save(folder / "result.json")
    rng = np.random.default_rng(0)
    lines = [
        ["puppet", "test", f"{s}_{e}_{k}", s, e, 3, result.name, result.protocol.name, m.metric,
         None if m.value is None else m.value + noise * rng.normal(), None, "null" if m.value is None else "ok", m.reason, 60]
        for m in result.metrics for s, e, k in CLIPS
    ]  # fmt: skip
    pd.DataFrame(lines, columns=list(CLIP_COLUMNS)).astype(CLIP_COLUMNS).to_parquet(folder / "clips.parquet")
    return folder


def rows(values, metric="SSIM"):
    return {row: {metric: value} for row, value in values.items()}


def only(record):
    [section] = record.sections
    [metric] = section.metrics
    return section, metric


def test_copies_of_the_same_numbers_do_not_move(written):
    section, m = only(spread_record(written({"emotalk": rows(LEVELS), "other": rows(LEVELS)})))
    assert m.same_numbers and m.over_protocols == 0 and m.ratio == 0 and moving(section) == []
    assert "The same numbers under every protocol that has them: SSIM." in headline(section)


def test_a_shift_of_all_rows_moves_the_numbers_and_keeps_the_order_with_certainty(written):
    other = {row: value - 1 for row, value in LEVELS.items()}
    _, m = only(spread_record(written({"emotalk": rows(LEVELS), "other": rows(other)})))
    [pair] = m.pairs
    assert (m.over_protocols, m.over_rows, m.ratio) == (pytest.approx(1), pytest.approx(0.4), pytest.approx(2.5))
    assert (pair.tau, pair.p, pair.survives, pair.same_winner) == (1, 2 / 120, True, 1)
    assert (pair.low, pair.high) == (1, 1)


def test_reversed_rows_lose_the_winner_whatever_the_direction(written):
    reverse = dict(zip(LEVELS, reversed(LEVELS.values()), strict=True))
    for metric in ("SSIM", "M-LMD", "AV-offset"):
        _, m = only(spread_record(written({f"a{metric}": rows(LEVELS, metric), f"b{metric}": rows(reverse, metric)})))
        [pair] = m.pairs
        assert (pair.tau, pair.survives, pair.same_winner) == (-1, False, 0), metric
        best = "m0" if metric == "SSIM" else "m4"
        assert pair.winners[0] == [best] and m.cells[int(best[1])][0].rank == 1


def test_under_match_rows_are_ordered_by_their_distance_to_the_truth(written):
    def cells(differences):
        return {row: {"SX-C": (1.0, {"difference": d})} for row, d in zip(LEVELS, differences, strict=True)}

    _, m = only(
        spread_record(written({"emotalk": cells([-0.1, 0.2, -0.3, 0.4, 0.5]), "other": cells([0.2, 0.4, 0.6, 0.8, 1])}))
    )
    assert m.pairs[0].tau == 1 and m.cells[0][0].shown == -0.1 and m.cells[0][0].rank == 1


def test_other_units_have_no_ratio_but_an_order(written):
    in_percent = {row: {"M-LMD": (100 * value, {"unit": "% of eye distance"})} for row, value in LEVELS.items()}
    _, m = only(spread_record(written({"emotalk": rows(LEVELS, "M-LMD"), "other": in_percent})))
    assert m.ratio is None and m.ratio_reason == "units differ: % of eye distance and px"
    assert m.pairs[0].tau == 1


def test_an_empty_cell_keeps_its_reason_and_a_missing_row_or_column_says_so(written):
    other = rows({row: value / 2 for row, value in LEVELS.items()}) | {
        "m1": {"SSIM": (None, {"reason": "no-face", "n_clips": 0})}
    }
    del other["m4"]
    other["m0"]["PSNR"] = 30.0
    third = {row: {"PSNR": 20.0} for row in LEVELS}
    folders = written({"emotalk": rows(LEVELS), "other": other, "third": third})
    [section] = spread_record(folders).sections
    ssim = next(m for m in section.metrics if m.metric == "SSIM")
    assert [ssim.cells[k][1].reason for k in (0, 1, 4)] == [None, "no-face", NOT_EVALUATED]
    assert ssim.columns[2] is None and ssim.cells[0][2].reason == NOT_IN_PROTOCOL
    assert ssim.pairs[0].rows == 3 and len(ssim.pairs) == 1
    text = page(spread_record(folders))
    assert "no face was found" in text and "not evaluated under this protocol" in text


def test_few_methods_are_ranked_with_the_floors_and_the_ceiling_never(written):
    values = {"gt": 1.0, "static": 0.2, "gt-mismatched": 0.3, "m0": 0.9, "m1": 0.8}
    section, m = only(spread_record(written({"emotalk": rows(values), "other": rows(values)})))
    assert {row.label for row in section.rows if row.ranked} == {"static", "gt-mismatched", "m0", "m1"}
    assert m.pairs[0].rows == 4 and m.pairs[0].least_p == pytest.approx(2 / 24) and "2 methods" in section.ranked_are


def test_a_header_marks_what_is_unverified_and_unknown_and_ours_comes_first(written):
    folders = written(
        {"copied": rows(LEVELS), "emotalk": rows({r: v / 2 for r, v in LEVELS.items()})}, ["crop", "frames"]
    )
    record = spread_record(folders)
    assert [p.name for p in record.sections[0].protocols] == ["emotalk", "copied"]
    text = page(record)
    assert "unverified · 2 unknown" in text and "crop; frames" in text


def test_one_protocol_alone_or_other_clips_are_refused_with_what_to_do(written):
    with pytest.raises(UsageError, match="--protocol A,B"):
        spread_record(written({"emotalk": rows(LEVELS)}))


def test_rows_under_one_protocol_only_are_named_with_the_reason_wherever_the_spread_is_told(written, make, tmp_path):
    make_result, metric_value, _ = make
    folders = written({"emotalk": rows(LEVELS), "other": rows({r: v / 2 for r, v in LEVELS.items()})})
    elsewhere = make_result("m9", [metric_value("SSIM", 0.9)], dataset={"part": "validation", "store_sha256": "e" * 64})
    done = build_spread([*folders, save(tmp_path / "m9--emotalk", elsewhere, 0.01)], tmp_path / "out")
    [said] = done.record.left_out
    assert said.startswith("puppet · quick · validation, protocol emotalk, 1 row: m9: under one protocol only")
    assert "other part and clips" in said and len(done.record.sections) == 1
    for text in ((tmp_path / "out" / "spread.md").read_text(), page(done.record), terminal(done.record)):
        assert "Left out" in text and "m9" in text
    assert "Left out" not in page(spread_record(folders))


def test_the_words_count_sets_of_clips(written):
    with pytest.raises(UsageError, match="emotalk in 1 set of clips"):
        spread_record(written({"emotalk": rows(LEVELS)}))


def test_resamplings_without_a_tau_are_told(written):
    record = spread_record(written({"emotalk": rows(LEVELS), "other": rows({r: v / 2 for r, v in LEVELS.items()})}))
    section, m = only(record)
    told = m.model_copy(update={"pairs": [m.pairs[0].model_copy(update={"without_tau": 7})]})
    assert "7 resamplings in which one order is all ties have no tau" in " ".join(metric_notes(section, told))
    assert "have no tau" not in " ".join(metric_notes(section, m))


def test_a_row_that_is_another_model_under_the_other_protocol_is_refused(written, make, tmp_path):
    make_result, metric_value, _ = make
    folders = written({"emotalk": rows(LEVELS)})
    about = {"name": "other", "status": "unverified", "sha256": "other", "text": ""}
    later = make_result("m0", [metric_value("SSIM", 0.9)], protocol=about, method={"checkpoint_sha256": "f" * 64})
    with pytest.raises(UsageError, match="row m0 is not the same under emotalk and under other"):
        spread_record([*folders, save(tmp_path / "m0--other", later, 0.01)])


def test_the_files_agree_with_one_another_and_are_the_same_bytes_twice(written, tmp_path):
    folders = written({"emotalk": rows(LEVELS), "other": rows({r: v + 0.3 for r, v in LEVELS.items()})})
    done = build_spread(folders, tmp_path / "one")
    assert [p.name for p in done.files] == ["spread.json", "spread.md", "spread.csv", "spread.html"]
    lines = list(csv.DictReader(io.StringIO((tmp_path / "one" / "spread.csv").read_text())))
    assert len(lines) == 10 and {line["rank"] for line in lines} == {"1.0", "2.0", "3.0", "4.0", "5.0"}
    document = json.loads((tmp_path / "one" / "spread.json").read_text())
    assert document["sections"][0]["metrics"][0]["ratio"] == pytest.approx(0.75)
    build_spread(folders, tmp_path / "again")
    assert all((tmp_path / "again" / p.name).read_bytes() == p.read_bytes() for p in done.files)


def test_the_page_fetches_nothing_and_names_cannot_break_it(written, tmp_path):
    folders = written({"emotalk": rows(LEVELS), "<b>x": rows({r: v / 2 for r, v in LEVELS.items()})}, ["<script>"])
    text = page(spread_record(folders))
    assert "<script" not in text and "<b>x" not in text
    assert not re.search(r'(src|href)="(?!#|data:)', text)
