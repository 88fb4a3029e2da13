"""How long CREMA-D's clips are, and how many of them a smallest track length leaves: `python -m data_manifests.lengths`.

With `--facts DIR` the table cremad/lengths.csv is made anew from DIR/cremad_files.csv (clip_id, ..., wav_bytes): 16 kHz, 16 bit, mono,
a header of 44 bytes; frames are whole frames of sound at 25 fps. The same table gives the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from data_manifests.make import ODBL

FOLDER = Path(__file__).parent / "cremad"
HEADER_BYTES, BYTES_PER_FRAME = 44, 2 * 16_000 // 25
SHOWN = (25, 50, 100)
"""Smallest lengths that published programs ask for: a track has MORE frames than this. 100: SyncNet's pipeline, and so Wav2Lip's
real-video score; 50: the package syncnet-python; 25: one second."""


def counted(table: Path) -> str:
    """CSV frames, clips: how many clips have that many whole frames of sound; ascending."""
    with table.open(encoding="utf-8", newline="") as file:
        frames = [(int(row["wav_bytes"]) - HEADER_BYTES) // BYTES_PER_FRAME for row in csv.DictReader(file)]
    return "frames,clips\n" + "".join(f"{length},{count}\n" for length, count in sorted(Counter(frames).items()))


def card(text: str) -> str:
    """The TOML card of the table; under a name of its own, for a csv with a card of the same name is a split."""
    return f"""# Written by `python -m data_manifests.lengths`; not edited by hand.
title = "Lengths of CREMA-D's clips in frames at 25 fps, by their sound"
source = "sizes of AudioWAV/*.wav in https://github.com/CheyneyComputerScience/CREMA-D (LFS pointers)"
licence = "{ODBL}"
columns = "frames: whole frames of sound at 25 fps; clips: how many clips have that many"
n_clips = {sum(cremad_lengths(text).values())}
sha256 = "{hashlib.sha256(text.encode()).hexdigest()}"
"""


def cremad_lengths(text: str | None = None) -> dict[int, int]:
    """Frames -> clips of all of CREMA-D, from `text` or from the table of this package."""
    if text is None:
        text = files("data_manifests").joinpath("cremad", "lengths.csv").read_text(encoding="utf-8")
    return {int(frames): int(clips) for frames, clips in (line.split(",") for line in text.splitlines()[1:])}


def share_dropped(lengths: Mapping[int, int], min_track: int) -> float:
    """Share of clips, 0..1, that have no track of more than `min_track` frames, were the face found in every frame."""
    return sum(clips for frames, clips in lengths.items() if frames <= min_track) / sum(lengths.values())


def table() -> str:
    """Markdown: smallest track length, clips kept and dropped of all of CREMA-D."""
    lengths = cremad_lengths()
    total = sum(lengths.values())
    lines = [
        f"CREMA-D, {total:,} clips, {min(lengths)} to {max(lengths)} frames at 25 fps.\n",
        "| a track has more than | clips kept | clips dropped |",
        "|---|---|---|",
    ]
    for least in SHOWN:
        kept = round((1 - share_dropped(lengths, least)) * total)
        lines.append(f"| {least} frames | {kept:,} | {100 * share_dropped(lengths, least):.1f} % |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=Path)
    facts = parser.parse_args().facts
    if facts:
        text = counted(facts / "cremad_files.csv")
        (FOLDER / "lengths.csv").write_text(text, encoding="utf-8")
        (FOLDER / "lengths-card.toml").write_text(card(text), encoding="utf-8")
    print(table())


if __name__ == "__main__":
    main()
