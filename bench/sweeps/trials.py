"""The trials of a sweep on disk: one JSON document each, written whole, and a lock for whoever trains it."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.atomic import read_json, sweep, write_json
from bench.data.store import key_of

Status = Literal["running", "finished", "stopped", "failed"]


@dataclass
class Trial:
    """One training of a sweep. `settings`: parameter -> value; `status` running also stands for one that was killed.

    `validations`: the sweep's metric at every validation so far; `rungs`: what early stopping remembers; `scores`: numbers of
    the finished run by name, `score` the one that counts; `ended`: seconds since 1970.
    """

    number: int
    settings: dict[str, Any]
    seed: int
    status: Status = "running"
    reason: str | None = None
    run: str | None = None
    steps: int | None = None
    score: float | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    seconds: float | None = None
    ended: float | None = None
    validations: list[float | None] = field(default_factory=list)
    rungs: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells one trial from another: its settings."""
        return key_of(**self.settings)[:12]


Propose = Callable[[Sequence[Trial]], Mapping[str, Any] | None]
"""The settings of a trial that is not among these yet; None if there are no more."""


class TrialFolder:
    """All trials of one sweep; several processes may work on them at the same time."""

    def __init__(self, path: Path):
        self.path = path

    def trials(self) -> list[Trial]:
        """Those begun so far, by number."""
        documents = (read_json(file) for file in sorted((self.path / "trials").glob("[0-9]*.json")))
        return [Trial(**document) for document in documents if document is not None]

    def save(self, trial: Trial) -> None:
        """Write the trial's document."""
        write_json(self._file(trial), asdict(trial))

    def output(self, trial: Trial) -> Path:
        """Where the exported weights of the trial go, so that those of no other are replaced."""
        return self._file(trial).with_suffix("")

    @contextmanager
    def next(self, propose: Propose, seed: int, wanted: Callable[[Trial], bool]) -> Iterator[Trial | None]:
        """Yields a trial that nobody else trains, and holds it while the block runs: the first that is there and `wanted`,
        else a new one. None if there is no more to do."""
        with ExitStack() as held:
            with locked(self.path / ".lock"):
                sweep(self.path)
                trial = self._taken(held, propose, seed, wanted)
            yield trial

    @contextmanager
    def of(self, settings: Mapping[str, Any], seed: int) -> Iterator[Trial]:
        """Yields the trial with these settings, which may be a new one, and holds it; waits for whoever has it."""
        with ExitStack() as held:
            with locked(self.path / ".lock"):
                trial = self._known_or_new(settings, seed)
            held.enter_context(locked(self._lock(trial)))
            yield next(t for t in self.trials() if t.key == trial.key)

    def _taken(self, held: ExitStack, propose: Propose, seed: int, wanted: Callable[[Trial], bool]) -> Trial | None:
        known = self.trials()
        for trial in known:
            if wanted(trial) and held.enter_context(locked(self._lock(trial), wait=False)):
                return trial
        settings = propose(known)
        if settings is None:
            return None
        trial = self._known_or_new(settings, seed)
        held.enter_context(locked(self._lock(trial), wait=False))
        return trial

    def _known_or_new(self, settings: Mapping[str, Any], seed: int) -> Trial:
        known = self.trials()
        number = 1 + max((trial.number for trial in known), default=-1)
        trial = Trial(number, dict(settings), int(settings.get("seed", seed)))
        same = next((t for t in known if t.key == trial.key), None)
        if same is None:
            self.save(trial)
        return same or trial

    def _file(self, trial: Trial) -> Path:
        return self.path / "trials" / f"{trial.number:04d}-{trial.key}.json"

    def _lock(self, trial: Trial) -> Path:
        return self._file(trial).with_suffix(".lock")


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[bool]:
    """Holds a lock while the block runs; with `wait` False the block runs in any case and is told whether it has it.

    A file system without locks goes on without.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            pass
        yield True
