"""Pretrained weights: a registry, a cache, files that are what their SHA-256 says; nothing of an archive is run.

`resolve` gives a verified path (metrics and extractors get it injected), `fetch` brings a file into the cache through
the user's own pip configuration, `fetch_bundle` a few public clips the same way. Places, in order: the read-only folder
$EMOTALK_WEIGHTS (for machines without a network), then $EMOTALK_WORK/cache/weights (default ./work/cache/weights).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import BinaryIO, Literal

from bench.contract.errors import UsageError, WeightsError
from bench.package_index import Candidate, PackageIndexes, PipSettings, pip_settings, redacted, sha256_of

Kind = Literal["wheel", "sdist"]


@dataclass(frozen=True)
class Archive:
    """An archive on a Python package index: project, exact version, wheel or sdist."""

    package: str
    version: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.package}=={self.version} ({self.kind})"


@dataclass(frozen=True)
class WeightFile:
    """One weight file of the registry.

    `sha256` is None where nobody publishes one, `archive` and `member` where no package index has the file.
    """

    name: str
    file: str
    purpose: str
    licence: str
    check: str
    official: str
    official_is_same_file: bool
    sha256: str | None = None
    bytes: int | None = None
    archive: Archive | None = None
    member: str | None = None


@dataclass(frozen=True)
class BundleFile:
    """One file of a bundle: its path inside the archive and in the destination, size and SHA-256."""

    member: str
    place: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """Several files taken from one archive together."""

    name: str
    purpose: str
    licence: str
    official: str
    archive: Archive
    archive_sha256: str
    files: tuple[BundleFile, ...]


@dataclass(frozen=True)
class WeightStatus:
    """One line of `emotalk weights list` and `verify`.

    state: verified | present (not hashed) | missing | wrong | unverifiable (there, but no hash is known for it).
    """

    name: str
    state: Literal["verified", "present", "missing", "wrong", "unverifiable"]
    path: str | None
    sha256: str | None
    expected_sha256: str | None
    bytes: int | None
    purpose: str
    licence: str
    detail: str = ""


@cache
def _tables() -> dict:
    return tomllib.loads(resources.files("bench").joinpath("weights.toml").read_text(encoding="utf-8"))


def registry() -> dict[str, WeightFile]:
    """All weight files by name, from bench/weights.toml."""
    entries = {}
    for name, row in _tables()["weights"].items():
        row = dict(row)
        same = {"same": True, "other": False}[row.pop("official_file")]
        archive = Archive(row.pop("package"), row.pop("version"), row.pop("archive")) if "package" in row else None
        entries[name] = WeightFile(name=name, official_is_same_file=same, **{**row, "archive": archive})
    return entries


def bundles() -> dict[str, Bundle]:
    """All bundles by name, from bench/weights.toml."""
    return {
        name: Bundle(
            name=name,
            purpose=row["purpose"],
            licence=row["licence"],
            official=row["official"],
            archive=Archive(row["package"], row["version"], row["archive"]),
            archive_sha256=row["archive_sha256"],
            files=tuple(
                BundleFile(f"{row['folder']}/{file}", f"{row['place']}/{file}", facts["bytes"], facts["sha256"])
                for file, facts in row["files"].items()
            ),
        )
        for name, row in _tables()["bundles"].items()
    }


def cache_folder() -> Path:
    """$EMOTALK_WORK/cache/weights, by default ./work/cache/weights."""
    return Path(os.environ.get("EMOTALK_WORK") or "work").absolute() / "cache" / "weights"


def offline_folder() -> Path | None:
    """$EMOTALK_WEIGHTS, a read-only folder of weight files under their registry names, or None if it is not set."""
    named = os.environ.get("EMOTALK_WEIGHTS")
    return Path(named).absolute() if named else None


def entry(name: str) -> WeightFile:
    """The registry entry `name`; UsageError with a suggestion if there is none."""
    return _named(name, registry(), "weight file")


def resolve(name: str) -> Path:
    """The verified local file of `name`; WeightsError if it is missing (what to run) or is another file (what to do).

    The offline folder is asked first, then the cache. Nothing is downloaded. A file without a known hash is returned
    as it is.
    """
    wanted = entry(name)
    for path in _places(wanted):
        if path.is_file():
            if wanted.sha256 is not None and (got := _hash(path)) != wanted.sha256:
                raise _wrong(wanted, path, got)
            return path
    raise _missing(wanted)


def resolve_all(names: Iterable[str], *, fetch_missing: bool = False, progress: bool = True) -> dict[str, Path]:
    """Verified local files of `names`, brought here first where they are missing and `fetch_missing` is set."""
    return {name: fetch(name, progress=progress) if fetch_missing else resolve(name) for name in dict.fromkeys(names)}


def fetch(name: str, *, progress: bool = True, official: bool = False) -> Path:
    """The verified local file of `name`, downloaded if it is not here yet; WeightsError if that fails.

    Goes through the package indexes that the user's pip is configured for; `official` takes the authors' own address.
    An interrupted download goes on where it stopped, and two processes that fetch at once do it one after the other.
    `progress` draws a bar on stderr.
    """
    wanted = entry(name)
    with contextlib.suppress(WeightsError):
        return resolve(name)
    folder = cache_folder()
    with _writing_in(folder), _lock(folder / f".{_lock_name(wanted)}.lock"):
        target = folder / wanted.file
        if target.is_file():  # another process was quicker, or a wrong file lies there and is replaced
            with contextlib.suppress(WeightsError):
                return resolve(name)
        if official:
            _fetch_official(wanted, target, progress)
        elif wanted.archive is None or wanted.member is None:
            raise WeightsError(
                f"{name}: no package index has this file, its authors publish it at {wanted.official}. "
                f"Run `emotalk weights fetch {name} --official`, or put it into $EMOTALK_WEIGHTS as {wanted.file}."
            )
        else:
            part = BundleFile(wanted.member, wanted.file, wanted.bytes, wanted.sha256)
            advice = f"Official address: {wanted.official}" + (
                f" (`emotalk weights fetch {name} --official`)"
                if wanted.official_is_same_file
                else " (in another file format)"
            )
            _fetch_from_archive(wanted.archive, (part,), folder, folder, None, advice, progress)
    return resolve(name)


def fetch_bundle(name: str, destination: Path, *, progress: bool = True) -> list[Path]:
    """Bring the files of bundle `name` under `destination` and return their paths, in the registry's order.

    Files that are there and right are kept; a missing or different one is replaced. WeightsError if they cannot be had.
    """
    bundle = _named(name, bundles(), "bundle")
    destination = Path(destination)
    folder = cache_folder()
    paths = [destination / file.place for file in bundle.files]

    def absent() -> tuple[BundleFile, ...]:
        return tuple(
            file
            for file, path in zip(bundle.files, paths, strict=True)
            if not (path.is_file() and sha256_of(path) == file.sha256)
        )

    if absent():
        with _writing_in(folder), _writing_in(destination), _lock(folder / f".{bundle.archive.package}.lock"):
            if missing := absent():
                advice = f"The dataset's own page: {bundle.official}"
                _fetch_from_archive(
                    bundle.archive, missing, destination, folder, bundle.archive_sha256, advice, progress
                )
    return paths


def status(names: Iterable[str] | None = None) -> list[WeightStatus]:
    """What is here of all (or these) weight files, without hashing them: `emotalk weights list`."""
    return [_status(entry(name), hashed=False) for name in (registry() if names is None else names)]


def verify(name: str) -> WeightStatus:
    """Hash the local file of `name` and compare: `emotalk weights verify`; missing or wrong is a state, no error."""
    return _status(entry(name), hashed=True)


def verify_all(names: Iterable[str] | None = None) -> list[WeightStatus]:
    """`verify` for these names, or for every file of the registry that is here."""
    if names is not None:
        return [verify(name) for name in names]
    return [line for name in registry() if (line := verify(name)).state != "missing"]


def fetch_all(names: Iterable[str], *, progress: bool = True, official: bool = False) -> list[WeightStatus]:
    """Fetch one after the other, report each: `emotalk weights fetch`; a failure is the state of its line, no error."""
    lines = []
    for name in names:
        try:
            fetch(name, progress=progress, official=official)
            lines.append(verify(name))
        except WeightsError as error:
            lines.append(_status(entry(name), hashed=True, detail=str(error)))
    return lines


def _status(wanted: WeightFile, *, hashed: bool, detail: str = "") -> WeightStatus:
    path = next((p for p in _places(wanted) if p.is_file()), None)
    got = None
    if path is None:
        state = "missing"
    elif not hashed:
        state = "present"
    else:
        got = _hash(path)
        state = "unverifiable" if wanted.sha256 is None else "verified" if got == wanted.sha256 else "wrong"
        if state == "wrong":
            detail = detail or str(_wrong(wanted, path, got))
    return WeightStatus(
        name=wanted.name,
        state=state,
        path=str(path) if path else None,
        sha256=got,
        expected_sha256=wanted.sha256,
        bytes=path.stat().st_size if path else wanted.bytes,
        purpose=wanted.purpose,
        licence=wanted.licence,
        detail=detail,
    )


def _places(wanted: WeightFile) -> list[Path]:
    return [folder / wanted.file for folder in (offline_folder(), cache_folder()) if folder is not None]


def _lock_name(wanted: WeightFile) -> str:
    """One lock per package: two files of one archive share its partial download."""
    return wanted.archive.package if wanted.archive else wanted.name


def _named(name: str, known: dict, what: str):
    if name in known:
        return known[name]
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    raise UsageError(
        f"unknown {what} {name!r}"
        + (f"; did you mean {near[0]!r}?" if near else "")
        + f" Known: {', '.join(sorted(known))}"
    )


_hashes: dict[tuple[str, int, int], str] = {}


def _hash(path: Path) -> str:
    """SHA-256 of a file, computed once per process as long as its size and time stay the same."""
    facts = path.stat()
    key = (str(path), facts.st_size, facts.st_mtime_ns)
    if key not in _hashes:
        _hashes[key] = sha256_of(path)
    return _hashes[key]


def _missing(wanted: WeightFile) -> WeightsError:
    looked = " and ".join(str(path) for path in _places(wanted))
    command = f"emotalk weights fetch {wanted.name}" + ("" if wanted.archive else " --official")
    return WeightsError(
        f"{wanted.name}: {wanted.file} is not there (looked for {looked}). Run `{command}`, or put the file into a folder "
        f"and name that folder in EMOTALK_WEIGHTS. Official address: {wanted.official}"
    )


def _wrong(wanted: WeightFile, path: Path, got: str) -> WeightsError:
    return WeightsError(
        f"{wanted.name}: {path} is not the expected file: SHA-256 expected {wanted.sha256}, got {got}. Delete it "
        f"and run `emotalk weights fetch {wanted.name}`"
        + (", or replace it." if offline_folder() in path.parents else ".")
    )


def _fetch_from_archive(
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
                with _bar(candidate.filename, progress) as bar:
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


def _fetch_official(wanted: WeightFile, target: Path, progress: bool) -> None:
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
def _lock(path: Path) -> Iterator[None]:
    """One process at a time; the system frees a dead process's lock. A file system without locks goes on without."""
    with path.open("a") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _writing_in(folder: Path) -> Iterator[None]:
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
