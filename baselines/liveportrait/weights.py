"""The four published files, read as data, checked by name and shape and put into the networks; no code of a file is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from baselines.liveportrait.appearance import AppearanceExtractor
from baselines.liveportrait.decoder import Decoder
from baselines.liveportrait.motion import MotionExtractor
from baselines.liveportrait.warping import WarpingModule
from bench.contract.errors import WeightsError

PARTS: Mapping[str, type[nn.Module]] = {
    "appearance_feature_extractor": AppearanceExtractor,
    "motion_extractor": MotionExtractor,
    "warping_module": WarpingModule,
    "spade_generator": Decoder,
}
"""Stem of each published file -> the network that it fills."""
SUFFIXES = (".pth", ".safetensors")
LFS_POINTER = b"version https://git-lfs"
SHOWN = 4
"""Names listed in an error before "..."."""
WHERE = (
    "liveportrait-self takes the files of the human model as KwaiVGI/LivePortrait publishes them "
    "(pretrained_weights/liveportrait/base_models), .pth or converted to .safetensors under the same names; "
    "docs/official-generators.md"
)


def files_beside(checkpoint: Path) -> dict[str, Path]:
    """Stem -> file for all four, one of which is given and the others lie in its folder, of the same kind where there are two.

    WeightsError if the given file is none of the four, or others are not there.
    """
    checkpoint = Path(checkpoint)
    kinds = sorted(SUFFIXES, key=lambda suffix: suffix != checkpoint.suffix)
    if checkpoint.stem not in PARTS or checkpoint.suffix not in SUFFIXES:
        names = ", ".join(PARTS)
        raise WeightsError(f"{checkpoint}: expected one of {names}, ending in {' or '.join(SUFFIXES)}. {WHERE}")
    found = {
        stem: next((path for kind in kinds if (path := checkpoint.with_name(stem + kind)).is_file()), None)
        for stem in PARTS
    }
    if absent := [stem for stem, path in found.items() if path is None]:
        raise WeightsError(
            f"{checkpoint.parent}: expected all four files in this folder, lacks {', '.join(absent)} "
            f"({' or '.join(SUFFIXES)}). {WHERE}"
        )
    return found


def load_part(stem: str, path: Path, device: str = "cpu") -> nn.Module:
    """The network called `stem` with the file's numbers as float32, in eval mode.

    WeightsError that names what is missing, unexpected, of another shape or not finite, or says that the file holds other
    things than tensors.
    """
    with torch.device("meta"):  # names and shapes alone: no random numbers are drawn
        network = PARTS[stem]()
    state, wanted = _state(path), network.state_dict()
    # counters of batch normalisation, which eval mode does not use and some converters leave out
    state = {name: torch.zeros((), dtype=torch.long) for name in wanted if name.endswith("num_batches_tracked")} | state
    faults = {
        "missing": [name for name in wanted if name not in state],
        "unexpected": [name for name in state if name not in wanted],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
            for name in wanted
            if name in state and state[name].shape != wanted[name].shape
        ],
    }
    if found := "; ".join(f"{len(names)} {fault}: {_some(names)}" for fault, names in faults.items() if names):
        raise WeightsError(f"{path}: not the {len(wanted)} entries of {stem}: {found}. {WHERE}")
    if broken := [name for name, array in state.items() if not array.float().isfinite().all()]:
        raise WeightsError(f"{path}: values that are not finite in {_some(broken)}; fetch the file again")
    network.load_state_dict({name: array.to(wanted[name].dtype) for name, array in state.items()}, assign=True)
    return network.to(device).eval().requires_grad_(False)


def _state(path: Path) -> dict[str, torch.Tensor]:
    """Name -> tensor of a file; what parallel training and training programs put around the names is taken off."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise many kinds, from zip errors to refused pickles
        raise WeightsError(f"{path}: expected a file of tensors, {_why_unread(path, error)}. {WHERE}") from None
    inner = [v for v in content.values() if isinstance(v, Mapping)] if isinstance(content, Mapping) else []
    if len(inner) == 1:  # {"state_dict": {...}, "epoch": 7}
        content = inner[0]
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        held = _some(list(map(str, content))) if isinstance(content, Mapping) else type(content).__name__
        raise WeightsError(f"{path}: expected a state dict, names to tensors, found {held}. {WHERE}")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def _why_unread(path: Path, error: Exception) -> str:
    """In our words: torch's own advise to switch its safety off."""
    if asked := re.search(r"GLOBAL (\S+)", str(error)):
        return (
            f"this one asks for {asked[1]}: a pickle that would run code when opened without care. Nothing of it was run; "
            "do not open it with other programs, fetch the official file"
        )
    if isinstance(error, OSError):
        return f"this one cannot be opened ({error})"
    with path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            return "this is the placeholder that Git LFS leaves for one: run `git lfs pull` where it comes from"
    return f"this one is damaged or of another kind ({type(error).__name__}): fetch it again"


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
