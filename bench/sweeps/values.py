"""What a sweep's file says in one place, checked: keys with values, numbers."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from bench.contract.errors import UsageError


def mapping(value: Any, where: str, known: Iterable[str] | None = None) -> Mapping[str, Any]:
    """`value` if it is keys with values, and none but the `known` ones; UsageError with the nearest of them otherwise."""
    if not isinstance(value, Mapping) or not value or not all(isinstance(key, str) for key in value):
        raise UsageError(f"{where}: expected keys with values, got {value!r}")
    wrong = sorted(set(value) - set(known)) if known is not None else []
    if wrong:
        close = difflib.get_close_matches(wrong[0], list(known), n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"{where}: {', '.join(wrong)} is not supported here; {hint}supported are: {', '.join(known)}")
    return value


def number(value: Any, where: str) -> float:
    """`value` as a number, a text that is one included: YAML takes 1e-4 for a text. UsageError for anything else."""
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: expected a number, got {value!r}") from error
