"""Several processes that train one model: each computes its share of every batch, and gradients are averaged over all.

`torchrun --nproc-per-node=N -m bench.cli train ...` starts them; without it a process is alone, and nothing here happens.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench.contract.errors import EmotalkError, UsageError
from bench.contract.train import to_device
from bench.training.batches import parts_of

LONGEST_WAIT = timedelta(hours=6)
"""For a process that is alive: the first one may read a whole dataset, or validate, while the others wait."""
NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Variables by which torchrun tells a process who it is."""


@dataclass(frozen=True)
class Processes:
    """This process, `rank` of `size`; the first one (rank 0) alone writes, validates and speaks.

    What is said to be for all must be called by all, in the same order: it waits for the others, and raises EmotalkError
    if one of them has ended.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def refuse_uneven(self, batch: int, parts: int) -> None:
        """UsageError unless a batch can be divided among the processes, and each share into so many parts of one size."""
        if parts < 1 or batch % parts:
            raise UsageError(f"accumulate = {parts}: expected a divisor of batch_size = {batch}")
        if batch % (parts * self.size):
            times = f"{self.size} processes" + (f" x accumulate = {parts}" if parts > 1 else "")
            raise UsageError(f"{times}: expected a divisor of batch_size = {batch}, which is divided among them")

    def share(self, batch: Any) -> Any:
        """This process's part of the batch that all have drawn."""
        return batch if self.size == 1 else parts_of(to_device(batch, "cpu"), self.size)[self.rank]

    def average(self, tensors: Sequence[Any]) -> None:
        """For all: every tensor becomes, in place, its mean over the processes."""
        self._in_one_piece(tensors, self._mean)

    def take_first(self, tensors: Sequence[Any]) -> None:
        """For all: every tensor becomes, in place, that of the first process."""
        self._in_one_piece(tensors, self._of_first)

    def average_gradients(self, parameters: Sequence[Any]) -> None:
        """For all: the mean of the parameters' gradients; one that no process has a gradient for keeps none."""
        import torch

        if self.size == 1:
            return
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        there = torch.tensor([float(p.grad is not None) for p in parameters], device=grads[0].device)
        lacking = any(p.grad is None for p in parameters)
        self.average([*grads, there])
        if lacking:  # only then is there anything to look up on the device
            for parameter, grad, share in zip(parameters, grads, there.tolist(), strict=True):
                parameter.grad = grad if share else None

    def told(self, value: Any = None) -> Any:
        """For all: what the first process gives, in every one; they wait until it comes."""
        if self.size == 1:
            return value
        from torch import distributed

        box = [value]
        with _all_alive():
            distributed.broadcast_object_list(box, src=0, device="cpu")
        return box[0]

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """For all: the first process does the block, then the others, who find on disk what it has kept there."""
        if not self.first:
            self.told()
        yield
        if self.first:
            self.told()

    def _in_one_piece(self, tensors: Sequence[Any], change: Any) -> None:
        import torch

        if self.size == 1 or not tensors:
            return
        with torch.no_grad(), _all_alive():
            flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
            change(flat)
            for tensor, piece in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
                tensor.copy_(piece.view_as(tensor))

    def _mean(self, flat: Any) -> None:
        from torch import distributed

        distributed.all_reduce(flat)
        flat /= self.size

    def _of_first(self, flat: Any) -> None:
        from torch import distributed

        distributed.broadcast(flat, src=0)


ALONE = Processes()


def launched() -> Processes:
    """Who this process is among those that torchrun started, from the environment alone; ALONE without torchrun."""
    if not all(name in os.environ for name in NAMES) or int(os.environ["WORLD_SIZE"]) == 1:
        return ALONE
    return Processes(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


@contextmanager
def joined(processes: Processes, device: str) -> Iterator[None]:
    """Connects the processes while the block runs: gloo on CPUs, nccl between GPUs, one GPU each.

    UsageError if there are more processes than GPUs.
    """
    if processes.size == 1:
        yield
        return
    import torch
    from torch import distributed

    if device == "cuda":
        local = int(os.environ.get("LOCAL_RANK", processes.rank))
        if local >= torch.cuda.device_count():
            raise UsageError(
                f"process {local + 1} of this machine has no GPU of its own: torch sees {torch.cuda.device_count()}; "
                "start as many with --nproc-per-node, or use --device cpu"
            )
        torch.cuda.set_device(local)
    with _all_alive():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo", timeout=LONGEST_WAIT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def only_first_speaks(processes: Processes) -> None:
    """From now on nothing that this process prints reaches stdout, unless it is the first."""
    if not processes.first:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (until the process ends)


@contextmanager
def _all_alive() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # what torch.distributed raises when a connection breaks
        raise EmotalkError(
            f"another process of this training has ended ({str(error).splitlines()[0][:200]}). All that was trained up to "
            "the last checkpoint is kept: start the same command again"
        ) from error
