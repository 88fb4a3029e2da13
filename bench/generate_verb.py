"""`emotalk generate`: finds the method and the selection, makes the videos, says what came out."""

from __future__ import annotations

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import ExitCode
from bench.tracking.mirror import SILENT, Mirror
from bench.tracking.rows import tell_generated
from bench.verbs import selection_of
from bench.workspace import Workspace


def generate_verb(flags: cli.Generate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from baselines.registry import find_method
    from bench.generate import generate as generate_videos

    spec = find_method(flags.method, flags.checkpoint)
    selection = selection_of(flags, space)
    out = flags.out or space.generated(spec.label, flags.label)
    mirror.begin("generate", f"generate {spec.label} {flags.label}")
    made = generate_videos(spec, selection, out, seed=flags.seed, jobs=flags.jobs, limit=flags.limit)
    tell_generated(mirror, made, selection)
    lines = [f"{made.method}: {', '.join(f'{n} {s}' for s, n in sorted(made.counts.items()))} "
             f"({made.made} made, {made.reused} from before, {made.seconds:.1f} s) in {out}"]  # fmt: skip
    lines += [
        f"  {i['clip_id']}: {i['status']}: {i['reason']}: {i['detail']}" for i in made.items if i["status"] == "failed"
    ][:10]
    code = ExitCode.SOME_FAILED if made.failed else ExitCode.DONE
    if made.failed and len(made.failed) == len(made.items):
        code = ExitCode.NOTHING_DONE
    document = {
        "method": made.method,
        "folder": str(out),
        "counts": made.counts,
        "items": made.items,
        "exit_code": int(code),
    }
    return Outcome(code, document, "\n".join(lines))
