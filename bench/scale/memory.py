"""Peak memory of a process and of all its workers together."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

EVERY = 0.2
"""Seconds between two looks."""


class Peak:
    """A context that looks at the resident memory of a process and its descendants; `mib` is the largest sum seen.

    Pages that processes share count once for each: the number is an upper bound. 0 where there is no /proc.
    """

    def __init__(self, process: int | None = None) -> None:
        self.mib = 0.0
        self._process = process or os.getpid()
        self._end = Event()

    def __enter__(self) -> Peak:
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._end.wait(EVERY):
            self._look()

    def _look(self) -> None:
        self.mib = max(self.mib, family_mib(self._process))


def family_mib(process: int) -> float:
    """Resident memory of a process and its descendants, MiB; 0 if it is gone."""
    parents: dict[int, list[int]] = {}
    resident: dict[int, float] = {}
    page = os.sysconf("SC_PAGE_SIZE") / 2**20
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with suppress(OSError, ValueError, IndexError):
                    # the name of the program, in brackets, may hold anything
                    fields = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
                    parents.setdefault(int(fields[1]), []).append(int(name))
                    resident[int(name)] = int(fields[21]) * page
    total, pending = 0.0, [process]
    while pending:
        one = pending.pop()
        total += resident.get(one, 0.0)
        pending.extend(parents.get(one, ()))
    return total
