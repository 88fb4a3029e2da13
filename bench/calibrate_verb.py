"""`emotalk calibrate`: does every column answer to known damage as was declared beforehand?"""

from __future__ import annotations

from pathlib import Path

from bench import cli
from bench.atomic import own_folder, read_json, whole_folder
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError
from bench.data.store import Selection, Store
from bench.tracking.mirror import SILENT, Mirror
from bench.workspace import Workspace

FILES = frozenset({"calibration.json", "calibration.md", "calibration.html"})
KIND = "calibration"


def calibrate_verb(flags: cli.Calibrate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    """Prepare, damage, score, judge; exit code 4 if an item failed, 5 if not one verdict could be reached."""
    from bench.calibration.declaration import load_declaration
    from bench.calibration.run import Setting, calibrate
    from bench.calibration.table import counts, markdown, terminal, took
    from bench.verbs import prepare, result_name, say
    from reports.calibration_page import build_calibration

    declaration = load_declaration()
    names = [name.strip() for name in (flags.damages or "").split(",") if name.strip()]
    if flags.damages is not None and not names:
        raise UsageError("--damages is empty: expected names separated by commas, or leave the flag out for all")
    if names:
        declaration = declaration.only(names)
    if flags.out is not None:
        own_folder(flags.out, FILES, KIND)
    prepared = prepare(flags, space, command, mirror)
    say(prepared.text)
    written = Path(prepared.document["selection"])
    selection = Selection(Store(space.store(flags.label)), read_json(written), written)
    name = result_name(flags, "+".join(names) or None, declaration.protocol, selection)
    out = own_folder(flags.out or space.root / "results" / "calibration" / name, FILES, KIND)
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
    # of clips that were not taken nothing is known
    code = ExitCode.SOME_FAILED if done.failed or prepared.code != ExitCode.DONE else ExitCode.DONE
    if code == ExitCode.DONE and found["not-shown"] == sum(found.values()):
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
        took(done.calibration),
        str(out / "calibration.md"),
        str(out / "calibration.html"),
    ]
    return Outcome(code, document, "\n".join(text))
