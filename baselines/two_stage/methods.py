"""The rows of the two-stage model: `two_stage` from speech, `oracle-cues` from the real clip's cues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from baselines.generator.rendering import Renderer
from baselines.shipped import weights_of
from baselines.two_stage.cue_space import Reference, together
from baselines.two_stage.landmarks_to_face import in_picture
from baselines.two_stage.mfcc import HOP, PER_FRAME, mfcc
from bench.contract.clip import EMOTIONS
from bench.contract.cues import Cues
from bench.contract.errors import NotApplicable, Reason, WeightsError
from bench.contract.expert_file import read_card, read_expert
from bench.contract.method import Input, Request

BATCH = 8
STAGE_1, MAPPING, GENERATOR = "speech_to_cues", "landmarks_to_face", "generator"


class _Rendered:
    """Renders cues through stage 2 and the generator."""

    kind = "re-implementation"
    version = "1"

    def __init__(self, checkpoint: Path | None = None):
        self.checkpoint = checkpoint
        self.saw_test_speakers = "unknown" if checkpoint else "no"

    def part(self, name: str) -> Path:
        """The weights of one part of the model."""
        beside = self.checkpoint and self.checkpoint.with_name(f"{name}.safetensors")
        return beside if beside and beside.is_file() else weights_of(name)

    def files(self, *, rendered: bool = True) -> Mapping[str, Path]:
        """All weights that its frames depend on; without `rendered` its cues."""
        return {name: self.part(name) for name in (GENERATOR, MAPPING)} if rendered else {}

    @cached_property
    def renderer(self) -> Renderer:
        """The generator; asked for by what renders alone, so that cues can be had without it."""
        return Renderer(self.part(GENERATOR))

    @cached_property
    def mapping(self) -> Any:
        """Stage 2."""
        from baselines.two_stage.stage2_training import build_landmarks_to_face

        return _loaded(build_landmarks_to_face, self.part(MAPPING))

    def _frames(self, request: Request, cues: Cues) -> Iterator[np.ndarray]:
        """The reference image's person with these cues; frames without a face take the last one that has one."""
        import torch

        source = self.renderer.source(request.reference_image)
        before, _ = (torch.from_numpy(a) for a in in_picture(request.reference_cues))
        landmarks, turned = (torch.from_numpy(a) for a in in_picture(_held(cues)))
        for start in range(0, len(landmarks), BATCH):
            some = slice(start, start + BATCH)
            count = len(landmarks[some])
            with torch.inference_mode():
                face = self.mapping(
                    before.expand(count, -1, -1), landmarks[some], turned[some], source.repeated(count).face
                )
            yield from self.renderer.render(source, face)


class OracleCues(_Rendered):
    """`oracle-cues`: the real clip's cues through stage 2: the ceiling of what any speech model can reach with this renderer."""

    name = "oracle-cues"
    consumes = frozenset({Input.TRUE_CUES, Input.REFERENCE_IMAGE, Input.REFERENCE_CUES})

    def __init__(self, checkpoint: Path | None = None):
        """`checkpoint`: other weights of stage 2; a generator.safetensors beside them is taken too."""
        super().__init__(checkpoint)

    def part(self, name: str) -> Path:
        """The weights of one part of the model."""
        return self.checkpoint if self.checkpoint and name == MAPPING else super().part(name)

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        """Frames of the reference image's person with the real clip's landmarks and pose."""
        return self._frames(request, request.true_cues)


class TwoStage(_Rendered):
    """`two_stage` (Liang and Lu 2024): speech, emotion and a reference image -> cohesive cues -> frames."""

    name = "two_stage"
    consumes = frozenset({Input.AUDIO, Input.EMOTION, Input.LEVEL, Input.REFERENCE_IMAGE, Input.REFERENCE_CUES})

    switches: ClassVar[tuple[str, ...]] = ()
    """What is set otherwise when its stage 1 is trained; with one, its weights are not shipped."""
    relocated: ClassVar[bool] = True

    def __init__(self, checkpoint: Path | None = None):
        """`checkpoint`: other weights of stage 1; a landmarks_to_face.safetensors and a generator.safetensors beside them are
        taken too."""
        super().__init__(checkpoint)

    def files(self, *, rendered: bool = True) -> Mapping[str, Path]:
        """All weights that its frames depend on; without `rendered` its cues."""
        return {STAGE_1: self.speech_file(), **super().files(rendered=rendered)}

    def speech_file(self) -> Path:
        """The weights of stage 1; WeightsError, with the command that trains them, for an ablation without any."""
        if self.checkpoint:
            return self.checkpoint
        if not self.switches:
            return weights_of(STAGE_1)
        settings = " ".join(f"--set {switch}" for switch in self.switches)
        raise WeightsError(
            f"{self.name}: the suite ships no weights of ablations; train them, emotalk train --method {STAGE_1} --dataset puppet "
            f"--profile bench {settings} --out FOLDER, and give {self.name}=FOLDER/{STAGE_1}.safetensors (or: make ablations)"
        )

    @cached_property
    def _speech(self) -> tuple[Any, Mapping[str, Any]]:
        """Stage 1 and the configuration of its card."""
        from baselines.two_stage.stage1_training import build_speech_to_cues

        file = self.speech_file()
        return _loaded(build_speech_to_cues, file), read_card(file)["config"]

    def cues(self, request: Request) -> Cues:
        """Stage 1 alone."""
        import torch

        from baselines.two_stage.sampling import noise, sample
        from baselines.two_stage.speech_to_cues import Said

        reference = Reference.of(request.reference_cues)
        model, config = self._speech
        # sound_late: frames, in a checkpoint that was damaged so (damaged_checkpoints.py)
        heard = np.pad(request.audio, (config.get("sound_late", 0) * PER_FRAME * HOP, 0))
        columns = torch.from_numpy(mfcc(heard, request.n_frames))[None]
        face = torch.from_numpy(reference.landmarks.astype(np.float32)).reshape(1, -1)
        said = Said(torch.tensor([EMOTIONS.index(request.emotion)]), torch.tensor([request.level or 0]), face)
        drawn = torch.from_numpy(noise(request.seed, request.n_frames))[None]
        frames = sample(model, columns, said, drawn, config["temperature"])
        expression, gaze = model.decoded(frames.code[0]).numpy(), 10 * frames.gaze[0].numpy()
        return together(expression, frames.pose[0].numpy(), gaze, reference, moved=self.relocated)

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        """Frames of the reference image's person saying it."""
        return self._frames(request, self.cues(request))


def _loaded(build: Any, file: Path) -> Any:
    """The network of a weight file and its card; WeightsError where they do not fit together."""
    expert = read_expert(file)
    model = build(expert.config)
    try:
        model.load_state_dict(expert.state)
    except RuntimeError as error:
        raise WeightsError(f"{file}: the weights are not those that the card describes: {error}") from error
    return model.eval()


def _held(cues: Cues) -> Cues:
    """Every frame without a face takes the cues of the last one with a face, or of the first one that comes."""
    usable = np.flatnonzero(cues.valid)
    if not len(usable):
        raise NotApplicable(Reason.NO_FACE, "no frame of the clip has a face")
    last = np.searchsorted(usable, np.arange(len(cues)), side="right") - 1
    return cues[usable[np.clip(last, 0, None)]]
