"""`emotalk submit`: an emotalk command, or one per method, as jobs of Slurm through submitit (docs/clusters.md)."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from collections.abc import Collection
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
LISTS = ("setup", "teardown", "srun_args")
"""Settings of submitit that hold several lines or words; each is given one."""
NUMBERS = ("array_parallelism", "signal_delay_s", "nodes", "ntasks_per_node", "cpus_per_task", "gpus_per_node")
"""Settings of submitit that it counts with."""
OWN = ("additional_parameters", "map_count", "stderr_to_stdout", "use_srun")
"""Settings of submitit that are no options of sbatch and would change how a job is read."""


@dataclass(frozen=True)
class Command:
    """An emotalk command as a job: a process of its own, whose return code is the job's result (negative: a signal)."""

    arguments: tuple[str, ...]

    def __call__(self) -> int:
        return subprocess.run([sys.executable, "-m", "bench.cli", *self.arguments], check=False).returncode

    def checkpoint(self) -> Any:
        """A job that Slurm stops, out of time or preempted, is queued again: every verb goes on where it was."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def submit(flags: cli.Submit, space: Workspace) -> Outcome:
    """Submit the command, or one for every word of --each; wait for the end where that is asked for.

    Raises UsageError for a command or a setting that is none, before anything is queued; EmotalkError where there is no
    Slurm. A job that was killed, or ended without a return code, counts as crashed.
    """
    from bench.verbs import say

    commands = commands_of(flags)
    _refuse_wrong_sizes(flags)
    require("submitit", "emotalk submit")
    import submitit

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
        **settings_of(flags, submitit.SlurmExecutor._valid_parameters()),
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
    if not (flags.wait or flags.cluster in AT_ONCE):
        return Outcome(ExitCode.DONE, {"jobs": documents, "exit_code": 0}, "\n".join(lines))
    say("\n".join(lines))
    try:
        for job, document in zip(queued, documents, strict=True):
            document.update(ended(job))
    except KeyboardInterrupt:
        if flags.cluster in AT_ONCE:  # these are processes of this machine, and end with it
            raise
        ids = " ".join(job.job_id for job in queued)
        raise EmotalkError(
            f"no longer waiting; the jobs go on: `squeue` shows them, `scancel {ids}` ends them"
        ) from None
    code = ExitCode(max(document["code"] for document in documents))
    lines = [f"{line}\n  {_ending(document)}" for line, document in zip(lines, documents, strict=True)]
    return Outcome(code, {"jobs": documents, "exit_code": int(code)}, "\n".join(lines))


def commands_of(flags: cli.Submit) -> list[Command]:
    """The command, or with --each one for every word; UsageError for one that the command line refuses."""
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
        _refuse_wrong_command(arguments)
    return [Command(arguments) for arguments in filled]


def _refuse_wrong_command(arguments: tuple[str, ...]) -> None:
    """UsageError for what needs no data to be seen: wrong verbs, flags and numbers, unknown methods."""
    from baselines.registry import expand, find_method

    try:
        verb = cli.parsed(arguments)
    except SystemExit as ended:
        why = "it is refused, as said above" if ended.code else "it asks for help, and there is nothing to queue"
        raise UsageError(f"the command after --, emotalk {' '.join(arguments)}: {why}") from None
    if isinstance(verb, cli.Submit):
        raise UsageError("emotalk submit cannot submit itself")
    cli.refuse_wrong_numbers(verb)
    if isinstance(verb, cli.Generate):
        find_method(verb.method, verb.checkpoint)
    if isinstance(verb, cli.Run):
        for name in expand(verb.methods):
            find_method(name)


def _refuse_wrong_sizes(flags: cli.Submit) -> None:
    if not (math.isfinite(flags.hours) and flags.hours > 0):
        raise UsageError(f"--hours {flags.hours:g}: expected a number of hours above 0, as 0.5")
    if flags.memory < 1:
        raise UsageError(f"--memory {flags.memory}: expected a number of GB, at least 1")
    if flags.gpus < 0:
        raise UsageError(f"--gpus {flags.gpus}: expected a number of GPUs, 0 for none")


def settings_of(flags: cli.Submit, known: Collection[str]) -> dict[str, Any]:
    """--partition and every --set as submitit takes them: what it knows (`known`) under its own name, all others as they are.

    Raises UsageError for what is no KEY=VALUE, and for a value that is not of the setting's type.
    """
    named: dict[str, Any] = {"slurm_partition": flags.partition} if flags.partition else {}
    others: dict[str, Any] = {}
    for setting in flags.settings:
        key, _, value = (part.strip() for part in setting.partition("="))
        if not key or not value:
            raise UsageError(f"--set {setting}: expected KEY=VALUE, as account=faces")
        name = key.lstrip("-").replace("-", "_")
        if name == "time":  # submitit counts with it when it queues a job again
            raise UsageError(f"--set {setting}: give the limit with --hours")
        if name in OWN:
            raise UsageError(f"--set {setting}: {key} is not an option of sbatch")
        if name in NUMBERS and not value.isdecimal():
            raise UsageError(f"--set {setting}: expected a whole number")
        typed = int(value) if name in NUMBERS else True if value == "true" else value
        if name in LISTS:
            named.setdefault(f"slurm_{name}", []).append(value)
        elif name in known:
            named[f"slurm_{name}"] = typed
        else:
            others[name] = typed
    return named | ({"slurm_additional_parameters": others} if others else {})


def ended(job: Any) -> dict[str, Any]:
    """Waits for a job: its exit code, the signal that killed it, and its last words."""
    import submitit

    try:
        returned = int(job.result())
    except (submitit.core.utils.FailedJobError, submitit.core.utils.UncompletedJobError) as error:
        last = (str(error).strip().splitlines() or [""])[-1]
        return {"code": int(ExitCode.CRASHED), "signal": None, "last": f"ended without an exit code: {last}"}
    last = ((job.stderr() or "").strip().splitlines() or [""])[-1]
    return {"code": int(exit_code_of(returned)), "signal": signal_of(returned), "last": last}


def exit_code_of(returned: int) -> ExitCode:
    """The exit code of a process; one that ended otherwise, killed or in another way, has crashed."""
    return ExitCode(returned) if returned in list(ExitCode) else ExitCode.CRASHED


def signal_of(returned: int) -> str | None:
    """The name of the signal that a return code below 0 stands for, None for others."""
    if returned >= 0:
        return None
    try:
        return signal.Signals(-returned).name
    except ValueError:
        return f"signal {-returned}"


def _ending(document: dict[str, Any]) -> str:
    killed = f", killed by {document['signal']}" if document["signal"] else ""
    last = f": {document['last']}" if document["code"] and document["last"] else ""
    return f"exit code {document['code']}{killed}{last}"
