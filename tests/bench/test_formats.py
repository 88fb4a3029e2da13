from pathlib import Path

from bench.formats import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"


def test_the_page_of_formats_is_what_the_code_says():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m bench.formats > docs/formats.md"
