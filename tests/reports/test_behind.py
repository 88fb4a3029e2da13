"""What stands behind the numbers of a family, readable without a mouse."""

import pytest

from bench.contract.errors import Reason
from bench.contract.result import Unscored
from reports.behind import behind
from reports.load import Loaded
from reports.table import tables


@pytest.fixture
def behind_of(make, tmp_path):
    """behind_of({row: changes of its one cell}): what stands behind the column."""
    make_result, metric_value, _ = make

    def build(rows):
        cells = {name: metric_value("KID", *changes.pop("value", (0.5,)), **changes) for name, changes in rows.items()}
        [table] = tables([Loaded(make_result(name, [cell]), tmp_path) for name, cell in cells.items()])
        return behind(table, [0])

    return build


def test_what_rows_differ_in_is_a_line_and_what_they_share_is_said_once(behind_of):
    shared = {"n_frames": 240, "floors": "real against real"}
    [found] = behind_of({"gt": {"details": {"p": 1.0} | shared}, "a": {"details": {"p": 0.00497512} | shared}})
    assert found.labels == ["gt", "a"]
    assert found.lines == [("p", ["1", "0.004975"])]
    assert found.shared == [("n frames", "240"), ("floors", "real against real")]


def test_a_name_without_a_number_is_a_dash_and_a_row_without_details_has_no_column(behind_of):
    [found] = behind_of({"gt": {}, "a": {"details": {"p": None, "q": -2.5}}, "b": {"details": {"p": 0.5, "q": 1.5}}})
    assert found.labels == ["a", "b"]
    assert found.lines == [("p", ["—", "0.5"]), ("q", ["−2.5", "1.5"])]


def test_clips_without_a_value_are_counted_with_the_reason_and_an_example(behind_of):
    gap = Unscored(reason=Reason.NO_VARIATION, n_clips=2, clip_id="P001", detail="the mouth is shut.")
    alone = behind_of({"gt": {}, "a": {"n_clips": 22, "unscored": [gap]}})[0]
    assert alone.without == ["a: 2 of 24 clips: nothing moves (as P001: the mouth is shut.)."]
    both = behind_of({name: {"n_clips": 22, "unscored": [gap]} for name in ("gt", "a")})[0]
    assert both.without[0].startswith("all rows: 2 of 24 clips")


def test_what_the_footnote_says_in_full_is_not_said_again_and_nothing_to_say_is_nothing(behind_of):
    gap = Unscored(reason=Reason.WEIGHTS_MISSING, n_clips=24, clip_id="P001", detail="syncnet_v2")
    assert behind_of({"gt": {"value": (None,), "reason": gap.reason, "unscored": [gap]}}) == []
