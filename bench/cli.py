"""`emotalk`: the command line. Every verb is a dataclass of bench/flags; what it does is imported only when it runs."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from bench.contract.errors import EmotalkError, ExitCode, UsageError
from bench.flags.clips import Calibrate, Evaluate, Generate, Prepare, Run, Train
from bench.flags.inherited import Common, Mirrored
from bench.flags.regress import Regress
from bench.flags.results import Compare, Hypotheses, Power, Published, Report
from bench.flags.suite import Datasets, Doctor, Methods, Metrics, Submit, Weights
from bench.flags.sweeps import Sweep
from bench.workspace import Workspace

Verb = (
    Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Prepare, tyro.conf.subcommand("prepare")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Sweep, tyro.conf.subcommand("sweep")]
    | Annotated[Generate, tyro.conf.subcommand("generate")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Compare, tyro.conf.subcommand("compare")]
    | Annotated[Power, tyro.conf.subcommand("power")]
    | Annotated[Hypotheses, tyro.conf.subcommand("hypotheses")]
    | Annotated[Calibrate, tyro.conf.subcommand("calibrate")]
    | Annotated[Regress, tyro.conf.subcommand("regress")]
    | Annotated[Published, tyro.conf.subcommand("published")]
    | Annotated[Methods, tyro.conf.subcommand("methods")]
    | Annotated[Metrics, tyro.conf.subcommand("metrics")]
    | Annotated[Datasets, tyro.conf.subcommand("datasets")]
    | Annotated[Weights, tyro.conf.subcommand("weights")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
    | Annotated[Submit, tyro.conf.subcommand("submit")]
)


@dataclass
class Outcome:
    """What a verb has to say: an exit code, a document for --json, and the same in words."""

    code: ExitCode = ExitCode.DONE
    document: dict[str, Any] = field(default_factory=dict)
    text: str = ""


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the console script; exits with one of `ExitCode`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verb = parsed(arguments)
    sys.exit(int(execute(verb, arguments)))


def parsed(arguments: Sequence[str]) -> Common:
    """The verb that these words of a command line name; SystemExit with help where they name none."""
    own, command = list(arguments), ()
    if own[:1] == ["submit"] and "--" in own:  # what follows is a command line of its own
        at = own.index("--")
        own, command = own[:at], tuple(own[at + 1 :])
    verb = tyro.cli(
        Verb,
        prog="emotalk",
        description="The benchmark of emotional talking faces. Start with: emotalk run --dataset puppet --profile smoke",
        args=own,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )
    return replace(verb, command=command) if command else verb


def refuse_wrong_numbers(verb: Common) -> None:
    """UsageError for a number that no verb takes."""
    if verb.limit is not None and verb.limit < 1:
        raise UsageError(f"--limit {verb.limit}: expected a number of clips, at least 1")
    if verb.jobs < 1:
        raise UsageError(f"--jobs {verb.jobs}: expected a number of processes, at least 1")
    if verb.seed < 0:
        raise UsageError(f"--seed {verb.seed}: expected a whole number, at least 0")


def execute(verb: Common, arguments: list[str]) -> ExitCode:
    """Run one verb; errors that are meant for the user are printed in one paragraph, others keep their traceback."""
    with ExitStack() as afterwards:  # the mirror is waited for when everything has been said
        return _execute(verb, arguments, afterwards)


def _execute(verb: Common, arguments: list[str], afterwards: ExitStack) -> ExitCode:
    try:
        refuse_wrong_numbers(verb)
        space = Workspace.open(verb.work)
        command, told = "emotalk " + " ".join(arguments), {}
        if isinstance(verb, Mirrored):
            from bench.tracking.mirror import mirrored

            told["mirror"] = afterwards.enter_context(mirrored(verb, space.root, command))
        out = getattr(verb, "out", None)
        with _disk_errors(out), _stdout_kept_clean(verb.json), _workers(verb):
            from bench import verbs
            from bench.atomic import makeable

            if out is not None:
                makeable(out)
            outcome = getattr(verbs, type(verb).__name__.lower())(verb, space, command, **told)
    except (EmotalkError, DiskError) as error:
        code = getattr(error, "exit_code", ExitCode.CRASHED)
        if verb.json:
            print(json.dumps({"error": type(error).__name__, "message": str(error), "exit_code": int(code)}))
        print(f"emotalk: {error}", file=sys.stderr)
        return code
    except KeyboardInterrupt:
        if verb.json:
            print(json.dumps({"error": "Interrupted", "message": "interrupted", "exit_code": int(ExitCode.CRASHED)}))
        print("emotalk: interrupted; finished work is kept, run the same command again", file=sys.stderr)
        return ExitCode.CRASHED
    except Exception as error:
        if verb.json:
            said = f"{type(error).__name__}: {error}"
            print(json.dumps({"error": "Crash", "message": said, "exit_code": int(ExitCode.CRASHED)}), flush=True)
        raise
    try:
        if verb.json:
            print(json.dumps(outcome.document, indent=1, default=str, allow_nan=False))
        elif outcome.text:
            print(outcome.text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if told:
        told["mirror"].code = int(outcome.code)
    return outcome.code


DISK_ERRORS = {
    errno.ENOSPC: "free some space and run the same command again: finished work is kept",
    errno.EDQUOT: "free some of your quota and run the same command again: finished work is kept",
    errno.EROFS: "choose a writable folder with --work or EMOTALK_WORK",
    errno.EACCES: "choose a readable and writable folder with --work or EMOTALK_WORK",
}


CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT)
"""What a folder that cannot be made or written gives."""


class DiskError(Exception):
    """The disk is full, read-only or closed to this user: told in one line with what to do."""


@contextmanager
def _disk_errors(out: Path | None) -> Iterator[None]:
    """What the disk refuses is told with what to do; `out` is the --out of the verb."""
    try:
        yield
    except OSError as error:
        if out is not None and error.errno in CLOSED and _is_about(error, out.expanduser().resolve()):
            raise UsageError(f"--out {out}: cannot be made or written ({error}); choose another folder") from error
        if error.errno in DISK_ERRORS:
            raise DiskError(f"{error}; {DISK_ERRORS[error.errno]}") from error
        raise


def _is_about(error: OSError, out: Path) -> bool:
    """True if what was refused is `out`, in it or above it, or the temporary folder beside it that would take its place."""
    from bench.contract.files import TEMPORARY

    if not isinstance(error.filename, str | bytes) or (error.errno == errno.ENOENT and out.is_dir()):
        return False
    place = Path(os.fsdecode(error.filename)).resolve()
    beside = place.parent == out.parent and TEMPORARY.fullmatch(place.name) is not None
    return beside or place.is_relative_to(out) or out.is_relative_to(place)


@contextmanager
def _workers(verb: Common) -> Iterator[None]:
    """Clips are worked on where the verb's --backend says."""
    from bench.backends import chosen

    with chosen(getattr(verb, "backend", "loky"), verb.jobs):
        yield


@contextmanager
def _stdout_kept_clean(wanted: bool) -> Iterator[None]:
    """With --json, whatever methods and libraries print, in this process and its workers, goes to stderr."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    main()
