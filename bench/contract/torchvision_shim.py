"""Lets a CUDA-built torchvision import beside a CPU-built torch."""

from __future__ import annotations


def ensure() -> None:
    """Make `import torchvision` work.

    A torchvision wheel built for CUDA cannot load its operator library beside a CPU torch, and then fails at import with
    `operator torchvision::nms does not exist`. Declaring the operators' schemas is enough for its pure-Python parts (models,
    transforms). An install that imports by itself is left alone; any other error is raised as it is.
    """
    import torch

    try:
        import torchvision

        return
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    import sys

    for name in [n for n in sys.modules if n == "torchvision" or n.startswith("torchvision.")]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _kept.append(library)  # schemas live as long as the Library object
    import torchvision  # noqa: F401


_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list = []
