"""Documents, tables and folders written whole, and one process at a time in a folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.contract.errors import EmotalkError, UsageError
from bench.contract.files import TEMPORARY, temporary_name, whole_file

FATAL_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of the disk itself: every later item would fail in the same way."""


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields an empty temporary folder beside `path`; on success it takes its place, on error it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    temporary.mkdir()
    try:
        yield temporary
        _take_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def makeable(folder: Path) -> None:
    """UsageError unless `folder` is one that can be written, or can be made: tried where the part that exists ends."""
    there = folder.expanduser().resolve()
    while not os.path.exists(there):  # False, and no error, where it may not be looked at
        there = there.parent
    refused = f"--out {folder}: expected a folder that can be made and written"
    if not there.is_dir():
        raise UsageError(f"{refused}; {there} is a file")
    probe = temporary_name(there / "probe")
    try:
        if there == folder.expanduser().resolve():  # left as it is: whoever lists it must find nothing new
            if not os.access(there, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UsageError(f"{refused}; {there} cannot be written ({error.strerror})") from error


def own_folder(out: Path, names: Collection[str], what: str) -> Path:
    """`out` resolved; UsageError unless it can be made and is new, or holds nothing but these `names` of an earlier `what`.

    It will be replaced as a whole.
    """
    makeable(out)
    found = out.expanduser().resolve()
    if found.is_dir() and not {path.name for path in found.iterdir()} <= set(names):
        raise UsageError(f"--out {out}: expected a new folder, or one that holds an earlier {what} and nothing else")
    return found


def _take_place(temporary: Path, path: Path) -> None:
    for _ in range(100):  # another process may put its own there between the two renames
        old = temporary_name(path)
        with contextlib.suppress(FileNotFoundError):
            path.replace(old)
            shutil.rmtree(old, ignore_errors=True)
        try:
            temporary.replace(path)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    raise EmotalkError(f"{path} is being written by another process; run the same command again")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Holds a folder while the block runs; another process that wants it waits, and says so.

    What a killed process left half-written is swept first. A file system without locks goes on without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another emotalk is writing to {folder}; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            yield
            return
        sweep(folder)
        yield


def sweep(folder: Path) -> None:
    """Remove temporary files and folders whose process is gone."""
    for left in [*folder.glob(".[0-9]*-*.*"), *folder.glob("*/.[0-9]*-*.*")]:
        ours = TEMPORARY.fullmatch(left.name)
        if ours and not _runs(int(ours[1])):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document whole; NaN is refused (missing is null)."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any | None:
    """The document at `path`, None if it is not there or not whole (a file cut by a full disk counts as absent)."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, UnicodeDecodeError):
        return None


def write_parquet(path: Path, frame: Any) -> None:
    """Write a pandas table whole."""
    with whole_file(path) as temporary:
        frame.to_parquet(temporary, index=False)


@contextmanager
def unless_full() -> Iterator[None]:
    """For caches: what cannot be written is not cached, and the work goes on."""
    with contextlib.suppress(OSError):
        yield
