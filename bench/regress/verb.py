"""`emotalk regress`: a row against a frozen reference, with an exit code; or, with --freeze, the row as a new reference."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from bench import cli
from bench.atomic import own_folder, read_json, whole_folder
from bench.cli import Outcome
from bench.contract.errors import ExitCode, NothingDoneError, UsageError
from bench.data.store import Selection, Store
from bench.flags.inherited import OnClips
from bench.tracking.mirror import SILENT, Mirror
from bench.workspace import Workspace

if TYPE_CHECKING:
    from bench.compare import Row
    from bench.regress.reference import Frozen

FILES = ("verdict.json", "verdict.md", "junit.xml")
DEFAULT_PROTOCOL = "emotalk"


def regress_verb(flags: cli.Regress, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    """Exit code 0 not worse, 1 regressed, 5 could not tell; UsageError where the row is not measured as the reference was.

    MissingValues (exit code 4) where outputs or values lack that the reference has.
    """
    given = [name for name in ("method", "videos", "result") if getattr(flags, name) is not None]
    if len(given) != 1:
        raise UsageError(
            f"expected one of --method NAME, --videos FOLDER and --result ROW, got {' and '.join(given) or 'none'}"
        )
    if flags.checkpoint is not None and flags.method is None:
        raise UsageError("--checkpoint: is of a method; give --method NAME too")
    if flags.limit is not None:
        raise UsageError("--limit: the clips are those of the reference, all of them")
    if flags.freeze:
        return _freeze(flags, space, command, mirror)
    return _gate(flags, space, command, mirror)


def _gate(flags: cli.Regress, space: Workspace, command: str, mirror: Mirror) -> Outcome:
    from bench.regress.gate import gate
    from bench.regress.reference import load_reference, places
    from reports.junit import junit
    from reports.regression import markdown, terminal

    frozen = load_reference(flags.reference, places(space.root, flags.references))
    protocol = frozen.record.protocol.name
    if flags.protocol not in (None, protocol):
        raise UsageError(f"--protocol {flags.protocol}: the reference {frozen.record.name} was made under {protocol}")
    if flags.out:
        own_folder(flags.out, FILES, "verdict")
    row = _row(flags, space, command, mirror, protocol, frozen)
    record = gate(row, frozen, flags.seed, command)
    name = "".join(c if c.isalnum() or c in "-_@.+~" else "-" for c in f"{record.row}--against--{record.reference}")
    out = flags.out or space.root / "regressions" / name[:120]
    with whole_folder(out) as folder:
        record.save(folder / "verdict.json")
        (folder / "verdict.md").write_text(markdown(record), encoding="utf-8")
        (folder / "junit.xml").write_text(junit(record), encoding="utf-8")
    code = record.exit_code
    document = {"folder": str(out), **record.model_dump(mode="json"), "exit_code": int(code)}
    return Outcome(code, document, f"{terminal(record)}\n{out / 'verdict.md'}")


def _freeze(flags: cli.Regress, space: Workspace, command: str, mirror: Mirror) -> Outcome:
    from bench.regress.conditions import of_cues
    from bench.regress.declaration import load_declaration
    from bench.regress.margins import control_rows, margins_of, within_reach
    from bench.regress.reference import freeze
    from reports.ruler import find_ruler

    row = _row(flags, space, command, mirror, flags.protocol or DEFAULT_PROTOCOL, None)
    declaration = load_declaration(of_cues(row.result.metrics))
    controls = control_rows(row.result, declaration, space.root / "results")
    ruler = find_ruler(row.result, [space.root / "results" / "calibration"])
    margins, ungated = within_reach(row.result, *margins_of(controls, declaration, flags.seed, ruler))
    if not margins:
        said = "; ".join(f"{one.metric}: {one.reason}" for one in ungated)
        raise NothingDoneError(f"{row.result.name}: no metric has a margin, nothing to freeze: {said}")
    about = {
        "declaration_sha256": declaration.sha256,
        "ruler": ruler if isinstance(ruler, str) else ruler.made_of,
    }
    folder = flags.references or space.root / "references"
    path = freeze(row, flags.reference, margins, ungated, folder, about)
    lines = [f"{m.metric}: margin {m.margin:.4g}, {100 * m.share:g} % of the distance to {m.control}" for m in margins]
    lines += [f"not in the gate: {one.metric}: {one.reason}" for one in ungated]
    document = {
        "reference": str(path),
        "row": row.result.name,
        "margins": [m.model_dump(mode="json") for m in margins],
        "ungated": [one.model_dump(mode="json") for one in ungated],
        "exit_code": 0,
    }
    return Outcome(ExitCode.DONE, document, "\n".join([f"frozen: {row.result.name}", *lines, str(path)]))


def _row(
    flags: cli.Regress, space: Workspace, command: str, mirror: Mirror, protocol: str, frozen: Frozen | None
) -> Row:
    """The row to look at, made first where it is not a result yet; what cannot be compared is refused before it is made."""
    from bench import verbs
    from bench.compare import find_row, load_row
    from bench.regress.conditions import of_cues, refuse_other_space

    if flags.result is not None:
        return load_row(find_row(flags.result, space.root / "results"))
    if flags.method is not None:
        from baselines.registry import find_method

        spec = find_method(flags.method, flags.checkpoint)
        if frozen is not None and spec.cues_only:
            refuse_other_space(frozen.record.name, of_cues(frozen.record.ungated), True, flags.method)
        spec.load()  # what cannot be loaded is said before anything is prepared
    elif not flags.videos.is_dir():
        raise UsageError(f"--videos {flags.videos}: expected a folder of <clip_id>.mp4 files, found no folder there")
    common = {f.name: getattr(flags, f.name) for f in fields(OnClips)}
    prepared = verbs.prepare(cli.Prepare(**common, root=flags.root), space, command, mirror)
    verbs.say(prepared.text)
    if frozen is not None:
        _refuse_early(Path(prepared.document["selection"]), Store(space.store(flags.label)), flags.device, frozen)
    videos = flags.videos
    if videos is None:
        asked = cli.Generate(**common, method=flags.method, checkpoint=flags.checkpoint)
        made = verbs.generate(asked, space, command, mirror)
        verbs.say(made.text)
        if made.code == ExitCode.NOTHING_DONE:
            raise NothingDoneError(f"{flags.method}: not one clip could be generated")
        videos = Path(made.document["folder"])
    asked = cli.Evaluate(**common, videos=videos, framing=flags.framing, protocol=protocol, device=flags.device)
    [done] = verbs.evaluate(asked, space, command, mirror).document["results"]
    return load_row(Path(done["folder"]))


def _refuse_early(written: Path, store: Store, device: str, frozen: Frozen) -> None:
    """UsageError where the clips, the protocol or the networks that are about to be used are not those of the reference."""
    from bench.plan import make_plan
    from bench.protocols import load_protocol
    from bench.regress.conditions import About, refuse_unlike
    from bench.row_record import dataset_record, protocol_record

    record = frozen.record
    protocol = load_protocol(record.protocol.name)
    selection = Selection(store, read_json(written), written)
    rows = selection.limited(None)
    speakers = [row.clip.speaker for row in rows]
    plan = make_plan(protocol, selection.document["dataset"], selection.document["data_version"], speakers, device)
    about = About(
        dataset_record(selection, rows),
        protocol_record(protocol, record.protocol.framing, record.protocol.missing),
        plan.records(),
    )
    refuse_unlike(record.name, record, about, "what would be made")
