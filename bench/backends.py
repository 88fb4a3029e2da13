"""Where clips are worked on: processes of this machine, or the workers of a Ray or Dask cluster, chosen by name.

joblib does the distributing in every case (docs/clusters.md). Files are what passes between the parts, so workers on other
machines must see the work folder, the dataset and the code under the same paths; one that does not says so.
"""

from __future__ import annotations

import os
import site
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from bench.contract.errors import EmotalkError, UsageError

PACKAGES = {"ray": "ray", "dask": "distributed"}
"""Backend -> the package it needs, from the extra [cluster]."""
EXTRA = 'pip install "emotalk-bench[cluster]", or `make cluster` in a checkout'
RAY_FINDS = ("auto", "local")
RAY_FORM = "HOST:PORT, ray://HOST:PORT or auto"
DASK_FORM = "tcp://HOST:PORT"
ANSWER_SECONDS = 5
"""How long the head of a Ray cluster may take to accept a connection."""
CODE = Path(__file__).resolve().parent.parent
"""The folder that holds the package `bench`."""


class Cluster(Protocol):
    """Workers that joblib reaches under `name`; `deaths` are the errors that tell of a worker that died."""

    name: str
    deaths: tuple[type[Exception], ...]

    def stop(self) -> None:
        """Leave the cluster; workers that were started for this process end."""


@dataclass
class _Choice:
    name: str
    jobs: int
    cluster: Cluster | None = None


_choice: _Choice | None = None


@contextmanager
def chosen(name: str, jobs: int) -> Iterator[None]:
    """Work inside goes to the workers of this backend; they are sought at the first clip, and left at the end.

    RAY_ADDRESS or DASK_SCHEDULER_ADDRESS names a running cluster; without it `jobs` workers start here. Raises UsageError
    if the package is not installed.
    """
    global _choice
    if name == "loky":
        yield
        return
    require(PACKAGES[name], f"--backend {name}")
    _choice = _Choice(name, jobs)
    try:
        yield
    finally:
        left, _choice = _choice, None
        if left.cluster is not None:
            left.cluster.stop()


def require(package: str, wanted_by: str) -> None:
    """UsageError with the command that brings a package of the extra [cluster], if it is not installed."""
    if find_spec(package) is None:
        raise UsageError(f"{wanted_by} needs the package {package}, which is not installed: {EXTRA}")


def on_cluster() -> bool:
    """True if work goes to workers of Ray or Dask."""
    return _choice is not None


def cluster() -> Cluster | None:
    """The workers to use, None for processes of this machine; the first call starts or reaches them."""
    if _choice is None:
        return None
    if _choice.cluster is None:
        _choice.cluster = {"ray": Ray, "dask": Dask}[_choice.name](_choice.jobs)
    return _choice.cluster


@dataclass(frozen=True)
class AtHome:
    """Makes a worker's call as this process would make it: in the same folder, with the same settings and code."""

    folder: Path
    code: Path
    settings: tuple[tuple[str, str], ...]

    @classmethod
    def here(cls) -> AtHome:
        settings = sorted((key, value) for key, value in os.environ.items() if key.startswith("EMOTALK_"))
        return cls(Path.cwd(), CODE, tuple(settings))

    def __call__(self, call: Callable[..., Any], *arguments: Any) -> Any:
        os.environ.update(self.settings)
        work = Path(os.environ.get("EMOTALK_WORK", self.folder))
        for folder in (self.folder, work):
            if not folder.is_dir():
                raise EmotalkError(
                    f"the worker on {socket.gethostname()} does not see {folder}: workers need the work folder, the dataset "
                    "and the code under the same paths as here, on a file system that all machines share"
                )
        if self.code != CODE:
            raise EmotalkError(
                f"the worker on {socket.gethostname()} runs the code in {CODE}, not that in {self.code}: results of two "
                "versions must not be mixed; start the workers in the same environment"
            )
        os.chdir(self.folder)
        return call(*arguments)


class Ray:
    """Workers of Ray: those of the cluster at RAY_ADDRESS, or as many processes here as there are jobs."""

    name = "ray"

    def __init__(self, jobs: int):
        address = os.environ.get("RAY_ADDRESS")
        if address:
            answers(address)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray
        from joblib import register_parallel_backend
        from ray.exceptions import RayActorError
        from ray.util.joblib.ray_backend import RayBackend

        class Streaming(RayBackend):
            """Results as they finish: Ray's pool calls back for each, but the class it is derived from, whose pool loses
            results when a process dies, says that there is no such thing."""

            supports_return_generator = True

        register_parallel_backend("ray", Streaming)
        self.deaths = (RayActorError,)
        self._ours = not ray.is_initialized()
        if self._ours and address:
            path = os.pathsep.join(filter(None, (str(CODE), os.environ.get("PYTHONPATH"))))
            try:
                ray.init(logging_level="ERROR", runtime_env={"env_vars": {"PYTHONPATH": path}})
            except ConnectionError as error:
                raise _unreachable("RAY_ADDRESS", address, error) from error
            except ValueError as error:
                raise _no_address("RAY_ADDRESS", address, RAY_FORM) from error
        elif self._ours:
            ray.init(num_cpus=jobs, include_dashboard=False, logging_level="ERROR")
        there = int(ray.cluster_resources().get("CPU", 0))
        if there < jobs:
            self.stop()
            raise UsageError(f"--jobs {jobs}: the Ray cluster has {there} CPUs; ask for that many at most")

    def stop(self) -> None:
        import ray

        if self._ours:
            ray.shutdown()


def answers(address: str) -> None:
    """EmotalkError if no one listens at this address of a Ray cluster: Ray itself would wait for minutes.

    UsageError if it is none. What Ray finds by itself, as `auto`, is left to it.
    """
    if address in RAY_FINDS:
        return
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in ("", "ray") or not host or port is None:
        raise _no_address("RAY_ADDRESS", address, RAY_FORM)
    try:
        socket.create_connection((host, port), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise _unreachable("RAY_ADDRESS", address, error) from error


def _no_address(variable: str, address: str, form: str) -> UsageError:
    return UsageError(
        f"{variable}={address}: expected {form}; correct it, or unset {variable} for workers on this machine"
    )


def _unreachable(variable: str, address: str, error: Exception) -> EmotalkError:
    return EmotalkError(
        f"{variable}={address}: no cluster answers there ({error}); start it, or unset {variable} for workers on this machine"
    )


@dataclass(frozen=True)
class _Died:
    error: BaseException


class Dask:
    """Workers of Dask: those of the scheduler at DASK_SCHEDULER_ADDRESS, or as many processes here as there are jobs."""

    name = "dask"

    def __init__(self, jobs: int):
        import logging

        from distributed import Client, KilledWorker, LocalCluster
        from joblib import register_parallel_backend
        from joblib._dask import DaskDistributedBackend

        class Surviving(DaskDistributedBackend):
            """Tells of a worker's death: the class it is derived from never calls back for such a task, and waits for ever."""

            def submit(self, func: Callable, callback: Callable) -> Any:
                future = super().submit(func, callback)
                future.add_done_callback(lambda done: done.exception() and callback(_Died(done.exception())))
                return future

            def retrieve_result_callback(self, out: Any) -> Any:
                if isinstance(out, _Died):
                    raise out.error
                return super().retrieve_result_callback(out)

        register_parallel_backend("dask", Surviving)
        self.deaths = (KilledWorker,)
        self._cluster = None
        if address := os.environ.get("DASK_SCHEDULER_ADDRESS"):
            try:
                self._client = Client(address)
            except OSError as error:
                raise _unreachable("DASK_SCHEDULER_ADDRESS", address, error) from error
            except ValueError as error:
                raise _no_address("DASK_SCHEDULER_ADDRESS", address, DASK_FORM) from error
            crowded = {name: n for name, n in self._client.nthreads().items() if n > 1}
            if crowded:  # generators of random numbers and OpenCV's threads belong to a process
                self._client.close()
                raise UsageError(
                    f"the Dask worker {next(iter(crowded))} runs {next(iter(crowded.values()))} clips at once in one process; "
                    "start the workers with --nthreads 1 and more --nworkers"
                )
            self._client.run(site.addsitedir, str(CODE))
        else:
            self._cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                memory_limit=None,
                dashboard_address=None,
                silence_logs=logging.ERROR,
            )
            self._client = Client(self._cluster)

    def stop(self) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
