"""The reference image of a neutral clip: which frame of it, cut out once and kept."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import Any

from bench.atomic import read_json, write_json
from bench.contract.clip import FPS
from bench.contract.cues import Cues
from bench.contract.errors import RejectedInput
from bench.contract.files import whole_file
from bench.contract.geometry import pose_of
from bench.contract.reference_frame import REFERENCE_VERSION, choose_reference_frame
from bench.data.store import Store


def reference_image(store: Store, record: dict[str, Any]) -> tuple[int, str] | None:
    """Index and pixel hash of the reference image of a clip, None if no frame of it will do; chosen once per content."""
    clip_id = record["clip_id"]
    key = f"{REFERENCE_VERSION}-{record['content_sha256']}"
    note = store.reference_note(clip_id)
    kept = read_json(note)
    if kept is not None and kept.get("key") == key:
        if kept["frame"] is None:
            return None
        image = store.reference_image(clip_id, kept["sha256"])
        if image.is_file() and image.stat().st_size == kept["bytes"]:
            return kept["frame"], kept["sha256"]
    made = _new_reference_image(store, clip_id)
    frame, digest = made or (None, None)
    size = store.reference_image(clip_id, digest).stat().st_size if digest else None
    write_json(note, {"key": key, "frame": frame, "sha256": digest, "bytes": size})
    return made


def _new_reference_image(store: Store, clip_id: str) -> tuple[int, str] | None:
    """Write references/<clip_id>-<hash>.png: the most frontal frame with open eyes and closed mouth."""
    import cv2

    from bench.data import media

    folder = store.clip_folder(clip_id)
    cues = Cues.load(folder / "cues.safetensors")
    try:
        index = choose_reference_frame(cues, pose_of(cues.transform))
    except RejectedInput:
        return None
    frame = next(islice(media.read_frames(folder / "face.mp4", fps=FPS), index, None))
    digest = hashlib.sha256(frame.tobytes()).hexdigest()
    with whole_file(store.reference_image(clip_id, digest)) as temporary:
        temporary.write_bytes(cv2.imencode(".png", frame[..., ::-1])[1].tobytes())
    return index, digest
