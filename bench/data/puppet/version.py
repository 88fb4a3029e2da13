"""The version of the embedded dataset, and the sentence with which another one is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.contract.errors import UsageError

PUPPET_VERSION = 2
"""Changes whenever the same clip would look or sound otherwise; trees, stores and outputs of another version are refused."""


def check_version(found: Any, where: str | Path, remedy: str) -> None:
    """UsageError if `found`, the version written at `where`, is not this one; `remedy` says what to do about it."""
    if found is None or str(found) != str(PUPPET_VERSION):
        was = "without a version" if found is None else f"by version {found}"
        raise UsageError(
            f"{where} was made {was} of the embedded dataset, this is version {PUPPET_VERSION}: results of the two cannot be "
            f"compared; {remedy}"
        )
