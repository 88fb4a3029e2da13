"""The two layouts on disk: which clips a profile has in MEAD's and in CREMA-D's, and where each of their files lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contract.clip import Part
from bench.contract.errors import UsageError
from bench.data.puppet.splits import VIEW, find_profile

LAYOUTS = {"mead": "puppet", "cremad": "puppet-cremad"}
"""Layout -> the name of the dataset that is written in it."""


@dataclass(frozen=True, order=True)
class PlannedClip:
    """One clip that a profile asks for; `level` (1-3) is how it is acted, `frames` (25 fps) its length."""

    clip_id: str
    speaker: str
    emotion: str
    level: int
    take: int
    part: Part
    scored: bool
    frames: int
    layout: str = "mead"
    short: bool = False
    """True if the shorter sentences of the smallest profile are said."""
    frames_only: bool = False

    def video(self, root: Path) -> Path:
        if self.layout == "cremad":
            return root / "VideoFlash" / f"{self.clip_id}.flv"
        return root / self.speaker / "video" / VIEW / self.emotion / f"level_{self.level}" / f"{self.take:03d}.mp4"

    def audio(self, root: Path) -> Path:
        if self.layout == "cremad":
            return root / "AudioWAV" / f"{self.clip_id}.wav"
        return root / self.speaker / "audio" / self.emotion / f"level_{self.level}" / f"{self.take:03d}.m4a"

    def truth(self, root: Path) -> Path:
        return root / "truth" / f"{self.clip_id}.safetensors"

    def files(self, root: Path) -> list[Path]:
        """What the clip consists of; each appears under its name only when it is complete."""
        sound = [] if self.frames_only else [self.audio(root)]
        return [self.video(root), *sound, self.truth(root)]

    def finished(self, root: Path) -> bool:
        return all(path.is_file() for path in self.files(root))


def plan(
    profile: str, parts: Sequence[str] = ("test",), layout: str = "mead", limit: int | None = None
) -> list[PlannedClip]:
    """The clips that `write_tree` would make, sorted by clip_id; nothing is rendered. UsageError for unknown names.

    `limit`: only the speakers of the first `limit` scored clips, with all their clips of these parts (partners and reference
    clips are of the same speaker). The first of frames-only identities are men and women in turn.
    """
    from bench.data.manifests import load_manifest
    from bench.data.puppet import splits_cremad
    from bench.data.puppet.performance import clip_frames

    if layout not in LAYOUTS:
        raise UsageError(f"unknown layout {layout!r}; there are: {', '.join(LAYOUTS)}")
    settings = find_profile(profile)
    wanted = {part_of(p) for p in parts}
    clips = []
    for clip_id, entry in load_manifest(LAYOUTS[layout], profile).clips.items():
        if entry.part not in wanted:
            continue
        if layout == "cremad":
            key, lengths = splits_cremad.what_of(clip_id), splits_cremad.FRAMES[profile]
        else:
            speaker, _, emotion, level, take = clip_id.split("_")
            key, lengths = (speaker, emotion, int(level), int(take)), settings.frames
        manner = layout, settings.short and layout == "mead", settings.frames_only
        clips.append(PlannedClip(clip_id, *key, entry.part, entry.scored, clip_frames(*key, lengths), *manner))
    if not clips:
        there = ", ".join(part.value for part in settings.speakers)
        raise UsageError(f"profile {profile!r} has no {', '.join(sorted(wanted))} part; it has: {there}")
    clips.sort()
    if limit is not None:
        order = sorted(clips, key=lambda c: c.speaker[1:]) if settings.frames_only else clips
        speakers = {clip.speaker for clip in [c for c in order if c.scored][:limit]}
        clips = [clip for clip in clips if clip.speaker in speakers]
    return clips


def part_of(name: str) -> Part:
    """The part of that name; UsageError with the list otherwise."""
    if name not in list(Part):
        raise UsageError(f"unknown part {str(name)!r}; expected {', '.join(Part)}")
    return Part(name)
