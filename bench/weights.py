"""Pretrained weights: a registry, a cache, files that are what their SHA-256 says; nothing of an archive is run.

`resolve` gives a verified path (metrics and extractors get it injected), `fetch` brings a file into the cache through
the user's own pip configuration, `fetch_bundle` a few public clips the same way. Places, in order: the read-only folder
$EMOTALK_WEIGHTS (for machines without a network), then $EMOTALK_WORK/cache/weights (default ./work/cache/weights).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from bench.contract.errors import UsageError, WeightsError
from bench.package_index import sha256_of
from bench.weight_archive import fetch_from_archive, fetch_official, lock, writing_in
from bench.weight_registry import BundleFile, WeightFile, WeightStatus, bundles, registry


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
    with writing_in(folder), lock(folder / f".{_lock_name(wanted)}.lock"):
        target = folder / wanted.file
        if target.is_file():  # another process was quicker, or a wrong file lies there and is replaced
            with contextlib.suppress(WeightsError):
                return resolve(name)
        if official:
            fetch_official(wanted, target, progress)
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
            fetch_from_archive(wanted.archive, (part,), folder, folder, None, advice, progress)
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
        with writing_in(folder), writing_in(destination), lock(folder / f".{bundle.archive.package}.lock"):
            if missing := absent():
                advice = f"The dataset's own page: {bundle.official}"
                fetch_from_archive(
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
        + (f"; did you mean {near[0]!r}?" if near else ".")
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
