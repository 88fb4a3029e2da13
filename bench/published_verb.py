"""`emotalk published`: what others printed, how far they are apart, and EAT's per-clip scores under our statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import Outcome
from bench.contract.errors import ExitCode

if TYPE_CHECKING:
    from bench import cli
    from bench.workspace import Workspace


def published(flags: cli.Published, space: Workspace, command: str) -> Outcome:
    """Prints everything; with --out also writes published.html and published.md there."""
    from bench.contract.files import whole_file
    from bench.published import per_clip_record
    from reports.published import claims, disagreements, load_published
    from reports.publishedpage import blocks, page
    from reports.textblock import markdown, terminal

    sources = load_published()
    record = per_clip_record(sources, seed=flags.seed)
    made = blocks(sources, record)
    lines, files = [terminal(made)], []
    if flags.out is not None:
        flags.out.mkdir(parents=True, exist_ok=True)
        texts = {"published.md": markdown(made), "published.html": page(made)}
        for name, text in texts.items():
            with whole_file(flags.out / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
        record.save(flags.out / "eat100-scores.json")
        files = [str(flags.out / name) for name in (*texts, "eat100-scores.json")]
        lines += files
    document = {
        "sources": [source.model_dump(mode="json") for source in sources],
        "claims": len(claims(sources)),
        "disagreements": [
            {
                "method": d.method,
                "dataset": d.dataset,
                "quantity": d.quantity,
                "ratio": d.ratio,
                "claims": [{"source": c.source.source, "value": c.value} for c in d.claims],
            }
            for d in disagreements(sources)
        ],
        "scores": record.model_dump(mode="json"),
        "files": files,
        "exit_code": 0,
    }
    return Outcome(ExitCode.DONE, document, "\n".join(lines))
