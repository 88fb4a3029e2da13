"""`liveportrait-self`: the real video's own motion drives the reference image through LivePortrait with its published weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.errors import UsageError
from bench.contract.method import Input, Request

if TYPE_CHECKING:
    from baselines.liveportrait.portrait import Portrait

BATCH = 4


class LivePortraitSelf:
    """Row `liveportrait-self`: what a published renderer costs on these clips; the weights are the user's, by --checkpoint.

    `checkpoint` is any one of the four published files; the other three lie beside it (docs/official-generators.md).
    """

    name = "liveportrait-self"
    version = "1"
    kind = "official"
    consumes = frozenset({Input.REFERENCE_IMAGE, Input.TRUE_VIDEO})
    saw_test_speakers = "unknown"

    def __init__(self, checkpoint: Path | None = None):
        self.checkpoint = checkpoint

    def files(self, *, rendered: bool = True) -> Mapping[str, Path]:
        """All weights that its frames depend on, each checked: a wrong file is told before anything is generated.

        UsageError without a checkpoint; WeightsError where a file is absent or not what it should be.
        """
        from baselines.liveportrait.weights import files_beside, load_part

        files = files_beside(self._given())
        for stem, path in files.items():
            load_part(stem, path)
        return files

    @cached_property
    def portrait(self) -> Portrait:
        """The four networks, on the GPU if there is one."""
        import torch

        from baselines.liveportrait.portrait import Portrait

        return Portrait.load(self._given(), "cuda" if torch.cuda.is_available() else "cpu")

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        """The reference image's person with the motion that the network sees in each real frame."""
        source = self.portrait.source(request.reference_image)
        frames = islice(request.true_video.frames(), request.n_frames)
        while batch := list(islice(frames, BATCH)):
            yield from self.portrait.animate(source, np.stack(batch))

    def _given(self) -> Path:
        if self.checkpoint is None:
            raise UsageError(
                "liveportrait-self: the suite has no weights of LivePortrait; give yours, "
                "--checkpoint FOLDER/motion_extractor.pth with the other three files beside it (docs/official-generators.md)"
            )
        return Path(self.checkpoint)
