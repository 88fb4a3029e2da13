"""The clips that the difficulty probes look at: performed, rendered, heard and read by the extractor, kept on disk.

Only judge-training speakers (3xx) are ever performed here, so that nothing of the dataset is chosen on test speakers. What is
kept is keyed by content (the numbers a picture is rendered from, the sources that render it, the extractor's version), so
that a run which was killed goes on and a change of one emotion renders that emotion again only.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.clip import EMOTIONS, LEVELS
from bench.contract.errors import UsageError
from bench.contract.files import temporary_name, whole_file
from bench.data.puppet.sentences import COMMON

if TYPE_CHECKING:
    from bench.data.puppet.performance import Take

FIRST = 301
"""Number of the first judge-training speaker."""
LAST = 399
FRAMES = (44, 60)
"""Range of clip lengths, as in the profile `bench`."""
STEP = 5
"""Every fifth frame is rendered where no file is written."""
BACKGROUND = (slice(0, 72), 28)
"""Rows, and columns from the left and right edge, of the picture that show nothing but the background."""
SOUND_RATE = 16_000
KEPT = 1
"""Version of what is kept of a clip."""
GROUP = 12
"""Clips of one speaker that one process looks at in a row."""
# what decides how a picture looks, once the numbers of a take are given: everything in the folder but these
NOT_PICTURE = frozenset(
    "clip_files contact_sheet dataset emotion flv gaze golden layouts likeness manifest_files measure measure_page motion "
    "performance rerender sentences speaker speech splits splits_cremad stills truth version visemes".split()
)


@dataclass(frozen=True, order=True)
class Spot:
    """One clip of the probes: speaker (M301, W301, ...), emotion, level 1-3 as rendered, take 1-3 (common sentences).

    Neutral has level 1 only, as in MEAD.
    """

    speaker: str
    emotion: str
    level: int
    take: int


@dataclass(frozen=True)
class Seen:
    """What the extractor and the files of one clip show; n looked-at frames.

    blendshapes (n, 52), pose (n, 3) degrees, gaze (n, 2, 2) degrees, openness (n, 2), valid (n,); background (3,) mean RGB of
    the first frame's upper corners; sight (T, 2) degrees, the TRUE line of sight [yaw, pitch] of all T frames; sound (N,)
    float32 at 16 kHz, decoded from the .m4a; sizes in bytes, video_bytes 0 where no video was written.
    """

    blendshapes: np.ndarray
    pose: np.ndarray
    gaze: np.ndarray
    openness: np.ndarray
    valid: np.ndarray
    background: np.ndarray
    sight: np.ndarray
    sound: np.ndarray
    audio_bytes: int
    video_bytes: int


def speakers(count: int, first: int = FIRST) -> list[str]:
    """`count` judge-training speakers from number `first` on, men and women in turn; UsageError where there are no names."""
    if not FIRST <= first <= LAST:
        raise UsageError(f"first speaker: expected {FIRST} to {LAST} (judge training), got {first}")
    most = 2 * (LAST - first + 1)
    if not 2 <= count <= most:
        raise UsageError(
            f"speakers: expected 2 to {most} (judge-training speakers M{first}, W{first}, ...), got {count}"
        )
    return [f"{'MW'[i % 2]}{first + i // 2}" for i in range(count)]


def spots(count: int, clips: int = 1, first: int = FIRST) -> list[Spot]:
    """The clips of `count` speakers: `clips` (1-3) common sentences per emotion and level; neutral all three at level 1."""
    if not 1 <= clips <= len(COMMON):
        raise UsageError(f"clips: expected 1 to {len(COMMON)} per speaker, emotion and level, got {clips}")
    found = []
    for i, speaker in enumerate(speakers(count, first)):
        for k, emotion in enumerate(EMOTIONS):
            if emotion == "neutral":
                takes = range(1, len(COMMON) + 1)
                found += [Spot(speaker, emotion, 1, take) for take in takes]
                continue
            for level in LEVELS:
                takes = sorted({1 + (i + k + level + j) % len(COMMON) for j in range(clips)})
                found += [Spot(speaker, emotion, level, take) for take in takes]
    return found


def take_of(spot: Spot) -> Take:
    """The take of a spot, deterministic; a second or so of sound and some 50 frames of numbers, nothing rendered."""
    from bench.data.puppet.performance import perform
    from bench.data.puppet.speaker import Speaker

    return perform(Speaker.of(spot.speaker), spot.emotion, spot.level, spot.take, FRAMES)


def look(spot: Spot, folder: Path, files: bool = False, step: int = STEP) -> Seen:
    """What a spot's clip shows: every `step`-th rendered frame, or with `files` every frame of the written and decoded mp4.

    Kept in `folder`; what is there already is read. The sound is always the written and decoded .m4a.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = hashlib.sha256(f"{KEPT}/{spot}/{files}/{step}/{_sources(frozenset())}".encode()).hexdigest()[:32]
    index = folder / f"{asked}.txt"  # where nothing changed, the take need not be performed to know its content
    if not index.is_file():
        take = take_of(spot)
        names = _sound(take, folder), _picture(spot, take, folder, files, step)
        with whole_file(index) as temporary:
            temporary.write_text("\n".join(names), encoding="ascii")
    kept = {}
    for name in index.read_text(encoding="ascii").split():
        with np.load(folder / name) as file:
            kept |= dict(file)
    kept |= {name: int(kept[name]) for name in ("audio_bytes", "video_bytes")}
    return Seen(**kept)


def look_at_all(
    wanted: Sequence[Spot], folder: Path, jobs: int, files: bool = False, step: int = STEP, title: str | None = None
) -> list[Seen]:
    """`look` at every spot on `jobs` processes, in the order of `wanted`; a process stays with a speaker for a while."""
    from bench.progress import in_parallel

    groups = [
        own[i : i + GROUP]
        for _, clips_of in itertools.groupby(wanted, key=lambda spot: spot.speaker)
        for own in [list(clips_of)]
        for i in range(0, len(own), GROUP)
    ]
    work = ((own, folder, files, step) for own in groups)
    found = {}
    for part in in_parallel(_look_at_some, work, jobs, len(groups), title):
        found.update(part)
    return [found[spot] for spot in wanted]


def _look_at_some(own: list[Spot], folder: Path, files: bool, step: int) -> dict[Spot, Seen]:
    return {spot: look(spot, folder, files, step) for spot in own}


def _kept(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> str:
    """The name of the file of arrays at `path`, made and written there if it is not there."""
    if not path.is_file():
        made = make()
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **made)
    return path.name


def _sound(take: Take, folder: Path) -> str:
    from bench.data.media import read_audio, write_audio
    from bench.data.puppet.clip_files import MEAD_SOUND_RATE

    def make() -> dict[str, np.ndarray]:
        path = temporary_name(folder / f"{key}.m4a")
        try:
            write_audio(path, _resampled(take, MEAD_SOUND_RATE), MEAD_SOUND_RATE, channels=2)
            return {"audio_bytes": np.int64(path.stat().st_size), "sound": read_audio(path, SOUND_RATE)}
        finally:
            path.unlink(missing_ok=True)

    key = hashlib.sha256(f"sound/{KEPT}".encode() + take.samples.tobytes()).hexdigest()[:32]
    return _kept(folder / f"{key}.npz", make)


def _resampled(take: Take, rate: int) -> np.ndarray:
    from scipy.signal import resample_poly

    return resample_poly(take.samples, rate, take.rate).astype("float32")


def _picture(spot: Spot, take: Take, folder: Path, files: bool, step: int) -> str:
    from bench.contract.geometry import pose_of
    from bench.data.media import read_frames, write_video
    from bench.data.puppet.clip_files import MEAD_SOUND_RATE
    from bench.data.puppet.difficulty.modes import line_of_sight
    from bench.data.puppet.performance import recorder_crf
    from bench.data.puppet.render import Performance, renderer_of
    from bench.data.puppet.truth import RENDERER_SEX

    at = np.arange(len(take)) if files else np.arange(1, len(take), step)
    performance = Performance(take.actions[at], take.gaze[at], take.pose[at], take.position[at])
    parts = [a.tobytes() for a in (performance.actions, performance.gaze, performance.pose, performance.position)]
    crf = recorder_crf(spot.speaker, spot.emotion, spot.level, spot.take) if files else None
    name = f"picture/{KEPT}/{files}/{crf}/{take.speaker.seed}/{take.speaker.sex}/{_sources(NOT_PICTURE)}"
    if files:
        parts.append(take.samples.tobytes())
    key = hashlib.sha256(b"".join([name.encode(), *parts])).hexdigest()[:32]

    def make() -> dict[str, np.ndarray]:
        renderer = renderer_of(take.speaker.seed, RENDERER_SEX[take.speaker.sex])
        pictures = list(renderer.frames(performance))
        size = 0
        if files:
            path = temporary_name(folder / f"{key}.mp4")
            try:
                write_video(
                    path, pictures, crf=crf, audio=_resampled(take, MEAD_SOUND_RATE), audio_rate=MEAD_SOUND_RATE
                )
                size, pictures = path.stat().st_size, list(read_frames(path))
            finally:
                path.unlink(missing_ok=True)
        cues = _extractor()(pictures)
        rows, width = BACKGROUND
        corners = np.concatenate([pictures[0][rows, :width], pictures[0][rows, -width:]])
        return {
            "blendshapes": cues.blendshapes,
            "pose": pose_of(cues.transform).astype(np.float32),
            "gaze": cues.gaze,
            "openness": cues.openness,
            "valid": cues.valid,
            "background": corners.reshape(-1, 3).mean(0),
            "video_bytes": np.int64(size),
            "sight": line_of_sight(take.gaze, take.pose).astype(np.float32),
        }

    return _kept(folder / f"{key}.npz", make)


@lru_cache(maxsize=1)
def _extractor():
    from bench import weights
    from metrics.extractors.face import FaceExtractor

    return FaceExtractor({"face_landmarker": weights.resolve("face_landmarker")})


@lru_cache
def _sources(left_out: frozenset[str]) -> str:
    """Hash of the dataset's sources and of the extractor's version."""
    from metrics.extractors.face import FaceExtractor

    digest = hashlib.sha256(FaceExtractor.VERSION.encode())
    for path in sorted(Path(__file__).resolve().parents[1].glob("*.py")):
        if path.stem not in left_out:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
