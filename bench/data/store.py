"""The clip store: what `prepare` writes and every later step reads."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.atomic import read_json, write_parquet
from bench.contract.clip import Clip, Part
from bench.contract.errors import DamagedStore, NothingDoneError, UsageError

RECORD_COLUMNS = (
    "clip_id dataset speaker emotion level sentence n_frames video_sha256 source_sha256 crop source_size source_fps "
    "source_variable_rate audio_difference_s audio_place valid_share data_version content_sha256 key flags"
).split()


@dataclass(frozen=True)
class Selected:
    """One scored clip of a selection with its fixed companions (clip ids, None where there is none)."""

    clip: Clip
    other_sentence: str | None
    other_emotion: str | None
    reference_clip: str | None
    reference_frame: int | None
    reference_sha256: str | None
    flags: tuple[str, ...]
    fingerprint: str
    """Hash over the content of the clip and of all its companions: what was made for another fingerprint is stale."""


class Store:
    """A folder with manifest.parquet, rejected.parquet, clips/<clip_id>/, references/ and selections/."""

    def __init__(self, folder: Path):
        self.folder = folder

    def clip_folder(self, clip_id: str) -> Path:
        return self.folder / "clips" / clip_id

    def record(self, clip_id: str) -> dict[str, Any] | None:
        """What `prepare` wrote of a clip, None if it is not finished."""
        return read_json(self.clip_folder(clip_id) / "record.json")

    def rejection(self, clip_id: str) -> dict[str, Any] | None:
        return read_json(self.folder / "rejections" / f"{clip_id}.json")

    def clip(self, clip_id: str, part: str, scored: bool) -> Clip:
        """The prepared clip; UsageError if it is not in the store."""
        record = self.record(clip_id)
        if record is None:
            raise UsageError(f"{clip_id} is not in the store {self.folder}: run `emotalk prepare` again")
        return self._clip(record, part, scored)

    def _clip(self, record: dict[str, Any], part: str, scored: bool) -> Clip:
        clip_id = record["clip_id"]
        return Clip(
            clip_id=clip_id,
            dataset=record["dataset"],
            speaker=record["speaker"],
            emotion=record["emotion"],
            level=record["level"],
            sentence=record["sentence"],
            part=Part(part),
            scored=scored,
            folder=self.clip_folder(clip_id),
            n_frames=record["n_frames"],
            video_sha256=record["video_sha256"],
            crop=tuple(record["crop"]),
            source_size=tuple(record["source_size"]),
            flags=tuple(record["flags"]),
            silent=record["audio_place"] is None,
        )

    def companion(self, clip_id: str, part: str) -> Clip:
        """A partner or reference clip of a scored one."""
        return self.clip(clip_id, part, scored=False)

    def reference_image(self, clip_id: str, sha256: str) -> Path:
        """Where the reference image with this pixel hash, taken from a (neutral) clip, lies."""
        return self.folder / "references" / f"{clip_id}-{sha256[:8]}.png"

    def reference_note(self, clip_id: str) -> Path:
        """Where `prepare` keeps which frame of a clip became the reference image, so that it need not look again."""
        return self.folder / "references" / f"{clip_id}.json"

    def whole(self, record: dict[str, Any]) -> bool:
        """True if every file of a prepared clip is there with the size it was written with."""
        folder = self.clip_folder(record["clip_id"])
        return all(
            (p := folder / name).is_file() and p.stat().st_size == size
            for name, size in record.get("bytes", {"?": -1}).items()
        )

    def write_tables(self, records: list[dict[str, Any]], rejected: list[dict[str, Any]], rejected_path: Path) -> None:
        """Write manifest.parquet (one row per prepared clip), one selection's rejections, and rejected.parquet (of all)."""
        import pandas as pd

        table = pd.DataFrame(sorted(records, key=lambda r: r["clip_id"]), columns=RECORD_COLUMNS)
        table["level"] = table["level"].astype("Int64")
        write_parquet(self.folder / "manifest.parquet", table)
        columns = ["clip_id", "path", "reason", "detail", "known"]
        table = pd.DataFrame(sorted(rejected, key=lambda r: (r["clip_id"], r["path"])), columns=columns)
        write_parquet(rejected_path, table.astype({"known": bool}))
        tables = [pd.read_parquet(p) for p in sorted((self.folder / "selections").glob("*.rejected.parquet"))]
        merged = pd.concat(tables).drop_duplicates().sort_values(["clip_id", "path"], kind="stable")
        write_parquet(self.folder / "rejected.parquet", merged)

    def selection_path(self, manifest: str, part: str, limit: int | None = None) -> Path:
        """Where the selection of a part is written; one of the first `limit` clips never takes the place of the whole."""
        return self.folder / "selections" / f"{manifest}-{part}{f'-first{limit}' if limit else ''}.json"

    def selection(self, manifest: str, part: str, limit: int | None = None) -> Selection:
        """What `prepare` selected for one part of a manifest; UsageError if it is not there.

        With `limit`, that of the first `limit` clips if there is one, else the whole (the caller cuts it).
        """
        paths = [self.selection_path(manifest, part, limit), self.selection_path(manifest, part)]
        path, document = next(((p, d) for p in paths if (d := read_json(p)) is not None), (None, None))
        if document is None:
            there = sorted(p.stem for p in (self.folder / "selections").glob("*.json"))
            raise UsageError(
                f"the store {self.folder} has no prepared part {part!r} of manifest {manifest!r} "
                f"(it has: {', '.join(there) or 'nothing'}); prepare it first"
            )
        return Selection(self, document, path)


class Selection:
    """The scored clips of one part of a manifest, with everything that was fixed when they were prepared."""

    def __init__(self, store: Store, document: dict[str, Any], path: Path):
        self.store, self.document, self.path = store, document, path

    @property
    def rejected(self) -> Path:
        """The table of what was rejected when this selection was prepared."""
        return self.path.with_suffix(".rejected.parquet")

    def __getattr__(self, name: str) -> Any:
        # card fields: dataset, profile, part, manifest, manifest_sha256, data_version, media_policy, n_rejected, flags
        try:
            return self.__dict__["document"][name]
        except KeyError:
            raise AttributeError(name) from None

    def check_version(self) -> None:
        """UsageError if the selection is of another version of the embedded dataset than this code renders."""
        from bench.data.datasets import is_embedded

        if is_embedded(self.document["dataset"]):
            from bench.data.puppet.version import check_version

            check_version(
                self.document.get("data_version"),
                f"the store {self.store.folder}",
                "run `emotalk prepare` again with the same flags; it names the folder to remove first",
            )

    def refuse_frames_only(self) -> None:
        """UsageError if the clips are frames only: there is no sound to speak to, and nothing to score."""
        if self.document.get("frames_only"):
            raise frames_only_error(self.document["manifest"])

    @cached_property
    def scored(self) -> list[Selected]:
        """Scored clips in the order of their ids.

        Raises UsageError if the store has changed since the selection was made, or was made with another extractor or of
        another version of the embedded dataset: numbers would be of two different datasets.
        """
        from bench.data.prepare_clip import face_identity

        self.check_version()
        face = face_identity()
        rows = [self._selected(row, face) for row in self.document["clips"]]
        # most companions are scored clips themselves: these were looked at above
        known = {(row["clip_id"], row["content"][row["clip_id"]]) for row in self.document["clips"]}
        others = {pair for row in self.document["clips"] for pair in row["content"].items()} - known
        for clip_id, content in sorted(others):
            self._record(clip_id, content, face)
        return rows

    def _record(self, clip_id: str, content: str, face: dict[str, str]) -> dict[str, Any]:
        """The record of a clip that is whole, and what the selection was made of; see `scored`."""
        record = self.store.record(clip_id)
        if record is None or record.get("content_sha256") != content or record.get("face") != face:
            raise UsageError(
                f"{clip_id} in the store {self.store.folder} is not what this selection was made of (the dataset, or the code "
                "that prepares it, changed since); run `emotalk prepare` again with the same flags"
            )
        if not self.store.whole(record):
            raise DamagedStore(
                f"{self.store.clip_folder(clip_id)}: a file is missing or has another size than it was written with; "
                "run `emotalk prepare` again, which makes damaged clips anew"
            )
        return record

    def _selected(self, row: dict[str, Any], face: dict[str, str]) -> Selected:
        content = row.get("content", {}).get(row["clip_id"], "unknown")
        clip = self.store._clip(self._record(row["clip_id"], content, face), self.document["part"], scored=True)
        fields = {k: row[k] for k in Selected.__dataclass_fields__ if k not in ("clip", "flags", "fingerprint")}
        companions = (row["other_sentence"], row["other_emotion"], row["reference_clip"])
        contents = [row["content"].get(c) if c else None for c in (row["clip_id"], *companions)]
        fingerprint = key_of(contents=contents, reference=row["reference_sha256"])
        return Selected(clip=clip, flags=tuple(row["flags"]), fingerprint=fingerprint, **fields)

    def limited(self, limit: int | None) -> list[Selected]:
        """The first `limit` scored clips, all of them for None; NothingDoneError if there are none."""
        if not self.scored:
            raise NothingDoneError(
                f"no clip of the part {self.document['part']!r} could be prepared; see rejected.parquet"
            )
        return self.scored[:limit]


def frames_only_error(manifest: str) -> UsageError:
    """Why clips of `manifest`, which are frames only, can be neither generated nor scored."""
    return UsageError(
        f"manifest {manifest!r} has frames only, without sound and emotion: they are there to train a generator on; "
        "give another --profile to generate, evaluate or run"
    )


def digest_of(rows: list[Selected]) -> str:
    """SHA-256 over clip ids, video hashes and reference images: two results are comparable only if these agree."""
    text = "".join(f"{row.clip.clip_id} {row.clip.video_sha256} {row.reference_sha256}\n" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(**parts: Any) -> str:
    """A short content key: SHA-256 over the named parts in a canonical order."""
    import json

    text = json.dumps(parts, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    raise TypeError(f"cannot make a key of {type(value).__name__}")
