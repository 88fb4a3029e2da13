"""What many clips cost, written into docs/performance.md.

    python -m bench.scale --write docs/performance.md

About a quarter of an hour on two idle cores; `--parts` measures some of it. Works in a temporary folder below --folder.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from bench import rates, weights
from bench.scale import ahead, cost, large, page

PARTS = ("cost", "large", "ahead")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--clips", default=",".join(map(str, cost.SIZES)), help="numbers of clips")
    parser.add_argument(
        "--whole", default=",".join(map(str, cost.WHOLE)), help="numbers of clips for the whole default row"
    )
    parser.add_argument("--profile", default=cost.PROFILE, help="profile of the embedded dataset")
    parser.add_argument("--rows", type=int, default=large.ROWS, help="rows of the large manifest")
    parser.add_argument("--jobs", type=int, default=2, help="processes that the hours ahead are for")
    parser.add_argument("--folder", type=Path, help="where to work: some GB; default the system's temporary folder")
    parser.add_argument("--write", type=Path, help="page whose sections are replaced")
    flags = parser.parse_args()
    parts = flags.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts: expected some of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    known = rates.load(weights.cache_folder().parent)  # of earlier runs in the work folder
    # the folders below have no weights of their own
    os.environ.setdefault("EMOTALK_WEIGHTS", str(weights.cache_folder()))
    with tempfile.TemporaryDirectory(dir=flags.folder) as name:
        folder = Path(name)
        sections = {}
        if "cost" in parts:
            runs = cost.runs(folder / "cost", _numbers(flags.clips), _numbers(flags.whole), flags.profile)
            sections["cost"] = page.cost_lines(runs)
        if "large" in parts:
            example = cost.example(folder / "example")
            sections["large"] = page.large_lines(large.steps(folder / "large", flags.rows, example), flags.rows)
        if "ahead" in parts:
            sections["ahead"] = page.ahead_lines(ahead.ahead(known, flags.jobs), flags.jobs)
    for title, lines in sections.items():
        print("\n".join(lines), end="\n\n")
        if flags.write:
            text = page.written_into(flags.write.read_text(encoding="utf-8"), title, lines)
            flags.write.write_text(text, encoding="utf-8")


def _numbers(text: str) -> list[int]:
    return sorted(int(one) for one in text.split(","))


if __name__ == "__main__":
    main()
