"""Which results may stand in one table: same clips, same protocol, same extractors; the rest gets a table of its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from bench.contract.result import Result
from reports.load import Loaded

CEILINGS = ("gt", "gt-reencoded", "generator-self", "oracle-cues")
FLOORS = (
    "static",
    "gt-mismatched",
    "gt-wrong-emotion",
    "frozen-pose",
    "frozen-gaze",
    "time-shuffled-pose",
    "time-shuffled-gaze",
)


def conditions(result: Result) -> dict[str, str]:
    """What two results must share to be compared, by name: dataset, clips, protocol."""
    d, p = result.dataset, result.protocol
    return {
        "dataset": d.name,
        "profile": d.profile or "",
        "part": d.part,
        "protocol": p.name,
        "status": p.status,
        "missing": p.missing,
        "data version": d.data_version or "",
        "manifest": d.manifest,
        "manifest hash": d.manifest_sha256,
        "clips": d.store_sha256,
        "protocol hash": p.sha256,
    }


def group(results: Sequence[Loaded]) -> list[tuple[str, list[Loaded]]]:
    """(heading, results that may be compared), in order of first appearance; headings are unique."""
    by_conditions: dict[tuple, list[Loaded]] = defaultdict(list)
    for loaded in results:
        by_conditions[tuple(conditions(loaded.result).values())].append(loaded)
    parts = [part for members in by_conditions.values() for part in _split_by_extractors(members)]
    return list(zip(_headings(parts), [_ordered(members) for _, members in parts], strict=True))


def _split_by_extractors(members: list[Loaded]) -> list[tuple[str, list[Loaded]]]:
    """An extractor of another version or with other weights measures on another scale: such rows part ways."""
    seen: dict[str, set[str]] = defaultdict(set)
    prints = [_fingerprints(m.result) for m in members]
    for one in prints:
        for name, mark in one.items():
            seen[name].add(mark)
    conflicting = sorted(name for name, marks in seen.items() if len(marks) > 1)
    split: dict[str, list[Loaded]] = defaultdict(list)
    for member, one in zip(members, prints, strict=True):
        split[", ".join(f"{name} {one.get(name, 'not used')}" for name in conflicting)].append(member)
    return list(split.items())


def _fingerprints(result: Result) -> dict[str, str]:
    marks = {}
    for extractor in result.extractors:
        weights = " ".join(f"{name}:{sha[:12]}" for name, sha in sorted(extractor.weights.items()))
        marks[extractor.name] = f"{extractor.version} {weights}".strip()
    return marks


def _headings(parts: list[tuple[str, list[Loaded]]]) -> list[str]:
    """Dataset, profile, part and protocol; where that is not enough, also every condition in which the like-named differ."""
    own = [conditions(members[0].result) for _, members in parts]
    short = [_short(c) for c in own]
    headings = []
    for i, (extractors, _) in enumerate(parts):
        alike = [c for c, s in zip(own, short, strict=True) if s == short[i]]
        differing = [name for name in own[i] if len({c[name] for c in alike}) > 1]
        more = [f"{name} {own[i][name][:12] or 'none'}" for name in differing]
        more += [f"extractor {extractors}"] if extractors else []
        headings.append(" · ".join([short[i], *more]))
    repeated = Counter(headings)
    count: Counter[str] = Counter()
    for i, heading in enumerate(headings):
        if repeated[heading] > 1:  # differ beyond the shown digits of a hash
            count[heading] += 1
            headings[i] = f"{heading} · table {count[heading]}"
    return headings


def _short(c: dict[str, str]) -> str:
    return " · ".join([c["dataset"], *([c["profile"]] if c["profile"] else []), c["part"], f"protocol {c['protocol']}"])


def role(result: Result) -> str:
    """ceiling | floor | request-control | method: where the row stands on the scale."""
    m = result.method
    if m.altered is not None:
        return "request-control"
    if m.kind != "control":
        return "method"
    return "ceiling" if m.name in CEILINGS else "floor"


def _ordered(members: list[Loaded]) -> list[Loaded]:
    """Ceilings, floors, then methods as given, each followed by its own altered-request controls."""
    scale = {name: i for i, name in enumerate(CEILINGS + FLOORS)}
    methods: dict[str, int] = {}
    for loaded in members:
        if role(loaded.result) == "method":
            methods.setdefault(loaded.result.method.name, len(methods))

    def place(item: tuple[int, Loaded]) -> tuple:
        i, loaded = item
        name, kind = loaded.result.method.name, role(loaded.result)
        if kind in ("ceiling", "floor"):
            return (0 if kind == "ceiling" else 1, scale.get(name, len(scale)), 0, i)
        base = name.partition("@")[0]
        return (2, methods.get(base, len(methods)), kind == "request-control", i)

    return [loaded for _, loaded in sorted(enumerate(members), key=place)]


def labels(members: Sequence[Loaded]) -> list[str]:
    """Row names: the method's name, with what tells two of the same name apart (result name, version, checkpoint, seed)."""
    names = [m.result.method.name for m in members]
    made = list(names)
    for name in {n for n, count in Counter(names).items() if count > 1}:
        alike = [i for i, n in enumerate(names) if n == name]
        for tell in (
            lambda r: r.name,
            lambda r: f"framing {r.protocol.framing}",
            lambda r: f"version {r.method.version}",
            lambda r: f"checkpoint {(r.method.checkpoint_sha256 or 'none')[:8]}",
            lambda r: f"seed {r.seed}",
            lambda r: f"made {r.created}",
        ):
            marks = [tell(members[i].result) for i in alike]
            if len(set(marks)) == len(marks):
                break
        else:
            marks = [f"#{k + 1}" for k in range(len(alike))]
        for i, mark in zip(alike, marks, strict=True):
            made[i] = f"{name} ({mark})"
    return made
