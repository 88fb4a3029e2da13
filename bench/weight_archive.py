"""Takes single files out of archives of a package index: opened as data, checked by hash, nothing of them is run."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bench.contract.errors import WeightsError
from bench.package_index import Candidate, PackageIndexes, PipSettings, pip_settings, redacted, sha256_of
from bench.weight_registry import Archive, BundleFile, WeightFile


def fetch_from_archive(
    archive: Archive,
    files: tuple[BundleFile, ...],
    destination: Path,
    folder: Path,
    archive_sha256: str | None,
    advice: str,
    progress: bool,
) -> None:
    settings = pip_settings()
    indexes = PackageIndexes(settings)
    problems: list[str] = []
    for candidate in indexes.candidates(archive.package, archive.version, archive.kind):
        part = folder / f".{candidate.filename}.{hashlib.sha256(candidate.url.encode()).hexdigest()[:12]}.part"
        for attempt in ("as found", "from the start"):
            resumed = part.exists()
            try:
                with _bar(f"fetching {candidate.filename}", progress) as bar:
                    path = indexes.download(candidate, part, bar)
                if archive_sha256 and sha256_of(path) != archive_sha256:
                    raise ValueError(f"the archive's SHA-256 is not {archive_sha256}")
                _take(path, candidate.filename, files, destination)
            except (OSError, ValueError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
                problems.append(f"{redacted(candidate.url)}: {error}")
                if _out_of_space(error):
                    raise WeightsError(f"{archive}: cannot write into {folder} or {destination}: {error}") from error
                broken = not isinstance(error, OSError)
                if broken:
                    part.unlink(missing_ok=True)
                if broken and resumed and attempt == "as found":  # old bytes may have been another file's
                    continue
                break
            part.unlink(missing_ok=True)
            return
    if archive.kind == "wheel" and _take_with_pip(archive, files, destination, folder, problems):
        return
    raise _not_fetched(archive, settings, indexes.problems + problems, advice)


def _take_with_pip(
    archive: Archive, files: tuple[BundleFile, ...], destination: Path, folder: Path, problems: list[str]
) -> bool:
    """Let pip download the wheel (for logins that only pip can do); downloading a wheel runs nothing of it."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pip-") as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-input"]
        run = subprocess.run(
            [*command, "--dest", scratch, f"{archive.package}=={archive.version}"],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if run.returncode:
            problems.append(
                f"pip download: {redacted(run.stderr.strip().splitlines()[-1] if run.stderr.strip() else '')}"
            )
            return False
        for wheel in Path(scratch).glob("*.whl"):
            try:
                _take(wheel, wheel.name, files, destination)
                return True
            except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                problems.append(f"pip download, {wheel.name}: {error}")
    return False


def _not_fetched(archive: Archive, settings: PipSettings, problems: list[str], advice: str) -> WeightsError:
    asked = (
        ", ".join(redacted(place) for place in (*settings.find_links, *settings.indexes)) or "nowhere: pip has no index"
    )
    told = "".join(f"\n  - {problem}" for problem in problems) or "\n  - none of them has it"
    return WeightsError(
        f"{archive} could not be had. pip is configured for: {asked}.{told}\n"
        f"Check `pip config list` and the network, and run the command again. {advice}"
    )


def _take(path: Path, filename: str, files: tuple[BundleFile, ...], destination: Path) -> None:
    """Copy exactly `files` out of an archive; every path written is ours, none comes from the archive."""
    with _members(path, filename) as read:
        for file in files:
            with read(file) as source:
                _place(source, destination / file.place, file)


@contextlib.contextmanager
def _members(path: Path, filename: str):
    if filename.endswith((".whl", ".zip")):
        with zipfile.ZipFile(path) as archive:

            def read(file: BundleFile) -> BinaryIO:
                try:
                    return archive.open(file.member)
                except KeyError:
                    raise ValueError(f"{filename} has no {file.member}") from None

            yield read
    else:
        with tarfile.open(path, "r:*") as archive:

            def read(file: BundleFile) -> BinaryIO:
                for member in archive:  # by exact name, the first one; a link is not followed
                    if member.name == file.member and member.isreg():
                        return archive.extractfile(member)
                raise ValueError(f"{filename} has no regular file {file.member}")

            yield read


def _place(source: BinaryIO, target: Path, file: BundleFile) -> None:
    """Write `source` under a temporary name, rename it to `target` if size and SHA-256 are right; else ValueError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as out:
            while block := source.read(1 << 20):
                size += len(block)
                if file.bytes is not None and size > file.bytes:
                    raise ValueError(f"{file.member} is longer than the expected {file.bytes:,} bytes")
                digest.update(block)
                out.write(block)
        if file.sha256 is not None and digest.hexdigest() != file.sha256:
            raise ValueError(f"{file.member}: SHA-256 expected {file.sha256}, got {digest.hexdigest()}")
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def fetch_official(wanted: WeightFile, target: Path, progress: bool) -> None:
    if not wanted.official_is_same_file:
        raise WeightsError(
            f"{wanted.name}: the official file ({wanted.official}) is in another format than the one used here; run "
            f"`emotalk weights fetch {wanted.name}` without --official."
        )
    part = target.with_name(f".{target.name}.official.part")
    filename = urllib.parse.urlsplit(wanted.official).path.rpartition("/")[2]
    indexes = PackageIndexes(pip_settings())  # for its certificates and proxy
    try:
        with _bar(filename, progress) as bar:
            indexes.download(Candidate(filename, wanted.official, None), part, bar)
        with part.open("rb") as source:
            _place(source, target, BundleFile(filename, wanted.file, wanted.bytes, wanted.sha256))
        part.unlink()
    except OSError as error:
        raise WeightsError(f"{wanted.name}: {wanted.official}: {error}. Run the command again to go on.") from error
    except ValueError as error:
        part.unlink(missing_ok=True)
        raise WeightsError(f"{wanted.name}: {wanted.official}: {error}. Run the command again.") from error


@contextlib.contextmanager
def _bar(title: str, progress: bool) -> Iterator:
    if not progress:
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=title, unit="B", unit_scale=True, unit_divisor=1024, file=sys.stderr, leave=False) as bar:
        yield bar


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """One process at a time; the system frees a dead process's lock. A file system without locks goes on without."""
    with path.open("a") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(
            f"cannot make the folder {folder}: {error}; set EMOTALK_WORK to one you may write in"
        ) from error
    yield


def _out_of_space(error: Exception) -> bool:
    import errno

    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
