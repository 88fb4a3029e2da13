"""`emotalk hypotheses`: reads the claims, tests what the work folder has rows for, writes the records and the page."""

from __future__ import annotations

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError
from bench.workspace import Workspace

FILES = ("hypotheses.json", "hypotheses.md", "seeds.json")


def hypotheses_verb(flags: cli.Hypotheses, space: Workspace, command: str) -> Outcome:
    """Exit code 5 where no hypothesis could be tested; UsageError for flags that choose clips, as the file has its own."""
    from bench.atomic import own_folder, whole_folder
    from bench.contract.files import whole_file
    from bench.hypotheses import judge, refuse_unknown
    from bench.hypotheses_seeds import seed_spread
    from reports.hypotheses import SHIPPED, load_hypotheses
    from reports.hypothesespage import blocks, page
    from reports.hypothesesseeds import blocks as seed_blocks
    from reports.textblock import markdown, terminal

    given = [name for name in ("profile", "split", "manifest", "limit") if getattr(flags, name) is not None]
    if given:
        raise UsageError(f"--{', --'.join(given)}: the file of hypotheses says on which clips they are tested")
    document, sha256 = load_hypotheses(flags.file)
    refuse_unknown(document)
    place = [space.label(document.dataset, document.profile), document.part, document.protocol]
    out = flags.out or space.root / "hypotheses" / "--".join([*place, *([flags.file.stem] if flags.file else [])])
    out = own_folder(out, FILES, "answer")
    name = flags.file.name if flags.file else f"reports/{SHIPPED}"
    record = judge(document, sha256, name, space.root / "results", flags.seed)
    made, seeds = blocks(record), None
    if flags.seeds:
        seeds = seed_spread(flags.seeds, document, sha256, space.root / "results")
        made += seed_blocks(seeds)
    with whole_folder(out) as folder:
        record.save(folder / "hypotheses.json")
        if seeds:
            seeds.save(folder / "seeds.json")
        (folder / "hypotheses.md").write_text(markdown(made), encoding="utf-8")
    files = [out / "hypotheses.md"]
    if flags.write:
        with whole_file(flags.write) as temporary:
            temporary.write_text(page(record, markdown(made), flags.seeds), encoding="utf-8")
        files.append(flags.write)
    tested = any(h.verdict != "not tested" for h in record.hypotheses)
    code = ExitCode.DONE if tested else ExitCode.COULD_NOT_TELL
    told = {"seeds": seeds.model_dump(mode="json") if seeds else None, "exit_code": int(code)}
    answer = {"folder": str(out), **record.model_dump(mode="json"), **told}
    return Outcome(code, answer, "\n".join([terminal(made), *map(str, files)]))
