"""Every video extractor by name. Nothing heavy is imported before an extractor is asked for."""

from __future__ import annotations

from importlib import import_module

from bench.contract.seen import VideoExtractor
from metrics.options import choose

EXTRACTORS: dict[str, str] = {}
"""Name -> "module:Class"; the name is the class's own `name`."""


def extractor_class(name: str) -> type[VideoExtractor]:
    """The class of the extractor `name`; UsageError with the nearest name for an unknown one."""
    module, _, attribute = EXTRACTORS[choose("extractor", name, EXTRACTORS)].partition(":")
    return getattr(import_module(module), attribute)
