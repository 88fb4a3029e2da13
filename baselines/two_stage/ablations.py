"""The two-stage model with one thing taken out, each a row: what is it needed for?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from baselines.two_stage.methods import GENERATOR, STAGE_1, TwoStage


class NoClassifier(TwoStage):
    """`two_stage` trained without the collaborative emotion classifier."""

    name = "two_stage-no-classifier"
    switches = ("classifier=false",)


class RegressedGaze(TwoStage):
    """`two_stage` with gaze as a regressed direction instead of one of discrete ones."""

    name = "two_stage-regressed-gaze"
    switches = ("discretised=false",)


class Separate(TwoStage):
    """`two_stage` with landmarks, gaze and head pose each from a network of its own that does not see the others' cues."""

    name = "two_stage-separate"
    switches = ("joint=false",)


class TeacherForced(TwoStage):
    """`two_stage` trained on true frames alone, without scheduled sampling."""

    name = "two_stage-teacher-forced"
    switches = ("scheduled=false",)


class NoLabel(TwoStage):
    """`two_stage` that is not told the emotion."""

    name = "two_stage-no-label"
    switches = ("emotion=false",)


class NoRelocation(TwoStage):
    """`two_stage` whose landmarks stay at the reference image's head pose, irises in their sockets."""

    name = "two_stage-no-relocation"
    relocated = False


class NoLatent(TwoStage):
    """`two_stage` that warps the reference image by landmarks alone, without latent key points."""

    name = "two_stage-no-latent"

    def files(self, *, rendered: bool = True) -> Mapping[str, Path]:
        """All weights but those of stage 2."""
        return {STAGE_1: self.speech_file(), **({GENERATOR: self.part(GENERATOR)} if rendered else {})}

    @cached_property
    def mapping(self) -> Any:
        """Stage 2 without its network."""
        from baselines.two_stage.landmarks_to_face import LandmarksToFace

        return LandmarksToFace(self.renderer.generator.key_points.heat.out_channels, latent=False).eval()
