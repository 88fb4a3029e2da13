"""The one trainer: whatever learns (bench.contract.train.Trainable) goes through this loop.

Everything random of a step comes from (seed, step) alone, and a checkpoint holds all the rest: a run that is killed at any
moment and started again ends with the same curve and the same weights, bit for bit on one machine.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.atomic import alone_in
from bench.contract.clip import Clip
from bench.contract.errors import NothingDoneError, UsageError
from bench.contract.metric import Direction
from bench.contract.train import Callback, ClipReader, Context, Trainable, TrainingData, to_device
from bench.progress import Bar
from bench.training.batches import Batches, parts_of
from bench.training.callbacks import better
from bench.training.checkpoint import load_checkpoint, save_checkpoint, save_tensors
from bench.training.curve import Curve, Line, Means, finite
from bench.training.optimisers import MovingAverage, Optimisers
from bench.training.processes import ALONE, Processes
from bench.training.seeds import reproducible, seed_everything

TRAINER_VERSION = "1"
"""Changes when the same configuration, seed and data would give other weights."""
LOGGED_STEPS = 10
"""A line of the curve is the mean over at most this many steps."""


@dataclass
class Job:
    """One run to be trained: what, on which clips, with which seed, into which folder."""

    trainable: Trainable
    config: Any
    seed: int
    device: str
    folder: Path
    training: Sequence[Clip]
    validation: Sequence[Clip]
    reader: ClipReader
    callbacks: Sequence[Callback] = ()
    title: str | None = None
    """Of the progress bar on stderr; None draws none."""
    processes: Processes = ALONE
    """Those that train this model together; the batch of the configuration is divided among them."""


@dataclass
class Trained:
    """How a run ended: the best weights lie in `best`; `steps` were done, `stopped` says whether a callback ended it."""

    best: Path
    best_step: int
    best_value: float
    steps: int
    stopped: bool
    seconds: float
    waited: float
    """Seconds of this process in which a step had to wait for its batch."""
    curve: Curve | None
    """None in every process but the first."""
    model: Any
    data: TrainingData = field(repr=False)
    """The validation part's."""


def train(job: Job) -> Trained:
    """Train, or go on from the last checkpoint in `job.folder`, until the steps are done or a callback ends it.

    Writes metrics.jsonl, last/ and best.safetensors, of several processes in the first alone. NothingDoneError if a loss is
    not finite, or no validation gave a value; EmotalkError if another process has ended.
    """
    held = alone_in(job.folder) if job.processes.first else contextlib.nullcontext()
    with held, reproducible(job.device):
        job.processes.told()  # the others look into the folder once the first one holds it
        return _Run(job).go()


class _Run:
    def __init__(self, job: Job):
        self.job, self.config, self.device, self.processes = job, job.config, job.device, job.processes
        self.trainable, self.started = job.trainable, time.monotonic()
        self.metric, self.direction = _chosen_by(job.trainable)
        self.parts = getattr(job.config, "accumulate", 1)
        self.processes.refuse_uneven(job.config.batch_size, self.parts)
        with self.processes.first_before_others():
            self.training = job.trainable.data(job.training, job.reader, job.config)
            self.validation = job.trainable.data(job.validation, job.reader, job.config)
        for part, data in (("training", self.training), ("validation", self.validation)):
            if not len(data):
                raise NothingDoneError(
                    f"{job.trainable.name}: the clips of the {part} part give no example to learn from"
                )
        seed_everything(job.seed, "weights")
        self.model = job.trainable.build(job.config).to(job.device)
        self.optimisers = Optimisers(job.trainable, self.model, job.config)
        decay = getattr(job.config, "ema", 0.0)
        self.average = MovingAverage(self.model, decay) if decay and self.processes.first else None
        self.step, self.seconds_before, self.stopped = 0, 0.0, False
        self.type = getattr(job.config, "precision", "float32")
        self.best: dict[str, Any] = {"step": None, "value": None}
        self.curve: Curve | None = None
        self._resume()

    def _resume(self) -> None:
        # torch's "cuda" is each process's own GPU, that of the file reader always the first
        found = load_checkpoint(self.job.folder / "last", self.device if self.processes.first else "cpu")
        if found is not None:
            groups, document = found
            self.model.load_state_dict(groups["model"])
            self.optimisers.load(groups.get("optimiser", {}))
            if self.average is not None:
                self.average.state = groups["average"]
            self.step, self.best = document["step"], document["best"]
            self.seconds_before, self.stopped = document["seconds"], document["stopped"]
        if not self.processes.first:
            return
        self.curve = Curve(self.job.folder / "metrics.jsonl", self.step)
        for line in self.curve.lines:
            self._tell(line)

    def go(self) -> Trained:
        steps, every = self.config.steps, self.config.validate_every
        logged, sums = _divisor(every, LOGGED_STEPS), Means()
        unit = Bar(self.job.title if self.processes.first else None, unit="step", total=steps)
        with unit as bar, Batches(self.training, self.job.seed, self.config.batch_size, steps) as self.batches:
            bar(self.step, steps)
            while self.step < steps and not self.stopped:
                sums.add(self._one_step())
                self.step += 1
                bar(1, steps)
                last = self.step == steps
                if self.step % logged == 0 or last:
                    self._log("train", sums.take())
                if self.step % every == 0 or last or self.stopped:
                    self._check()
        self.best = self.processes.told(self.best)
        if self.best["step"] is None:
            raise NothingDoneError(
                f"{self.trainable.name}: no validation gave a finite {self.metric!r}, so no checkpoint can be chosen"
            )
        return Trained(
            best=self.job.folder / "best.safetensors",
            best_step=self.best["step"],
            best_value=self.best["value"],
            steps=self.step,
            stopped=self.stopped,
            seconds=self._seconds(),
            waited=self.batches.waited,
            curve=self.curve,
            model=self.model,
            data=self.validation,
        )

    def _one_step(self) -> dict[str, float]:
        import torch

        job, step = self.job, self.step
        own = seed_everything(job.seed, "step", step, self.processes.rank)
        batch, rng = self.batches.of(step)
        if not self.processes.first:  # all draw one batch, but what the loss draws is each share's own
            rng = own
        parts = parts_of(to_device(self.processes.share(batch), self.device), self.parts)
        self.model.train()
        values: dict[str, Any] = {}
        for phase in self.optimisers.phases:
            context = Context(step, self.config.steps, job.seed, self.device, rng, phase)
            if not getattr(self.trainable, "active", _always)(phase, context):
                continue
            prefix = f"{phase}." if phase else ""
            for part in parts:
                with torch.autocast(self.device, torch.bfloat16, enabled=self.type == "bfloat16"):
                    losses = self.trainable.loss(self.model, part, context)
                self.optimisers.backward(phase, losses["loss"] / len(parts))
                for name, value in losses.items():
                    values[prefix + name] = values.get(prefix + name, 0.0) + value.detach() / len(parts)
            self.processes.average_gradients(self.optimisers.parameters[phase])
            values[prefix + "gradient"] = self.optimisers.step(phase, step)
        self._share_statistics()
        # one look at the device per step: it computes while the next kernels are being launched
        numbers = torch.stack([torch.as_tensor(v).float().to(self.device) for v in values.values()])
        self.processes.average([numbers])
        found = dict(zip(values, numbers.tolist(), strict=True))
        for name, value in found.items():
            if name.rpartition(".")[2] == "loss" and not math.isfinite(value):
                raise NothingDoneError(
                    f"{self.trainable.name}: the loss at step {step} is {value}: the training diverged. "
                    "Train again with a smaller --set learning_rate or more --set warmup_steps"
                )
        if self.average is not None:
            self.average.update(self.model, step)
        return found

    def _share_statistics(self) -> None:
        """Let all processes have what the first one's share has left in the model besides weights (running means)."""
        if self.processes.size > 1:
            kept, buffers = self.model.state_dict().keys(), self.model.named_buffers()
            self.processes.take_first([b for name, b in buffers if name in kept and b.is_floating_point()])

    def _check(self) -> None:
        """Validate and save, while the other processes wait."""
        if self.processes.first:
            self._validate()
            self._save()
        self.stopped = self.processes.told(self.stopped)

    def _validate(self) -> None:
        with self._chosen_weights():
            values = validate(self.job, self.model, self.validation, self.step)
            self._add("validation", values)
            value = finite(values)[self.metric]
            if value is not None and better(value, self.best["value"], self.direction):
                self.best = {"step": self.step, "value": value}
                save_tensors(self.job.folder / "best.safetensors", self.model.state_dict())

    @contextlib.contextmanager
    def _chosen_weights(self) -> Iterator[None]:
        """The model with the weights that are validated and kept: the moving average's, if there is one."""
        if self.average is None:
            yield
            return
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average.state)
        yield
        self.model.load_state_dict(own)

    def _save(self) -> None:
        groups = {"model": self.model.state_dict(), "optimiser": self.optimisers.state()}
        if self.average is not None:
            groups["average"] = self.average.state
        document = {"best": self.best, "seconds": self._seconds(), "stopped": self.stopped}
        save_checkpoint(self.job.folder / "last", self.step, groups, document)

    def _log(self, split: str, values: Mapping[str, float]) -> None:
        """A line of the curve; its callbacks' word that the run ends here holds for all processes."""
        if self.processes.first:
            self._add(split, values)
        self.stopped = self.processes.told(self.stopped)

    def _add(self, split: str, values: Mapping[str, float]) -> None:
        self.curve.add(Line(self.step, split, values, round(self._seconds(), 3)))
        self.stopped |= self._tell(self.curve.lines[-1])

    def _tell(self, line: Line) -> bool:
        told = [callback(line.split, line.step, line.values, self.job.folder) for callback in self.job.callbacks]
        return any(told)

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started


def validate(job: Job, model: Any, data: TrainingData, step: int) -> dict[str, float]:
    """The trainable's validation numbers; every validation of a run draws the same examples."""
    import torch

    model.eval()
    with torch.no_grad():
        values = dict(job.trainable.validate(model, data, validation_context(job, step)))
    metric = job.trainable.chosen_by[0]
    if metric not in values:
        raise UsageError(
            f"{job.trainable.name} is chosen by {metric!r}, which its validate does not give: {list(values)}"
        )
    return values


def validation_context(job: Job, step: int) -> Context:
    """The context of validating and of writing the card: seeded by the run's seed alone."""
    rng = seed_everything(job.seed, "validation")
    return Context(step, job.config.steps, job.seed, job.device, rng)


def _always(phase: str, context: Context) -> bool:
    return True


def _chosen_by(trainable: Trainable) -> tuple[str, Direction]:
    metric, direction = trainable.chosen_by
    if direction not in (Direction.HIGHER, Direction.LOWER):
        raise UsageError(f"{trainable.name}: chosen_by needs the direction higher or lower, it is {direction!r}")
    return metric, direction


def _divisor(number: int, most: int) -> int:
    """The largest divisor of `number` that is at most `most`: lines of the curve and checkpoints then fall together."""
    return next(d for d in range(min(number, most), 0, -1) if number % d == 0)
