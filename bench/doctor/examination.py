"""`emotalk doctor` as a whole: which subjects are looked at, in which order, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contract.clip import Part
from bench.contract.commands import emotalk
from bench.contract.errors import ExitCode, UsageError
from bench.data.manifests import Manifest
from bench.doctor.findings import Finding, exit_code, in_words
from bench.workspace import Workspace

SCHEMA = 1


@dataclass(frozen=True)
class Question:
    """What the doctor is asked: nothing in particular, a manifest of the user's own, or a dataset."""

    dataset: str | None = None
    root: Path | None = None
    manifest: str | None = None
    profile: str = "quick"
    part: str | None = None
    jobs: int = 2
    limit: int | None = None
    measure: bool = False

    @property
    def embedded(self) -> bool:
        """True for a dataset that the suite renders itself; profiles are its manifests."""
        from bench.data.datasets import is_embedded

        return self.dataset is not None and is_embedded(self.dataset)

    @property
    def label(self) -> str:
        """Dataset and profile as the folders of the work folder name them."""
        return Workspace.label(self.dataset or "", self.profile if self.embedded else None)


@dataclass(frozen=True)
class Report:
    """What was found, and which groups are told in short because something else was asked for."""

    findings: list[Finding]
    folded: tuple[str, ...]

    @property
    def code(self) -> ExitCode:
        return exit_code(self.findings)

    @property
    def text(self) -> str:
        return in_words(self.findings, self.folded)

    def document(self) -> dict[str, Any]:
        """The --json document (docs/doctor.md)."""
        return {
            "schema_version": SCHEMA,
            "findings": [finding.document() for finding in self.findings],
            "exit_code": int(self.code),
        }


def examine(question: Question, space: Workspace) -> Report:
    """Look at everything that was asked for. UsageError for wrong names, NothingDoneError for a root without a clip."""
    from bench.doctor import leaks, leaks_in_work, machine, packages, pretrained

    own = _own_manifest(question)
    if question.root is not None and question.dataset is None:
        raise UsageError("--root needs --dataset: emotalk doctor --dataset mead --root FOLDER")
    if question.manifest is not None and question.dataset is None and own is None:
        raise UsageError(f"--manifest {question.manifest}: give --dataset too, or the path of a csv of your own")
    # what was asked for comes first: a wrong --root is said before anything else is looked at
    asked = _dataset(question, space) if question.dataset else []
    rest = [*machine.examine(space), *packages.examine(), *pretrained.examine()]
    found = leaks.examine([question.dataset] if question.dataset else None, own)
    found += leaks_in_work.examine(space)
    folded = (machine.GROUP, packages.GROUP, pretrained.GROUP) if question.dataset or own else ()
    return Report([*rest, *found, *asked], folded)


def _own_manifest(question: Question) -> tuple[str, Path] | None:
    if question.manifest is None or not question.manifest.endswith(".csv"):
        return None
    return question.dataset or "own", Path(question.manifest).expanduser()


def _dataset(question: Question, space: Workspace) -> list[Finding]:
    import shutil

    from bench.data.datasets import get_dataset
    from bench.data.manifests import load_manifest
    from bench.doctor import ahead, dataset, forecast

    facts = get_dataset(question.dataset)
    default = question.profile if question.embedded else facts.default_manifest
    manifest = load_manifest(facts.name, question.manifest or default)
    part = _part(question.part, manifest)
    root = question.root or _made_here(question, space)
    if root is None:
        raise UsageError(
            f"--dataset {facts.name} needs --root: the folder of your own copy (docs/datasets.md says where to get one)"
        )
    rows, reading = [], None
    if root.is_dir() or question.root is not None:
        reading = dataset.read(facts.name, root, rendered=question.embedded and question.root is None)
        rows += dataset.examine(reading, manifest, part)
    else:
        verb = emotalk(
            "prepare",
            facts.name,
            profile=question.profile if question.embedded else None,
            manifest=question.manifest,
            split=part if part != Part.TEST else None,
        )
        made = "rendered" if question.embedded else "fetched"
        rows.append(Finding(dataset.GROUP, question.label, "ok", f"not here yet; it is {made} by `{verb}` itself"))
    work, lengths = ahead.steps(
        question.label,
        manifest,
        part,
        reading,
        space,
        embedded=(question.profile, facts.embedded) if question.embedded and question.root is None else None,
        jobs=question.jobs,
        limit=question.limit,
        measure=question.measure,
    )
    free = shutil.disk_usage(space.root).free
    if lengths:
        rows.append(Finding(forecast.GROUP, "lengths", "note" if "assumed" in lengths else "ok", lengths))
    return rows + forecast.findings(work, free, question.jobs, f"{manifest.name} {part.value}")


def _part(asked: str | None, manifest: Manifest) -> Part:
    """The part asked for; by default test, or the only one there is (the profile pretrain has no other than method-train)."""
    parts = {entry.part for entry in manifest.entries}
    if asked is None and len(parts) == 1:
        return parts.pop()
    return Part(asked or Part.TEST)


def _made_here(question: Question, space: Workspace) -> Path | None:
    """The tree that the suite renders or fetches itself."""
    if question.embedded or question.dataset == "cremad-sample":
        return space.dataset(question.label)
    return None
