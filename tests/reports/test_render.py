"""Templates are filled in in one place, in one way."""

import ast
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

import reports
from reports.render import render, template

FOLDER = Path(reports.__file__).parent


def test_one_module_knows_the_template_engine():
    modules = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.py")}
    imported = {
        name for name, tree in modules.items() for node in ast.walk(tree) if getattr(node, "module", None) == "jinja2"
    }
    assert imported == {"render.py"}


@pytest.mark.parametrize("given", ["<b>", Markup("<b>")], ids=["text", "markup"])
def test_text_is_escaped_and_markup_is_not(given):
    filled = render("calibration_page.html.j2", place=given, size="", facts=[], section=Markup(""), style=Markup(""))
    assert ("<b>" in filled) is isinstance(given, Markup) and ("&lt;b&gt;" in filled) is not isinstance(given, Markup)


def test_a_value_that_a_template_needs_and_does_not_get_is_an_error():
    with pytest.raises(UndefinedError, match="place"):
        render("calibration_page.html.j2")


def test_style_sheets_are_read_as_they_are():
    assert template("report.css") == (FOLDER / "templates" / "report.css").read_text(encoding="utf-8")
