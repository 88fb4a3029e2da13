"""W&B artifacts of a store, a folder of videos and a result: same files, same digest, so that lineage needs no server."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.atomic import read_json, write_json
from bench.contract.result import Result

RESULT_FILES = ("result.json", "clips.parquet", "items.parquet", "rejected.parquet")
ITEM_COLUMNS = ("status", "reason", "detail", "n_frames", "key", "file", "bytes")


def store_artifact(wandb: Any, selection: Path) -> Any:
    """The scored clips with their companions and the hash of every one's content: the data by name, not the data."""
    document = read_json(selection)
    name = safe_name(f"store-{_label(document)}-{selection.stem}")
    artifact = wandb.Artifact(name, "store", metadata=dataset_facts(document))
    artifact.add_file(str(selection), "selection.json", skip_cache=True)
    if (rejected := selection.with_suffix(".rejected.parquet")).is_file():
        artifact.add_file(str(rejected), "rejected.parquet", skip_cache=True)
    return artifact


def generated_artifact(wandb: Any, folder: Path, clips: Iterable[str], document: dict[str, Any], scratch: Path) -> Any:
    """The card of the folder and the status, size and SHA-256 of each clip's file: the videos by name, not the videos.

    `document` is the selection they were made from; the list is written into `scratch`.
    """
    card = read_json(folder / "generated.json") or {"label": folder.name, "kind": "folder"}
    listing = scratch / "items.json"
    items = items_of(folder, clips)
    for item in items:
        file = folder / item["file"] if item["file"] else None
        item["sha256"] = _sha256(file) if file is not None and file.is_file() else None
    write_json(listing, {"card": card, "items": items})
    facts = {"method": card["label"], "clips": len(items), "files": sum(i["sha256"] is not None for i in items)}
    artifact = wandb.Artifact(safe_name(f"generated-{card['label']}-{_label(document)}"), "generated", metadata=facts)
    artifact.add_file(str(listing), "generated.json", skip_cache=True)
    return artifact


def result_artifact(wandb: Any, folder: Path, result: Result) -> Any:
    """The tables and the document of a result; no pictures and no sound."""
    facts = {"name": result.name, "protocol": result.protocol.name, "protocol_sha256": result.protocol.sha256,
             "store_sha256": result.dataset.store_sha256, "manifest_sha256": result.dataset.manifest_sha256}  # fmt: skip
    artifact = wandb.Artifact(safe_name(f"result-{folder.name}"), "result", metadata=facts)
    for name in RESULT_FILES:
        if (folder / name).is_file():
            artifact.add_file(str(folder / name), name, skip_cache=True)
    return artifact


def items_of(folder: Path, clips: Iterable[str]) -> list[dict[str, Any]]:
    """What the folder says of each clip; for a folder of somebody's own, whether a file of its name is there."""
    rows = []
    for clip_id in sorted(clips):
        item = read_json(folder / "items" / f"{clip_id}.json")
        if item is None:
            there = (folder / f"{clip_id}.mp4").is_file()
            item = {"status": "ok" if there else "missing", "file": f"{clip_id}.mp4" if there else None}
        rows.append({"clip_id": clip_id, **{name: item.get(name) for name in ITEM_COLUMNS}})
    return rows


def dataset_facts(document: dict[str, Any]) -> dict[str, Any]:
    """What a selection says of the dataset: name, profile, part, manifest and its hash, PUPPET_VERSION, media policy."""
    facts = {name: value for name, value in document.items() if name not in ("clips", "dataset")}
    return {"name": document["dataset"], **facts, "n_scored": len(document["clips"])}


def _label(document: dict[str, Any]) -> str:
    return "-".join(filter(None, (document["dataset"], document["profile"])))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def named(artifact: Any) -> dict[str, str]:
    """An artifact as a config holds it: lineage for readers without a server."""
    return {"artifact": artifact.name, "type": artifact.type, "digest": artifact.digest}


def safe_name(name: str) -> str:
    """A name that W&B takes: letters, digits, _, -, . and at most 128 of them."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    return name if len(name) <= 128 else f"{name[:115]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
