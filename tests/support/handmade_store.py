"""A store that `prepare` could have written, made by hand in a moment: cues and records, no pictures and no sound."""

from collections.abc import Callable
from pathlib import Path

from bench.atomic import write_json
from bench.contract.cues import Cues
from bench.data.manifests import load_manifest, speaker_of
from bench.data.prepare_clip import content_sha256, face_identity
from bench.data.puppet.version import PUPPET_VERSION


def write_store(
    folder: Path,
    clips: dict[str, list[str]],
    cues: Callable[[str], Cues] = lambda clip_id: Cues.empty(4),
    dataset: str = "puppet",
    manifest: str = "smoke",
) -> None:
    """Selections of `clips` (part -> clip ids) under a named manifest, and the clips' folders."""
    known = load_manifest(dataset, manifest)
    for part, clip_ids in clips.items():
        rows = []
        for clip_id in clip_ids:
            place = folder / "clips" / clip_id
            cues(clip_id).save(place / "cues.safetensors")
            emotion, level = clip_id.split("_")[2:4]
            record = {"clip_id": clip_id, "dataset": dataset, "speaker": speaker_of(clip_id), "emotion": emotion,
                      "level": int(level), "sentence": clip_id[-3:], "n_frames": len(cues(clip_id)), "video_sha256": clip_id,
                      "crop": [1, 0, 0, 0, 1, 0], "source_size": [256, 256], "flags": [], "audio_place": "inside",
                      "face": face_identity(), "bytes": {}}  # fmt: skip
            record["content_sha256"] = content_sha256(place, {"clip_id": clip_id})
            write_json(place / "record.json", record)
            nothing = dict.fromkeys(
                "other_sentence other_emotion reference_clip reference_frame reference_sha256".split()
            )
            rows.append({"clip_id": clip_id, **nothing, "flags": [], "content": {clip_id: record["content_sha256"]}})
        document = {"dataset": dataset, "profile": manifest, "part": part, "manifest": manifest, "clips": rows,
                    "manifest_sha256": known.sha256, "data_version": str(PUPPET_VERSION), "frames_only": False}  # fmt: skip
        write_json(folder / "selections" / f"{manifest}-{part}.json", document)
