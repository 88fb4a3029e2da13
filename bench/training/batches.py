"""Batches of a training, each made while the step before it is computed, and their parts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from bench.contract.train import TrainingData
from bench.training.seeds import drawn_for


class Batches:
    """Batch `step` depends on (seed, step) alone; that of the next step is made in a thread. A context manager."""

    def __init__(self, data: TrainingData, seed: int, size: int, steps: int):
        self.data, self.seed, self.size, self.steps = data, seed, size, steps
        self.waited = 0.0
        self._thread = ThreadPoolExecutor(1)
        self._next: dict[int, Future] = {}

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def of(self, step: int) -> tuple[Mapping[str, Any], np.random.Generator]:
        """The batch of a step, and its random numbers as they stand after it was drawn."""
        future = self._next.pop(step, None) or self._thread.submit(self._made, step)
        start = time.monotonic()
        found = future.result()
        self.waited += time.monotonic() - start
        if step + 1 < self.steps:
            self._next[step + 1] = self._thread.submit(self._made, step + 1)
        return found

    def _made(self, step: int) -> tuple[Mapping[str, Any], np.random.Generator]:
        rng = np.random.default_rng(drawn_for(self.seed, "step", step))
        return self.data.batch(rng, self.size), rng


def parts_of(batch: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """A batch of tensors in so many parts of one size; what has no examples to divide goes into every part."""
    import torch

    if count == 1:
        return [dict(batch)]
    split = {
        name: value.chunk(count) if isinstance(value, torch.Tensor) and value.ndim else [value] * count
        for name, value in batch.items()
    }
    return [{name: values[i] for name, values in split.items()} for i in range(count)]
