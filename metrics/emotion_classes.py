"""In how many classes a judge's answer is read: the same answers, some emotions left out or counted as another."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import numpy as np

from bench.contract.clip import EMOTIONS

ALL = "8"


@dataclass(frozen=True)
class ClassSet:
    """One table of data_manifests/emotion_classes.toml: emotions that are no answer, and those that count as another."""

    name: str
    title: str
    out: tuple[str, ...] = ()
    merged: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What a definition adds; nothing where all answers stand as they are."""
        return f"; answers and labels read in {self.title}" if self.out or self.merged else ""

    def read(self, probabilities: np.ndarray) -> np.ndarray:
        """(S, 8) in the order of `EMOTIONS`, NaN for unknown ones -> the same with merged ones added up and the rest NaN."""
        if not (self.out or self.merged):
            return probabilities
        table = probabilities.copy()
        for one, other in self.merged.items():
            pair = table[:, [EMOTIONS.index(one), EMOTIONS.index(other)]]
            known = np.isfinite(pair).any(1)
            table[:, EMOTIONS.index(other)] = np.where(known, np.nansum(pair, 1), np.nan)
        table[:, [EMOTIONS.index(name) for name in (*self.out, *self.merged)]] = np.nan
        return table

    def label(self, emotion: str) -> str:
        """What a clip of this emotion counts as; one that is left out stays what it is, and no judge knows it then."""
        return self.merged.get(emotion, emotion)


@lru_cache(maxsize=1)
def class_sets() -> dict[str, ClassSet]:
    """Every set by name. ValueError for a table that names no emotion, merges into one that is out, or merges twice."""
    text = (files("data_manifests") / "emotion_classes.toml").read_text(encoding="utf-8")
    return {name: _set(name, table) for name, table in tomllib.loads(text).items()}


def _set(name: str, table: Mapping) -> ClassSet:
    out, merged = tuple(table["out"]), dict(table["merged"])
    if not {*out, *merged, *merged.values()} <= set(EMOTIONS) or set(merged.values()) & {*out, *merged}:
        raise ValueError(
            f"emotion_classes.toml, {name}: expected names of {', '.join(EMOTIONS)}, none merged into one that is out or "
            f"itself merged; got out = {list(out)}, merged = {merged}"
        )
    return ClassSet(name, table["title"], out, merged)
