"""Files of network parameters, checked against the network before they enter it; no code of a file is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from bench.contract.errors import WeightsError

SHOWN = 4
"""Names listed in an error before "..."."""
Net = TypeVar("Net", bound=nn.Module)


def load_state(build: Callable[[], Net], path: Path, what: str, weights: str) -> Net:
    """The network with the file's parameters, float32, in eval mode, on the CPU.

    `path`: a torch file of a state dict, or safetensors with the same names (half precision is read as float32); `weights`
    is its name in bench/weights.toml. WeightsError that names what is missing, unexpected, of another shape, not finite, or
    says that the file is not a state dict.
    """
    path = Path(path)
    state = dict(_read(path))
    with torch.device("meta"):  # names and shapes alone: no random numbers are drawn
        net = build()
    wanted = net.state_dict()
    # files older than torch 0.4.1 do not have the counters of batch normalisation, which eval mode does not use
    state = {n: torch.zeros((), dtype=torch.long) for n in wanted if n.endswith("num_batches_tracked")} | state
    missing = [n for n in wanted if n not in state]
    unexpected = [n for n in state if n not in wanted]
    other = [
        f"{n} {tuple(state[n].shape)} instead of {tuple(wanted[n].shape)}"
        for n in wanted
        if n in state and state[n].shape != wanted[n].shape
    ]
    faults = (("missing", missing), ("unexpected", unexpected), ("of another shape", other))
    if found := "; ".join(f"{len(names)} {fault}: {_some(names)}" for fault, names in faults if names):
        raise WeightsError(
            f"{path} is not the parameters of {what} ({len(wanted)} arrays): {found}. "
            f"Fetch the official file: `emotalk weights fetch {weights} --official`."
        )
    if broken := [name for name, array in state.items() if not torch.isfinite(array.float()).all()]:
        raise WeightsError(f"{path} holds values that are not finite, in {_some(broken)}; fetch the file again.")
    net.load_state_dict(state, assign=True)
    return net.float().eval()


def _read(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise many kinds, from zip errors to refused pickles
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{path}: expected a file that holds tensors alone (a state dict), got {reason}") from None
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError(
            f"{path}: expected a state dict, names to tensors, got {type(state).__name__} of other things"
        )
    return state


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
