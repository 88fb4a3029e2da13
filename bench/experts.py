"""Experts: evaluators trained on a dataset, found by name; one of another dataset or another version is never used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.atomic import write_json
from bench.contract.errors import Reason, WeightsError
from bench.contract.expert_file import read_card
from bench.data.datasets import get_dataset
from bench.package_index import sha256_of
from bench.workspace import Workspace

FAMILIES = {
    "puppet": "puppet",
    "puppet-cremad": "puppet",
    "cremad": "cremad",
    "cremad-sample": "cremad",
    "mead": "mead",
}
"""Dataset -> the datasets it shares its experts with: their speakers and recordings are the same."""
SUFFIX = ".safetensors"


class ExpertMissing(WeightsError):
    """There is no expert of this name for the dataset; the message names the command that trains it."""

    reason = Reason.EXPERT_MISSING


def family_of(dataset: str) -> str:
    """The family whose experts may score a dataset; UsageError for an unknown dataset."""
    return FAMILIES[get_dataset(dataset).name]


def work_folder(family: str) -> Path:
    """Where the experts of a family that were trained here lie."""
    return Workspace.open().experts(family)


def shipped_folder(family: str) -> Path:
    """Where the experts of a family that come with the suite lie."""
    return Path(str(files("metrics").joinpath("experts", family)))


def available(dataset: str) -> list[str]:
    """The names of the experts that there are for a dataset, shipped or trained here."""
    family = family_of(dataset)
    folders = (work_folder(family), shipped_folder(family))
    return sorted({path.stem for folder in folders for path in folder.glob(f"*{SUFFIX}")})


def resolve(name: str, *, dataset: str, data_version: str | int | None, speakers: Iterable[str] = ()) -> Path:
    """The verified weight file of the expert `name` for a dataset; what was trained here goes before what is shipped.

    `data_version` is that of the clips to be scored (PUPPET_VERSION, None for real data), `speakers` those to be scored.
    ExpertMissing if there is none; WeightsError if it is not the file that its card names, was trained on another family or
    version of the data, or on one of the speakers.
    """
    family = family_of(dataset)
    places = [folder / f"{name}{SUFFIX}" for folder in (work_folder(family), shipped_folder(family))]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        there = ", ".join(available(dataset)) or "none"
        raise ExpertMissing(f"no expert {name!r} for {dataset} (there are: {there}); {command(name, dataset)}")
    card = describe(path)
    if (got := sha256_of(path)) != card.get("sha256"):
        raise WeightsError(
            f"{path} is not the file its card describes: SHA-256 expected {card.get('sha256')}, got {got}; "
            f"remove both, then {command(name, dataset)}"
        )
    if card.get("family") != family:
        raise WeightsError(f"{path} was trained on {card.get('family')}: it cannot score {dataset}")
    if _text(card.get("data_version")) != _text(data_version):
        raise WeightsError(
            f"{path} was trained on version {card.get('data_version')} of the data, the clips are of version {data_version}; "
            + command(name, dataset)
        )
    # those it was chosen on may be scored: methods, too, are chosen on validation
    seen = {s.upper() for s in card.get("train_speakers", ())}
    if known := sorted(seen & {s.upper() for s in speakers}):
        raise WeightsError(f"{path} was trained on speakers that are to be scored: {', '.join(known[:5])}")
    return path


def describe(path: Path) -> dict[str, Any]:
    """The card of an expert; WeightsError if it has none."""
    return read_card(path)


def write_cards(folder: Path, experts: Mapping[str, Path]) -> None:
    """folder/<expert>.json: the card of each expert (name -> weight file), so that a report can say who judged."""
    for name, path in sorted(experts.items()):
        write_json(folder / f"{name}.json", describe(path))


def command(name: str, dataset: str) -> str:
    """What to do about a missing expert, in words; a name that ends in -0, -1 .. is one of several seeds."""
    base, _, seed = name.rpartition("-")
    chosen = f"--metric {base} --seeds {seed}" if seed.isdigit() else f"--metric {name}"
    return f"train it with `emotalk train {chosen} --dataset {family_of(dataset)}`"


def _text(version: str | int | None) -> str | None:
    return None if version is None else str(version)
