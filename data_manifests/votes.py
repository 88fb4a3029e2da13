"""Packs CREMA-D's table of raters' votes, one row per clip: `python -m data_manifests.votes --facts DIR`.

Read from DIR: cremad_votes.csv (clip_id, modality, angry, disgust, fear, happy, neutral, sad, responses), which is the dataset's own
processedResults/tabulatedVotes.csv with readable names. The same table gives the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from pathlib import Path

from data_manifests.make import ODBL

MODALITIES = ("voice", "face", "audio_visual")
ANSWERS = ("angry", "disgust", "fear", "happy", "neutral", "sad")
FOLDER = Path(__file__).parent / "cremad"


def packed(table: Path) -> str:
    """The table as CSV: clip_id and, for each modality, the six counts with dots between them, in the order of `ANSWERS`."""
    clips: dict[str, dict[str, str]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            counts = [int(row[answer]) for answer in ANSWERS]
            if sum(counts) != int(row["responses"]):
                raise ValueError(f"{row['clip_id']} {row['modality']}: {counts} are not {row['responses']} responses")
            clips.setdefault(row["clip_id"], {})[row["modality"]] = ".".join(map(str, counts))
    lines = [",".join(("clip_id", *MODALITIES))]
    lines += [",".join((name, *(clips[name][m] for m in MODALITIES))) for name in sorted(clips)]
    return "\n".join(lines) + "\n"


def card(text: str) -> str:
    """The TOML card of the packed table; under a name of its own, for a csv with a card of the same name is a split."""
    return f"""# Written by `python -m data_manifests.votes`; not edited by hand.
title = "Votes of CREMA-D's raters, per clip and modality"
source = "https://github.com/CheyneyComputerScience/CREMA-D, processedResults/tabulatedVotes.csv"
licence = "{ODBL}"
columns = "clip_id; voice, face, audio_visual: counts of single votes, in the order of `answers`, dots between them"
answers = [{", ".join(f'"{a}"' for a in ANSWERS)}]
n_clips = {text.count(chr(10)) - 1}
sha256 = "{hashlib.sha256(text.encode()).hexdigest()}"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=Path, required=True)
    text = packed(parser.parse_args().facts / "cremad_votes.csv")
    (FOLDER / "votes.csv").write_text(text, encoding="utf-8")
    (FOLDER / "votes-card.toml").write_text(card(text), encoding="utf-8")


if __name__ == "__main__":
    main()
