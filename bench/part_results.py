"""The results of one part of a dataset under one protocol, as they lie in the work folder."""

from __future__ import annotations

from pathlib import Path

from bench.contract.result import Result


def results_of_part(results: Path, dataset: str, profile: str | None, part: str, protocol: str) -> dict[Path, Result]:
    """Folder -> result, by name of folder; one that an older version wrote, or that is not whole, is not one."""
    found = {}
    for path in sorted(results.glob("[!.]*/result.json")):
        try:
            result = Result.load(path)
        except ValueError:
            continue
        d = result.dataset
        if (d.name, d.profile, d.part, result.protocol.name) == (dataset, profile, part, protocol):
            found[path.parent] = result
    return found
