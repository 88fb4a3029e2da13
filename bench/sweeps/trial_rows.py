"""Trials as rows of the table: their weights generate the cues, or videos, of validation clips, and the harness scores them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.contract.clip import Part
from bench.contract.errors import NothingDoneError, UsageError, WeightsError
from bench.contract.metric import Direction
from bench.data.store import Selection, key_of
from bench.flags.clips import Train
from bench.sweeps.score import CannotScore, Score
from bench.workspace import Workspace

PROTOCOL = "emotalk"


class TrialRows:
    """How the trials of a sweep are scored. UsageError for a column, or a row, that there is not, or lacks other weights than those.

    Only validation speakers' clips are taken: what a sweep chooses by must not be of test speakers.
    """

    def __init__(self, score: Score, flags: Train, space: Workspace):
        from baselines.registry import CUES_ONLY
        from bench.protocols import load_protocol
        from metrics.options import choose

        self.score, self.flags, self.space = score, flags, space
        self.row = score.method if score.render else score.method + CUES_ONLY
        self.made_of = self._made_of()
        known = _columns(load_protocol(PROTOCOL), score.render)
        what = (
            f"emotalk: score: columns: {'videos give' if score.render else 'cues alone give (--render gives the rest)'}"
        )
        for name in score.columns:
            choose(what, name, known)
        self.columns = [name for name in known if not score.columns or name in score.columns]
        self.protocol = load_protocol(PROTOCOL).only(self.columns)

    def _made_of(self) -> dict[str, str]:
        """What the row depends on beside the trained weights: its class, a plug-in's file, other weights by their hashes."""
        from baselines.registry import find_method, sha256_of

        spec = find_method(self.row)
        found = {"row": self.row, "target": spec.target}
        if spec.plugin:  # it may read its checkpoint at once, and there is none yet
            return found | {"code": sha256_of(spec.plugin)}
        trained = self.space.sweep("trained.safetensors")
        method = replace(spec, checkpoint=trained).load()
        found["version"] = method.version
        listed = getattr(method, "files", None)
        try:
            files = listed(rendered=self.score.render) if listed else {}
        except WeightsError as error:
            raise UsageError(f"{self.row} needs more than the trained weights: {error}") from error
        return found | {name: sha256_of(path) for name, path in files.items() if path != trained}

    @property
    def prefix(self) -> str:
        """What the names of the scores begin with."""
        return self.score.prefix

    def check_metric(self, name: str, maximize: bool) -> None:
        """UsageError unless the sweep's metric is one of these scores, with the goal that the column has."""
        better = {self.prefix + m.name: m.direction for m in self.protocol.metrics_built()}
        if name not in better:
            raise UsageError(f"metric: {name} is none of what the trials are scored by: {', '.join(better)}")
        goals = {Direction.HIGHER: "maximize", Direction.LOWER: "minimize"}
        if better[name] not in goals:
            raise UsageError(f"metric: {name} is read against the real clips, more or less of it is not better")
        if (goals[better[name]] == "maximize") != maximize:
            raise UsageError(f"metric: {name}: expected the goal {goals[better[name]]}")

    @cached_property
    def selection(self) -> Selection:
        """The validation clips that are scored: `clips` of them, evenly over all in the order of their ids."""
        from bench import verbs

        whole = verbs.selection_of(replace(self.flags, split=Part.VALIDATION), self.space)
        rows = whole.document["clips"][: self.flags.limit]
        count = min(self.score.clips or len(rows), len(rows))
        spread = [rows[place * len(rows) // count] for place in range(count)]
        return Selection(whole.store, {**whole.document, "clips": spread}, whole.path)

    @property
    def identity(self) -> str:
        """Changes with everything that the scores depend on beside the trained weights."""
        from bench.earlier_result import EVALUATE_VERSION
        from bench.generate import GENERATE_VERSION
        from bench.plan import make_plan
        from bench.scoring import SCORING_VERSION
        from bench.set_scores import SET_VERSION

        document, clips = self.selection.document, self.selection.scored
        speakers = [row.clip.speaker for row in clips]
        plan = make_plan(
            self.protocol, document["dataset"], document["data_version"], speakers, device=self.flags.device
        )
        return key_of(
            versions=[EVALUATE_VERSION, GENERATE_VERSION, SCORING_VERSION, SET_VERSION],
            row=self.made_of,
            protocol=self.protocol.sha256,
            plan=plan.key,
            clips=[(row.clip.clip_id, row.fingerprint) for row in clips],
        )

    def result(self, folder: Path) -> Path:
        """Where the result of a trial lies, below the trial's folder."""
        return folder / self.prefix.rstrip("/") / "result"

    def make(self, weights: Path, folder: Path, name: str, command: str) -> Path:
        """Generate and evaluate what is not there yet, below the trial's folder; returns the result's.

        NothingDoneError if a clip could not be generated, CannotScore if that would be so of every trial.
        """
        from baselines.registry import find_method
        from bench.evaluate import evaluate
        from bench.generate import generate

        flags, out = self.flags, self.result(folder)
        outputs = out.with_name("outputs")
        try:
            with _on_one_thread():
                made = generate(
                    find_method(self.row, weights), self.selection, outputs, seed=flags.seed, jobs=flags.jobs
                )
            _refuse_failed(self.row, made.items)
            evaluate(
                self.selection,
                outputs,
                name=name,
                protocol_name=PROTOCOL,
                out=out,
                cache=self.space.cache,
                seed=flags.seed,
                jobs=flags.jobs,
                device=flags.device,
                command=command,
                only=self.columns,
            )
        except UsageError as error:
            raise CannotScore(str(error)) from error
        return out


def _columns(protocol: Any, render: bool) -> list[str]:
    """The protocol's columns, without `render` those that are read from cues and sound alone."""
    from bench.plan import IN_CUE_SPACE, kind_of
    from metrics.extractors.registry import extractor_class

    return [
        metric.name
        for metric in protocol.metrics_built()
        if render
        or (
            kind_of(metric) != "frames"
            and all(extractor_class(name).takes <= IN_CUE_SPACE for name in metric.extractors)
        )
    ]


@contextmanager
def _on_one_thread() -> Iterator[None]:
    """A clip's frames are drawn one after another: further threads of torch would only wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _refuse_failed(row: str, items: Sequence[dict[str, Any]]) -> None:
    failed = [item for item in items if item["status"] == "failed"]
    if not failed:
        return
    first = failed[0]
    text = f"{row}: {len(failed)} of {len(items)} clips could not be generated; {first['clip_id']}: {first['detail']}"
    if len(failed) == len(items) and first["detail"].startswith("WeightsError"):
        raise CannotScore(text)  # what it lacks beside the trained weights, no other trial has
    raise NothingDoneError(text)
