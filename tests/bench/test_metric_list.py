"""The tables of docs/metrics.md and docs/weights.md say what the code says."""

import pytest

from bench.metric_list import DOCS, PAGES, page_of, with_table
from bench.protocols import load_protocol
from metrics.registry import get_metrics


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_the_pages_are_those_of_the_code(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    assert text == with_table(text, PAGES[page]()), "run: python -m bench.metric_list"


def test_every_column_is_described_on_the_page_that_its_line_names():
    protocol = load_protocol("emotalk")
    for metric in get_metrics(protocol.metrics, protocol.options):
        page = page_of(metric)
        described = (DOCS / f"{'metrics' if page == 'below' else page}.md").read_text(encoding="utf-8")
        assert metric.name in described.partition("<!-- end -->")[2] if page == "below" else metric.name in described


def test_a_page_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="marks"):
        with_table("# Metrics", "| a |")
