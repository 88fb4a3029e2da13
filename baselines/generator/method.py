"""`generator-self`: the real video's own key points drive the reference image: what the renderer costs, without any model of speech."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from baselines.generator.rendering import Renderer
from baselines.shipped import weights_of
from bench.contract.method import Input, Request

BATCH = 8


class GeneratorSelf:
    """Row `generator-self`, a ceiling for every method that renders through the generator."""

    name = "generator-self"
    version = "1"
    kind = "re-implementation"
    consumes = frozenset({Input.REFERENCE_IMAGE, Input.TRUE_VIDEO})

    def __init__(self, checkpoint: Path | None = None):
        self.checkpoint = checkpoint
        self.saw_test_speakers = "unknown" if checkpoint else "no"

    def files(self, *, rendered: bool = True) -> Mapping[str, Path]:
        """All weights that its frames depend on."""
        return {"generator": self.checkpoint or weights_of("generator")}

    @cached_property
    def renderer(self) -> Renderer:
        """The generator."""
        return Renderer(self.files()["generator"])

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        """The reference image's person with the pose and deformation that the network sees in each real frame."""
        source = self.renderer.source(request.reference_image)
        frames = islice(request.true_video.frames(), request.n_frames)
        while batch := list(islice(frames, BATCH)):
            yield from self.renderer.render(source, self.renderer.look(np.stack(batch)))
