"""Files that are either whole or not there: written to a temporary name in the same folder, then renamed."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = re.compile(r"\.(\d+)-[0-9a-f]{8}\..+", re.DOTALL)
"""The names that `temporary_name` gives; the group is the process."""


def temporary_name(path: Path) -> Path:
    """A hidden name beside `path`, with the same suffix, that no other process or thread uses: `.<pid>-<random>.<name>`."""
    return path.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.{path.name}")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it becomes `path`, on error it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
