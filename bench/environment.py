"""What the numbers were made with: machine, packages, commit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from bench.contract.result import Environment, Machine

PACKAGES = (
    "torch numpy scipy pandas opencv-python-headless av ai-edge-litert numba espeakng-loader scikit-learn pydantic"
).split()


def describe() -> Environment:
    """The environment of this process; commit None outside a git checkout."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return Environment(
        python=sys.version.split()[0],
        platform=f"{platform.system()} {platform.machine()}",
        packages=versions,
        git_commit=commit,
        git_dirty=None if commit is None else bool(changes),
        emotalk=metadata.version("emotalk-bench"),
        machine=machine(),
    )


def machine() -> Machine:
    """Processor, cores that this process may use, memory, and the first NVIDIA GPU that the driver lists; no host name."""
    gpus = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return Machine(
        processor=_field(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=_memory(),
        accelerator=_field(gpus[0], "Model") if gpus else None,
    )


def _field(path: Path, name: str) -> str | None:
    """The value of the first "name : value" line, None if there is no such file or line."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in pairs if key.strip() == name and value.strip()), None)


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None


def _git(*arguments: str) -> str | None:
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():  # an installed wheel must not report somebody else's repository
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
