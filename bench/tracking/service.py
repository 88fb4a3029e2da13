"""The process that talks to W&B: reads what the benchmark did, one JSON document a line, and mirrors it as W&B runs.

Started by bench.tracking.mirror. W&B's own prints go to mirror.log; what a person should know goes back as a line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import netrc
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.tracking import contents
from bench.tracking.mirror import max_wait

PROJECT = "emotalk-bench"
INIT_SECONDS = 15.0
"""How long W&B may at most try to reach its server when a run begins; then all is recorded offline."""
LEAST_FREE = 2**17
"""Bytes; with less than these, the last records may not have fitted on the disk."""
DEFAULT_SERVER = "https://api.forge.coreweave.com"
SAME_SERVER = {"api.forge.coreweave.com": "api.wandb.ai"}
"""W&B's own server under its newer name -> the older one, under which `wandb login` of earlier versions left its key."""
OWN_RUN = ("evaluate", "train")
"""Job types of which the first run takes the id that a W&B agent sets; all others are runs of their own."""


class Service:
    """Turns the messages of a Mirror into W&B runs; every failure is told once and costs no more than its own message."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]):
        self.tell = tell
        self.wandb: Any = None
        self.run: Any = None
        self.mode, self.opening, self.count, self.closed = "offline", {}, 0, False
        self.failed = False
        self.work, self.identity = Path(), None

    def _fail(self, what: str) -> None:
        self.failed = True
        self.tell({"failed": what})

    def serve(self, lines: Iterable[str]) -> None:
        """Handle every line until `close`; lines that end without one mean that the benchmark was killed."""
        for line in lines:
            message = json.loads(line)
            what = message.pop("do")
            try:
                getattr(self, "do_" + what)(**message)
            except Exception as error:
                traceback.print_exc()
                log = self.work / "wandb" / "mirror.log"
                self._fail(f"{what}: {type(error).__name__}: {error}; {log} has more, `--wandb off` does without")
            if self.closed:
                break
        else:
            self.do_close(1)

    def do_open(self, mode: str, work: str, **opening: Any) -> None:
        """Load W&B and settle the mode; without W&B there is nothing to do but to say so."""
        self.opening, self.work = opening, Path(work)
        self.identity = os.environ.pop("WANDB_RUN_ID", None)  # every run of this process would take it
        try:
            import wandb
        except Exception as error:
            self._fail(
                f"cannot be loaded ({type(error).__name__}: {error}); `pip install wandb` brings it, "
                "`--wandb off` does without"
            )
            self.closed = True
            self.tell({"closed": {}})
            return
        self.wandb = wandb
        self.mode = self._settled(mode)
        if self.mode == "disabled":
            self.closed = True
            self.tell({"closed": {}})

    def _settled(self, mode: str) -> str:
        """online | shared | offline | disabled: what was asked for, as far as there is a key for it."""
        settings = self.wandb.setup().settings
        if mode == "auto":  # what `wandb offline` and `wandb disabled` have written counts as asked for
            mode = {"dryrun": "offline", "run": "online"}.get(settings.mode, settings.mode)
            if mode == "online" and not has_key(settings.base_url):
                return "offline"
        elif mode in ("online", "shared") and not has_key(settings.base_url):
            self._fail(
                f"there is no API key for {settings.base_url} (`wandb login` or WANDB_API_KEY); recorded offline in {self.work / 'wandb'}"
            )
            return "offline"
        return mode

    def do_begin(self, job: str, name: str, facts: dict[str, Any]) -> None:
        """End the run before, open the next."""
        self.do_end(0)
        config = {
            "command": self.opening["command"],
            "flags": self.opening["flags"],
            **contents.surroundings(),
            **facts,
        }
        identity = None
        if job in OWN_RUN:
            identity, self.identity = self.identity, None
        self.run = self._init(job, name, config, identity)
        self.count += 1

    def _init(self, job: str, name: str, config: dict[str, Any], identity: str | None) -> Any:
        known = self.wandb.Settings.model_fields
        settings = {
            "console": "off", "silent": True, "init_timeout": init_seconds(), "login_timeout": init_seconds(),
            "finish_timeout": finish_seconds(), "finish_timeout_raises": True,
            # what this process uses says nothing of the benchmark, and what machine and folder it ran in is nobody's affair
            "x_disable_stats": True, "x_disable_meta": True, "x_disable_machine_info": True, "x_save_requirements": False,
            "host": "", "disable_git": True, "disable_code": True, "save_code": False,
        }  # fmt: skip

        def init(mode: str) -> Any:
            return self.wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                dir=str(self.work),
                mode=mode,
                id=identity,
                job_type=job,
                name=name,
                group=self.opening["group"],
                config=config,
                settings=self.wandb.Settings(**{key: value for key, value in settings.items() if key in known}),
            )

        if self.mode == "offline":
            return init("offline")
        try:
            return init(self.mode)
        except Exception as error:
            self.mode = "offline"
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            self._fail(
                f"the server cannot be used ({said}); recorded offline in {self.work / 'wandb'}, "
                "`wandb sync` uploads it later"
            )
            return init("offline")

    def do_log(self, step: int, values: dict[str, Any]) -> None:
        if self.run is not None:
            self.run.log({name: contents.value(self.wandb, value) for name, value in values.items()}, step=step)

    def _mirror(self, write: Callable[..., None], **message: Any) -> None:
        if self.run is not None:
            self._scratch.mkdir(parents=True, exist_ok=True)
            target = contents.Target(self.wandb, self.run, self._scratch)
            write(target, **message)
            if target.errors:
                raise target.errors[0]

    def do_prepared(self, **message: Any) -> None:
        self._mirror(contents.prepared, **message)

    def do_generated(self, **message: Any) -> None:
        self._mirror(contents.generated, **message)

    def do_evaluated(self, **message: Any) -> None:
        self._mirror(contents.evaluated, **message)

    def do_reported(self, **message: Any) -> None:
        self._mirror(contents.reported, **message)

    def do_end(self, code: int, error: str | None = None) -> None:
        """End the open run, if there is one; uploads that take too long are left on disk."""
        run, self.run = self.run, None
        if run is None:
            return
        if error:
            run.summary["error"] = error
        try:
            run.finish(exit_code=code)
            if shutil.disk_usage(self.work).free < LEAST_FREE:  # W&B goes on without a word
                self._fail(
                    f"the disk of {self.work} is full, so what is recorded there is not complete; free some space"
                )
        except TimeoutError:
            self.mode = "offline"  # or every later run would wait as long
            self._fail(
                f"uploads did not finish in {finish_seconds():g} s; they are in {self.work / 'wandb'}, "
                "`wandb sync` uploads them later, the rest is recorded there too"
            )

    def do_close(self, code: int) -> None:
        """End everything and say in one line where it is."""
        address = None
        with contextlib.suppress(Exception):
            address = getattr(self.run, "project_url", None) if self.mode != "offline" else None
        try:
            self.do_end(code)
        finally:
            self.closed = True
            self._sweep()
            runs = f"{self.count} run{'' if self.count == 1 else 's'}"
            if address:
                text = f"{runs} at {address}"
            else:
                text = (f"{runs} recorded offline in {self.work / 'wandb'} (`wandb sync` uploads, `wandb login` makes the "
                        "next ones online, `--wandb off` leaves this out)")  # fmt: skip
            self.tell({"closed": {"text": text if self.count and not self.failed else None}})

    @property
    def _scratch(self) -> Path:
        return self.work / "wandb" / f"scratch-{os.getpid()}"

    def _sweep(self) -> None:
        """Pictures that W&B has copied by now."""
        if self.opening:
            shutil.rmtree(self._scratch, ignore_errors=True)


def has_key(server: str) -> bool:
    """Whether W&B would find a key for this server: in the environment or in the netrc file that `wandb login` writes.

    A netrc file that cannot be read, or found for want of a home folder, holds none.
    """
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlsplit(server).netloc
    for place in [os.environ["NETRC"]] if os.environ.get("NETRC") else ["~/.netrc", "~/_netrc"]:
        with contextlib.suppress(OSError, RuntimeError, UnicodeError, netrc.NetrcParseError):
            keys = netrc.netrc(str(Path(place).expanduser()))
            found = keys.authenticators(host) or keys.authenticators(SAME_SERVER.get(host, host))
            if found and found[2]:
                return True
    return False


def init_seconds() -> float:
    """A quarter of what the benchmark waits at its end, at most INIT_SECONDS."""
    return min(INIT_SECONDS, max_wait() / 4)


def finish_seconds() -> float:
    """How long uploads may take at the end of a run: half of what the benchmark waits at its end."""
    return max_wait() / 2


def main() -> None:
    """Serve stdin; what is told goes to the real stdout, everything that anybody prints to stderr, the log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            print(json.dumps(message), file=answers, flush=True)

    Service(tell).serve(sys.stdin)


if __name__ == "__main__":
    main()
