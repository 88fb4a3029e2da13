"""Where the weights lie that come with the suite: one safetensors file and its card for each part of a method."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from bench.contract.errors import WeightsError

FOLDER = "weights"


def weights_of(name: str) -> Path:
    """The shipped weights of `name` (baselines/weights/<name>.safetensors); WeightsError if the suite has none."""
    path = Path(str(files("baselines").joinpath(FOLDER, f"{name}.safetensors")))
    if not path.is_file():
        raise WeightsError(
            f"the suite ships no weights {name!r}; train them (emotalk train --method {name}) and give --checkpoint"
        )
    return path
