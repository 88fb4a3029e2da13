"""What the numbers were made with: machine, packages, commit."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from bench.contract.result import Environment

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
    )


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
