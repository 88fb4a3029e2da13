"""What a training needs to go on after it was killed: model, average and optimisers in one file, a JSON document beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.atomic import read_json, write_json
from bench.contract.files import whole_file

STATE = "state.json"


def save_tensors(path: Path, tensors: dict[str, Any], about: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, whole; `about` goes into the file's header."""
    from safetensors.torch import save

    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with whole_file(path) as temporary:
        temporary.write_bytes(save(plain, about))


def save_checkpoint(folder: Path, step: int, groups: dict[str, dict[str, Any]], document: dict[str, Any]) -> None:
    """Write the state after `step` steps; the document's rename is the moment from which it counts.

    `groups` are dictionaries of tensors by a name without "|".
    """
    name = f"step-{step:08d}.safetensors"
    tensors = {f"{group}|{key}": value for group, rows in groups.items() for key, value in rows.items()}
    save_tensors(folder / name, tensors)
    write_json(folder / STATE, {**document, "step": step, "file": name})
    for old in folder.glob("step-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def load_checkpoint(folder: Path, device: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]] | None:
    """The groups and the document of the last checkpoint, None if there is none that is whole."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    document = read_json(folder / STATE)
    if document is None:
        return None
    try:
        tensors = load_file(folder / document["file"], device=device)
    except (OSError, SafetensorError, KeyError):
        return None
    groups: dict[str, dict[str, Any]] = {}
    for name, value in tensors.items():
        group, _, key = name.partition("|")
        groups.setdefault(group, {})[key] = value
    return groups, document
