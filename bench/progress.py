"""Progress bars on stderr, and one way to run a function over items on several processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any

from bench.contract.errors import EmotalkError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Options of glibc's mallopt (malloc.h)."""


class Bar:
    """A tqdm bar on stderr with rate and ETA, used as a context; call it with (items finished since the last call, total)."""

    def __init__(self, title: str | None, unit: str = "clip", total: int | None = None):
        from tqdm import tqdm

        self._bar = tqdm(
            total=total,
            desc=title,
            unit=unit,
            file=sys.stderr,
            dynamic_ncols=True,
            mininterval=0.5,
            leave=False,
            delay=0.2,
            disable=title is None,
        )

    def __call__(self, done: int, total: int) -> None:
        if self._bar.total != total:
            self._bar.total = total
        self._bar.update(done)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()


def in_parallel(
    function: Callable[..., Any],
    items: Iterable[tuple],
    jobs: int,
    total: int,
    title: str | None = None,
    unit: str = "clip",
) -> Iterator[Any]:
    """function(*item) for every item, under a progress bar if it has a title, results as they finish, one process per job.

    The processes are local ones, or workers of the cluster that was chosen (bench/backends.py). Results must not depend on
    `jobs`. Raises EmotalkError if a worker process is killed: what is finished is on disk.
    """
    if not total:
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    from bench import backends

    workers = max(1, min(jobs, total))  # a pool for a single item would only cost its start
    cluster = backends.cluster()
    if cluster:
        name, call, deaths = cluster.name, partial(backends.AtHome.here(), _on_one_core), cluster.deaths
    else:
        name, call, deaths = "loky" if workers > 1 else "sequential", _on_one_core, (TerminatedWorkerError,)
    with parallel_config(backend=name):
        pool = Parallel(n_jobs=workers, return_as="generator_unordered")
    try:
        with Bar(title, unit, total) as bar:
            for result in pool(delayed(call)(function, item) for item in items):
                yield result
                bar(1, total)
    except deaths as error:
        raise EmotalkError(
            "a worker process was killed (often: out of memory). Finished clips are kept; run the same command again, "
            "with a smaller --jobs if it repeats"
        ) from error
    finally:
        _torch_as_before()


def _on_one_core(function: Callable[..., Any], item: tuple) -> Any:
    """Parallelism is by clip: OpenCV's own threads would only fight for the same cores."""
    import cv2

    cv2.setNumThreads(1)
    keep_freed_memory()
    return function(*item)


@cache
def keep_freed_memory() -> None:
    """Let glibc keep the memory of freed arrays, up to a process's peak, for the next ones; elsewhere nothing happens.

    By default an array of some megabytes goes back to the system when it is freed, and the next one is mapped and zeroed page
    by page: a tenth of the processor time of the networks. No number changes.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option, value in ((M_MMAP_THRESHOLD, 1 << 30), (M_TRIM_THRESHOLD, (1 << 31) - 1)):
            mallopt(option, value)


_torch_threads: int | None = None


def torch_on_one_core(device: str = "cpu") -> None:
    """Sums of torch in one order, whatever the number of workers: one thread, no TF32. Imports torch."""
    global _torch_threads
    import torch

    if torch.get_num_threads() != 1:
        _torch_threads = torch.get_num_threads()
        torch.set_num_threads(1)
    if device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.deterministic = True


def _torch_as_before() -> None:
    """After work in this very process, whatever comes next (training) has its threads again."""
    global _torch_threads
    if _torch_threads is not None and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(_torch_threads)
        _torch_threads = None
