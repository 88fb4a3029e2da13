"""The clips of a training: those it learns from and those it is chosen on, as they were prepared."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import Any

from bench.contract.clip import Clip, Part
from bench.contract.errors import UsageError
from bench.data.store import Selection, Store
from bench.experts import family_of
from bench.flags.clips import Train
from bench.training.record import HELD_OUT, Source, fingerprint_of, refuse_leaks, speakers_of
from bench.workspace import Workspace


@dataclass
class TrainingClips:
    """The clips of the two parts, and who they are of."""

    training: list[Clip]
    validation: list[Clip]
    source: Source

    def __init__(self, flags: Train, space: Workspace, trainable: Any):
        from bench import verbs
        from bench.data.manifests import speaker_of
        from bench.prepare import selection_name

        manifest = verbs.manifest_of(flags)
        store = Store(space.store(flags.label))
        selections = [_prepared(flags, store, selection_name(manifest), part, manifest) for part in trainable.speakers]
        self.training, self.validation = ([row.clip for row in s.limited(flags.limit)] for s in selections)
        for profile in flags.also:
            self.training += _further(replace(flags, profile=profile, also=()), space, trainable.speakers[0])
        held = {speaker_of(entry.name) for entry in manifest.entries if entry.part in HELD_OUT}
        refuse_leaks(self.training, self.validation, held)
        version = selections[0].document.get("data_version")
        version = None if version is None else str(version)
        self.source = Source(
            dataset=flags.dataset,
            profile=verbs.profile_of(flags),
            family=family_of(flags.dataset),
            manifest="+".join([selections[0].document["manifest"], *flags.also]),
            manifest_sha256=manifest.sha256,
            data_version=version,
            parts=tuple(map(str, trainable.speakers)),
            train_speakers=speakers_of(self.training),
            validation_speakers=speakers_of(self.validation),
            train_clips=len(self.training),
            validation_clips=len(self.validation),
            fingerprint=fingerprint_of(self.training, self.validation, version),
        )


def _further(flags: Train, space: Workspace, part: Part) -> list[Clip]:
    """The training clips of one more profile; UsageError if the dataset has none."""
    from bench import verbs
    from bench.data.datasets import get_dataset
    from bench.prepare import selection_name

    if not get_dataset(flags.dataset).embedded:
        raise UsageError(f"--also {flags.profile}: {flags.dataset} has no profiles; leave the flag out")
    manifest = verbs.manifest_of(replace(flags, manifest=None))
    flags = replace(flags, manifest=None)
    selection = _prepared(flags, Store(space.store(flags.label)), selection_name(manifest), part, manifest)
    return [row.clip for row in selection.limited(flags.limit)]


def _prepared(flags: Train, store: Store, manifest: str, part: Part, wanted: Any) -> Selection:
    try:
        selection = store.selection(manifest, part, flags.limit)
    except UsageError as error:
        raise UsageError(f"{part} is not prepared: run `{_prepare(flags, part)}` first") from error
    if selection.document["manifest_sha256"] != wanted.sha256:
        raise UsageError(f"manifest {wanted.name} changed since the store was prepared; run `{_prepare(flags, part)}`")
    return selection


def _prepare(flags: Train, part: Part) -> str:
    from bench import verbs

    return verbs.preparing(flags, part)


def data_flags(flags: Train) -> str:
    """The flags that name the data of a training, as words of a command line."""
    from bench import verbs

    words = ["--dataset", flags.dataset]
    words += ["--profile", flags.profile] if verbs.profile_of(flags) else []
    words += ["--manifest", flags.manifest] if flags.manifest else []
    words += ["--limit", str(flags.limit)] if flags.limit else []
    return shlex.join(words)
