"""Progress bars on stderr, and one way to run a function over items on several local processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bench.contract.errors import EmotalkError


class Bar:
    """A tqdm bar on stderr with rate and ETA; call it with the number of finished items."""

    def __init__(self, title: str, unit: str, total: int | None = None):
        from tqdm import tqdm

        self._bar = tqdm(total=total, desc=title, unit=unit, file=sys.stderr, dynamic_ncols=True, mininterval=0.5,
                         disable=total == 0)  # fmt: skip

    def __call__(self, done: int = 1, total: int | None = None) -> None:
        if total is not None:
            self._bar.total = total
        self._bar.update(done)

    def close(self) -> None:
        self._bar.close()


def in_parallel(function: Callable[..., Any], items: Iterable[tuple], jobs: int, total: int) -> Iterator[Any]:
    """function(*item) for every item, results as they finish; one process each with single-threaded libraries.

    Results must not depend on `jobs`. Raises EmotalkError if a worker process is killed: what is finished is on disk.
    """
    if not total:
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    calls = (delayed(function)(*item) for item in items)
    # joblib counts in-process calls as one job; a pool for a single item would only cost its start
    workers = max(1, min(jobs, total))
    try:
        yield from Parallel(
            n_jobs=workers, return_as="generator_unordered", backend="loky" if workers > 1 else "sequential"
        )(calls)
    except TerminatedWorkerError as error:
        raise EmotalkError(
            "a worker process was killed (often: out of memory). Finished clips are kept; run the same command again, "
            "with a smaller --jobs if it repeats"
        ) from error
