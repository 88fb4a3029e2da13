"""`emotalk calibrate`: does every column answer to known damage as was declared beforehand?"""

from __future__ import annotations

from bench import cli
from bench.atomic import read_json, whole_folder
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError
from bench.data.store import Selection, Store
from bench.tracking.mirror import SILENT, Mirror
from bench.workspace import Workspace


def calibrate_verb(flags: cli.Calibrate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    """Prepare, damage, score, judge; exit code 4 if an item failed, 5 if not one verdict could be reached."""
    from pathlib import Path

    from bench.calibration.declaration import load_declaration
    from bench.calibration.run import Setting, calibrate
    from bench.calibration.table import counts, markdown, terminal
    from bench.verbs import prepare, result_name, say
    from reports.calibration_page import build_calibration

    declaration = load_declaration()
    names = [name.strip() for name in (flags.damages or "").split(",") if name.strip()]
    if flags.damages is not None and not names:
        raise UsageError("--damages is empty: expected names separated by commas, or leave the flag out for all")
    if names:
        declaration = declaration.only(names)
    prepared = prepare(flags, space, command, mirror)
    say(prepared.text)
    written = Path(prepared.document["selection"])
    selection = Selection(Store(space.store(flags.label)), read_json(written), written)
    name = result_name(flags, "+".join(names) or None, declaration.protocol, selection)
    out = flags.out or space.root / "results" / "calibration" / name
    taken = out.is_dir() and {path.name for path in out.iterdir()} - {
        "calibration.json",
        "calibration.md",
        "calibration.html",
    }
    if taken or (out.exists() and not out.is_dir()):
        raise UsageError(
            f"--out {out}: expected a new folder, or one that holds an earlier calibration and nothing else"
        )
    mirror.begin("calibrate", f"calibrate {flags.label}")
    setting = Setting(
        selection=selection,
        space=space,
        label=flags.label,
        seed=flags.seed,
        jobs=flags.jobs,
        limit=flags.limit,
        device=flags.device,
        command=command,
    )
    done = calibrate(declaration, setting, say)
    with whole_folder(out) as folder:
        done.calibration.save(folder / "calibration.json")
        (folder / "calibration.md").write_text(markdown(done.calibration), encoding="utf-8")
        build_calibration(folder / "calibration.json", folder)
    found = counts(done.calibration)
    code = ExitCode.SOME_FAILED if done.failed else ExitCode.DONE
    if not done.failed and found["not-shown"] == sum(found.values()):
        code = ExitCode.COULD_NOT_TELL
    document = {
        "folder": str(out),
        "verdicts": found,
        "failed": done.failed,
        **done.calibration.model_dump(mode="json"),
        "exit_code": int(code),
    }
    failures = [f"{done.failed} items or values failed that should not have"] if done.failed else []
    text = [
        terminal(done.calibration),
        *failures,
        f"took {done.calibration.wall_seconds:.0f} s",
        str(out / "calibration.md"),
        str(out / "calibration.html"),
    ]
    return Outcome(code, document, "\n".join(text))
