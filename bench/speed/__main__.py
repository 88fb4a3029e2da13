"""A row's time against the bare forward passes of its networks, against a second row, and against the programs people chain today.

    python -m bench.speed --work work --write docs/performance.md

Needs the rows gt-reencoded and frozen-pose of the quick profile in the work folder, and for the chain the reference
environment (`make reference-venv`). On an idle machine: other work on it lengthens some measurements and not others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.speed.measure import measure
from bench.speed.report import block, written_into

CLIPS, REPEATS = 6, 2


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, default=Path("work"), help="work folder with the quick profile and its rows"
    )
    parser.add_argument("--clips", type=int, default=CLIPS, help="how many clips, at least 2")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="how often everything is measured")
    parser.add_argument("--reference", type=Path, default=Path(".venv-ref/bin/python"), help="the chain's Python")
    parser.add_argument("--no-chain", action="store_true", help="leave the chain out")
    parser.add_argument("--write", type=Path, help="page whose section is replaced")
    flags = parser.parse_args()
    if flags.clips < 2 or flags.repeats < 1:
        parser.error("expected at least 2 clips and 1 repeat")
    if not flags.no_chain and not flags.reference.is_file():
        parser.error(f"--reference {flags.reference}: no such file; run `make reference-venv`, or give --no-chain")
    reference = None if flags.no_chain else flags.reference.absolute()
    found = measure(flags.work.resolve(), flags.clips, flags.repeats, reference)
    text = block(found, f"python -m bench.speed --clips {flags.clips} --repeats {flags.repeats}")
    if flags.write:
        flags.write.write_text(written_into(flags.write.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
