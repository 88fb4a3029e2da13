"""Are damaged checkpoints of the two-stage model caught by the columns that must see them, and is the intact one left alone?

    python -m bench.regress.checkpoints --checkpoint C --reference R --fewer-steps F [--write docs/regression.md]

C is the checkpoint that the frozen reference R was made with (default: the shipped one), F one of the same training with
fewer steps (emotalk train --method speech_to_cues as before, but --set steps=N). Each damage that
data_manifests/regression-checkpoints.toml declares is written as a checkpoint into regressions/checkpoints--R/ of the work
folder and held against R as `emotalk regress --checkpoint` does it; so is C. Where R is of cues alone, give --method
two_stage@cues: nothing is rendered then.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.registry import sha256_of
from baselines.shipped import weights_of
from bench import cli
from bench.contract.errors import EmotalkError, NothingDoneError, UsageError
from bench.contract.expert_file import card_path
from bench.contract.files import whole_file
from bench.contract.regression import RegressionRecord
from bench.regress.checkpoint_damages import CheckpointDamages, load_checkpoint_damages
from bench.regress.checkpoint_table import Check, markdown
from bench.regress.conditions import MissingValues, of_cues
from bench.regress.rates import rates
from bench.regress.reference import Frozen, load_reference, places
from bench.workspace import Workspace

DRAWS = 200
INTACT = "intact"
MARK = "damaged checkpoints"


@dataclass(frozen=True)
class Asked:
    """What is checked: the method, its checkpoint, the same trained less, the reference, and how rows are made."""

    method: str
    checkpoint: Path
    fewer_steps: Path
    frozen: Frozen
    references: Path | None
    jobs: int
    device: str


def write_all(asked: Asked, declared: CheckpointDamages, folder: Path) -> dict[str, Path]:
    """The intact checkpoint and every declared damage of it, by name; those that are made lie in `folder`, with what is rendered by.

    UsageError where the reference is of another checkpoint.
    """
    from baselines.two_stage.damaged_checkpoints import FEWER_STEPS, write_damaged, write_fewer_steps

    record = asked.frozen.record
    if record.method.checkpoint_sha256 not in (None, sha256_of(asked.checkpoint)):
        raise UsageError(
            f"--checkpoint {asked.checkpoint}: the reference {record.name} was made with another one; "
            "freeze one of it (emotalk regress --freeze)"
        )
    found = {INTACT: asked.checkpoint}
    for name, expected in declared.damages.items():
        found[name] = folder / f"{name}.safetensors"
        if name == FEWER_STEPS:
            write_fewer_steps(asked.checkpoint, asked.fewer_steps, found[name], expected.dose)
        else:
            write_damaged(asked.checkpoint, found[name], name, expected.dose, declared.seed)
    _take_along(asked.checkpoint, folder)
    return found


def _take_along(checkpoint: Path, folder: Path) -> None:
    """The parts of the model that lie beside its checkpoint go before the shipped ones: a damaged one needs the same beside it."""
    from baselines.two_stage.methods import GENERATOR, MAPPING

    for part in (GENERATOR, MAPPING):
        weights = checkpoint.parent / f"{part}.safetensors"
        for file in (weights, card_path(weights)):
            if weights.is_file():
                with whole_file(folder / file.name) as temporary:
                    shutil.copyfile(file, temporary)
            else:
                (folder / file.name).unlink(missing_ok=True)


def checks(asked: Asked, declared: CheckpointDamages, space: Workspace) -> list[Check]:
    """Every checkpoint through the gate, the intact one first."""
    folder = space.root / "regressions" / f"checkpoints--{asked.frozen.record.name}"
    in_cues = of_cues(asked.frozen.record.ungated)
    found = []
    for name, path in write_all(asked, declared, folder).items():
        expected = declared.damages.get(name)
        columns = () if expected is None else expected.cues if in_cues else expected.rendered
        try:
            record, problem = _gate(asked, name, path, space), None
        except (MissingValues, NothingDoneError) as error:
            record, problem = None, str(error)
        dose, told = (None, ()) if expected is None else (expected.dose, tuple(expected.told))
        found.append(Check(name, dose, tuple(columns), told, record, problem))
    return found


def _gate(asked: Asked, name: str, checkpoint: Path, space: Workspace) -> RegressionRecord:
    """The verdict of `emotalk regress` on a checkpoint, on the reference's clips and with its seed."""
    from bench.regress.verb import regress_verb

    record = asked.frozen.record
    dataset = record.dataset
    flags = cli.Regress(
        reference=record.name,
        method=asked.method,
        checkpoint=checkpoint,
        dataset=dataset.name,
        **({} if dataset.profile is None else {"profile": dataset.profile}),
        split=dataset.part,
        seed=record.seed,
        references=asked.references,
        jobs=asked.jobs,
        device=asked.device,
        wandb="off",
        out=space.root / "regressions" / f"{name}--against--{record.name}",
    )
    regress_verb(flags, space, "python -m bench.regress.checkpoints")
    return RegressionRecord.model_validate_json((flags.out / "verdict.json").read_text(encoding="utf-8"))


def _flags(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.regress.checkpoints",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--method", default="two_stage", help="the two-stage model; with @cues its cues alone")
    parser.add_argument(
        "--checkpoint", type=Path, help="of the frozen reference, its card beside it; default: as shipped"
    )
    parser.add_argument(
        "--fewer-steps", type=Path, required=True, help="of the same training with fewer steps (--set steps=N)"
    )
    parser.add_argument("--reference", required=True, help="frozen row of this checkpoint")
    parser.add_argument("--references", type=Path, help="folder of references, as for emotalk regress")
    parser.add_argument(
        "--draws", type=int, default=DRAWS, help="how often the intact checkpoint's clips are drawn anew"
    )
    parser.add_argument("--work", type=Path, help="state folder; default $EMOTALK_WORK, else ./work")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--write", type=Path, help="page whose section is replaced")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point."""
    flags = _flags(words)
    space = Workspace.open(flags.work)
    try:
        frozen = load_reference(flags.reference, places(space.root, flags.references))
        checkpoint = flags.checkpoint or weights_of("speech_to_cues")
        asked = Asked(flags.method, checkpoint, flags.fewer_steps, frozen, flags.references, flags.jobs, flags.device)
        found = checks(asked, load_checkpoint_damages(), space)
        [alarms] = rates(frozen, flags.draws, worse_by=(0.0,))
        text = markdown(frozen.record, sha256_of(checkpoint), found, alarms, flags.draws)
        if flags.write:
            write_into(flags.write, f"{MARK}, {'cues' if of_cues(frozen.record.ungated) else 'videos'}", text)
    except EmotalkError as error:
        sys.exit(str(error))
    print(text)


def write_into(page: Path, label: str, text: str) -> None:
    """Replace what stands between the marks of `label` in a page; UsageError if it has no such marks."""
    from bench.calibration.freeze import with_block

    content = with_block(page.read_text(encoding="utf-8"), label, text)
    with whole_file(page) as temporary:
        temporary.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
