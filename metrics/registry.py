"""Every metric by the name it has in tables.

Importing this module, or listing the metrics, loads no image, learning or table library: a metric imports such things
inside its functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.contract.metric import Metric
from metrics.lmd import FaceLMD, MouthLMD
from metrics.lvd import FaceLVD, MouthLVD
from metrics.options import choose
from metrics.psnr import PSNR
from metrics.ssim import SSIM

METRICS: dict[str, type[Metric]] = {cls.name: cls for cls in (SSIM, PSNR, MouthLMD, FaceLMD, MouthLVD, FaceLVD)}
"""Name -> class, in the order of table columns."""


def protocol_keys() -> tuple[str, ...]:
    """Every option that some metric reads, "<group>.<argument>", sorted."""
    return tuple(sorted({key for cls in METRICS.values() for key in cls.protocol_keys}))


def get_metrics(names: Iterable[str] | None = None, options: Mapping[str, str] | None = None) -> list[Metric]:
    """The metrics `names` (None: all, in table order), built with the protocol `options` they read.

    An option that is not given takes the metric's default; an option that no metric knows, an unknown value or an
    unknown name is a UsageError with the nearest one and the list. Options of metrics that were not asked for are
    allowed, so that one protocol serves every choice of columns.
    """
    options = dict(options or {})
    for key in options:
        choose("metric option", key, protocol_keys())
    wanted = list(METRICS) if names is None else [choose("metric", name, METRICS) for name in names]
    return [_build(METRICS[name], options) for name in dict.fromkeys(wanted)]


def _build(cls: type[Metric], options: Mapping[str, str]) -> Metric:
    return cls(**{key.split(".", 1)[1]: options[key] for key in cls.protocol_keys if key in options})
