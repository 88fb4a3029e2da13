"""`emotalk`: the command line. Every verb is a dataclass of flags; what it does is imported only when it runs."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from bench.contract.errors import EmotalkError, ExitCode, UsageError
from bench.workspace import Workspace

Dataset = Literal["puppet", "puppet-cremad", "cremad", "cremad-sample", "mead"]
Profile = Literal["smoke", "quick", "bench", "pretrain", "full"]
Part = Literal["method-train", "judge-train", "validation", "test"]


@dataclass
class Common:
    """Flags of every verb."""

    work: Path | None = None
    """State folder; default $EMOTALK_WORK, else ./work."""
    profile: Profile = "quick"
    """Size of the embedded dataset; other datasets have none."""
    split: Part | None = None
    """Part of the manifest; default: test (of the profile pretrain: method-train, its only part)."""
    manifest: str | None = None
    """Named split (`emotalk datasets` lists them) or a csv of your own; default: the dataset's."""
    seed: int = 0
    """Seed of everything random."""
    limit: int | None = None
    """Only the first N scored clips."""
    jobs: int = 2
    """Processes at a time."""
    json: bool = False
    """Print one JSON document on stdout; progress and logs go to stderr."""
    strict: bool = False
    """Rejected inputs count as failures (exit code 4)."""

    def __post_init__(self) -> None:
        if self.split is None:
            only_training = self.profile == "pretrain" and getattr(self, "dataset", None) == "puppet"
            self.split = "method-train" if only_training else "test"


@dataclass
class Mirrored(Common):
    """Flags of the verbs that W&B can be told of (docs/tracking.md)."""

    wandb: Literal["auto", "on", "offline", "off"] = "auto"
    """Mirror to Weights & Biases; auto: as WANDB_MODE says, else online if there is a key, offline if not."""


@dataclass
class OnDataset(Mirrored):
    dataset: Dataset = "puppet"
    """Which dataset."""

    @property
    def label(self) -> str:
        from bench.data.datasets import is_embedded

        return Workspace.label(self.dataset, self.profile if is_embedded(self.dataset) else None)


@dataclass
class OnClips(OnDataset):
    """Flags of the verbs that work on one clip after another."""

    backend: Literal["loky", "ray", "dask"] = "loky"
    """Where: processes of this machine (loky), or workers of Ray or Dask (docs/clusters.md)."""


@dataclass
class Run(OnClips):
    """The whole pipeline: prepare, generate, evaluate, report."""

    root: Path | None = None
    """Folder of your copy of the dataset (not needed for puppet and cremad-sample)."""
    methods: str = "controls"
    """Comma-separated methods or groups; `emotalk methods` lists them."""
    protocol: str = "emotalk"
    """Protocol, or several separated by commas: one decode, one result each."""
    missing: Literal["static", "exclude", "fail"] = "static"
    """What a missing or failed output counts as."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where extractors and metrics compute; auto: cuda if there is a GPU."""
    sheet: bool = True
    """Show a contact sheet of the dataset's speakers in the report, where its media policy allows."""


@dataclass
class Prepare(OnClips):
    """Dataset tree -> clip store: crop, resample, extract face cues; rejected clips with their reasons."""

    root: Path | None = None
    """Folder of your copy of the dataset (not needed for puppet and cremad-sample)."""
    verify: bool = False
    """Check every file against the published SHA-256 where there is one (CREMA-D)."""


@dataclass
class Train(OnDataset):
    """Train an evaluator or a method on prepared clips; a killed run goes on where it was."""

    split: Part | None = None
    """Not for train: what is trained says on which parts it is trained and chosen."""
    metric: str | None = None
    """What to train for evaluation: judge, sync-expert ..; a wrong name lists them."""
    method: str | None = None
    """Or which method to train."""
    settings: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(name="set", metavar="KEY=VALUE")] = ()
    """One field of its configuration, as --set steps=2000; may be given several times."""
    config: Path | None = None
    """TOML file with fields of its configuration; --set goes before it."""
    also: tuple[Profile, ...] = ()
    """Further profiles of the embedded dataset whose training speakers are trained on too, as --also pretrain."""
    seeds: str | None = None
    """Several runs, as 0,1,2; their experts are called NAME-0, NAME-1, NAME-2. Default: one run with --seed."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train."""
    patience: int | None = None
    """Stop after this many validations in a row without progress."""
    out: Path | None = None
    """Folder of the expert; default experts/<family> in the work folder."""

    def __post_init__(self) -> None:
        """No part by default."""


@dataclass
class Generate(OnClips):
    """A method makes one video per prepared clip."""

    method: str = tyro.MISSING
    """A known name, NAME@other-audio, NAME@other-emotion, or path/file.py:Class (runs that code)."""
    checkpoint: Path | None = None
    """Given to the method's class."""
    out: Path | None = None
    """Folder of the videos; default generated/<method>/<dataset> in the work folder."""


@dataclass
class Evaluate(OnClips):
    """Score a folder of <clip_id>.mp4 files."""

    videos: Path = tyro.MISSING
    """The folder of videos."""
    name: str | None = None
    """Name of the row; default: the method that made the folder, else the folder's name."""
    framing: Literal["canonical", "source", "own"] | None = None
    """How the videos are framed; default: as the folder's generated.json says, else canonical."""
    protocol: str = "emotalk"
    """Protocol, or several separated by commas: one decode, one result each."""
    missing: Literal["static", "exclude", "fail"] = "static"
    """What a missing or failed output counts as."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where extractors and metrics compute; auto: cuda if there is a GPU."""
    out: Path | None = None
    """Folder of the result; default results/<name> in the work folder."""


@dataclass
class Report(Mirrored):
    """Results -> table (terminal, Markdown, CSV, LaTeX) and an HTML page."""

    results: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Result folders, result.json files, or folders of result folders."""
    out: Path | None = None
    """Folder of the report; default report/ in the work folder."""
    sheet: bool = True
    """Show a contact sheet of the dataset's speakers, where its media policy allows."""
    spread: bool = False
    """Instead: how far the same videos move between the protocols of these results (spread.html)."""


@dataclass
class Compare(Common):
    """One row against others on their common clips: which differences are shown, which are not, and for whom."""

    rows: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """The row, then one or more others: result folders, or names of folders in results/ of the work folder."""
    out: Path | None = None
    """Folder of compare.json, compare.md and compare.html; default comparisons/<row>--against--<others> in the work folder."""


@dataclass
class Power(Common):
    """The smallest difference that a part can show per metric, from the rows that are there: before anyone trains."""

    dataset: Dataset = "puppet"
    """Which dataset."""
    protocol: str = "emotalk"
    """Protocol of the rows."""
    speakers: tuple[int, ...] = ()
    """Further numbers of speakers to tell it for, beside the part's own, 4, 12 and 40."""
    comparisons: int | None = None
    """Rows that one row will be compared with, for Holm's correction; default: all rows found but one."""
    out: Path | None = None
    """Folder of power.json and power.md; default power/<dataset>--<split>--<protocol> in the work folder."""


@dataclass
class Calibrate(OnClips):
    """Damage the real clips by known amounts: does every column answer as was declared beforehand?"""

    root: Path | None = None
    """Folder of your copy of the dataset (not needed for puppet and cremad-sample)."""
    damages: str | None = None
    """Only these damages of data_manifests/calibration.toml, separated by commas; default: all."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where extractors and metrics compute; auto: cuda if there is a GPU."""
    out: Path | None = None
    """Folder of calibration.json and calibration.md; default results/calibration/<dataset> in the work folder."""


@dataclass
class Published(Common):
    """What others printed, how far apart it lies, and EAT's published per-clip scores under our statistics."""

    out: Path | None = None
    """Folder for published.html, published.md and eat100-scores.json; default: print only."""


@dataclass
class Methods(Common):
    """List the methods that can stand in a row and what each is given."""


@dataclass
class Metrics(Common):
    """List the metrics with direction, unit and definition."""


@dataclass
class Datasets(Common):
    """List the datasets, their manifests and media policies."""


@dataclass
class Weights(Common):
    """List, fetch or verify pretrained weights."""

    action: Annotated[Literal["list", "fetch", "verify"], tyro.conf.Positional] = "list"
    """What to do."""
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Which weights; default all."""
    official: bool = False
    """Fetch from the authors' own address instead of the package index."""


@dataclass
class Doctor(Common):
    """What this machine has, what is missing, and the command that brings it; leaks; a dataset's folder and the work ahead."""

    dataset: Dataset | None = None
    """Look at this dataset's folder, and say what preparing and scoring it will cost."""
    root: Path | None = None
    """Folder of your copy of the dataset (not needed for those that are made or fetched here)."""
    measure: bool = False
    """Measure a few clips now, even if earlier runs on this machine left their rate."""


@dataclass
class Submit(Common):
    """Hand a command to Slurm: emotalk submit --hours 8 -- run --dataset mead --root DIR --jobs 16"""

    cluster: Literal["slurm", "local", "debug"] = "slurm"
    """Where: Slurm, a process of this machine, or this very process (to find out why a job fails)."""
    each: str | None = None
    """Comma-separated words: one job for each, in an array, with the word in the place of {} in the command."""
    hours: float = 12.0
    """Limit of each job; one that runs into it is queued again and goes on where it was."""
    memory: int = 8
    """Memory of each job, GB."""
    gpus: int = 0
    """GPUs of each job. It gets as many cores as its command has --jobs."""
    partition: str | None = None
    """Partition of the cluster."""
    settings: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(name="set", metavar="KEY=VALUE")] = ()
    """Any other option of sbatch, as --set account=faces --set mail-user=me; KEY=true for one without a value."""
    wait: bool = False
    """Stay until the jobs have ended, and end with their exit code."""
    command: tyro.conf.Suppress[tuple[str, ...]] = ()
    """What stands after --."""


Verb = (
    Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Prepare, tyro.conf.subcommand("prepare")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Generate, tyro.conf.subcommand("generate")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Compare, tyro.conf.subcommand("compare")]
    | Annotated[Power, tyro.conf.subcommand("power")]
    | Annotated[Calibrate, tyro.conf.subcommand("calibrate")]
    | Annotated[Published, tyro.conf.subcommand("published")]
    | Annotated[Methods, tyro.conf.subcommand("methods")]
    | Annotated[Metrics, tyro.conf.subcommand("metrics")]
    | Annotated[Datasets, tyro.conf.subcommand("datasets")]
    | Annotated[Weights, tyro.conf.subcommand("weights")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
    | Annotated[Submit, tyro.conf.subcommand("submit")]
)


@dataclass
class Outcome:
    """What a verb has to say: an exit code, a document for --json, and the same in words."""

    code: ExitCode = ExitCode.DONE
    document: dict[str, Any] = field(default_factory=dict)
    text: str = ""


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the console script; exits with one of `ExitCode`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verb = parsed(arguments)
    sys.exit(int(execute(verb, arguments)))


def parsed(arguments: Sequence[str]) -> Common:
    """The verb that these words of a command line name; SystemExit with help where they name none."""
    own, command = list(arguments), ()
    if own[:1] == ["submit"] and "--" in own:  # what follows is a command line of its own
        at = own.index("--")
        own, command = own[:at], tuple(own[at + 1 :])
    verb = tyro.cli(
        Verb,
        prog="emotalk",
        description="The benchmark of emotional talking faces. Start with: emotalk run --dataset puppet --profile smoke",
        args=own,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )
    return replace(verb, command=command) if command else verb


def refuse_wrong_numbers(verb: Common) -> None:
    """UsageError for a number that no verb takes."""
    if verb.limit is not None and verb.limit < 1:
        raise UsageError(f"--limit {verb.limit}: expected a number of clips, at least 1")
    if verb.jobs < 1:
        raise UsageError(f"--jobs {verb.jobs}: expected a number of processes, at least 1")
    if verb.seed < 0:
        raise UsageError(f"--seed {verb.seed}: expected a whole number, at least 0")


def execute(verb: Common, arguments: list[str]) -> ExitCode:
    """Run one verb; errors that are meant for the user are printed in one paragraph, others keep their traceback."""
    with ExitStack() as afterwards:  # the mirror is waited for when everything has been said
        return _execute(verb, arguments, afterwards)


def _execute(verb: Common, arguments: list[str], afterwards: ExitStack) -> ExitCode:
    try:
        refuse_wrong_numbers(verb)
        space = Workspace.open(verb.work)
        command, told = "emotalk " + " ".join(arguments), {}
        if isinstance(verb, Mirrored):
            from bench.tracking.mirror import mirrored

            told["mirror"] = afterwards.enter_context(mirrored(verb, space.root, command))
        out = getattr(verb, "out", None)
        with _disk_errors(out), _stdout_kept_clean(verb.json), _workers(verb):
            from bench import verbs
            from bench.atomic import makeable

            if out is not None:
                makeable(out)
            outcome = getattr(verbs, type(verb).__name__.lower())(verb, space, command, **told)
    except (EmotalkError, DiskError) as error:
        code = getattr(error, "exit_code", ExitCode.CRASHED)
        if verb.json:
            print(json.dumps({"error": type(error).__name__, "message": str(error), "exit_code": int(code)}))
        print(f"emotalk: {error}", file=sys.stderr)
        return code
    except KeyboardInterrupt:
        if verb.json:
            print(json.dumps({"error": "Interrupted", "message": "interrupted", "exit_code": int(ExitCode.CRASHED)}))
        print("emotalk: interrupted; finished work is kept, run the same command again", file=sys.stderr)
        return ExitCode.CRASHED
    except Exception as error:
        if verb.json:
            said = f"{type(error).__name__}: {error}"
            print(json.dumps({"error": "Crash", "message": said, "exit_code": int(ExitCode.CRASHED)}), flush=True)
        raise
    try:
        if verb.json:
            print(json.dumps(outcome.document, indent=1, default=str, allow_nan=False))
        elif outcome.text:
            print(outcome.text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if told:
        told["mirror"].code = int(outcome.code)
    return outcome.code


DISK_ERRORS = {
    errno.ENOSPC: "free some space and run the same command again: finished work is kept",
    errno.EDQUOT: "free some of your quota and run the same command again: finished work is kept",
    errno.EROFS: "choose a writable folder with --work or EMOTALK_WORK",
    errno.EACCES: "choose a readable and writable folder with --work or EMOTALK_WORK",
}


CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT)
"""What a folder that cannot be made or written gives."""


class DiskError(Exception):
    """The disk is full, read-only or closed to this user: told in one line with what to do."""


@contextmanager
def _disk_errors(out: Path | None) -> Iterator[None]:
    """What the disk refuses is told with what to do; `out` is the --out of the verb."""
    try:
        yield
    except OSError as error:
        if out is not None and error.errno in CLOSED and _is_about(error, out.expanduser().resolve()):
            raise UsageError(f"--out {out}: cannot be made or written ({error}); choose another folder") from error
        if error.errno in DISK_ERRORS:
            raise DiskError(f"{error}; {DISK_ERRORS[error.errno]}") from error
        raise


def _is_about(error: OSError, out: Path) -> bool:
    """True if what was refused is `out`, in it or above it, or the temporary folder beside it that would take its place."""
    from bench.contract.files import TEMPORARY

    if not isinstance(error.filename, str | bytes) or (error.errno == errno.ENOENT and out.is_dir()):
        return False
    place = Path(os.fsdecode(error.filename)).resolve()
    beside = place.parent == out.parent and TEMPORARY.fullmatch(place.name) is not None
    return beside or place.is_relative_to(out) or out.is_relative_to(place)


@contextmanager
def _workers(verb: Common) -> Iterator[None]:
    """Clips are worked on where the verb's --backend says."""
    from bench.backends import chosen

    with chosen(getattr(verb, "backend", "loky"), verb.jobs):
        yield


@contextmanager
def _stdout_kept_clean(wanted: bool) -> Iterator[None]:
    """With --json, whatever methods and libraries print, in this process and its workers, goes to stderr."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    main()
