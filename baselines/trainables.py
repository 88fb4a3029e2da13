"""What methods are made of that learns, by the name `emotalk train --method` knows it under."""

from __future__ import annotations

from importlib import import_module

from bench.contract.train import Trainable

TRAINABLES: dict[str, str] = {
    "generator": "baselines.generator.training:GeneratorTraining",
    "speech_to_cues": "baselines.two_stage.stage1_training:SpeechToCuesTraining",
    "landmarks_to_face": "baselines.two_stage.stage2_training:LandmarksToFaceTraining",
}
"""Name -> "module:Class"."""


def trainable_class(name: str) -> type[Trainable]:
    """The class of the trainable `name`; KeyError for an unknown one."""
    module, _, attribute = TRAINABLES[name].partition(":")
    return getattr(import_module(module), attribute)
