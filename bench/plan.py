"""What one evaluation measures, settled once before any clip is read: metrics, extractors, their weights, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from bench.contract.errors import Reason, UsageError, WeightsError
from bench.contract.metric import CueMetric, FrameMetric, Metric, OwnMetric, PairMetric, SetMetric
from bench.contract.result import ExtractorRecord
from bench.contract.seen import VideoExtractor
from bench.data.store import key_of
from bench.package_index import sha256_of
from bench.protocols import Protocol
from bench.view import CANONICAL, VIEW_VERSION, View

Device = Literal["cpu", "cuda"]
KINDS = {"frames": FrameMetric, "cues": CueMetric, "own": OwnMetric, "pair": PairMetric, "set": SetMetric}
IN_CUE_SPACE = frozenset({"cues", "audio"})
"""What an extractor may take to work where nothing was rendered."""


@dataclass(frozen=True)
class ExtractorPlan:
    """One extractor with the files it is built with; `identity` is what its features depend on."""

    cls: type[VideoExtractor]
    weights: Mapping[str, Path]
    hashes: Mapping[str, str]

    @property
    def identity(self) -> dict:
        return {"name": self.cls.name, "version": self.cls.VERSION, "weights": dict(self.hashes)}

    @property
    def pictureless(self) -> bool:
        """True if it works in cue space."""
        return self.cls.takes <= IN_CUE_SPACE


@dataclass(frozen=True)
class Plan:
    """Picklable and small: workers build networks from it at first use.

    `missing` names the metrics without a column: metric -> (reason, what to do). `options` and `view` are the protocol's settings.
    """

    metrics: tuple[Metric, ...]
    options: Mapping[str, str]
    device: Device
    max_length_difference: int
    extractors: Mapping[str, ExtractorPlan] = field(default_factory=dict)
    weights: Mapping[str, Path] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    view: View = CANONICAL
    min_frames: int = 0

    @cached_property
    def measurable(self) -> tuple[Metric, ...]:
        """The metrics whose weights and experts are all here."""
        return tuple(m for m in self.metrics if m.name not in self.missing)

    def identity_of(self, metric: Metric) -> str:
        """Changes with everything that a value of `metric` depends on beside the videos."""
        view = self.view.of(metric)
        seen = {} if view == CANONICAL else {"view": astuple(view), "views": VIEW_VERSION}
        return key_of(
            name=metric.name,
            version=metric.version,
            definition=metric.definition,
            options={key: self.options.get(key) for key in metric.protocol_keys},
            weights={name: self.hashes[name] for name in metric.needs},
            extractors=[self.extractors[name].identity for name in metric.extractors],
            device=self.device if metric.needs or metric.extractors else "cpu",
            **seen,
        )

    @cached_property
    def key(self) -> str:
        """Equal for plans that measure the same in the same way."""
        named = [
            (m.name, m.direction, m.unit, m.family, m.primary, m.definition, self.missing.get(m.name, (None,))[0])
            for m in self.metrics
        ]
        identities = [self.identity_of(m) for m in self.measurable]
        least = {"min_frames": self.min_frames} if self.min_frames else {}
        return key_of(
            metrics=named, identities=identities, longest=self.max_length_difference, device=self.device, **least
        )

    @property
    def experts(self) -> dict[str, Path]:
        """The trained networks in use: name -> weight file, with its card beside it."""
        return {name: one.weights[name] for one in self.extractors.values() for name in one.cls.experts}

    @property
    def shows_portrait(self) -> bool:
        return any(one.cls.portrait for one in self.extractors.values())

    def records(self) -> list[ExtractorRecord]:
        """All that reads pictures or sound in this evaluation, with versions and hashes; face cues first."""
        from bench.data.prepare_clip import face_identity

        face = face_identity()
        records = [ExtractorRecord(name="face", version=face.pop("version"), weights=face)]
        records += [
            ExtractorRecord(name=name, version=one.cls.VERSION, weights=dict(one.hashes))
            for name, one in sorted(self.extractors.items())
        ]
        records += [
            ExtractorRecord(name=m.name, version=m.version, weights={name: self.hashes[name] for name in m.needs})
            for m in self.measurable
            if m.needs
        ]
        return records


def kind_of(metric: Metric) -> str:
    """frames | cues | own | pair | set; UsageError for a metric that is none of them, or several."""
    kinds = [kind for kind, protocol in KINDS.items() if isinstance(metric, protocol)]
    if len(kinds) != 1:
        raise UsageError(
            f"metric {metric.name}: expected exactly one of the methods frames, clip, own, pair, or collect with estimate "
            f"(docs/add-a-metric.md); found {', '.join(kinds) or 'none'}"
        )
    return kinds[0]


DRIVERS = ("/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg")
"""What NVIDIA's driver leaves in the file system, and that of Windows for Linux under it: without any, torch need not be asked."""


def choose_device(wanted: str) -> Device:
    """`auto` is cuda where torch sees a GPU; UsageError for cuda where it does not."""
    if wanted == "cpu" or (wanted == "auto" and not any(Path(trace).exists() for trace in DRIVERS)):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise UsageError("--device cuda: torch sees no GPU here; use --device cpu or auto")
    return "cpu"


def make_plan(
    protocol: Protocol, dataset: str, data_version: str | None, speakers: Iterable[str], device: str = "cpu"
) -> Plan:
    """The plan of a protocol on these speakers; weights that are not here are fetched, a metric that lacks one is named.

    Raises UsageError where a metric is not a metric. A weight file, or an expert, that cannot be had is no error.
    """
    from metrics.extractors.registry import extractor_class

    metrics = tuple(protocol.metrics_built())
    for metric in metrics:
        kind_of(metric)
    of_clips = {"dataset": dataset, "data_version": data_version, "speakers": sorted(set(speakers))}
    missing: dict[str, tuple[str, str]] = {}
    extractors: dict[str, ExtractorPlan] = {}
    weights: dict[str, Path] = {}
    hashes: dict[str, str] = {}
    for metric in metrics:
        found: dict[str, ExtractorPlan] = {}
        try:
            own = {name: _weight(name) for name in metric.needs}
            for name in metric.extractors:
                if name not in extractors:
                    found[name] = _extractor(extractor_class(name), of_clips)
        except _Missing as gap:
            missing[metric.name] = (str(gap.reason), str(gap))
            continue
        extractors |= found
        weights |= {name: path for name, (path, _) in own.items()}
        hashes |= {name: sha for name, (_, sha) in own.items()}
    return Plan(
        metrics=metrics,
        options=dict(protocol.options),
        device=choose_device(device),
        max_length_difference=protocol.max_length_difference,
        extractors=extractors,
        weights=weights,
        hashes=hashes,
        missing=missing,
        view=protocol.view,
        min_frames=protocol.min_frames,
    )


def together(plans: Iterable[Plan]) -> dict[str, ExtractorPlan]:
    """The extractors of all plans by name; UsageError if two plans made for the same clips build one differently."""
    found: dict[str, ExtractorPlan] = {}
    for plan in plans:
        for name, one in plan.extractors.items():
            if found.setdefault(name, one).identity != one.identity:
                raise UsageError(
                    f"extractor {name}: its weights changed while this evaluation was planned; run it again"
                )
    return found


class _Missing(Exception):
    def __init__(self, reason: Reason, what: str):
        super().__init__(what)
        self.reason = reason


def _extractor(cls: type[VideoExtractor], of_clips: Mapping[str, Any]) -> ExtractorPlan:
    files = {name: _weight(name) for name in cls.needs}
    files |= {name: _expert(name, of_clips) for name in cls.experts}
    return ExtractorPlan(
        cls, {name: path for name, (path, _) in files.items()}, {name: sha for name, (_, sha) in files.items()}
    )


def _weight(name: str) -> tuple[Path, str]:
    from bench import weights

    found = _fetched(name, weights.offline_folder(), weights.cache_folder())
    if isinstance(found, str):
        raise _Missing(Reason.WEIGHTS_MISSING, found)
    return found, sha256_of_file(found)


@lru_cache(maxsize=256)
def _fetched(name: str, *folders: Path | None) -> Path | str:
    """The verified file, or in words why there is none; asked once per process, for a network that is down is slow.

    `folders` are those that bench.weights looks into.
    """
    from bench import weights

    try:
        absent = weights.status([name])[0].state == "missing"
        return (weights.fetch if absent else weights.resolve)(name)
    except WeightsError as error:
        if "\n" in str(error):  # which indexes were asked is said by the command itself, and stands in no result
            return f"{name}: not here, and could not be fetched; `emotalk weights fetch {name}` says why"
        return _without(folders, str(error))
    except OSError as error:
        return f"{name}: cannot be fetched or read ({error}); run `emotalk weights fetch {name}`"


def _expert(name: str, of_clips: Mapping[str, Any]) -> tuple[Path, str]:
    from bench import experts

    try:
        path = experts.resolve(name, **of_clips)
        return path, sha256_of_file(path)
    except (WeightsError, OSError) as error:
        family = experts.family_of(of_clips["dataset"])
        folders = (experts.work_folder(family), experts.shipped_folder(family))
        raise _Missing(Reason.EXPERT_MISSING, _without(folders, str(error))) from error


def _without(folders: Iterable[Path | None], text: str) -> str:
    """`text` without these folders before the names of files: what a result says names no folder of this machine."""
    for folder in filter(None, folders):
        text = text.replace(f"{folder}/", "")
    return text


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file, computed once per process as long as its size and time of change stay the same."""
    facts = path.stat()
    return _sha256(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=1024)
def _sha256(path: Path, size: int, changed: int) -> str:
    return sha256_of(path)
