"""The files of reports/templates: read as text, and filled in."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from reports.words import number, plural, printable


def template(name: str) -> str:
    """A file of reports/templates as text."""
    return resources.files("reports").joinpath("templates", name).read_text(encoding="utf-8")


def render(name: str, /, **values: Any) -> str:
    """The template of that name with these values, all text escaped that is not Markup; UndefinedError for one that is missing."""
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "plural": plural, "printable": printable}
    return environment
