"""truth/<clip_id>.safetensors: everything that an embedded clip was made from, frame by frame."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.contract.errors import UsageError
from bench.contract.files import whole_file
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.speech import Phoneme
from bench.data.puppet.splits import PUPPET_VERSION

if TYPE_CHECKING:
    from bench.data.puppet.performance import Take

CUES = ("actions", "gaze", "pose", "position")
"""The arrays that a clip is rendered from."""
RENDERER_SEX = {"M": "M", "W": "F"}
"""MEAD's letter -> the renderer's."""


@dataclass(frozen=True)
class Truth:
    """What an embedded clip was made from, T frames at 25 fps.

    arrays: actions (T, A) 0..1, gaze (T, 2, 2) degrees head-relative, pose (T, 3) degrees, position (T, 3) cm, landmarks
    (T, 478, 2) px of the uncropped picture, lip_gap (T,) px; all float32. `about` holds clip_id, speaker, sex, seed, emotion,
    level, text, mood, size, puppet_version. phonemes are in seconds of the clip.
    """

    arrays: dict[str, np.ndarray]
    phonemes: tuple[Phoneme, ...]
    about: dict[str, Any]


def save(path: Path, take: Take, landmarks: np.ndarray, lip_gap: np.ndarray, clip_id: str, size: int = 256) -> None:
    """Write the truth of one clip at `path` (to a temporary name, then renamed); equal input gives equal bytes."""
    from safetensors.numpy import save

    _, _, emotion, level, number = clip_id.split("_")
    arrays = {name: getattr(take, name) for name in CUES} | {"landmarks": landmarks, "lip_gap": lip_gap}
    about = {
        "puppet_version": PUPPET_VERSION,
        "clip_id": clip_id,
        "speaker": take.speaker.name,
        "sex": take.speaker.sex,
        "seed": take.speaker.seed,
        "emotion": emotion,
        "level": int(level),
        "take": int(number),
        "text": take.text,
        "mood": asdict(take.mood),
        "size": size,
        "actions": list(ACTIONS),
        "phonemes": [[p.code, round(p.start, 5), round(p.end, 5), p.stress] for p in take.phonemes],
    }
    # one metadata key only: the format keeps several in no particular order, and bytes are to be equal
    metadata = {"puppet": json.dumps(about, sort_keys=True)}
    content = {k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}
    with whole_file(path) as temporary:
        temporary.write_bytes(save(content, metadata=metadata))


def load(path: Path) -> Truth:
    """Read truth.safetensors; UsageError if it is not one, or of another version or other action units."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("puppet", "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{path}: expected the truth of an embedded clip, cannot read it: {error}") from error
    if about is None:
        raise UsageError(
            f"{path}: expected the truth of an embedded clip (metadata `puppet`), got another safetensors file"
        )
    if about["puppet_version"] != PUPPET_VERSION or tuple(about["actions"]) != ACTIONS:
        raise UsageError(
            f"{path} was written by version {about['puppet_version']} of the embedded dataset, this is version "
            f"{PUPPET_VERSION}: make the dataset again"
        )
    return Truth(arrays, tuple(Phoneme(*row) for row in about["phonemes"]), about)
