"""clips.parquet in memory, a number in place of each word: a line takes some fifty bytes, whatever its words are.

A dataset of MEAD's size makes more than a million and a half lines per row of a table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.result import CLIP_COLUMNS, SCORED

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class ClipValue:
    """One line of clips.parquet: the value of one metric on one clip, or the reason there is none."""

    value: float | None
    status: str
    reason: str | None


@dataclass(frozen=True)
class ClipFacts:
    """What clips.parquet says about a clip itself."""

    speaker: str
    emotion: str
    level: int | None


class ClipTable:
    """Lines of clips.parquet, of which one metric or one clip at a time is asked for."""

    def __init__(self, lines: pa.Table):
        """`lines`: columns of CLIP_COLUMNS, clip_id and metric among them; what is asked for needs its own."""
        import pyarrow as pa

        words = {
            name: column.dictionary_encode() if CLIP_COLUMNS[name] == "string" else column
            for name, column in zip(lines.column_names, lines.columns, strict=True)
        }
        self._lines = pa.table(words).unify_dictionaries().combine_chunks()
        self._metric, metrics = _coded(self._lines["metric"])
        self._clip, self._clips = _coded(self._lines["clip_id"])
        self._metrics = {name: place for place, name in enumerate(metrics)}
        self._rank = np.empty(len(self._clips), np.int64)
        self._rank[sorted(range(len(self._clips)), key=self._clips.__getitem__)] = np.arange(len(self._clips))

    @classmethod
    def read(cls, path: Path, columns: Sequence[str], protocol: str | None = None) -> ClipTable:
        """These columns of the file, of one protocol if it is given; ValueError says what is wrong with the file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        words = [name for name in columns if CLIP_COLUMNS[name] == "string"]
        try:
            with pq.ParquetFile(path, read_dictionary=words) as file:
                there = file.schema_arrow.names
                lines = file.read(columns=list(columns))
        except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
            raise ValueError(f"not a readable Parquet file ({error})") from error
        if absent := [name for name in CLIP_COLUMNS if name not in there]:
            raise ValueError(f"column {', '.join(absent)} is missing; expected {', '.join(CLIP_COLUMNS)}")
        if protocol is not None:
            codes, names = _coded(lines["protocol"])
            of_it = np.array([name == protocol for name in [*names, None]])[codes]
            lines = lines if of_it.all() else lines.filter(pa.array(of_it))
        return cls(lines)

    def of_metric(self, metric: str) -> pd.DataFrame:
        """Its lines in the order of the file, with the dtypes of CLIP_COLUMNS; none if there are none."""
        import pyarrow as pa

        part = self._lines.take(pa.array(self._places(metric)))
        plain = {
            name: column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
            for name, column in zip(part.column_names, part.columns, strict=True)
        }
        return pa.table(plain).to_pandas().astype({name: CLIP_COLUMNS[name] for name in plain})

    def scored(self, metric: str) -> list[tuple[str, float, str]]:
        """(clip, value, status) of its clips with a finite value that counts, by value, then by id."""
        import pyarrow as pa

        places = self._places(metric)
        lines = self._lines.select(["value", "status"]).take(pa.array(places))
        values, (status, words) = lines["value"].to_numpy(), _coded(lines["status"])
        counts = np.array([word in SCORED for word in [*words, None]])[status] & np.isfinite(values)
        clip, values, status = self._clip[places[counts]], values[counts], status[counts]
        order = np.lexsort((self._rank[clip], values))
        return [
            (self._clips[c], value, words[s])
            for c, value, s in zip(*(side[order].tolist() for side in (clip, values, status)), strict=True)
        ]

    def of_clip(self, clip_id: str) -> dict[str, ClipValue]:
        """Metric -> what it has of the clip; nothing for a clip that is not there. NaN is no value."""
        return {
            line["metric"]: ClipValue(_number(line["value"]), line["status"], line["reason"])
            for line in self._of_clip(clip_id, ("metric", "value", "status", "reason"))
        }

    def facts(self, clip_id: str) -> ClipFacts | None:
        """None for a clip that is not there."""
        lines = self._of_clip(clip_id, ("speaker", "emotion", "level"))
        return ClipFacts(**lines[-1]) if lines else None

    def _of_clip(self, clip_id: str, columns: Sequence[str]) -> list[dict]:
        import pyarrow as pa

        if clip_id not in self._clips:
            return []
        places = np.flatnonzero(self._clip == self._clips.index(clip_id))
        return self._lines.select(list(columns)).take(pa.array(places)).to_pylist()

    def _places(self, metric: str) -> np.ndarray:
        return np.flatnonzero(self._metric == self._metrics.get(metric, len(self._metrics)))


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _coded(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """(N,) places in the list of words, -1 where there is none, and the words."""
    array = column.dictionary_encode().unify_dictionaries().combine_chunks()
    return array.indices.fill_null(-1).to_numpy(), array.dictionary.to_pylist()
