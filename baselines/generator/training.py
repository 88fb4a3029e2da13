"""How the generator learns: two frames of one clip, the one made from the other's picture and its own key points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from baselines.generator import regions, terms
from baselines.generator.frames import Pairs
from bench.contract.clip import Clip, Part
from bench.contract.metric import Direction
from bench.contract.train import ClipReader, Context

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
MEASURED_PAIRS = 4
"""Pairs of each validation clip."""


@dataclass(frozen=True)
class GeneratorConfig:
    """`size` 128 is the edition that a CPU can use, 256 the full one; pictures are `scale` times as large, the clip store's.

    `adversarial_from` is a share of the steps; the other weights are those of the losses of the same names, `jitter` the SD
    of a pair's change of colours, `crop` the px of the piece of each picture that is looked at in its full size. Defaults
    are for a GPU; recipes/quick-cpu.toml is what two cores can do in hours.
    """

    steps: int = 12_000
    batch_size: int = 64
    learning_rate: float = 4e-4
    discriminator_learning_rate: float = 2e-4
    weight_decay: float = 1e-4
    warmup_steps: int = 300
    validate_every: int = 1000
    ema: float = 0.999
    clip_norm: float = 10.0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    accumulate: int = 1
    size: int = 128
    scale: int = 2
    crop: int = 128
    points: int = 32
    channels: int = 128
    motion_channels: int = 64
    point_channels: int = 32
    close_channels: int = 32
    frames_per_clip: int = 24
    jitter: float = 0.06
    region: float = 5.0
    pixels: float = 10.0
    edges: float = 0.0
    perceptual: float = 1.0
    perceptual_groups: int = 4
    closely: float = 1.0
    closely_groups: int = 3
    adversarial: float = 0.1
    adversarial_closely: float = 0.1
    matching: float = 1.0
    adversarial_from: float = 0.4
    equivariance: float = 10.0
    tie: float = 10.0
    rough: float = 5.0
    close_tie: float = 30.0
    pose: float = 2.0
    person: float = 3.0
    deformation: float = 0.2
    apart: float = 1.0


class GeneratorTraining:
    """Trainable `generator`: training speakers and pretraining identities only, chosen by perceptual distance on validation."""

    name: ClassVar[str] = "generator"
    version: ClassVar[str] = "2"
    kind: ClassVar[str] = "generator"
    speakers: ClassVar[tuple[Part, Part]] = (Part.METHOD_TRAIN, Part.VALIDATION)
    chosen_by: ClassVar[tuple[str, Direction]] = ("perceptual", Direction.LOWER)
    Config: ClassVar[type] = GeneratorConfig
    phases: ClassVar[tuple[str, ...]] = (GENERATOR, DISCRIMINATOR)
    needs: ClassVar[tuple[str, ...]] = ("vgg16",)
    largest_file: ClassVar[int] = 16_000_000
    ships: ClassVar[str] = "generator."
    """Only these weights leave the run folder: nobody needs the discriminators afterwards."""

    def __init__(self) -> None:
        self.weights: Mapping[str, Path] = {}
        self._perceptual: Any = None
        self._made: dict[int, Any] = {}
        """What the generator made of the parts of this step's batch, for the discriminators."""
        self._still: dict[str, float] = {}

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: GeneratorConfig) -> Pairs:
        """Pairs of frames of these clips."""
        return Pairs(clips, reader, config.size * config.scale, config.frames_per_clip)

    def build(self, config: GeneratorConfig) -> Any:
        """The generator and its two discriminators."""
        from torch import nn

        from baselines.generator.discriminator import PatchDiscriminator

        self.config = config
        return nn.ModuleDict(
            {
                "generator": build_generator(config),
                "pictures": PatchDiscriminator(),
                "crops": PatchDiscriminator(32, 2),
            }
        )

    def parameters(self, model: Any, phase: str) -> Iterable[Any]:
        """The generator's, or both discriminators'."""
        if phase == GENERATOR:
            return model["generator"].parameters()
        return [*model["pictures"].parameters(), *model["crops"].parameters()]

    def active(self, phase: str, context: Context) -> bool:
        """The discriminators join when the pictures are worth telling from real ones."""
        return phase == GENERATOR or context.step >= self.config.adversarial_from * context.steps

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """The generator's losses, or the discriminators' on the pictures it has just made of this batch."""
        if context.phase == GENERATOR:
            return self._generator_loss(model, batch, context)
        return self._discriminator_loss(model, self._made.pop(batch["driving"].data_ptr()))

    def _generator_loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
        import torch

        from baselines.generator.grids import resized
        from baselines.generator.perceptual import feature_distance
        from baselines.generator.warping import Deformation

        config, generator = self.config, model["generator"]
        source, driving = terms.jittered(
            terms.pictures(batch["source"]), terms.pictures(batch["driving"]), config.jitter
        )
        (face, rough), (moved, rough_moved) = (generator.key_points.seen(p) for p in (source, driving))
        out = generator(generator.source(source, face), moved.of_person(face))
        made, middles = out["picture"], terms.middles(batch["landmarks"])
        # the whole picture small, a piece of it in full size, eyes and mouth from near
        views = {
            "small": tuple(resized(p, config.size) for p in (made, driving)),
            "pictures": terms.piece((made, driving), config.crop, context.rng),
            "crops": tuple(regions.crops(p, middles) for p in (made, driving)),
        }
        perceptual = self._seen(made.device)
        weight = regions.weights(middles, made.shape[-1], config.region)
        sides = ((face, batch["source_landmarks"]), (moved, batch["landmarks"]))
        losses = {
            "pixels": (weight * (made - driving).abs()).mean()
            + 0.3 * (weight * (out["warped"] - driving).abs()).mean(),
            "tie": sum(terms.tie(f.posed, marks) for f, marks in sides) / 2,
            "rough": sum(terms.tie(r, marks) for r, (_, marks) in zip((rough, rough_moved), sides, strict=True)) / 2,
            "close_tie": sum(terms.close_tie(f.posed, marks) for f, marks in sides) / 2,
            "pose": (moved.rotation - batch["rotation"]).abs().mean()
            + (face.rotation - batch["source_rotation"]).abs().mean(),
            "person": (face.canonical - moved.canonical).abs().mean(),
            "deformation": moved.deformation.abs().mean(),
            "apart": terms.apart(moved.posed),
        }
        if config.edges:
            losses["edges"] = terms.edges(made, driving, weight)
        if config.perceptual:
            both = [
                perceptual.distance(*views[name], groups=config.perceptual_groups) for name in ("small", "pictures")
            ]
            losses["perceptual"] = sum(both)
        if config.closely:
            losses["closely"] = perceptual.distance(*views["crops"], groups=config.closely_groups)
        bent = Deformation(len(driving), driving)
        again = generator.look(bent.pictures(driving))
        losses["equivariance"] = (bent.at(again.posed[..., :2]) - moved.posed[..., :2]).abs().mean()
        if self.active(DISCRIMINATOR, context):
            kept = {}
            for name, strength in (("pictures", config.adversarial), ("crops", config.adversarial_closely)):
                fake, real = views[name]
                with torch.no_grad():
                    _, wanted = model[name](real)
                score, found = model[name](fake)
                losses[f"fool_{name}"] = -strength * score.mean() + config.matching * feature_distance(found, wanted)
                kept[name] = (real, fake.detach())
            self._made[batch["driving"].data_ptr()] = kept
        total = sum(value * getattr(config, name, 1.0) for name, value in losses.items())
        return {"loss": total, **losses}

    def _discriminator_loss(self, model: Any, views: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
        from baselines.generator.discriminator import hinge

        losses = {n: hinge(model[n](real)[0], model[n](fake)[0]) for n, (real, fake) in views.items()}
        return {"loss": sum(losses.values()), **losses}

    def validate(self, model: Any, data: Pairs, context: Context) -> Mapping[str, float]:
        """On fixed pairs of validation clips: distances of made pictures, and of the source held still, to the real ones."""
        seen = self._seen(context.device)
        if not self._still:  # the same at every validation
            self._still = measured(None, data, seen, context.device)
        return {**measured(model["generator"], data, seen, context.device), **self._still}

    def card(self, model: Any, data: Pairs, context: Context) -> Mapping[str, Any]:
        """The size of what was measured, and how key points follow mouth, lids and eyes."""
        from baselines.generator.follows import followed

        return {
            "validation_pairs": len(data.spread(MEASURED_PAIRS)),
            "validation_clips": len(data),
            "followed": followed(model["generator"], data, context.device),
        }

    def _seen(self, device: Any) -> Any:
        from baselines.generator.perceptual import Perceptual

        if self._perceptual is None:
            self._perceptual = Perceptual(self.weights["vgg16"], device)
        return self._perceptual


def build_generator(config: Any) -> Any:
    """The generator alone, of a configuration or of what a card says of one."""
    from baselines.generator.model import Generator

    return Generator(
        config.size,
        config.scale,
        config.points,
        config.channels,
        config.motion_channels,
        config.point_channels,
        config.close_channels,
    )


def measured(generator: Any, data: Pairs, perceptual: Any, device: Any, size: int = 16) -> dict[str, float]:
    """Means over fixed pairs: PSNR dB, perceptual distance (of 128 px), absolute error at eyes and mouth (0..255).

    `points`: how far in px tied key points lie from their landmarks; `close_points`: those of eyes and mouth within their
    region. Without a generator the source is held still, and the names begin with `still_`.
    """
    import torch

    from baselines.generator.grids import resized

    pairs, sums = data.spread(MEASURED_PAIRS), {}
    for start in range(0, len(pairs), size):
        raw = data.of(pairs[start : start + size])
        batch = {name: torch.from_numpy(value).to(device) for name, value in raw.items()}
        source, driving = terms.pictures(batch["source"]), terms.pictures(batch["driving"])
        middles, rows, made = terms.middles(batch["landmarks"]), {}, source
        if generator is not None:
            face, moved = generator.look(source), generator.look(driving)
            made = generator(generator.source(source, face), moved.of_person(face))["picture"]
            px = driving.shape[-1] / 2
            rows["points"] = terms.tie(moved.posed, batch["landmarks"]) * px
            rows["close_points"] = terms.close_tie(moved.posed, batch["landmarks"]) * px
        rows["psnr"] = (-10 * torch.log10(((made - driving) ** 2).mean((1, 2, 3)))).mean()
        rows["perceptual"] = perceptual.distance(resized(made, 128), resized(driving, 128))
        near = (regions.crops(p, middles).unflatten(0, (-1, 3)) for p in (made, driving))
        error = (next(near) - next(near)).abs().mean((0, 2, 3, 4)) * 255
        rows["eyes"], rows["mouth"] = error[:2].mean(), error[2]
        for name, value in rows.items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(source)
    prefix = "still_" if generator is None else ""
    return {prefix + name: value / len(pairs) for name, value in sums.items()}
