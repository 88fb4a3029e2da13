"""Every evaluator that is trained on a dataset, by the name `emotalk train --metric` knows it under."""

from __future__ import annotations

from importlib import import_module

from bench.contract.train import Trainable
from metrics.options import choose

TRAINABLES: dict[str, str] = {}
"""Name -> "module:Class"."""


def trainable_class(name: str) -> type[Trainable]:
    """The class of the trainable `name`; UsageError with the nearest name for an unknown one."""
    module, _, attribute = TRAINABLES[choose("trainable", name, TRAINABLES)].partition(":")
    return getattr(import_module(module), attribute)
