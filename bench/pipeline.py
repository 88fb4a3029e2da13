"""`emotalk run`: prepare, generate and evaluate every method, report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import EmotalkError, ExitCode, NothingDoneError, UsageError
from bench.tracking.mirror import SILENT, Mirror
from bench.tracking.rows import tell_evaluated, tell_generated
from bench.verbs import failures_of, listed, manifest_of, prepare, result_name, say
from bench.workspace import Workspace

if TYPE_CHECKING:
    from baselines.registry import MethodSpec


def run_pipeline(flags: cli.Run, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    """prepare -> generate and evaluate each method -> report; a method that fails altogether does not stop the others."""
    from baselines.registry import GROUPS, find_method
    from bench import rates
    from bench.atomic import read_json
    from bench.data.store import Selection, Store, frames_only_error
    from bench.evaluate import evaluate_under
    from bench.generate import generate as generate_videos
    from bench.protocols import load_protocols
    from bench.report_verb import written_files
    from bench.sheet import sheets_of
    from bench.spread import build_spread
    from reports.html import build
    from reports.terminal import terminal

    started = time.monotonic()
    manifest = manifest_of(flags)
    if manifest.card.get("frames_only"):
        raise frames_only_error(manifest.name)
    specs = specs_of(flags.methods)
    if not specs:
        raise UsageError("--methods is empty; `emotalk methods` lists them")
    # what cannot be loaded is said before an hour of preparing
    for spec in specs:
        spec.identity()
    protocols = load_protocols(flags.protocol)
    prepared = prepare(flags, space, command, mirror)
    say(prepared.text)
    worst, stages = prepared.code, {"prepare": prepared.document["seconds"]}
    written = Path(prepared.document["selection"])
    selection = Selection(Store(space.store(flags.label)), read_json(written), written)
    rows, failures = [], []
    measured = rates.RowsClock(space.root, flags.label, flags.jobs, flags.methods)
    for spec in specs:
        clock = time.monotonic()
        try:
            mirror.begin("generate", f"generate {spec.label} {flags.label}")
            made = generate_videos(
                spec,
                selection,
                space.generated(spec.label, flags.label),
                seed=flags.seed,
                jobs=flags.jobs,
                limit=flags.limit,
            )
            tell_generated(mirror, made, selection)
            title = f"evaluate {spec.label} {flags.label}"
            mirror.begin("evaluate", title)
            under = {
                space.results(result_name(flags, spec.label, protocol.name, selection)): protocol
                for protocol in protocols
            }
            done, empty = evaluate_under(
                under,
                selection,
                made.folder,
                name=spec.name,
                missing=flags.missing,
                cache=space.cache,
                seed=flags.seed,
                jobs=flags.jobs,
                limit=flags.limit,
                device=flags.device,
                command=command,
            )
            clip_ids = [item["clip_id"] for item in made.items]
            tell_evaluated(mirror, title, done, empty, made.folder, selection, clip_ids)
            for error in empty:
                _failed(spec.name, error, failures)
        except UsageError:
            raise
        except EmotalkError as error:
            mirror.failed(str(error))
            _failed(spec.name, error, failures)
            worst = max(worst, ExitCode.SOME_FAILED)
            continue
        rows += done
        if empty or any(one.failed for one in done):
            worst = max(worst, ExitCode.SOME_FAILED)
        counts = ", ".join(f"{n} {s}" for s, n in sorted(made.counts.items()))
        stages[spec.name] = round(time.monotonic() - clock, 2)
        say(f"{spec.name}: {counts}; {stages[spec.name]:.1f} s")
        measured.row(fresh=made.reused == 0 and not any(one.reused for one in done))
    if not rows:
        raise NothingDoneError(
            "no method could be evaluated: " + "; ".join(f"{f['method']}: {f['message']}" for f in failures)
        )
    frames = [row.clip.n_frames for row in selection.limited(flags.limit)]
    named = "+".join(protocol.name for protocol in protocols)
    rates.add(space.cache, measured.rates(frames, named))
    folders = [row.folder for row in rows]
    # a run of fewer rows does not take the place of the report of all controls
    typed = [n.strip() for n in flags.methods.split(",") if n.strip()]
    own = "+".join(dict.fromkeys(n if n in GROUPS else find_method(n).label for n in typed))
    out = space.report / result_name(flags, None if own == "controls" else own, named, selection)
    mirror.begin("report", f"report {out.name}")
    sheets = sheets_of([folder / "result.json" for folder in folders], space, flags.jobs) if flags.sheet else ()
    done = build(folders, out, sheets)
    several = len({row.result.protocol.name for row in rows}) > 1
    spread = build_spread(folders, out, flags.seed) if several else None
    mirror.reported((*done.files, *(spread.files if spread else ())), out, folders)
    total = time.monotonic() - started
    lines = [terminal(folders), *failures_of(rows)]
    lines += listed("not evaluated", [f"{f['method']}: {f['message']}" for f in failures])
    lines += written_files(done)
    lines += [f"spread between protocols: {out / 'spread.html'}"] if spread else []
    lines += [f"took {total:.0f} s ({stages['prepare']:.0f} s of it prepare)"]
    document = {
        "report": str(out / "report.html"),
        "spread": str(out / "spread.html") if spread else None,
        "results": [str(f) for f in folders],
        "prepare": prepared.document,
        "failures": failures,
        "seconds": total,
        "stages": stages,
        "exit_code": int(worst),
    }
    return Outcome(worst, document, "\n".join(lines))


def specs_of(methods: str) -> list[MethodSpec]:
    """The rows of --methods in its order, each once however it is written: blur~1 and blur~1.0 are one."""
    from baselines.registry import expand, find_method

    found: dict[str, MethodSpec] = {}
    for name in expand(methods):
        spec = find_method(name)
        found.setdefault(spec.label, spec)
    return list(found.values())


def _failed(method: str, error: EmotalkError, failures: list[dict[str, str]]) -> None:
    """Tell that a method came to nothing, altogether or under one protocol."""
    failures.append({"method": method, "message": str(error)})
    say(f"{method}: {error}")
