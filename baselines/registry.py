"""The methods the suite knows by name, and plug-ins given as `path/file.py:Class`."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType, ModuleType

from bench.contract.errors import UsageError
from bench.contract.method import Input, Method

_CONTROLS = "baselines.controls.data_controls"
_TWO_STAGE = "baselines.two_stage"
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "gt": f"{_CONTROLS}:GroundTruth",
        "gt-reencoded": f"{_CONTROLS}:GroundTruthReencoded",
        "static": f"{_CONTROLS}:Static",
        "gt-mismatched": f"{_CONTROLS}:Mismatched",
        "gt-wrong-emotion": f"{_CONTROLS}:WrongEmotion",
        "frozen-pose": f"{_CONTROLS}:FrozenPose",
        "frozen-gaze": f"{_CONTROLS}:FrozenGaze",
        "time-shuffled-gaze": f"{_CONTROLS}:ShuffledGaze",
        "time-shuffled-pose": f"{_CONTROLS}:ShuffledPose",
        "generator-self": "baselines.generator.method:GeneratorSelf",
        "liveportrait-self": "baselines.liveportrait.method:LivePortraitSelf",
        "oracle-cues": f"{_TWO_STAGE}.methods:OracleCues",
        "two_stage": f"{_TWO_STAGE}.methods:TwoStage",
        "two_stage-separate": f"{_TWO_STAGE}.ablations:Separate",
        "two_stage-regressed-gaze": f"{_TWO_STAGE}.ablations:RegressedGaze",
        "two_stage-no-classifier": f"{_TWO_STAGE}.ablations:NoClassifier",
        "two_stage-no-label": f"{_TWO_STAGE}.ablations:NoLabel",
        "two_stage-teacher-forced": f"{_TWO_STAGE}.ablations:TeacherForced",
        "two_stage-no-relocation": f"{_TWO_STAGE}.ablations:NoRelocation",
        "two_stage-no-latent": f"{_TWO_STAGE}.ablations:NoLatent",
    }
)
_names = tuple(METHODS)
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "controls": _names[: _names.index("generator-self")],
        "two-stage": ("generator-self", "oracle-cues", "two_stage"),
        "ablations": tuple(name for name in METHODS if name.startswith("two_stage-")),
    }
)
CUES_ONLY = "@cues"
WEIGHTS = "weights:"
"""Begins the keys of an identity that are hashes of a method's weights."""
KINDS = ("control", "re-implementation", "official", "plug-in")
ALTERED = MappingProxyType(
    {"other-audio": Input.AUDIO, "other-emotion": Input.EMOTION, "first-frame": Input.REFERENCE_IMAGE}
)
"""Request controls: `M@other-audio` is M with one input altered, scored against the unaltered clip.

`M@first-frame` is the leaky protocol of much published work: the reference image is the scored clip's own first frame, which
gives away its emotion, light and pose.
"""


@dataclass(frozen=True)
class MethodSpec:
    """How to make one method: `name` as typed, the class behind it, the altered input, the checkpoint, a damage's dose.

    Small and picklable, so that worker processes build the method themselves.
    """

    name: str
    target: str
    altered: str | None = None
    checkpoint: Path | None = None
    dose: float | None = None
    cues_only: bool = False
    """`M@cues`: the method's cues are scored, nothing is rendered."""

    @property
    def label(self) -> str:
        """The method as a folder name; plug-ins and checkpoints carry a hash, so that equal names do not meet."""
        file, colon, attribute = self.name.rpartition(":")
        if not colon:
            label = self.name
        else:
            label = f"{Path(file).stem}-{attribute}-{_short(str(Path(self.target.rpartition(':')[0])))}"
        if self.checkpoint:
            label += f"-{_short(str(self.checkpoint.resolve()))}"
        return "".join(c if c.isalnum() or c in "-_@.~" else "-" for c in label)

    @property
    def plugin(self) -> Path | None:
        """The file of a plug-in, None for a method of the suite."""
        location = self.target.rpartition(":")[0]
        return Path(location) if location.endswith(".py") else None

    def load(self) -> Method:
        """An instance; UsageError if the class cannot be loaded or lacks a name, version, consumes or generate."""
        location, _, attribute = self.target.rpartition(":")
        try:
            module = _load_file(self.plugin) if self.plugin else importlib.import_module(location)
            factory = getattr(module, attribute)
        except (Exception, SystemExit) as error:  # a plug-in may fail in any way while it is imported
            raise UsageError(f"--method {self.target}: cannot load it: {type(error).__name__}: {error}") from error
        if self.dose is not None:
            return factory(self.dose)
        try:
            method = factory(self.checkpoint) if self.checkpoint else factory()
        except (Exception, SystemExit) as error:
            how = "with the checkpoint's path" if self.checkpoint else "without arguments"
            what = f"{type(error).__name__}: {error}"
            raise UsageError(f"--method {self.target}: the class is called {how}, which failed: {what}") from error
        lacking = [n for n in ("name", "version", "consumes", "generate") if not hasattr(method, n)]
        if lacking:
            raise UsageError(
                f"--method {self.target}: expected name, version, consumes and generate; lacks {', '.join(lacking)}"
            )
        if not isinstance(method.consumes, Collection) or not all(isinstance(i, Input) for i in method.consumes):
            raise UsageError(f"--method {self.target}: consumes must hold bench.contract.method.Input members")
        if not isinstance(method.version, str):
            raise UsageError(f'--method {self.target}: version must be a text, as "1.0", it is {method.version!r}')
        if (kind := getattr(method, "kind", "plug-in")) not in KINDS:
            raise UsageError(f"--method {self.target}: kind must be one of {', '.join(KINDS)}, it is {kind!r}")
        wanted = ALTERED.get(self.altered)
        if wanted and wanted not in method.consumes:
            raise UsageError(
                f"{self.name}: the method does not consume {wanted.value!r}, so altering it would change nothing"
            )
        if self.cues_only and not callable(getattr(method, "cues", None)):
            raise UsageError(f"{self.name}: the method gives no cues; leave @cues (--cues-only) out")
        return method

    def identity(self) -> dict[str, str | None]:
        """What the outputs depend on besides the clip, by content: the code of a plug-in, the checkpoint, the shipped weights, a
        damage's dose.

        A plug-in's code is its file and what it imports from beside it. WeightsError if weights lack.
        """
        listed = getattr(self.load(), "files", None)
        files = listed(rendered=not self.cues_only) if listed else {}
        more: dict[str, str] = {WEIGHTS + name: sha256_of(path) for name, path in files.items()}
        more |= {} if self.dose is None else {"dose": f"{self.dose:g}"}
        more |= {"cues_only": "yes"} if self.cues_only else {}
        return more | {
            "target": self.target,
            "altered": self.altered,
            "code": _code_of(self.plugin) if self.plugin else None,
            "checkpoint": sha256_of(self.checkpoint) if self.checkpoint else None,
        }


def find_method(name: str, checkpoint: Path | None = None) -> MethodSpec:
    """The method called `name`: a known name, `NAME@other-audio` and the other request controls, `path/file.py:Class`, a
    damage with its dose, `blur~1.5`; any of them with `@cues` behind it. `NAME=FILE` gives a checkpoint too.

    Raises UsageError with the nearest names and the list.
    """
    before, given, file = name.partition("=")
    if given and checkpoint is None and (before.partition("@")[0] in METHODS or ".py:" in before):
        return find_method(before, Path(file))
    if name.endswith(CUES_ONLY):
        return replace(find_method(name.removesuffix(CUES_ONLY), checkpoint), name=name, cues_only=True)
    base, at, altered = name.rpartition("@")
    if not at or "/" in altered or ":" in altered:  # an @ in the path of a plug-in
        base, altered = name, ""
    if altered and altered not in ALTERED:
        raise UsageError(f"--method {name}: unknown request control {altered!r}; there are: {', '.join(ALTERED)}")
    if checkpoint is not None and not checkpoint.is_file():
        raise UsageError(f"--checkpoint {checkpoint}: there is no such file")
    file, colon, attribute = base.rpartition(":")
    if colon and file.endswith(".py"):
        if not Path(file).is_file():
            raise UsageError(f"--method {name}: there is no file {file}")
        return MethodSpec(name, f"{Path(file).resolve()}:{attribute}", altered or None, checkpoint)
    if "~" in base:
        if not base.partition("~")[0]:
            raise UsageError(f"--method {name}: expected the name of a damage before the ~, as blur{base}")
        if altered:
            raise UsageError(f"--method {name}: damages take no request control; give {base} alone")
        if checkpoint is not None:
            raise UsageError(f"--checkpoint {checkpoint}: the damage {base} has none; leave the flag out")
        from baselines.damages.registry import damage_called  # its module needs this one

        return damage_called(base)
    if base not in METHODS:
        close = get_close_matches(base, [*METHODS, *GROUPS], n=2)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise UsageError(
            f"unknown method {base!r}; {hint}known: {', '.join([*METHODS, *GROUPS])}; path/file.py:Class; "
            "or a damage with its dose, as blur~1.5"
        )
    return MethodSpec(name, METHODS[base], altered or None, checkpoint)


def expand(names: str) -> list[str]:
    """`a,b,controls` -> the names, groups opened, each once, in order."""
    listed = [n for name in names.split(",") if name.strip() for n in GROUPS.get(name.strip(), (name.strip(),))]
    return list(dict.fromkeys(listed))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load_file(path: Path) -> ModuleType:
    """The module of a plug-in file, as if its folder were on the path (it may import its neighbours)."""
    name = f"emotalk_plugin_{path.stem}_{_short(str(path))}".replace(" ", "_")
    for ours in ("bench", "baselines", "metrics", "reports", "data_manifests"):
        importlib.import_module(
            ours
        )  # before the plug-in's folder is on the path, which may have folders of these names
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses and pickle look their module up there
    specification.loader.exec_module(module)
    return module


def _code_of(path: Path) -> str:
    """SHA-256 over a plug-in's file and all that it imports, at any depth, from beside it.

    Read from the source text, so that it does not depend on what this process has imported so far. What is imported by a
    computed name is not seen.
    """
    todo, seen = [path], set()
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        for level, name in _imports(file):
            root = file.parents[level - 1] if level else path.parent
            parts = [part for part in name.split(".") if part]
            for depth in range(1, len(parts) + 1):
                stem = root.joinpath(*parts[:depth])
                todo += [f for f in (stem.with_suffix(".py"), stem / "__init__.py") if f.is_file()]
    lines = [f"{os.path.relpath(file, path.parent)} {sha256_of(file)}\n" for file in sorted(seen)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # what cannot be read will fail when it is imported
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield node.level, base
            yield from ((node.level, f"{base}.{alias.name}".strip(".")) for alias in node.names)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
