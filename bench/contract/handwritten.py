"""TOML files written by hand, read as typed records: an unknown key, a missing one or a wrong type is named in the error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bench.contract.errors import UsageError

Record = TypeVar("Record", bound=BaseModel)


def parse(model: type[Record], content: bytes, source: str) -> Record:
    """The document in `content` as a `model`; UsageError names `source` and up to five keys at fault."""
    try:
        return model.model_validate(tomllib.loads(content.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{source}: not a TOML document: {error}") from None
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, p['loc'])) or 'file'}: {_in_words(p)}" for p in error.errors(include_url=False)
        ]
        raise UsageError(f"{source}: {'; '.join(problems[:5])}") from None


def _in_words(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    said = problem["msg"].removeprefix("Value error, ")
    # what is missing, and a rule over several keys, have no value of their own that came
    return said if problem["type"] in ("missing", "value_error") else f"{said}, got {problem['input']!r}"
