"""truth/<clip_id>.safetensors: everything that an embedded clip was made from, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.contract.errors import UsageError
from bench.contract.files import whole_file
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.speech import Phoneme
from bench.data.puppet.version import PUPPET_VERSION, check_version

if TYPE_CHECKING:
    from bench.data.puppet.performance import Take
    from bench.data.puppet.render import Performance
    from bench.data.puppet.speaker import Speaker

CUES = ("actions", "gaze", "pose", "position")
"""The arrays that a clip is rendered from."""
RENDERER_SEX = {"M": "M", "W": "F"}
"""MEAD's letter -> the renderer's."""


@dataclass(frozen=True)
class Truth:
    """What an embedded clip was made from, T frames at 25 fps.

    arrays: actions (T, A) 0..1, gaze (T, 2, 2) degrees head-relative, pose (T, 3) degrees, position (T, 3) cm, landmarks
    (T, 478, 2) px of the uncropped picture, lip_gap (T,) px; all float32. `about` holds clip_id, speaker (MEAD's kind of name
    in every layout), sex, seed, emotion, level (as acted, 1-3, also where the layout does not tell it), take, text, mood,
    picture (width and height px), puppet_version; emotion, level, text and mood are None where frames show none
    (profile `pretrain`). phonemes are in seconds of the clip.
    """

    arrays: dict[str, np.ndarray]
    phonemes: tuple[Phoneme, ...]
    about: dict[str, Any]


def of_take(take: Take, emotion: str, level: int, number: int) -> dict[str, Any]:
    """What `save` keeps of a spoken take besides its frames."""
    return {
        "emotion": emotion,
        "level": level,
        "take": number,
        "text": take.text,
        "mood": asdict(take.mood),
        "phonemes": [[p.code, round(p.start, 5), round(p.end, 5), p.stress] for p in take.phonemes],
    }


def save(
    path: Path,
    clip_id: str,
    speaker: Speaker,
    performance: Performance,
    landmarks: np.ndarray,
    lip_gap: np.ndarray,
    picture: tuple[int, int],
    what: Mapping[str, Any] | None = None,
) -> None:
    """Write the truth of one clip at `path` (to a temporary name, then renamed); equal input gives equal bytes.

    `what`: see `of_take`; None for frames that say nothing and show no emotion.
    """
    from safetensors.numpy import save

    arrays = {name: getattr(performance, name) for name in CUES} | {"landmarks": landmarks, "lip_gap": lip_gap}
    nothing = dict.fromkeys(("emotion", "level", "take", "text", "mood")) | {"phonemes": []}
    about = {
        "puppet_version": PUPPET_VERSION,
        "clip_id": clip_id,
        "speaker": speaker.name,
        "sex": speaker.sex,
        "seed": speaker.seed,
        "picture": list(picture),
        "actions": list(ACTIONS),
        **nothing,
        **(what or {}),
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
    check_version(about.get("puppet_version"), path, "make the dataset again")
    if tuple(about["actions"]) != ACTIONS:
        raise UsageError(f"{path} was written with other action units than this version has: make the dataset again")
    return Truth(arrays, tuple(Phoneme(*row) for row in about["phonemes"]), about)
