"""The confusion tables of the page: numbers in their places, nothing of a name taken for markup."""

import pytest
from pydantic import ValidationError

from reports.confusion import confusion_section, confusion_style

FIGURE = {
    "judge": "frame judge",
    "emotions": ["fear", "sad"],
    "answers": ["angry", "fear", "sad"],
    "n_clips": [4, 2],
    "real": [[0, 4, 0], [0, 0, 2]],
    "generated": [[1, 3, 0], [0, 4 / 3, 2 / 3]],
    "macro_f1_by_seed": [0.5, 0.6, 0.7],
}


def test_shares_stand_in_their_cells():
    page = str(confusion_section([("mine", FIGURE)]))
    assert 'title="fear, taken for angry: 25 %">25<' in page
    assert 'title="sad, taken for fear: 67 %">67<' in page
    assert page.count("is-right") == 4 and page.count("<caption>") == 2
    assert 'class="c8 is-right" title="fear, taken for fear: 75 %"' in page


def test_a_share_of_nothing_is_an_empty_cell():
    assert 'title="fear, taken for sad: 0 %"><' in str(confusion_section([("mine", FIGURE)]))


def test_the_first_row_is_open_and_names_are_text():
    page = str(confusion_section([("<b>one</b>", FIGURE), ("two", FIGURE)]))
    assert page.count("<details") == 2 and page.count(" open>") == 1
    assert "<b>one" not in page and "&lt;b&gt;one" in page


def test_stability_of_the_order_is_said_where_there_is_an_order():
    other = FIGURE | {"macro_f1_by_seed": [0.4, 0.7, 0.6]}
    assert "tau -1.00 to 1.00" in str(confusion_section([("a", FIGURE), ("b", other)])).replace("−", "-")
    assert "tau" not in str(confusion_section([("a", FIGURE)]))


def test_no_row_is_no_section_and_another_document_is_refused():
    assert str(confusion_section([])) == ""
    with pytest.raises(ValidationError):
        confusion_section([("mine", {"kind": "head-pose"})])
    assert ".confusion" in confusion_style()
