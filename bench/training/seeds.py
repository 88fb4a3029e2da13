"""What is random in a training, from (seed, stream, step, process) alone, and the algorithms that repeat their bits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

STREAMS = {"weights": 0, "step": 1, "validation": 2}
"""What a seed is drawn for: streams of one seed are independent."""


def seed_everything(seed: int, stream: str, step: int = 0, process: int = 0) -> np.random.Generator:
    """Seed torch (all devices) and give a numpy generator, from (seed, stream, step, process) alone."""
    import torch

    drawn = drawn_for(seed, stream, step, process)
    torch.manual_seed(int(drawn.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    return np.random.default_rng(drawn)


def drawn_for(seed: int, stream: str, step: int, process: int = 0) -> np.random.SeedSequence:
    """What everything random of one purpose and step begins with; process 0 draws what a process alone draws."""
    return np.random.SeedSequence([seed, STREAMS[stream], step], spawn_key=(process,) if process else ())


@contextlib.contextmanager
def reproducible(device: str) -> Iterator[None]:
    """Algorithms that give the same bits each time on a CPU; on a GPU the fastest ones, as not all have such a form there.

    The caller's settings come back afterwards.
    """
    import torch

    if device != "cpu":
        before = torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = True
        try:
            yield
        finally:
            torch.backends.cudnn.benchmark = before
        return

    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, fill = torch.backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory
    state = torch.get_rng_state()
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory = False, False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory = benchmark, fill
        torch.set_rng_state(state)
