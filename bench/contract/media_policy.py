"""What of a dataset's pictures and sound may leave the machine: into a report that is passed on, or to W&B."""

from __future__ import annotations

import re
from collections.abc import Iterable

STRICTEST_FIRST = ("none", "generated", "all")
REAL = re.compile(r"gt([^a-z0-9].*)?", re.IGNORECASE | re.DOTALL)


def shareable(policy: str, kind: str, *names: str) -> bool:
    """Whether videos of a row may leave the machine, by the media policy none | generated | all of its dataset.

    kind: of the method; names: of the method and the row. Under "generated" no control may, nor anything named gt,
    gt-..., GT_...: that is real footage, or made of it. Raises ValueError for another policy.
    """
    if policy not in STRICTEST_FIRST:
        raise ValueError(f"expected a media policy of {', '.join(STRICTEST_FIRST)}, got {policy!r}")
    if policy == "generated":
        return kind != "control" and not any(REAL.fullmatch(name) for name in names)
    return policy == "all"


def strictest(policies: Iterable[str]) -> str:
    """The strictest of some policies; "none" of no policy at all."""
    return min(policies, key=STRICTEST_FIRST.index, default="none")
