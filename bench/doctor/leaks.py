"""The leak check of splits: no speaker on two sides, in any shipped manifest or in a user's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.contract.clip import Part
from bench.contract.errors import UsageError
from bench.data.manifests import Manifest, load_manifest, manifest_names, speaker_of
from bench.doctor.findings import Finding

GROUP = "Leaks in splits"
LEAKY = "leaky"
"""The flag of a card that says: this split leaks as it was published."""
TRAINING = (Part.METHOD_TRAIN, Part.JUDGE_TRAIN)
SHOWN = 6


def examine(datasets: Iterable[str] | None = None, own: tuple[str, str | Path] | None = None) -> list[Finding]:
    """Findings on every shipped manifest of `datasets` (all if None), and on the user's own: (dataset, path of a csv)."""
    from bench.data.datasets import all_datasets

    rows, loaded = [], []
    for dataset in all_datasets() if datasets is None else datasets:
        for name in manifest_names(dataset):
            try:
                loaded.append(load_manifest(dataset, name))
            except UsageError as error:  # a csv that is not the one of its card
                rows.append(Finding(GROUP, f"{dataset} {name}", "LACK", str(error), "restore the file (git checkout)"))
    if own is not None:
        loaded.append(load_manifest(*own))
    rows += _in_one_line([_of_manifest(manifest) for manifest in loaded])
    return rows + _across(loaded)


def sides(manifest: Manifest) -> dict[str, set[Part]]:
    """speaker -> the parts in which the manifest puts them."""
    found: dict[str, set[Part]] = defaultdict(set)
    for entry in manifest.entries:
        found[entry.name if entry.is_speaker else speaker_of(entry.name)].add(entry.part)
    return dict(found)


def on_two_sides(manifest: Manifest) -> dict[str, set[Part]]:
    """The speakers who stand in more than one part, with these parts; names that differ in case only are one speaker."""
    merged: dict[str, set[Part]] = defaultdict(set)
    for speaker, parts in sides(manifest).items():
        merged[speaker.upper()] |= parts
    return {speaker: parts for speaker, parts in sorted(merged.items()) if len(parts) > 1}


def some(names: Iterable[str], shown: int = SHOWN) -> str:
    """The first names of a list in sorted order, and how many more there are."""
    names = sorted(names)
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def count_of(number: int, thing: str) -> str:
    """`1 speaker`, `2 speakers`."""
    return f"{number} {thing}" if number == 1 else f"{number:,} {thing}s"


def _of_manifest(manifest: Manifest) -> Finding:
    speakers = sides(manifest)
    both = on_two_sides(manifest)
    what = f"{manifest.dataset} {manifest.name}"
    data = {
        "dataset": manifest.dataset,
        "manifest": manifest.name,
        "status": manifest.status,
        "flags": list(manifest.flags),
        "on_two_sides": {speaker: sorted(parts) for speaker, parts in both.items()},
    }
    if not speakers:
        found = f"names no speaker and no clip ({count_of(len(manifest.rejected), 'row')} unusable): nothing to compare"
        do = "rows name a clip_id or a speaker, and a part"
        return Finding(GROUP, what, "unsure", found, do, data=data)
    if not both:
        unusable = f"; {len(manifest.rejected)} rows name no clip" if manifest.rejected else ""
        return Finding(
            GROUP, what, "ok", f"{count_of(len(speakers), 'speaker')}, each on one side{unusable}", data=data
        )
    tested = [speaker for speaker, parts in both.items() if parts & {Part.TEST} and parts & set(TRAINING)]
    pairs = f"{len(both)} of {len(speakers)} speakers on two sides ({some(both)})"
    if tested:
        pairs += f", {len(tested)} of them in training and in test"
    if LEAKY in manifest.flags:
        found = f"leaky as published: {pairs}; every table that uses it says so"
        return Finding(GROUP, what, "note", found, data=data)
    where = "; ".join(f"{s}: {', '.join(sorted(parts))}" for s, parts in list(both.items())[:SHOWN])
    do = f"give every speaker one part ({where})"
    return Finding(GROUP, what, "LACK", pairs, do, data)


def _in_one_line(rows: list[Finding]) -> list[Finding]:
    """What is sound is said once per dataset; everything else on a line of its own."""
    sound: dict[str, list[Finding]] = defaultdict(list)
    for row in rows:
        if row.state == "ok":
            sound[row.data["dataset"]].append(row)
    lines = []
    for dataset, fine in sound.items():
        names = ", ".join(row.data["manifest"] for row in fine)
        found = f"{names}: every speaker on one side"
        if len(fine) == 1:
            found = f"{names}: {fine[0].found}"
        lines.append(Finding(GROUP, dataset, "ok", found, data={"manifests": [dict(row.data) for row in fine]}))
    return lines + [row for row in rows if row.state != "ok"]


def _across(manifests: list[Manifest]) -> list[Finding]:
    """Speakers of one corpus who train under one manifest and are tested under another: no fault, but to be known."""
    corpora: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        corpora[_corpus(manifest.dataset)].append(manifest)
    rows = []
    for corpus, members in corpora.items():
        crossed = _crossed([m for m in members if LEAKY not in m.flags])
        if crossed:
            (trains, tests), who = min(crossed.items())
            count = f"{len(crossed)} pairs of manifests, as" if len(crossed) > 1 else "one pair of manifests:"
            found = (
                "train and test under the same manifest: the same people stand on both sides of "
                f"{count} {trains} (trains) and {tests} (tests): {some(who, 3)}"
            )
            data = {"pairs": [{"trains": a, "tests": b, "speakers": sorted(who)} for (a, b), who in crossed.items()]}
            rows.append(Finding(GROUP, f"{corpus}, across", "note", found, data=data))
    return rows


def _crossed(manifests: list[Manifest]) -> Mapping[tuple[str, str], set[str]]:
    found = {}
    parts = {f"{m.dataset}/{m.name}": sides(m) for m in manifests}
    for a, training in parts.items():
        for b, testing in parts.items():
            if a != b:
                trained = {speaker for speaker, on in training.items() if on & set(TRAINING)}
                tested = {speaker for speaker, on in testing.items() if Part.TEST in on}
                if trained & tested:
                    found[a, b] = trained & tested
    return found


def _corpus(dataset: str) -> str:
    # cremad-sample is six clips of CREMA-D: the same people under the same names
    return dataset.removesuffix("-sample")
