"""Where clips are worked on, by name: the same numbers, errors in words, and no rates of machines that are not this one."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from bench import backends, cli, rates, slurm
from bench.contract.errors import EmotalkError, UsageError
from bench.progress import in_parallel

CLUSTERS = ("ray", "dask")


@dataclass
class Threads:
    """Stands in for a cluster: joblib's threads, which see this process's files and code."""

    name: str = "threading"
    deaths: tuple = (KeyError,)
    left: bool = False

    def stop(self):
        self.left = True


@pytest.fixture
def threads(monkeypatch):
    cluster = Threads()
    monkeypatch.setattr(backends, "Ray", lambda jobs: cluster)
    monkeypatch.setattr(backends, "require", lambda package, wanted_by: None)
    return cluster


def half(number):
    if number < 0:
        raise UsageError("expected a number from 0 on")
    return {12: 6, 14: 7}[number]


def test_a_cluster_is_sought_at_the_first_clip_and_left_at_the_end(threads, monkeypatch):
    with backends.chosen("ray", 2):
        assert backends._choice.cluster is None
        assert list(in_parallel(half, [], 2, 0)) == [] and backends._choice.cluster is None
        assert sorted(in_parallel(half, [(12,), (14,)], 2, 2)) == [6, 7]
        assert backends._choice.cluster is threads and not threads.left
    assert threads.left and not backends.on_cluster()


def test_what_a_worker_raises_and_that_it_died_are_told(threads):
    with backends.chosen("ray", 2):
        with pytest.raises(UsageError, match="expected a number from 0 on"):
            list(in_parallel(half, [(12,), (-1,)], 2, 2))
        with pytest.raises(EmotalkError, match=r"worker process was killed.*run the same command again"):
            list(in_parallel(half, [(12,), (13,)], 2, 2))


def test_a_cluster_leaves_no_rates_of_this_machine(threads, tmp_path):
    one = rates.rate("rows", "mead", clips=1, frames=1, frame_seconds=1, wall_seconds=1, workers=1, written=1, code="")
    with backends.chosen("ray", 2):
        rates.add(tmp_path, [one])
    assert rates.load(tmp_path) == []
    rates.add(tmp_path, [one])
    assert rates.load(tmp_path) == [one]


def test_a_worker_works_where_this_process_does_or_says_what_it_does_not_see(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    home = backends.AtHome.here()
    assert ("EMOTALK_WORK", str(tmp_path)) in home.settings and home(half, 12) == 6
    gone = backends.AtHome(tmp_path / "gone", home.code, home.settings)
    with pytest.raises(EmotalkError, match=r"does not see .*gone.*all machines share"):
        gone(half, 12)
    with pytest.raises(EmotalkError, match=r"runs the code in .*not that in /elsewhere"):
        backends.AtHome(home.folder, Path("/elsewhere"), home.settings)(half, 12)


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_package_that_is_not_installed_is_named_with_what_brings_it(name, monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda package: None)
    wanted = rf"--backend {name} needs .*emotalk-bench\[cluster\].*make cluster"
    with pytest.raises(UsageError, match=wanted), backends.chosen(name, 2):
        pass


@pytest.mark.parametrize("verb", ["run", "prepare", "generate --method gt", "evaluate --videos x"])
def test_the_verbs_that_work_on_clips_have_the_flag(verb):
    assert cli.parsed([*verb.split(), "--backend", "dask"]).backend == "dask"
    assert cli.parsed(verb.split()).backend == "loky"


@pytest.mark.parametrize("address", ["foo", "foo:x", "http://foo:1"])
def test_an_address_of_ray_that_is_none_is_wrong_use(address):
    with pytest.raises(UsageError, match=r"RAY_ADDRESS=.*expected HOST:PORT"):
        backends.answers(address)


def test_an_address_where_no_ray_listens_is_told_at_once():
    with pytest.raises(EmotalkError, match=r"no cluster answers there .*refused"):
        backends.answers("127.0.0.1:1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        backends.answers(f"ray://127.0.0.1:{listening.getsockname()[1]}")
    backends.answers("auto")


@pytest.mark.parametrize("address", ["foo", "foo://x"])
def test_an_address_of_dask_that_is_none_is_wrong_use(address, monkeypatch):
    needs("distributed")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    with pytest.raises(UsageError, match=r"DASK_SCHEDULER_ADDRESS=.*expected tcp://HOST:PORT"):
        backends.Dask(1)


def submission(*words):
    return cli.parsed(["submit", *words])


def test_what_stands_after_two_dashes_is_the_command_of_the_job():
    flags = submission("--hours", "2", "--", "evaluate", "--videos", "x", "--jobs", "8")
    assert flags.hours == 2 and flags.jobs == 2
    (command,) = slurm.commands_of(flags)
    assert command.arguments == ("evaluate", "--videos", "x", "--jobs", "8")


def test_each_word_is_a_job():
    commands = slurm.commands_of(submission("--each", "gt, static", "--", "generate", "--method", "{}"))
    assert [c.arguments[-1] for c in commands] == ["gt", "static"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected a command after --"),
        (["--each", "gt", "--", "methods"], "where they go"),
        (["--", "generate", "--method", "{}"], "where they go"),
        (["--", "submit", "--", "methods"], "cannot submit itself"),
        (["--", "run", "--methods", "gt,statik"], "did you mean static"),
        (["--", "generate", "--method", "blurr~1"], "did you mean blur"),
        (["--", "datasets", "--jobs", "0"], "at least 1"),
        (["--", "evaluate", "--help"], "asks for help"),
    ],
)
def test_a_submission_that_makes_no_sense_is_refused_before_anything_is_queued(words, said):
    with pytest.raises(UsageError, match=said):
        slurm.commands_of(submission(*words))


def test_a_command_that_is_none_is_refused_before_anything_is_queued(capsys):
    with pytest.raises(UsageError, match="emotalk evaluate --no-such-flag: it is refused"):
        slurm.commands_of(submission("--", "evaluate", "--no-such-flag"))
    assert "no-such-flag" in capsys.readouterr().err


def needs(package):
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed: make cluster")


def emotalk(*arguments, work, code=0):
    environment = os.environ | {"EMOTALK_WORK": str(work), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bench.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def of_loky(smoke_work, smoke_videos, tmp_path_factory):
    return table(smoke_work, smoke_videos, tmp_path_factory.mktemp("loky"), "loky")


def table(smoke_work, videos, work, backend):
    """clips.parquet of a light evaluation in a work folder with nothing in its cache, and the cells."""
    (work / "store").symlink_to(smoke_work / "store")
    flags = ["--dataset", "puppet", "--profile", "smoke", "--protocol", "emotalk-light", "--jobs", "2", "--json"]
    said = emotalk("evaluate", "--videos", videos / "gt-mismatched", "--backend", backend, *flags, work=work).stdout
    (result,) = json.loads(said)["results"]
    return pd.read_parquet(Path(result["folder"]) / "clips.parquet"), result["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CLUSTERS)
def test_two_workers_of_a_cluster_give_bit_equal_scores(name, of_loky, smoke_work, smoke_videos, tmp_path):
    needs(backends.PACKAGES[name])
    clips, metrics = table(smoke_work, smoke_videos, tmp_path, name)
    assert clips["value"].notna().all() and len(clips)
    pd.testing.assert_frame_equal(clips, of_loky[0], check_exact=True)
    assert metrics == of_loky[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", CLUSTERS)
def test_two_workers_of_a_cluster_prepare_the_same_bytes(name, smoke_work, smoke_tree, tmp_path):
    needs(backends.PACKAGES[name])
    flags = ["--dataset", "puppet", "--profile", "smoke", "--root", smoke_tree, "--jobs", "2", "--backend", name]
    emotalk("prepare", *flags, work=tmp_path)
    clips = [work / "store" / "puppet-smoke" / "clips" for work in (smoke_work, tmp_path)]
    expected, found = ({p.relative_to(c): p.read_bytes() for p in sorted(c.rglob("*.*"))} for c in clips)
    assert found == expected and len(found) > 20


WORKERS = """
import os, sys, time
from bench import backends
from bench.progress import in_parallel

def look(number):
    time.sleep(0.5)
    if number == "die":
        os._exit(3)
    return os.getpid()

if __name__ == "__main__":
    with backends.chosen(sys.argv[1], 2):
        print(os.getpid(), *in_parallel(look, [(n,) for n in [*range(6), *sys.argv[2:]]], 2, 6 + len(sys.argv[2:])))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", CLUSTERS)
def test_clips_go_to_two_processes_that_are_not_this_one_and_a_death_is_told(name, tmp_path):
    needs(backends.PACKAGES[name])
    script = tmp_path / "workers.py"
    script.write_text(WORKERS)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "EMOTALK_WORK": str(tmp_path)}

    def run(*words):
        command = [sys.executable, str(script), name, *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=250, check=False)

    done = run()
    own, *workers = done.stdout.split()
    assert len(set(workers)) == 2 and own not in workers, done.stderr
    assert "a worker process was killed" in run("die").stderr


@pytest.mark.slow
def test_submitit_runs_commands_here_and_gives_their_exit_codes(tmp_path):
    needs("submitit")
    flags = ["submit", "--cluster", "local", "--json", "--"]
    done = json.loads(emotalk(*flags, "datasets", "--json", work=tmp_path).stdout)
    (job,) = done["jobs"]
    assert job["code"] == 0 and "cremad" in Path(job["log"]).read_text()
    failed = json.loads(emotalk(*flags, "report", work=tmp_path, code=2).stdout)
    assert "expected result folders" in failed["jobs"][0]["last"]
