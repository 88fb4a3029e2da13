"""The column that says whether a method's pre-training saw the test speakers."""

import csv
import io
import re

import pytest
from pydantic import ValidationError

from bench.contract.result import Result
from reports.html import build
from reports.load import Loaded
from reports.pretraining import pretraining, pretraining_notes
from reports.table import tables
from reports.text import csv_table, markdown

SAID = {"gt": None, "two_stage": "no", "liveportrait-self": "unknown", "mine.py:Mine": None}


@pytest.fixture
def table_of(make, tmp_path):
    """table_of({row: what it says}): one table, in which every row but `gt` is a method."""
    make_result, _, _ = make

    def build(said):
        rows = [make_result(name, method={"saw_test_speakers": answer}) for name, answer in said.items()]
        [table] = tables([Loaded(row, tmp_path) for row in rows])
        return table

    return build


def test_rows_that_say_nothing_of_their_pre_training_have_no_column_and_no_note(table_of):
    table = table_of(dict.fromkeys(SAID))
    assert pretraining(table) == [] and pretraining_notes(table) == []
    assert "pre-training" not in markdown([table])


def test_one_row_that_says_it_brings_the_column_for_all(table_of):
    table = table_of(SAID)
    assert dict(zip([row.label for row in table.rows], pretraining(table), strict=True)) == {
        "gt": "–", "two_stage": "no", "liveportrait-self": "unknown", "mine.py:Mine": "not declared",
    }  # fmt: skip


def test_the_column_stands_before_the_metrics_and_in_line_with_them(table_of):
    head, rule, *rows = [line.split(" | ") for line in markdown([table_of(SAID)]).splitlines() if line.startswith("|")]
    assert head.index("pre-training saw test speakers") == 4 and head[5].startswith("SSIM")
    assert {len(line) for line in (head, rule, *rows)} == {6}
    assert [row[4] for row in rows] == ["–", "no", "unknown", "not declared"]


def test_the_note_names_the_rows_of_each_answer_and_leaves_controls_out(table_of):
    [note] = pretraining_notes(table_of(SAID))
    assert note.endswith("no: two_stage; unknown: liveportrait-self; not declared: mine.py:Mine.")


def test_the_table_for_programs_has_the_declaration_itself(table_of):
    lines = csv.DictReader(io.StringIO(csv_table([table_of(SAID)])))
    assert [line["saw_test_speakers"] for line in lines] == ["", "no", "unknown", ""]


def test_the_page_shows_it_beside_what_is_given(make, tmp_path):
    make_result, _, write_result = make
    said = [("gt", None), ("two_stage", "no")]
    rows = [make_result(name, method={"saw_test_speakers": answer}) for name, answer in said]
    build([write_result(tmp_path / row.name, row) for row in rows], tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert page.count("Pre-training<br>saw test<br>speakers</th>") == 1
    assert re.findall(r'<td class="left">(.*?)</td>', page) == ["–", "no"]


def test_a_result_written_before_there_was_the_field_still_loads(make):
    document = make[0]("a").model_dump()
    del document["method"]["saw_test_speakers"]
    assert Result.model_validate(document).method.saw_test_speakers is None


def test_only_the_three_words_are_an_answer(make):
    with pytest.raises(ValidationError, match="saw_test_speakers"):
        make[0]("a", method={"saw_test_speakers": "perhaps"})
