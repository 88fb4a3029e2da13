"""`emotalk submit`: an emotalk command, or one per method, as jobs of Slurm through submitit (docs/clusters.md)."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from bench import cli
from bench.backends import require
from bench.cli import Outcome
from bench.contract.errors import EmotalkError, ExitCode, UsageError
from bench.workspace import Workspace

PLACE = "{}"
"""What stands in the command for one of the words of --each."""
AT_ONCE = ("local", "debug")
"""Clusters without a queue: the jobs are waited for."""


@dataclass(frozen=True)
class Command:
    """An emotalk command as a job: a process of its own, whose exit code is the job's result."""

    arguments: tuple[str, ...]

    def __call__(self) -> int:
        return subprocess.run([sys.executable, "-m", "bench.cli", *self.arguments], check=False).returncode

    def checkpoint(self) -> Any:
        """A job that Slurm stops, out of time or preempted, is queued again: every verb goes on where it was."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def submit(flags: cli.Submit, space: Workspace) -> Outcome:
    """Submit the command, or one for every word of --each; wait for the end where that is asked for.

    Raises UsageError for a command that is none, before anything is queued; EmotalkError where there is no Slurm, or a job
    ended without an exit code.
    """
    require("submitit", "emotalk submit")
    import submitit

    commands = commands_of(flags)
    try:
        executor = submitit.AutoExecutor(folder=space.root / "jobs" / "%j", cluster=flags.cluster)
    except RuntimeError as error:
        raise EmotalkError(
            f"--cluster {flags.cluster}: {error}; run this where sbatch is, or try --cluster local"
        ) from error
    executor.update_parameters(
        name="emotalk",
        timeout_min=max(1, round(60 * flags.hours)),
        cpus_per_task=cli.parsed(commands[0].arguments).jobs,
        mem_gb=flags.memory,
        **({"gpus_per_node": flags.gpus} if flags.gpus else {}),
        **_settings(flags),
    )
    with executor.batch():  # one array, whatever the number
        queued = [executor.submit(command) for command in commands]
    lines = [
        f"job {job.job_id}: emotalk {' '.join(command.arguments)}\n  {job.paths.stdout}"
        for job, command in zip(queued, commands, strict=True)
    ]
    documents = [
        {"job": job.job_id, "command": list(command.arguments), "log": str(job.paths.stdout), "code": None}
        for job, command in zip(queued, commands, strict=True)
    ]
    code = ExitCode.DONE
    if flags.wait or flags.cluster in AT_ONCE:
        for job, document in zip(queued, documents, strict=True):
            document["code"] = _ended(job)
            document["last"] = ((job.stderr() or "").strip().splitlines() or [""])[-1]
        code = ExitCode(max(document["code"] for document in documents))
        lines = [
            f"{line}\n  exit code {d['code']}{': ' + d['last'] if d['code'] else ''}"
            for line, d in zip(lines, documents, strict=True)
        ]
    return Outcome(code, {"jobs": documents, "exit_code": int(code)}, "\n".join(lines))


def commands_of(flags: cli.Submit) -> list[Command]:
    """The command, or with --each one for every word, each read as the command line would."""
    given = flags.command
    if not given:
        raise UsageError("expected a command after --: emotalk submit -- evaluate --dataset mead --videos DIR")
    words = [word.strip() for word in (flags.each or "").split(",") if word.strip()]
    if bool(words) != any(PLACE in one for one in given):
        raise UsageError(
            f"--each gives the words, {PLACE} in the command says where they go: "
            f"emotalk submit --each gt,static -- generate --method {PLACE}"
        )
    filled = [tuple(one.replace(PLACE, word) for one in given) for word in words] or [tuple(given)]
    for arguments in filled:
        if isinstance(cli.parsed(arguments), cli.Submit):
            raise UsageError("emotalk submit cannot submit itself")
    return [Command(arguments) for arguments in filled]


def _settings(flags: cli.Submit) -> dict[str, str]:
    named = {"slurm_partition": flags.partition} if flags.partition else {}
    for setting in flags.settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {setting}: expected KEY=VALUE, as account=faces")
        named[f"slurm_{key.strip()}"] = value
    return named


def _ended(job: Any) -> int:
    import submitit

    try:
        return int(job.result())
    except (submitit.core.utils.FailedJobError, submitit.core.utils.UncompletedJobError) as error:
        last = str(error).strip().splitlines()[-1]
        raise EmotalkError(
            f"job {job.job_id} ended without an exit code: {last}; its log: {job.paths.stderr}"
        ) from error
