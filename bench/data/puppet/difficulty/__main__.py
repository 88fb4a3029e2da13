"""How hard the embedded dataset is, measured by small probes on judge-training speakers; writes docs/puppet-difficulty.md.

Renders and reads what is not in the cache folder yet; a run that was killed goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m bench.data.puppet.difficulty [--write FILE] [--speakers N] [--clips K] ...`."""
    from bench.data.puppet.difficulty.clips import FIRST, LAST
    from bench.data.puppet.difficulty.measure import measure
    from bench.data.puppet.difficulty.page import page, summary
    from bench.workspace import Workspace

    parser = argparse.ArgumentParser(prog="python -m bench.data.puppet.difficulty", description=__doc__.split("\n")[0])
    parser.add_argument("--speakers", type=int, default=18, help="judge-training speakers (bench has 18, full 22)")
    parser.add_argument("--first", type=int, default=FIRST, help=f"number of the first speaker ({FIRST} to {LAST})")
    parser.add_argument("--clips", type=int, default=2, help="sentences per speaker, emotion and level, 1-3")
    parser.add_argument(
        "--file-speakers", type=int, default=6, help="speakers whose clips are written as files and read back"
    )
    parser.add_argument("--seed", type=int, default=0, help="of permutations and swaps")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--cache", type=Path, help="folder of what was rendered and read (work folder, cache/difficulty)"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page there")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    flags = parser.parse_args(arguments)
    cache = flags.cache or Workspace.open().cache / "difficulty"
    figures = measure(flags.speakers, flags.clips, flags.file_speakers, flags.seed, flags.jobs, cache, flags.first)
    if flags.write:
        from bench.contract.files import whole_file

        with whole_file(flags.write) as temporary:
            temporary.write_text(page(figures), encoding="utf-8")
    print(json.dumps(asdict(figures), indent=1) if flags.json else summary(figures))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
