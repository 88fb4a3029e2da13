"""Named choices of metrics and protocols: one check, one wording of the error."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from bench.contract.errors import UsageError


def choose(what: str, value: object, allowed: Iterable[str]) -> str:
    """`value` if it is one of `allowed`; UsageError with the nearest name and the whole list otherwise.

    `what` says in the error what was being chosen ("metric", "ssim.color").
    """
    names = list(allowed)
    if isinstance(value, str) and value in names:
        return value
    by_folded = {name.casefold(): name for name in names}
    near = get_close_matches(str(value).casefold(), by_folded, n=1, cutoff=0.5)
    suggestion = f" did you mean {by_folded[near[0]]!r}?" if near else ""
    raise UsageError(f"{what}: unknown {value!r};{suggestion} choose from: {', '.join(names)}")
