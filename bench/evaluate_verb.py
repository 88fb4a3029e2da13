"""`emotalk evaluate`: finds the selection and the protocols, scores, prints the table."""

from __future__ import annotations

from pathlib import Path

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError
from bench.tracking.mirror import SILENT, Mirror
from bench.tracking.rows import tell_evaluated
from bench.verbs import failures_of, listed, result_name, selection_of
from bench.workspace import Workspace


def evaluate_verb(flags: cli.Evaluate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.evaluate import evaluate_under
    from bench.generate import read_card
    from bench.protocols import load_protocols
    from bench.video_folder import row_name
    from reports.terminal import terminal

    selection = selection_of(flags, space)
    protocols = load_protocols(flags.protocol)
    card = read_card(flags.videos) if flags.videos.is_dir() else None
    label = flags.name or (card.label if card else row_name(flags.videos))
    title = f"evaluate {label} {flags.label}"
    mirror.begin("evaluate", title)

    def place(protocol: str) -> Path:
        if flags.out:
            return flags.out / protocol if len(protocols) > 1 else flags.out
        return space.results(result_name(flags, label, protocol, selection, card.seed if card else None))

    if flags.out and flags.out.expanduser().resolve() == flags.videos.resolve():
        raise UsageError(f"--out {flags.out}: is the folder of the videos; results need one of their own")
    folders, empty = evaluate_under(
        {place(protocol.name): protocol for protocol in protocols},
        selection,
        flags.videos,
        name=flags.name,
        framing=flags.framing,
        missing=flags.missing,
        cache=space.cache,
        seed=flags.seed,
        jobs=flags.jobs,
        limit=flags.limit,
        device=flags.device,
        command=command,
    )
    clip_ids = [row.clip.clip_id for row in selection.limited(flags.limit)]
    tell_evaluated(mirror, title, folders, empty, flags.videos, selection, clip_ids)
    code = ExitCode.SOME_FAILED if empty or any(done.failed for done in folders) else ExitCode.DONE
    text = "\n".join([terminal([d.folder for d in folders]), *failures_of(folders)])
    text += "".join(f"\n{line}" for line in listed("not evaluated", [str(error) for error in empty]))
    text += "".join(f"\n{d.folder / 'result.json'}" for d in folders)
    document = {
        "results": [{"folder": str(d.folder), **d.result.model_dump(mode="json")} for d in folders],
        "failures": [str(error) for error in empty],
        "exit_code": int(code),
    }
    return Outcome(code, document, text)
