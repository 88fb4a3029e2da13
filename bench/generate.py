"""`emotalk generate`: a method and a prepared selection -> one mp4 per clip, resumable, failures recorded."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from baselines.registry import MethodSpec
from bench.atomic import FATAL_ERRNO, alone_in, read_json, write_json
from bench.contract.clip import AUDIO_RATE, CROP_SIZE, FPS
from bench.contract.errors import DamagedStore, NotApplicable, Reason, UndeclaredInput, UsageError
from bench.contract.files import whole_file
from bench.contract.method import SAW_TEST_SPEAKERS, CueMethod, Input, SoundMethod
from bench.data.store import Selected, Selection, Store, key_of
from bench.progress import in_parallel
from bench.requests import audio_of, build_request

GENERATE_VERSION = "2"
VIDEO_CRF = 18
LASTING = ("ok", "cues")
"""Statuses that are not decided again as long as nothing changes; n/a and failures are."""
LEAKY = "reference image: the clip's own first frame (leaks)"
"""How the tables name the input of `M@first-frame`."""
_LEAK = (Input.REFERENCE_IMAGE, "first-frame")


@dataclass
class Generated:
    """What one run of generate did."""

    method: str
    folder: Path
    made: int = 0
    reused: int = 0
    frames: int = 0
    seconds: float = 0.0
    items: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """status -> number of clips."""
        return dict(Counter(item["status"] for item in self.items))

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [item for item in self.items if item["status"] == "failed"]


def generate(
    spec: MethodSpec, selection: Selection, out: Path, *, seed: int = 0, jobs: int = 2, limit: int | None = None
) -> Generated:
    """Write `out`/<clip_id>.mp4 for every scored clip, `out`/items/<clip_id>.json with its status, and the card generated.json.

    An item is made again only if the method, its checkpoint, the seed, the clip or its companions changed. A method that
    fails on a clip gets a failed item with the exception's text, and the rest goes on.
    """
    started = time.monotonic()
    selection.refuse_frames_only()
    method = spec.load()
    rows = selection.limited(limit)
    _refuse_foreign(out)
    report = Generated(spec.name, out)
    card = card_of(spec, method, selection, seed)
    with alone_in(out):
        write_json(out / "generated.json", card.model_dump())
        todo = []
        for row in rows:
            key = item_key(card, row)
            item = read_item(out, row.clip.clip_id)
            if item and item["key"] == key and item["status"] in LASTING and _whole(out, item):
                report.reused += 1
                report.items.append(item)
            else:
                todo.append((row, key))
        work = [(spec, selection.store, row, out, seed, key) for row, key in todo]
        for item in in_parallel(_one, work, jobs, len(work), f"generate {spec.name}"):
            report.items.append(item)
            report.made += 1
            report.frames += item["n_frames"]
    report.items.sort(key=lambda item: item["clip_id"])
    report.seconds = time.monotonic() - started
    return report


class Card(BaseModel):
    """generated.json: what made the videos beside it."""

    model_config = ConfigDict(extra="forbid")

    method: str
    label: str
    version: str
    kind: Literal["control", "re-implementation", "official", "plug-in"]
    consumes: list[str]
    altered: str | None
    identity: dict[str, str | None]
    framing: Literal["canonical", "source", "own"]
    seed: int
    dataset: str
    profile: str | None
    manifest: str
    part: str
    data_version: str | None = None
    """PUPPET_VERSION of the clips that the videos were made for, None for real data."""
    saw_test_speakers: Literal["yes", "no", "unknown"] | None = None


def card_of(spec: MethodSpec, method: Any, selection: Selection, seed: int) -> Card:
    """The card of a generation; UsageError if the method's `saw_test_speakers` is none of the words for it."""
    document = selection.document
    saw = getattr(method, "saw_test_speakers", None)
    if saw not in (None, *SAW_TEST_SPEAKERS):
        raise UsageError(f"{spec.name}: saw_test_speakers must be one of {', '.join(SAW_TEST_SPEAKERS)}, it is {saw!r}")
    return Card(
        method=spec.name,
        label=spec.label,
        version=method.version,
        kind=getattr(method, "kind", "plug-in"),
        consumes=sorted(LEAKY if (i, spec.altered) == _LEAK else i.value for i in method.consumes),
        altered=spec.altered,
        identity=spec.identity(),
        framing="canonical",
        seed=seed,
        saw_test_speakers=saw,
        **{name: document[name] for name in ("dataset", "profile", "manifest", "part", "data_version")},
    )


def read_card(folder: Path) -> Card | None:
    """The card of a folder of videos, None if it has none (somebody's own folder); UsageError if it cannot be understood."""
    path = folder / "generated.json"
    document = read_json(path)
    if document is None:
        return None
    try:
        return Card.model_validate(document)
    except ValidationError as error:
        raise UsageError(
            f"{path} is not a card of this suite ({error.errors()[0]['msg']}); remove it or generate again"
        ) from error


def item_key(card: Card, row: Selected) -> str:
    """What one output depends on: the method by content, the seed, and the content of the clip and its companions."""
    return key_of(
        generate=GENERATE_VERSION,
        method=card.identity,
        version=card.version,
        seed=card.seed,
        inputs=row.fingerprint,
    )


def read_item(folder: Path, clip_id: str) -> dict[str, Any] | None:
    """The record of one output, None if there is none that this suite could have written."""
    item = read_json(folder / "items" / f"{clip_id}.json")
    return (
        item if isinstance(item, dict) and set(item) >= {"key", "status", "reason", "detail", "file", "bytes"} else None
    )


def _refuse_foreign(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: expected a folder, this is a file")
    if out.is_dir() and not (out / "generated.json").is_file() and any(out.glob("*.mp4")):
        raise UsageError(f"{out} holds mp4 files that this suite did not make; give --out another folder")


def _whole(out: Path, item: dict[str, Any]) -> bool:
    """True if the item's file is there with the size it was written with."""
    if item["file"] is None:
        return True
    path = out / item["file"]
    return path.is_file() and path.stat().st_size == item["bytes"]


@lru_cache(maxsize=4)
def _method(spec: MethodSpec):
    return spec.load()


def _one(spec: MethodSpec, store: Store, row: Selected, out: Path, seed: int, key: str) -> dict[str, Any]:
    method = _method(spec)
    clip_id = row.clip.clip_id
    item = {"clip_id": clip_id, "key": key, "status": "ok", "reason": None, "detail": None, "file": None, "bytes": None}
    item["n_frames"] = 0
    request = build_request(row, store, method.consumes, seed, spec.altered)
    _seed_everything(request.seed)
    try:
        item |= _write_cues(method, request, row, out) if spec.cues_only else _write(method, request, row, out)
    except NotApplicable as error:
        # only a missing input, or a control by its definition, takes a clip out of coverage
        if error.of_input is None and getattr(method, "kind", None) != "control":
            item |= _failure(error)
        else:
            item |= {"status": "n/a", "reason": str(error.reason), "detail": error.detail}
    except (UndeclaredInput, UsageError, DamagedStore):
        raise
    except OSError as error:
        if error.errno in FATAL_ERRNO:  # not the method's fault, and every later clip would fail too
            raise
        item |= _failure(error)
    except (Exception, SystemExit) as error:
        item |= _failure(error)
    # an output of an earlier version must not survive beside the record of this one
    for name in {f"{clip_id}.mp4", f"{clip_id}.cues.safetensors"} - {item["file"]}:
        (out / name).unlink(missing_ok=True)
    write_json(out / "items" / f"{clip_id}.json", item)
    return item


def _seed_everything(seed: int) -> None:
    """Global generators too: a plug-in that uses them gives the same frames in any process and order."""
    import random

    random.seed(seed)
    np.random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _failure(error: Exception) -> dict[str, Any]:
    return {"status": "failed", "reason": str(Reason.METHOD_FAILED), "detail": f"{type(error).__name__}: {error}"[:500]}


def _write(method: Any, request: Any, row: Selected, out: Path) -> dict[str, Any]:
    """Run the method on one request and write what it gives; returns the item's changed fields."""
    from bench.data import media

    target = out / f"{row.clip.clip_id}.mp4"
    if callable(getattr(method, "file", None)):
        with whole_file(target) as temporary:
            shutil.copyfile(method.file(request), temporary)  # never a link: a file in here may be written over
        return {"file": target.name, "bytes": target.stat().st_size, "n_frames": request.n_frames}
    try:
        frames = checked(method.generate(request), request.n_frames)
        first = next(frames)
    except NotApplicable as error:
        if error.reason != Reason.CUE_SPACE_ONLY or not isinstance(method, CueMethod):
            raise
        return _write_cues(method, request, row, out, error.detail)

    def all_frames() -> Iterator[np.ndarray]:
        yield first
        yield from frames

    audio = audio_of(row.clip)
    if isinstance(method, SoundMethod):
        audio = checked_sound(method.sound(request), len(audio))
    count = media.write_video(target, all_frames(), fps=FPS, crf=VIDEO_CRF, audio=audio, audio_rate=AUDIO_RATE)
    return {"file": target.name, "bytes": target.stat().st_size, "n_frames": count}


def _write_cues(
    method: Any, request: Any, row: Selected, out: Path, why: str = "cues alone were asked for"
) -> dict[str, Any]:
    """The method's cues in place of a video."""
    from bench.blendshapes import completed

    path = out / f"{row.clip.clip_id}.cues.safetensors"
    completed(method.cues(request)).save(path)
    return {"status": "cues", "reason": str(Reason.CUE_SPACE_ONLY), "detail": why, "file": path.name,
            "bytes": path.stat().st_size, "n_frames": request.n_frames}  # fmt: skip


def checked(frames: Iterator[np.ndarray], n_frames: int) -> Iterator[np.ndarray]:
    """The frames of a method, each verified to be (256, 256, 3) uint8, and exactly n_frames of them; ValueError otherwise."""
    shape = (CROP_SIZE, CROP_SIZE, 3)
    count = 0
    for count, frame in enumerate(islice(iter(frames), n_frames + 1), start=1):
        if count > n_frames:
            raise ValueError(f"expected {n_frames} frames, the method yields more")
        if frame.shape != shape or frame.dtype != np.uint8:
            raise ValueError(f"expected frames of {shape} uint8 RGB, frame {count} is {frame.shape} {frame.dtype}")
        yield frame
    if count != n_frames:
        raise ValueError(f"expected {n_frames} frames, the method yielded {count}")


def checked_sound(audio: np.ndarray, n_samples: int) -> np.ndarray:
    """The sound of a method, verified to be (n_samples,) float32 and finite; ValueError otherwise."""
    if audio.shape != (n_samples,) or audio.dtype != np.float32:
        raise ValueError(f"expected a sound of ({n_samples},) float32, the method gave {audio.shape} {audio.dtype}")
    if not np.isfinite(audio).all():
        raise ValueError("expected a sound of finite samples, the method gave NaN or infinity")
    return audio
