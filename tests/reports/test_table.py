"""The table as data: order, grouping, digits, bold, footnotes."""

import itertools

import pytest

from bench.contract.metric import Family
from bench.contract.result import ExtractorRecord, Interval
from reports.load import Loaded
from reports.table import tables


@pytest.fixture
def table_of(make, tmp_path):
    """table_of(gt=1.0, a=0.8): one table with a SSIM (or other metric's) column, rows by name."""
    make_result, metric_value, _ = make

    def build(metric="SSIM", half=0.02, cells=None, **values):
        results = []
        for name, value in values.items():
            cell = (cells or {}).get(name) or metric_value(metric, value, half)
            results.append(Loaded(make_result(name.replace("_", "-"), [cell]), tmp_path))
        [table] = tables(results)
        return table

    return build


def best(table):
    return {row.label for row, line in zip(table.rows, table.cells, strict=True) if line[0].best}


def cell(table, label):
    return next(line[0] for row, line in zip(table.rows, table.cells, strict=True) if row.label == label)


def test_controls_come_first_as_a_scale_then_methods_as_given(table_of):
    names = dict.fromkeys(["b", "static", "a", "gt_wrong_emotion", "gt_reencoded", "gt_mismatched", "gt"], 0.5)
    labels = [row.label for row in table_of(**names).rows]
    assert labels == ["gt", "gt-reencoded", "static", "gt-mismatched", "gt-wrong-emotion", "b", "a"]


def test_an_altered_request_follows_its_method(make, tmp_path):
    make_result, _, _ = make
    names = {"x": None, "y": None, "x@other-audio": "audio"}
    [table] = tables([Loaded(make_result(n, method={"altered": a}), tmp_path) for n, a in names.items()])
    assert [row.label for row in table.rows] == ["x", "x@other-audio", "y"]


def test_the_best_method_is_bold_and_never_a_control(table_of):
    assert best(table_of(gt=1.0, gt_reencoded=0.98, static=0.9, a=0.7, b=0.8)) == {"b"}
    assert best(table_of("M-LMD", gt=0.0, static=0.1, a=2.0, b=3.0)) == {"a"}


@pytest.mark.parametrize("given", ["true video", "true cues"])
def test_a_renderer_that_is_given_the_true_clip_is_a_ceiling_and_not_the_best_method(make, tmp_path, given):
    make_result, metric_value, _ = make
    values = {"a": 0.7, "b": 0.8, "c": 0.9}
    results = [make_result(name, [metric_value("SSIM", value, 0.02)]) for name, value in values.items()]
    results[2].method.consumes = ["reference image", given]
    [table] = tables([Loaded(result, tmp_path) for result in results])
    assert best(table) == {"b"}


def test_one_method_alone_is_the_best_of_nothing(table_of):
    assert best(table_of(gt=1.0, static=0.5, a=0.7)) == set()


def test_methods_equal_at_the_shown_digits_are_both_bold(table_of):
    assert best(table_of(gt=1.0, a=0.80010, b=0.80012, c=0.7)) == {"a", "b"}


def test_bold_stops_at_the_ceiling(table_of):
    table = table_of(gt=0.80, a=0.80, b=0.95, c=0.70)
    assert best(table) == {"a", "b"}
    [note] = cell(table, "b").notes
    assert "ground truth" in table.notes[note - 1]
    assert cell(table, "a").notes == []
    assert best(table_of("AV-offset", gt=0.5, a=0.1, b=-0.5, c=0.9)) == {"a", "b"}


def test_the_reencoded_copy_is_the_ceiling_where_the_ground_truth_has_no_value(table_of, make):
    nothing = make[1]("SSIM", None, reason="metric-failed")
    assert best(table_of(gt=None, gt_reencoded=0.8, a=0.8, b=0.9, cells={"gt": nothing})) == {"a", "b"}


def test_zero_is_best_whatever_the_sign(table_of):
    assert best(table_of("AV-offset", gt=0.0, a=-0.2, b=1.0)) == {"a"}


def test_match_is_shown_and_ranked_as_the_difference_to_the_ground_truth(table_of):
    table = table_of("SX-C", gt=6.0, a=7.5, b=5.0)
    assert best(table) == {"b"}
    assert cell(table, "gt").difference is None
    assert cell(table, "a").difference == "+1.500"
    assert cell(table, "b").full_text() == "−1.000 (5.000 ± 0.020)"


def test_match_without_ground_truth_is_the_value_and_says_so(table_of):
    table = table_of("SX-C", a=7.5, b=5.0)
    assert best(table) == set()
    assert cell(table, "a").difference is None
    assert "No ground-truth row" in table.notes[cell(table, "a").notes[0] - 1]


def test_a_method_scored_on_fewer_clips_is_not_the_best(table_of, make):
    few = make[1]("SSIM", 0.99, 0.02, n_clips=3, coverage=0.125)
    table = table_of(gt=1.0, a=0.7, b=0.6, c=0.99, cells={"c": few})
    assert best(table) == {"a"}
    assert next(row for row in table.rows if row.label == "c").clips == "3/24"


def test_an_output_in_which_most_columns_find_no_face_is_still_an_output(make, tmp_path):
    make_result, metric_value, _ = make
    faceless = [metric_value(name, 0.5, 0.02, n_clips=23, coverage=23 / 24) for name in ("M-LMD", "LPIPS")]
    [table] = tables([Loaded(make_result("a", [metric_value("SSIM", 0.5, 0.02), *faceless]), tmp_path)])
    assert table.rows[0].coverage.own == 24
    assert all(any("23 of 24" in table.notes[k - 1] for k in c.notes) for c in table.cells[0] if c.coverage)


@pytest.mark.parametrize(("reason", "text"), [("cue-space-only", "n/a"), ("weights-missing", "—"), (None, "—")])
def test_null_never_becomes_zero_and_has_a_footnote(table_of, make, reason, text):
    table = table_of(gt=1.0, a=0.5, cells={"a": make[1]("SSIM", None, reason=reason, n_clips=0)})
    shown = cell(table, "a")
    assert shown.value is None and shown.text == text and len(shown.notes) == 1
    assert "0" not in shown.full_text()


def test_nan_is_no_value(table_of, make):
    table = table_of(gt=1.0, a=0.5, cells={"a": make[1]("SSIM", float("nan"), None)})
    assert cell(table, "a").value is None


def test_a_metric_that_a_result_does_not_have_is_not_evaluated(make, tmp_path):
    make_result, metric_value, _ = make
    both = make_result("a", [metric_value("SSIM", 0.8), metric_value("PSNR", 20.0)])
    [table] = tables([Loaded(both, tmp_path), Loaded(make_result("b", [metric_value("SSIM", 0.7)]), tmp_path)])
    assert table.cells[1][1].text == "—"
    assert table.notes == ["Not evaluated in this result."]


def test_digits_of_a_column_follow_the_methods(table_of, make):
    narrow = make[1]("SSIM", 0.98, 0.00012)
    table = table_of(gt=1.0, gt_reencoded=0.98, a=0.7, half=0.031, cells={"gt_reencoded": narrow})
    assert {line[0].text for line in table.cells} == {"1.000", "0.980", "0.700"}
    assert cell(table, "gt-reencoded").spreads["new-speakers"] == "± <0.001"


def test_a_reason_for_no_interval_that_all_share_is_said_once(table_of):
    table = table_of(gt=1.0, a=0.7, half=None)
    assert table.no_interval["new-speakers"] == "2 speakers, at least 3 are needed"
    assert table.notes == []


def test_reasons_for_no_interval_that_differ_are_said_once_too(table_of, make):
    other = make[1]("SSIM", 0.7, intervals=[Interval(target="new-speakers", method="t", reason="1 speaker")])
    table = table_of(gt=1.0, a=0.7, b=0.6, half=None, cells={"b": other})
    assert table.no_interval["new-speakers"] == "2 speakers, at least 3 are needed; 1 speaker"
    assert table.notes == []


def test_a_reason_for_no_interval_of_one_cell_is_its_footnote(table_of, make):
    alone = make[1]("SSIM", 0.7, None)
    table = table_of(gt=1.0, a=0.7, b=0.6, cells={"a": alone})
    assert table.no_interval == {}
    assert [table.notes[k - 1] for k in cell(table, "a").notes] == [
        "No interval for new speakers: 2 speakers, at least 3 are needed."
    ]


def test_an_interval_with_one_end_is_none(table_of, make):
    half_open = make[1]("SSIM", 0.7, intervals=[Interval(target="new-speakers", low=0.1, method="t")])
    assert cell(table_of(gt=1.0, a=0.7, cells={"a": half_open}), "a").spreads == {}


DIFFERENCES = {
    "protocol": {"protocol": {"name": "eat-like"}},
    "protocol hash": {"protocol": {"sha256": "ff"}},
    "missing": {"protocol": {"missing": "exclude"}},
    "dataset": {"dataset": {"name": "cremad"}},
    "profile": {"dataset": {"profile": "bench"}},
    "part": {"dataset": {"part": "validation"}},
    "data version": {"dataset": {"data_version": "4"}},
    "manifest": {"dataset": {"manifest_sha256": "ff"}},
    "clips": {"dataset": {"store_sha256": "ff"}},
    "extractor": {"extractors": [ExtractorRecord(name="face", version="2", weights={})]},
}


@pytest.mark.parametrize("changes", DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_results_under_other_conditions_get_a_table_of_their_own(make, tmp_path, changes):
    make_result, _, _ = make
    made = tables([Loaded(make_result("a"), tmp_path), Loaded(make_result("b", **changes), tmp_path)])
    assert [[row.label for row in table.rows] for table in made] == [["a"], ["b"]]
    assert len({table.heading for table in made}) == 2


def test_headings_are_unique_even_where_only_the_tail_of_a_hash_differs(make, tmp_path):
    make_result, _, _ = make
    hashes = ["a" * 63 + c for c in "123"]
    made = tables([Loaded(make_result("a", dataset={"store_sha256": h}), tmp_path) for h in hashes])
    assert len({table.heading for table in made}) == 3


def test_a_result_without_the_extractor_in_question_stays_in_the_table(make, tmp_path):
    make_result, _, _ = make
    [table] = tables([Loaded(make_result("a"), tmp_path), Loaded(make_result("b", extractors=[]), tmp_path)])
    assert len(table.rows) == 2


def test_two_versions_of_a_metric_are_two_columns(make, tmp_path):
    make_result, metric_value, _ = make
    cells = [metric_value("SSIM", 0.8, version=v) for v in "12"]
    [table] = tables([Loaded(make_result(n, [c]), tmp_path) for n, c in zip("ab", cells, strict=True)])
    assert [c.label for c in table.columns] == ["SSIM (version 1)", "SSIM (version 2)"]
    assert [[c.value for c in line] for line in table.cells] == [[0.8, None], [None, 0.8]]


def test_every_header_says_of_a_published_protocol_how_far_it_is_verified(make, tmp_path):
    make_result, _, _ = make
    published = {"name": "eat-like", "status": "unverified"}
    [ours] = tables([Loaded(make_result("a"), tmp_path)])
    [theirs] = tables([Loaded(make_result("a", protocol=published), tmp_path)])
    assert {c.header for c in theirs.columns} == {f"{c.header} · eat-like (unverified)" for c in ours.columns}
    assert all("emotalk" not in c.header for c in ours.columns)


@pytest.mark.parametrize("changes", [{"name": "other"}, {"method": {"version": "2"}}, {"seed": 4}, {}])
def test_a_name_that_stands_twice_is_told_apart(make, tmp_path, changes):
    make_result, _, _ = make
    [table] = tables([Loaded(make_result("a"), tmp_path), Loaded(make_result("a", None, **changes), tmp_path)])
    labels = [row.label for row in table.rows]
    assert len(set(labels)) == 2 and all(label.startswith("a (") for label in labels)


def test_the_order_of_results_changes_nothing_but_the_order_of_methods(table_of):
    values = {"gt": 1.0, "static": 0.5, "a": 0.7, "b": 0.8}
    for order in itertools.permutations(values):
        table = table_of(**{name: values[name] for name in order})
        assert [row.label for row in table.rows][:2] == ["gt", "static"]
        assert {row.label: line[0].full_text() for row, line in zip(table.rows, table.cells, strict=True)} == {
            "gt": "1.000 ± 0.020", "static": "0.500 ± 0.020", "a": "0.700 ± 0.020", "b": "0.800 ± 0.020",
        }  # fmt: skip
        assert best(table) == {"b"}


def test_a_folder_of_videos_does_not_claim_to_be_given_nothing(make, tmp_path):
    make_result, _, _ = make
    kinds = {"folder": ("not declared",), "plug-in": ()}
    for kind, given in kinds.items():
        [table] = tables([Loaded(make_result("a", None, method={"kind": kind, "consumes": []}), tmp_path)])
        assert table.rows[0].given == given


# --- many columns


@pytest.fixture
def table_with(make, tmp_path):
    """table_with(cells): one row with these cells."""
    make_result, _, _ = make
    return lambda cells: tables([Loaded(make_result("m", cells), tmp_path)])[0]


@pytest.fixture
def many(make):
    """many(image=3): metrics i0, i1, i2 of the family."""
    _, metric_value, _ = make

    def build(primary=(), **count_of):
        names = [(Family(family), f"{family[0]}{k}") for family, count in count_of.items() for k in range(count)]
        return [metric_value(name, 0.5, family=family, primary=name in primary) for family, name in names]

    return build


def test_few_columns_stand_in_one_piece_without_a_title(table_with, many):
    [block] = table_with(many(image=3, gaze=5)).blocks
    assert block.title == "" and block.columns == tuple(range(8))


def test_many_columns_are_parted_primary_endpoints_first_then_every_column_in_its_family(table_with, many):
    table = table_with(many(image=6, gaze=4, sync=3, primary=("i2", "g1")))
    assert [block.name for block in table.blocks] == ["primary", "image", "gaze", "sync"]
    assert [table.columns[j].metric for j in table.blocks[0].columns] == ["i2", "g1"]
    assert sorted(j for block in table.blocks[1:] for j in block.columns) == list(range(13))


def test_a_paired_difference_of_the_result_is_shown_with_its_own_interval(table_with, make):
    ends = {"target": "new-speakers", "low": -0.5, "high": -0.3, "method": "t"}
    cell = make[1]("SX-C", 6.1, truth=6.5, difference=-0.4, difference_intervals=[ends])
    assert table_with([cell]).cells[0][0].full_text() == "−0.40 ± 0.10 (6.10)"


def test_flags_of_a_cell_become_footnotes(table_with, make):
    table = table_with([make[1]("FID", 30.0, flags=["rank-deficient", "unheard-of"])])
    assert len(table.cells[0][0].notes) == 2
    assert "depends on their number" in table.notes[0] and table.notes[1] == "Flag unheard-of."


def test_digits_under_match_follow_the_difference_that_is_shown(table_with, make):
    ends = {"target": "new-speakers", "low": -14.0, "high": -12.0, "method": "t"}
    cell = make[1]("SX-C", 0.4263, 0.01, truth=13.4, difference=-13.0, difference_intervals=[ends])
    assert table_with([cell]).cells[0][0].full_text() == "\u221213.0 ± 1.0 (0.4)"


def test_digits_follow_the_floors_before_the_ceilings(make, tmp_path):
    make_result, metric_value, _ = make
    rows = {"gt": (1e-9, 2e-7), "gt-reencoded": (10.3, 0.01), "static": (37.2, 5.5)}
    [table] = tables([Loaded(make_result(n, [metric_value("FID", v, h)]), tmp_path) for n, (v, h) in rows.items()])
    assert [line[0].text for line in table.cells] == ["0.0", "10.3", "37.2"]
