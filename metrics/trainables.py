"""Every evaluator that is trained on a dataset, by the name `emotalk train --metric` knows it under."""

from __future__ import annotations

from importlib import import_module

from bench.contract.train import Trainable
from metrics.options import choose

TRAINABLES: dict[str, str] = {
    "judge": "metrics.judge.training:JudgeTraining",
    "judge-geometry": "metrics.judge.training:GeometryJudgeTraining",
    "cohesion": "metrics.cohesion.training:Cohesion",
    "sync-expert": "metrics.sync_expert.training:SyncExpertTraining",
    "syncnet": "metrics.syncnet.training:SyncNetTraining",
}
"""Name -> "module:Class"."""


def trainable_class(name: str) -> type[Trainable]:
    """The class of the trainable `name`; UsageError with the nearest name for an unknown one."""
    module, _, attribute = TRAINABLES[choose("trainable", name, TRAINABLES)].partition(":")
    return getattr(import_module(module), attribute)
