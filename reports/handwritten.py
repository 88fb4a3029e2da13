"""TOML files written by hand, read as typed records: an unknown key, a missing one or a wrong type is named in the error."""

from __future__ import annotations

import tomllib
from typing import TypeVar

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
            f"{'.'.join(map(str, p['loc'])) or 'file'}: "
            + ("unknown key" if p["type"] == "extra_forbidden" else p["msg"].removeprefix("Value error, "))
            for p in error.errors(include_url=False)
        ]
        raise UsageError(f"{source}: {'; '.join(problems[:5])}") from None
