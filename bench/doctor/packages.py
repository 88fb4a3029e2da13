"""The packages: ours are ours, libraries load, versions are the ones that were tried together."""

from __future__ import annotations

import importlib
from importlib import metadata
from pathlib import Path

from bench.doctor.findings import Finding

GROUP = "Packages"
OURS = ("bench", "baselines", "metrics", "reports", "data_manifests")
LIBRARIES = ("numpy", "scipy", "pandas", "av", "cv2", "ai_edge_litert.interpreter", "numba", "torch", "pydantic")
"""Modules whose loading has failed on real machines for want of a system library; the rest is compared by version."""
DISTRIBUTION = "emotalk-bench"


def examine() -> list[Finding]:
    """Findings on our own packages, the libraries, and their versions against pyproject.toml and constraints.txt."""
    return [_ours(), _libraries(), *_versions()]


def _ours() -> Finding:
    # other packages of these names exist; one of them earlier on the path would be used without a word
    here = Path(__file__).resolve().parents[2]
    strangers = []
    for name in OURS:
        try:
            found = Path(importlib.import_module(name).__file__ or "").resolve()
        except ImportError as error:
            strangers.append(f"{name}: {error}")
            continue
        if found.parent.parent != here:
            strangers.append(f"{name} is {found.parent}")
    if strangers:
        do = f"run from the checkout with its .venv; remove or rename the other package; ours are in {here}"
        return Finding(GROUP, "our own", "LACK", "; ".join(strangers), do)
    return Finding(GROUP, "our own", "ok", f"{', '.join(OURS)} in {here}")


def _libraries() -> Finding:
    broken = []
    for module in LIBRARIES:
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever stops a library from loading is the finding
            broken.append(f"{module}: {type(error).__name__}: {error}")
    if broken:
        return Finding(GROUP, "libraries", "LACK", "\n".join(broken), "make setup")
    return Finding(GROUP, "libraries", "ok", f"{', '.join(m.partition('.')[0] for m in LIBRARIES)} load")


def _versions() -> list[Finding]:
    from packaging.requirements import Requirement

    try:
        stated = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        stated = []
    unmet = []
    for text in stated:
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        have = _version(wanted.name)
        if have is None or not wanted.specifier.contains(have, prereleases=True):
            unmet.append(f"{wanted.name}: needs {wanted.specifier or 'any'}, found {have or 'none'}")
    if not stated:
        required = Finding(GROUP, "requirements", "note", f"{DISTRIBUTION} is not installed here", "make setup")
    elif unmet:
        required = Finding(GROUP, "requirements", "LACK", "\n".join(unmet), "make setup", {"unmet": unmet})
    else:
        required = Finding(GROUP, "requirements", "ok", f"all {len(stated)} are met")
    return [required, _against_constraints()]


def _against_constraints() -> Finding:
    from packaging.requirements import Requirement

    path = Path(__file__).resolve().parents[2] / "constraints.txt"
    if not path.is_file():
        return Finding(GROUP, "constraints.txt", "note", "not beside an installed copy: versions are not compared")
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    pins = [Requirement(line) for line in lines if line]
    other, absent = [], []
    for pin in pins:
        have = _version(pin.name)
        # a local label (+cpu, +cu128) names a build of the same version
        if have is None:
            absent.append(pin.name)
        elif not pin.specifier.contains(have.partition("+")[0], prereleases=True):
            other.append(f"{pin.name} {have} instead of {str(pin.specifier).removeprefix('==')}")
    data = {"other": other, "absent": absent}
    if other:
        found = f"{len(other)} of {len(pins)} differ: {', '.join(other)}; results may differ in the last digits"
        return Finding(GROUP, "constraints.txt", "note", found, "make clean setup", data)
    rest = f", {len(absent)} of tests and other systems not here ({', '.join(absent)})" if absent else ""
    return Finding(
        GROUP, "constraints.txt", "ok", f"{len(pins) - len(absent)} versions are the pinned ones{rest}", data=data
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
