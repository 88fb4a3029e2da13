"""Opens the two sides of a scored clip: the real one from the store, the generated one from its folder under its framing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.clip import AUDIO_RATE, CROP_SIZE, FPS, Clip
from bench.contract.cues import Cues
from bench.contract.errors import DamagedStore, Reason, RejectedInput
from bench.contract.seen import Labels
from bench.data.store import Selected, Store
from bench.features import face_cues
from bench.framing import Framing, check_size, frame_video
from bench.sides import SILENCE, Side, Sound, Tools

if TYPE_CHECKING:
    from bench.data.media import MediaInfo

ROUNDING = 1
"""Frames by which a duration may miss the number of decoded frames."""


@dataclass(frozen=True)
class Opened:
    """A generated video that can be scored: its side, what framing it took, and doubts about it."""

    side: Side
    residual: float | None
    flags: tuple[str, ...]


def labels_of(clip: Clip) -> Labels:
    return Labels(clip.clip_id, clip.dataset, clip.speaker, clip.emotion, clip.level)


class ClipVideos:
    """The videos of one scored clip, each opened once however many protocols score them.

    `longest` is the largest difference in frames that any of them allows.
    """

    def __init__(self, tools: Tools, row: Selected, store: Store, longest: int):
        self.tools, self.row, self.store, self.longest = tools, row, store, longest
        self._generated: dict[tuple[Path, Framing], Opened | RejectedInput] = {}

    @cached_property
    def reference(self) -> Side:
        return open_reference(self.tools, self.row.clip)

    @cached_property
    def portrait(self) -> Side | None:
        return open_portrait(self.tools, self.row, self.store)

    def generated(self, path: Path, framing: Framing, stream: str, allowed: int) -> Opened:
        """The video at `path` for a protocol that allows a difference of so many frames; RejectedInput as `open_generated`."""
        clip = self.row.clip
        info = _probed(path, clip, framing, allowed)
        if (path, framing) not in self._generated:
            try:
                opened = _opened(self.tools, clip, path, info, framing, stream, self.longest)
                len(opened.side.cues)  # what cannot be decoded is found here
            except RejectedInput as error:
                opened = error
            self._generated[path, framing] = opened
        if isinstance(found := self._generated[path, framing], RejectedInput):
            if found.reason == Reason.LENGTH_MISMATCH:  # longer than any protocol allows: said in this one's terms
                raise length_mismatch(clip.n_frames, f"more than {clip.n_frames + allowed}", allowed)
            raise found
        return _of_length(found, clip, allowed)


def open_generated(tools: Tools, clip: Clip, path: Path, framing: Framing, stream: str, allowed: int) -> Opened:
    """The video at `path`, read no further than needed. Raises RejectedInput before a frame is decoded where its size or
    its length is wrong by more than `allowed` frames.
    """
    info = _probed(path, clip, framing, allowed)
    return _of_length(_opened(tools, clip, path, info, framing, stream, allowed), clip, allowed)


def _probed(path: Path, clip: Clip, framing: Framing, allowed: int) -> MediaInfo:
    from bench.data import media

    info = media.probe(path)
    check_size(info, clip, framing)
    stated = round((info.duration_s or 0.0) * FPS)
    if abs(stated - clip.n_frames) > allowed + ROUNDING:
        raise length_mismatch(clip.n_frames, f"{stated}", allowed)
    return info


def _opened(
    tools: Tools, clip: Clip, path: Path, info: MediaInfo, framing: Framing, stream: str, allowed: int
) -> Opened:
    from bench.data import media

    cache, longest = tools.cache, clip.n_frames + allowed

    def read() -> Iterator[np.ndarray]:
        for count, frame in enumerate(media.read_frames(path, fps=FPS)):
            if count == longest:  # whatever a header says, no more than this is ever held
                raise length_mismatch(clip.n_frames, f"more than {longest}", allowed)
            yield frame

    framed = frame_video(read, clip, framing, lambda raw: face_cues(cache, stream, ("as-is",), raw))
    held: list[np.ndarray] = []

    def frames() -> np.ndarray:
        if not held:
            held.append(stacked(framed.frames(), longest))
        return held[0]

    def cues() -> Cues:
        # the real clip itself, unaltered, has its cues in the store already
        if stream == clip.video_sha256 and framing == Framing.CANONICAL:
            return reference_cues(clip)
        return face_cues(cache, stream, framed.transform, frames)

    sound = _own_sound(path, info, clip)
    side = Side(tools, labels_of(clip), [stream, framed.transform], cues, frames, sound)
    return Opened(side, framed.residual, () if sound.own else ("store-sound",))


def _of_length(opened: Opened, clip: Clip, allowed: int) -> Opened:
    frames = len(opened.side.cues)
    if abs(frames - clip.n_frames) > allowed:
        longest = clip.n_frames + allowed
        raise length_mismatch(clip.n_frames, f"more than {longest}" if frames > longest else f"{frames}", allowed)
    return opened


def length_mismatch(expected: int, found: str, allowed: int) -> RejectedInput:
    return RejectedInput(
        Reason.LENGTH_MISMATCH,
        f"the real clip has {expected} frames, the generated one {found}; at most {allowed} may differ",
    )


def stacked(frames: Iterator[np.ndarray], longest: int) -> np.ndarray:
    """(T, 256, 256, 3) uint8, filled in place: never twice in memory. RejectedInput for more than `longest` frames."""
    out = np.empty((longest, CROP_SIZE, CROP_SIZE, 3), np.uint8)
    count = 0
    for count, frame in enumerate(frames, start=1):
        if count > longest:
            raise RejectedInput(Reason.LENGTH_MISMATCH, f"expected at most {longest} frames, found more")
        out[count - 1] = frame
    return out[:count]


def _own_sound(path: Path, info: MediaInfo, clip: Clip) -> Sound:
    """The file's own track from the moment of its first picture; the store's sound where it has none that can be read."""
    from bench.data import media

    if info.has_audio:
        try:
            sha = media.stream_sha256(path, "audio")
            samples = media.read_audio(path, AUDIO_RATE)
            return Sound(sha, lambda: samples)
        except RejectedInput:
            pass
    return store_sound(clip, own=False)


def store_sound(clip: Clip, own: bool = True) -> Sound:
    """The clip's canonical sound; none for a clip of frames only."""
    from bench.data import media

    if clip.audio is None:
        return SILENCE
    try:
        sha = media.stream_sha256(clip.audio, "audio")
    except RejectedInput as error:
        raise damaged(clip, clip.audio, error) from error

    def read() -> np.ndarray:
        try:
            return media.read_audio(clip.audio, AUDIO_RATE)
        except RejectedInput as error:
            raise damaged(clip, clip.audio, error) from error

    return Sound(sha, read, own)


def open_cues(tools: Tools, clip: Clip, path: Path) -> Side:
    """Altered cues without pictures, with the store's sound; RejectedInput where they cannot be read."""
    try:
        content = path.read_bytes()
        cues = Cues.load(path)
    except Exception as error:  # safetensors raises error types of its own
        raise RejectedInput(Reason.UNREADABLE, f"{path.name}: {error}") from error
    if len(cues) != clip.n_frames:
        raise RejectedInput(Reason.LENGTH_MISMATCH, f"expected cues of {clip.n_frames} frames, found {len(cues)}")
    picture = ["cues", hashlib.sha256(content).hexdigest()]
    return Side(tools, labels_of(clip), picture, lambda: cues, None, store_sound(clip))


def open_reference(tools: Tools, clip: Clip) -> Side:
    """The real clip of the store."""

    def frames() -> np.ndarray:
        from bench.data import media

        try:
            return stacked(media.read_frames(clip.video, fps=FPS), clip.n_frames)
        except RejectedInput as error:
            raise damaged(clip, clip.video, error) from error

    picture = [clip.video_sha256, ("canonical",)]
    return Side(tools, labels_of(clip), picture, lambda: reference_cues(clip), frames, store_sound(clip))


def open_portrait(tools: Tools, row: Selected, store: Store) -> Side | None:
    """The speaker's reference image as a video of one frame, None where there is none."""
    from bench.requests import read_image

    if row.reference_clip is None:
        return None
    source = store.companion(row.reference_clip, row.clip.part)

    def cues() -> Cues:
        return reference_cues(source)[row.reference_frame : row.reference_frame + 1]

    def frames() -> np.ndarray:
        return read_image(store.reference_image(row.reference_clip, row.reference_sha256))[None]

    # the pixels' hash, and where the cues of that frame were taken from
    picture = ["portrait", row.reference_sha256, source.video_sha256, row.reference_frame]
    return Side(tools, labels_of(source), picture, cues, frames)


def reference_cues(clip: Clip) -> Cues:
    """The real clip's cues; DamagedStore if they cannot be read."""
    try:
        return Cues.load(clip.cues)
    except Exception as error:  # safetensors raises error types of its own
        raise damaged(clip, clip.cues, error) from error


def damaged(clip: Clip, path: Path, error: Exception) -> DamagedStore:
    """What cannot be read in the store is never a fault of what is compared with it."""
    return DamagedStore(f"{path}: {error}; delete {clip.folder} and run `emotalk prepare` again")
