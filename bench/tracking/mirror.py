"""Our side of the W&B mirror: what happens is handed to a process of its own, which may fail, hang or be killed without harm."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WAIT = 60.0
"""Seconds that the end of a command waits for the mirror; $EMOTALK_WANDB_WAIT replaces it."""
FLAG_MODES = {"on": "online", "offline": "offline", "off": "off"}
ENVIRONMENT_MODES = {"": "auto", "online": "online", "run": "online", "shared": "shared", "offline": "offline",
                     "dryrun": "offline", "disabled": "off"}  # fmt: skip


def chosen_mode(wanted: str, environment: Mapping[str, str]) -> str:
    """auto | online | shared | offline | off, from the flag (auto | on | offline | off) and, if that is auto, WANDB_MODE.

    A WANDB_MODE that nobody knows is taken as offline: it was set by someone who wanted something other than the default.
    """
    if wanted != "auto":
        return FLAG_MODES[wanted]
    return ENVIRONMENT_MODES.get(environment.get("WANDB_MODE", "").strip().lower(), "offline")


def _never_fatal(method: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(method)
    def call(self: Mirror, *arguments: Any, **named: Any) -> None:
        if self._silent:
            return
        try:
            method(self, *arguments, **named)
        except Exception as error:  # whatever it is, a benchmark does not stop for its logbook
            self._give_up(f"{type(error).__name__}: {error}")

    return call


class Mirror:
    """Tells W&B what is done; nothing of it raises, waits for W&B, prints to stdout or draws a random number.

    `begin` opens one W&B run, the next `begin` or `close` ends it. Calls are put into a queue and read by another process
    (bench.tracking.service), started by the first `begin`: W&B is imported there and nowhere else. The first thing that
    goes wrong is said in one line on stderr, the rest is silence. The record is never this, but the files it is told of.
    """

    def __init__(
        self,
        wanted: str = "auto",
        *,
        work: Path,
        command: str = "",
        flags: Mapping[str, Any] | None = None,
        group: str | None = None,
    ):
        self.mode = chosen_mode(wanted, os.environ)
        self.work, self.group = Path(work), os.environ.get("WANDB_RUN_GROUP") or group
        self.code = 1  # what a process that was cut off would have ended with
        self._first = {"do": "open", "mode": self.mode, "work": str(work), "command": command, "flags": dict(flags or {}),
                       "group": self.group}  # fmt: skip
        self._process: subprocess.Popen | None = None
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._silent = self.mode == "off"
        self._said = self._killed = False
        self._closed: dict[str, Any] | None = None

    @_never_fatal
    def begin(self, job: str, name: str, **facts: Any) -> None:
        """Open a W&B run of this job type (prepare | generate | evaluate | report | train); `facts` go into its config."""
        if self._process is None:
            self._start()
        self._put(do="begin", job=job, name=name, facts=facts)

    @_never_fatal
    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Numbers at a step of the open run; a Path to an mp4 or a picture among the values becomes a video or an image."""
        self._put(do="log", step=int(step), values=dict(values))

    @_never_fatal
    def prepared(self, selection: Path, **facts: Any) -> None:
        """The open run made this selection of a store."""
        self._put(do="prepared", selection=selection, facts=facts)

    @_never_fatal
    def generated(self, folder: Path, selection: Path, clip_ids: Iterable[str], **facts: Any) -> None:
        """The open run made the videos of these clips in `folder`, from this selection."""
        self._put(do="generated", folder=folder, selection=selection, clips=list(clip_ids), facts=facts)

    @_never_fatal
    def evaluated(self, result: Path, videos: Path, selection: Path, clip_ids: Iterable[str]) -> None:
        """The open run scored the videos of these clips; `result` is the folder with result.json."""
        self._put(do="evaluated", folder=result, videos=videos, selection=selection, clips=list(clip_ids))

    @_never_fatal
    def reported(self, files: Sequence[Path], out: Path, results: Sequence[Path]) -> None:
        """The open run wrote these files below `out` from these result folders."""
        self._put(do="reported", files=list(files), folder=out, results=list(results))

    @_never_fatal
    def failed(self, message: str) -> None:
        """The open run came to nothing; the next `begin` opens another."""
        self._put(do="end", code=1, error=message)

    def close(self, code: int = 0) -> None:
        """End the open run with this exit code and wait for the mirror, at most WAIT seconds; then it is ended by force."""
        process, self._silent = self._process, True
        if process is None:
            return
        try:
            self._queue.put(json.dumps({"do": "close", "code": int(code)}))
            self._queue.put(None)
            self._wait(process, max_wait())
        except KeyboardInterrupt:  # the work is done: an interrupt now is meant for the waiting
            self._killed = True
            _kill(process)
            self._say(f"not waited for; what it had recorded is in {self.work / 'wandb'}")
        except Exception as error:
            self._killed = True
            _kill(process)
            self._say(f"{type(error).__name__}: {error}")

    def __enter__(self) -> Mirror:
        return self

    def __exit__(self, *error: object) -> None:
        self.close(self.code)

    def _start(self) -> None:
        folder = self.work / "wandb"
        folder.mkdir(parents=True, exist_ok=True)
        root = str(Path(__file__).resolve().parents[2])
        environment = {
            # W&B keeps copies and logs in the home folder if nobody says otherwise; what was set by the user holds
            "WANDB_DATA_DIR": str(folder / "data"),
            "WANDB_CACHE_DIR": str(folder / "cache"),
            "WANDB_ARTIFACT_DIR": str(folder / "artifacts"),
            "WANDB_ERROR_REPORTING": "false",
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), root))),
        }
        # W&B refuses to begin with a word that it does not know, or not in capitals
        environment["WANDB_MODE"] = self.mode
        if self.mode == "auto":
            del environment["WANDB_MODE"]
        with (folder / "mirror.log").open("ab") as noise:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "bench.tracking.service"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=noise,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the benchmark; the mirror ends when it is told to
            )
        for task in (self._write, self._read):
            thread = threading.Thread(target=task, name="wandb-mirror", args=(self._process,), daemon=True)
            thread.start()
            self._threads.append(thread)
        self._queue.put(json.dumps(self._first, default=_plain))

    def _put(self, **message: Any) -> None:
        if self._process is not None:
            self._queue.put(json.dumps(message, default=_plain))

    def _write(self, process: subprocess.Popen) -> None:
        with contextlib.suppress(OSError, ValueError):  # it is gone: the reader and `close` say so
            while (line := self._queue.get()) is not None:
                process.stdin.write(line.encode() + b"\n")
                process.stdin.flush()
        self._silent = True  # nothing more can be told, and nothing more needs to be kept
        with contextlib.suppress(OSError, ValueError):
            process.stdin.close()

    def _read(self, process: subprocess.Popen) -> None:
        for line in process.stdout:
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if "failed" in message:
                    self._say(message["failed"])
                elif "closed" in message:
                    self._closed = message["closed"]
        process.wait()
        if self._closed is None and not self._killed:
            log = self.work / "wandb" / "mirror.log"
            self._say(f"its process ended before its time (exit code {process.returncode}); see {log}")

    def _wait(self, process: subprocess.Popen, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._killed = True
            _kill(process)
            self._say(
                f"not finished {seconds:g} s after the end, stopped; what it had recorded is in {self.work / 'wandb'}: "
                "`wandb sync` on those folders uploads it (EMOTALK_WANDB_WAIT=SECONDS waits longer)"
            )
        self._threads[1].join(5)
        if self._closed and self._closed.get("text"):
            print(f"W&B: {self._closed['text']}", file=sys.stderr, flush=True)

    def _give_up(self, what: str) -> None:
        self._silent = True
        self._say(what)

    def _say(self, what: str) -> None:
        """The first failure, in one line; those after it are its consequences."""
        if not self._said:
            self._said = True
            text = " ".join(what.split())
            with contextlib.suppress(OSError, ValueError):
                print(f"W&B: {text}. The run and its results are not affected.", file=sys.stderr, flush=True)


def max_wait() -> float:
    """Seconds that the end of a command waits for the mirror: WAIT or $EMOTALK_WANDB_WAIT."""
    try:
        return max(0.1, float(os.environ["EMOTALK_WANDB_WAIT"]))
    except (KeyError, ValueError):
        return WAIT


def _kill(process: subprocess.Popen) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)


def _plain(value: Any) -> Any:
    """What JSON has no word for: paths, and numbers of numpy and torch."""
    if isinstance(value, Path):
        return {"path": str(value.absolute())}
    if isinstance(value, frozenset | set):
        return sorted(value)
    return value.item() if callable(getattr(value, "item", None)) else str(value)


def _as_typed(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Flags as they were typed: paths as they stand, not where they lead on this machine."""

    def typed(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return [typed(one) for one in value]
        return str(value) if isinstance(value, Path) else value

    return {name: typed(value) for name, value in flags.items()}


SILENT = Mirror("off", work=Path())
"""For callers that want no mirror."""


@contextmanager
def mirrored(verb: Any, work: Path, command: str) -> Iterator[Mirror]:
    """The mirror of one command; `verb` is its flags. Set `code` before the end: without it the command counts as failed."""
    job = type(verb).__name__.lower()
    group = None
    if job == "run":
        group = f"{verb.dataset}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    with Mirror(verb.wandb, work=work, command=command, flags=_as_typed(vars(verb)), group=group) as mirror:
        yield mirror
