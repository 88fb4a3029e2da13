"""Jobs of a queue: what they are asked with is checked first, and every one that ends badly is told."""

import contextlib
import sys
from types import SimpleNamespace

import pytest

from bench import cli, slurm
from bench.contract.errors import EmotalkError, UsageError
from bench.workspace import Workspace


def submission(*words):
    return cli.parsed(["submit", *words])


@pytest.mark.parametrize(
    "size", [("--hours", "nan"), ("--hours", "inf"), ("--hours", "-1"), ("--gpus", "-1"), ("--memory", "0")]
)
def test_a_size_that_no_job_has_is_refused_before_anything_is_queued(size, tmp_path):
    with pytest.raises(UsageError, match=f"{size[0]} {size[1]}: expected a number"):
        slurm.submit(submission(*size, "--", "datasets"), Workspace(tmp_path))


def settings(*given):
    known = {"account", "array_parallelism", "exclusive", "mail_user", "partition", "setup", "teardown"}
    words = [word for one in given for word in ("--set", one)]
    return slurm.settings_of(submission("--partition", "gpu", *words, "--", "datasets"), known)


def test_settings_that_submitit_knows_have_its_names_and_types_and_all_others_go_to_sbatch():
    given = ("mail-user=me", "array_parallelism=4", "setup=module load x", "setup=b=c", "account=007", "exclusive=true")
    assert settings(*given, "licenses=a:1", "requeue=true") == {
        "slurm_partition": "gpu",
        "slurm_mail_user": "me",
        "slurm_array_parallelism": 4,
        "slurm_setup": ["module load x", "b=c"],
        "slurm_account": "007",
        "slurm_exclusive": True,
        "slurm_additional_parameters": {"licenses": "a:1", "requeue": True},
    }


@pytest.mark.parametrize("setting", ["account", "account=", "=x", "array_parallelism=x", "map_count=2", "time=5"])
def test_a_setting_that_cannot_be_is_refused(setting):
    with pytest.raises(UsageError, match=f"--set {setting}: "):
        settings(setting)


def test_a_job_that_was_killed_has_crashed_and_its_signal_has_a_name():
    assert [slurm.exit_code_of(code) for code in (0, 3, 5, 6, 137, -9)] == [0, 3, 5, 1, 1, 1]
    assert [slurm.signal_of(code) for code in (0, 137, -9, -15, -99)] == [None, None, "SIGKILL", "SIGTERM", "signal 99"]


class LostJob(Exception):
    """Stands in for submitit's errors of jobs that left no result."""


class Job:
    """A job that ends so: a return code, or what its result raises."""

    def __init__(self, job_id, ending):
        self.job_id, self.ending = job_id, ending
        self.paths = SimpleNamespace(stdout=f"{job_id}.out", stderr=f"{job_id}.err")

    def result(self):
        if isinstance(self.ending, BaseException):
            raise self.ending
        return self.ending

    def stderr(self):
        return "loading\nlast words\n"


@pytest.fixture
def wait(monkeypatch, tmp_path):
    """wait(endings..): submits one job for each, to a queue in which they end so, and waits for them."""

    class Executor:
        batch = contextlib.nullcontext

        def __init__(self, folder, cluster):
            self.jobs = []

        def update_parameters(self, **parameters):
            assert parameters["timeout_min"] == 720

        def submit(self, command):
            self.jobs.append(Job(f"7_{len(self.jobs)}", endings[len(self.jobs)]))
            return self.jobs[-1]

    endings = []
    utils = SimpleNamespace(FailedJobError=LostJob, UncompletedJobError=LostJob)
    submitit = SimpleNamespace(
        AutoExecutor=Executor,
        SlurmExecutor=SimpleNamespace(_valid_parameters=lambda: {"partition"}),
        core=SimpleNamespace(utils=utils),
    )
    monkeypatch.setitem(sys.modules, "submitit", submitit)
    monkeypatch.setattr(slurm, "require", lambda package, wanted_by: None)

    def run(*these, cluster="slurm"):
        endings[:] = these
        words = ",".join(["gt", "static", "frozen-gaze"][: len(these)])
        flags = submission("--wait", "--cluster", cluster, "--each", words, "--", "generate", "--method", "{}")
        return slurm.submit(flags, Workspace(tmp_path))

    return run


def test_killed_and_lost_jobs_have_crashed_and_hide_no_other(wait):
    done = wait(0, -9)
    assert done.code == 1 and "exit code 1, killed by SIGKILL: last words" in done.text
    done = wait(LostJob("no output"), 0, 4)
    assert [job["code"] for job in done.document["jobs"]] == [1, 0, 4] and done.code == 4
    assert "exit code 1: ended without an exit code: no output" in done.text


def test_jobs_are_told_before_they_are_waited_for_and_an_interrupt_says_how_to_end_them(wait, capsys):
    with pytest.raises(EmotalkError, match=r"the jobs go on.*scancel 7_0 7_1"):
        wait(KeyboardInterrupt(), 0)
    assert "job 7_1: emotalk generate --method static\n  7_1.out" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):  # processes of this machine end with it
        wait(KeyboardInterrupt(), cluster="local")
