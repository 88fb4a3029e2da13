"""`emotalk doctor`: what this machine has, what is missing, and the command that brings it."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

from bench.workspace import Workspace

OURS = ("bench", "baselines", "metrics", "reports", "data_manifests")
LIBRARIES = {"av": "av", "cv2": "opencv-python-headless", "ai_edge_litert": "ai-edge-litert", "numba": "numba",
             "espeakng_loader": "espeakng-loader", "torch": "torch", "pandas": "pandas"}  # fmt: skip
LEAST_FREE = 2 * 2**30


def examine(space: Workspace) -> list[dict[str, Any]]:
    """A list of findings {what, ok, found, do}: packages are ours, libraries import, weights are there, disk has room."""
    findings = [_finding("python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer")]
    here = Path(__file__).resolve().parent.parent
    for name in OURS:
        # other packages of these names exist; one of them earlier on the path would be used without a word
        found = Path(importlib.import_module(name).__file__).resolve()
        findings.append(
            _finding(
                f"package {name}",
                found.parent.parent == here,
                str(found.parent),
                f"remove or rename the other package {name!r}",
            )
        )
    for module, package in LIBRARIES.items():
        try:
            loaded = importlib.import_module(module)
            findings.append(_finding(package, True, getattr(loaded, "__version__", "there"), ""))
        except Exception as error:  # whatever stops a library from loading is the finding
            findings.append(_finding(package, False, f"{type(error).__name__}: {error}", "make setup"))
    from bench import weights

    for line in weights.status():
        needed = line.name == "face_landmarker"
        state = weights.verify(line.name).state if needed else line.state
        fetch = f"emotalk weights fetch {line.name}"
        shown = state if needed or state != "missing" else "not here, nothing needs it yet"
        findings.append(_finding(f"weights {line.name}", state == "verified" or not needed, shown, fetch))
    space.root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(space.root).free
    findings.append(
        _finding(
            f"disk at {space.root}",
            free > LEAST_FREE,
            f"{free / 2**30:.1f} GB free",
            "free some space, or set EMOTALK_WORK",
        )
    )
    return findings


def _finding(what: str, ok: bool, found: str, do: str) -> dict[str, Any]:
    return {"what": what, "ok": bool(ok), "found": found, "do": "" if ok else do}
