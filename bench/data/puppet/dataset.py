"""Writes the embedded dataset to disk, in MEAD's own layout or in CREMA-D's, with its ground truth beside it.

M101/video/front/angry/level_3/001.mp4   25 fps, 256x256, H.264 (quality drawn per clip), sound as AAC
M101/audio/angry/level_3/001.m4a         48 kHz stereo AAC, once per clip

VideoFlash/1101_IEO_ANG_HI.flv           29.97 fps, 480x360, the sound inside as MP3 (bench/data/puppet/flv.py)
AudioWAV/1101_IEO_ANG_HI.wav             16 kHz mono, a little longer than the sound inside

truth/<clip_id>.safetensors              what the pictures and the sound were made from (bench/data/puppet/truth.py)
puppet.json                              version, layout, profile, seed, parts and clips written so far
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench.contract.clip import Part
from bench.contract.errors import UsageError
from bench.contract.files import whole_file
from bench.data.puppet.layouts import LAYOUTS, part_of, plan
from bench.data.puppet.splits import PROFILES, SEED
from bench.data.puppet.version import PUPPET_VERSION, check_version

CARD = "puppet.json"
GROUP = 5
"""Clips of one speaker that one process makes in a row."""


def write_tree(
    root: Path,
    profile: str,
    parts: Sequence[str] = ("test",),
    jobs: int = 2,
    progress: Callable[..., None] | None = None,
    layout: str = "mead",
    limit: int | None = None,
) -> list[str]:
    """Make what is missing of a profile's parts below `root`; returns the clip ids of these parts, sorted.

    `jobs` processes work on some clips of one speaker at a time; the bytes do not depend on it. Finished clips are left as
    they are, and a run that was killed leaves no half file. `limit`: see `plan`. `progress(done, total)` is called after
    every few clips. Raises UsageError if `root` holds another version, layout or profile of the dataset, or something else.
    """
    from bench.data.puppet.clip_files import write_clips
    from bench.progress import in_parallel

    root = Path(root)
    clips = plan(profile, parts, layout, limit)
    card = _open_card(root, profile, layout)
    missing = [clip for clip in clips if not clip.finished(root)]
    if progress is not None:
        progress(len(clips) - len(missing), len(clips))
    groups = [
        own[i : i + GROUP]
        for _, clips_of in itertools.groupby(missing, key=lambda clip: clip.speaker)
        for own in [list(clips_of)]
        for i in range(0, len(own), GROUP)
    ]
    for count in in_parallel(write_clips, ((group, root) for group in groups), jobs, len(groups)):
        if progress is not None:
            progress(count, len(clips))
    made = {clip.clip_id for clip in clips}
    whole = set(card["parts"]) | {p.value for p in map(part_of, parts) if limit is None}
    _save_card(root, profile, layout, sorted(whole), sorted(made | set(card["clips"])))
    return sorted(made)


def _open_card(root: Path, profile: str, layout: str) -> dict:
    """The card of the tree, made for a new one; UsageError if it is not a tree of this version, layout and profile."""
    path = root / CARD
    if not path.is_file():
        if root.is_dir() and any(root.iterdir()):
            raise UsageError(
                f"{root}: expected an empty folder or a tree of the embedded dataset, found neither ({CARD} is missing)"
            )
        root.mkdir(parents=True, exist_ok=True)
        return _save_card(root, profile, layout, [], [])
    card = read_card(root)
    check_version(card["puppet_version"], root, "remove the folder, or give another one")
    if (card["profile"], card["layout"]) != (profile, layout):
        raise UsageError(
            f"{root} holds profile {card['profile']!r} in the layout {card['layout']!r}, asked for is {profile!r} in "
            f"{layout!r}: give each a folder of its own"
        )
    return card


def read_card(root: Path) -> dict:
    """puppet.json of a tree; UsageError if there is none or it is something else."""
    path = root / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        return {"puppet_version": card["puppet_version"], "profile": card["profile"], "layout": card.get("layout", "mead"),
                "parts": list(card["parts"]), "clips": list(card.get("clips", []))}  # fmt: skip
    except FileNotFoundError as error:
        raise UsageError(
            f"{root}: expected a tree of the embedded dataset, found no {CARD} in it; leave --root out, and it is made"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: expected the card of an embedded dataset, got something else ({error}); remove {root}"
        ) from error


def _save_card(root: Path, profile: str, layout: str, parts: Iterable[str], clips: Iterable[str]) -> dict:
    card = {
        "puppet_version": PUPPET_VERSION,
        "layout": layout,
        "profile": profile,
        "seed": SEED,
        "parts": list(parts),
        "clips": list(clips),
    }
    with whole_file(root / CARD) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m bench.data.puppet.dataset manifests|write ...`."""
    parser = argparse.ArgumentParser(prog="python -m bench.data.puppet.dataset", description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    manifests = verbs.add_parser("manifests", help="write data_manifests/<dataset>/<profile>.csv and their cards")
    manifests.add_argument("--out", type=Path, default=Path(__file__).parents[3] / "data_manifests")
    write = verbs.add_parser("write", help="write a tree")
    write.add_argument("root", type=Path)
    write.add_argument("--profile", default="quick", choices=list(PROFILES))
    write.add_argument("--layout", default="mead", choices=list(LAYOUTS))
    write.add_argument(
        "--part", action="append", choices=[p.value for p in Part], help="repeatable; left out: test, or the only part"
    )
    write.add_argument("--limit", type=int, help="only the speakers of the first N scored clips")
    write.add_argument("--jobs", type=int, default=2)
    flags = parser.parse_args(arguments)
    if flags.verb == "manifests":
        from bench.data.puppet.manifest_files import write_all

        for path in write_all(flags.out):
            print(path)
        return
    done = 0

    def progress(count: int = 1, total: int | None = None) -> None:
        nonlocal done
        done += count
        print(f"\r{done}/{total} clips", end="", file=sys.stderr, flush=True)

    there = [part.value for part in PROFILES[flags.profile].speakers]
    parts = flags.part or (["test"] if "test" in there else there)
    clips = write_tree(flags.root, flags.profile, parts, flags.jobs, progress, flags.layout, flags.limit)
    print(f"\n{len(clips)} clips in {flags.root}", file=sys.stderr)


if __name__ == "__main__":
    from bench.data.puppet import dataset  # under its own name: worker processes cannot import from __main__

    dataset.main()
