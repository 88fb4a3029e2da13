"""Commands that a message tells the user to run, with every flag that they need."""

from __future__ import annotations

import shlex
from pathlib import Path

MADE_HERE = ("puppet", "puppet-cremad", "cremad-sample")
"""Datasets that the suite renders or fetches itself; of any other the user has a copy."""
READING = ("run", "prepare", "calibrate")
"""Verbs that read the tree of a dataset."""


def emotalk(verb: str, dataset: str, **flags: str | int | Path | None) -> str:
    """`emotalk VERB --dataset DATASET` with these flags, in their order; one that is None is left out.

    A verb that reads the user's own copy of the dataset gets `--root FOLDER`.
    """
    words = ["emotalk", verb, "--dataset", dataset]
    words += ["--root", "FOLDER"] if verb in READING and dataset not in MADE_HERE else []
    for name, value in flags.items():
        words += [f"--{name}", str(value)] if value is not None else []
    return shlex.join(words)
