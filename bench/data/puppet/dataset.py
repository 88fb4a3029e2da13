"""Writes the embedded dataset to disk in MEAD's own layout, with its ground truth beside it.

M101/video/front/angry/level_3/001.mp4   25 fps, 256x256, H.264 CRF 10, the sound inside as AAC
M101/audio/angry/level_3/001.m4a         48 kHz stereo AAC, once per clip
truth/M101_front_angry_3_001.safetensors what the pictures and the sound were made from (bench/data/puppet/truth.py)
puppet.json                              version, profile, seed, parts and clips written so far
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contract.clip import Part
from bench.contract.errors import UsageError
from bench.contract.files import whole_file
from bench.data.puppet.splits import (
    PROFILES,
    PUPPET_VERSION,
    SEED,
    VIEW,
    Profile,
    find_profile,
    manifest_card,
    manifest_csv,
)

CARD = "puppet.json"
AUDIO_RATE = 48_000
CRF = 10
WIDTH = 256
GROUP = 5
"""Clips of one speaker that one process makes in a row."""


@dataclass(frozen=True, order=True)
class PlannedClip:
    """One clip that a profile asks for; `frames` (25 fps) is its length."""

    clip_id: str
    speaker: str
    emotion: str
    level: int
    take: int
    part: Part
    scored: bool
    frames: int

    def video(self, root: Path) -> Path:
        return root / self.speaker / "video" / VIEW / self.emotion / f"level_{self.level}" / f"{self.take:03d}.mp4"

    def audio(self, root: Path) -> Path:
        return root / self.speaker / "audio" / self.emotion / f"level_{self.level}" / f"{self.take:03d}.m4a"

    def truth(self, root: Path) -> Path:
        return root / "truth" / f"{self.clip_id}.safetensors"

    def finished(self, root: Path) -> bool:
        """True if all three files are there; each of them appears under its name only when it is complete."""
        return all(path.is_file() for path in (self.video(root), self.audio(root), self.truth(root)))


def plan(profile: str, parts: Sequence[str] = ("test",)) -> list[PlannedClip]:
    """The clips that `write_tree` would make, sorted by clip_id; nothing is rendered. UsageError for unknown names."""
    from bench.data.manifests import load_manifest
    from bench.data.puppet.performance import clip_frames

    settings = find_profile(profile)
    wanted = {_part(p) for p in parts}
    clips = []
    for clip_id, entry in load_manifest("puppet", profile).clips.items():
        if entry.part not in wanted:
            continue
        speaker, _, emotion, level, take = clip_id.split("_")
        key = speaker, emotion, int(level), int(take)
        clips.append(PlannedClip(clip_id, *key, entry.part, entry.scored, clip_frames(*key, settings.frames)))
    return sorted(clips)


def write_tree(
    root: Path,
    profile: str,
    parts: Sequence[str] = ("test",),
    jobs: int = 2,
    progress: Callable[..., None] | None = None,
) -> list[str]:
    """Make what is missing of a profile's parts below `root`; returns the clip ids of these parts, sorted.

    `jobs` processes work on some clips of one speaker at a time; the bytes do not depend on it. Finished clips are left as
    they are, and a run that was killed leaves no half file. `progress(done, total)` is called after every few clips. Raises
    UsageError if `root` holds another version or profile of the dataset, or something else.
    """
    from bench.progress import in_parallel

    root = Path(root)
    clips = plan(profile, parts)
    card = _open_card(root, profile)
    missing = [clip for clip in clips if not clip.finished(root)]
    if progress is not None:
        progress(len(clips) - len(missing), len(clips))
    groups = [
        own[i : i + GROUP]
        for _, clips_of in itertools.groupby(missing, key=lambda clip: clip.speaker)
        for own in [list(clips_of)]
        for i in range(0, len(own), GROUP)
    ]
    for count in in_parallel(_write_clips, ((group, root, profile) for group in groups), jobs, len(groups)):
        if progress is not None:
            progress(count, len(clips))
    _save_card(root, profile, sorted({*card["parts"], *(_part(p).value for p in parts)}))
    return [clip.clip_id for clip in clips]


def _part(name: str) -> Part:
    if name not in list(Part):
        raise UsageError(f"unknown part {str(name)!r}; expected {', '.join(Part)}")
    return Part(name)


def _write_clips(clips: Sequence[PlannedClip], root: Path, profile: str) -> int:
    """Write some clips of one speaker, so that a process builds few heads; returns how many."""
    for clip in clips:
        _write_clip(clip, root, profile)
    return len(clips)


def _write_clip(clip: PlannedClip, root: Path, profile: str) -> None:
    """Perform, render and write one clip: sound, picture, truth."""
    from scipy.signal import resample_poly

    from bench.data.media import write_audio, write_video
    from bench.data.puppet import truth
    from bench.data.puppet.performance import Speaker, perform
    from bench.data.puppet.render import Performance, renderer_of

    settings = find_profile(profile)
    speaker = Speaker.of(clip.speaker)
    take = perform(speaker, clip.emotion, clip.level, clip.take, settings.frames, settings.short)
    renderer = renderer_of(speaker.seed, truth.RENDERER_SEX[speaker.sex], WIDTH)
    performance = Performance(take.actions, take.gaze, take.pose, take.position)
    sound = resample_poly(take.samples, AUDIO_RATE, take.rate).astype("float32")
    for path in (clip.video(root), clip.audio(root), clip.truth(root)):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(clip.audio(root), sound, AUDIO_RATE, channels=2)
    write_video(clip.video(root), renderer.frames(performance), crf=CRF, audio=sound, audio_rate=AUDIO_RATE)
    marks = renderer.landmarks(performance)
    truth.save(clip.truth(root), take, marks, renderer.lip_gap(performance, marks), clip.clip_id)


def _open_card(root: Path, profile: str) -> dict:
    """The card of the tree, made for a new one; UsageError if the folder is not a tree of this version and profile."""
    path = root / CARD
    if not path.is_file():
        if root.is_dir() and any(root.iterdir()):
            raise UsageError(
                f"{root}: expected an empty folder or a tree of the embedded dataset, found neither ({CARD} is missing)"
            )
        root.mkdir(parents=True, exist_ok=True)
        return _save_card(root, profile, [])
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        version, found = card["puppet_version"], card["profile"]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: expected the card of an embedded dataset, got something else ({error}); remove {root}"
        ) from error
    if version != PUPPET_VERSION:
        raise UsageError(
            f"{root} was written by version {version} of the embedded dataset, this is version {PUPPET_VERSION}: results of "
            "the two cannot be compared. Remove the folder, or give another one"
        )
    if found != profile:
        raise UsageError(
            f"{root} holds profile {found!r}, asked for is {profile!r}: give each profile a folder of its own"
        )
    return card


def _save_card(root: Path, profile: str, parts: Iterable[str]) -> dict:
    card = {
        "puppet_version": PUPPET_VERSION,
        "profile": profile,
        "seed": SEED,
        "parts": list(parts),
        "clips": [clip.clip_id for clip in plan(profile, parts)],
    }
    with whole_file(root / CARD) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def write_manifests(folder: Path, profiles: Iterable[Profile] = PROFILES.values()) -> list[Path]:
    """Write <profile>.csv and <profile>.toml of each profile into `folder`; returns the paths."""
    written = []
    for profile in profiles:
        for suffix, text in ((".csv", manifest_csv(profile)), (".toml", manifest_card(profile))):
            path = folder / (profile.name + suffix)
            with whole_file(path) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m bench.data.puppet.dataset manifests|write ...`."""
    parser = argparse.ArgumentParser(prog="python -m bench.data.puppet.dataset", description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    manifests = verbs.add_parser("manifests", help="write data_manifests/puppet/<profile>.csv and their cards")
    manifests.add_argument("--out", type=Path, default=Path(__file__).parents[3] / "data_manifests" / "puppet")
    write = verbs.add_parser("write", help="write a tree")
    write.add_argument("root", type=Path)
    write.add_argument("--profile", default="quick", choices=list(PROFILES))
    write.add_argument("--part", action="append", choices=[p.value for p in Part], help="repeatable; test if left out")
    write.add_argument("--jobs", type=int, default=2)
    flags = parser.parse_args(arguments)
    if flags.verb == "manifests":
        flags.out.mkdir(parents=True, exist_ok=True)
        for path in write_manifests(flags.out):
            print(path)
        return
    done = 0

    def progress(count: int = 1, total: int | None = None) -> None:
        nonlocal done
        done += count
        print(f"\r{done}/{total} clips", end="", file=sys.stderr, flush=True)

    clips = write_tree(flags.root, flags.profile, flags.part or ("test",), flags.jobs, progress)
    print(f"\n{len(clips)} clips in {flags.root}", file=sys.stderr)


if __name__ == "__main__":
    from bench.data.puppet import dataset  # under its own name: worker processes cannot import from __main__

    dataset.main()
