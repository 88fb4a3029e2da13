"""docs/formats.md, made from the code: `python -m bench.formats > docs/formats.md`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from bench.contract.cues import FIELDS
from bench.contract.errors import ExitCode, Reason
from bench.contract.result import CLIP_COLUMNS, SCHEMA_VERSION, Result
from bench.data.store import RECORD_COLUMNS

EXIT_WORDS = {
    ExitCode.DONE: "done; rejected inputs and known-faulty files are listed (`--strict` makes that 4)",
    ExitCode.CRASHED: 'crash, or "regressed"',
    ExitCode.WRONG_USE: "wrong use",
    ExitCode.NOTHING_DONE: "nothing could be done",
    ExitCode.SOME_FAILED: "some items failed that should not have",
    ExitCode.COULD_NOT_TELL: "could not tell",
}
TREE = """\
$EMOTALK_WORK (default ./work)
  datasets/<dataset>[-<profile>]/    trees that the suite renders or fetches itself
  store/<dataset>[-<profile>]/       the clip store
    manifest.parquet                 one row per prepared clip
    rejected.parquet                 one row per input that is not used: clip_id, path, reason, detail, known
    selections/<manifest>-<part>.json  scored clips with partners and reference images, fixed once;
                                     beside it <manifest>-<part>.rejected.parquet
    references/<clip_id>-<hash>.png  reference images
    clips/<clip_id>/                 face.mp4, audio.wav, cues.safetensors, record.json;
                                     cues_native.safetensors (source above 25 fps), truth.safetensors (embedded dataset)
  generated/<method>/<dataset>/      <clip_id>.mp4 (or <clip_id>.cues.safetensors), items/<clip_id>.json, generated.json
  results/<name>/                    result.json, clips.parquet, items.parquet, rejected.parquet, samples/
  cache/                             features and scores under content keys, weights
  report/<name>/                     report.html, table.md, table.csv, media/"""


def page() -> str:
    """The page as Markdown."""
    lines = [
        "# Files and formats",
        "",
        "Made from the code by `python -m bench.formats`.",
        "",
        "## Where things are",
        "",
    ]
    lines += ["```", TREE, "```", "", "## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {int(code)} | {EXIT_WORDS[code]} |" for code in ExitCode]
    lines += ["", "## Reasons", "", "Words that stand in rejected.parquet, clips.parquet and result.json:", ""]
    lines += [", ".join(f"`{reason}`" for reason in Reason), "", "## cues.safetensors", "", "T frames at 25 fps.", ""]
    lines += ["| array | shape | type |", "|---|---|---|"]
    lines += [
        f"| {n} | {('T', *s)} | {'uint8' if n == 'valid' else 'float32'} |".replace("'T'", "T")
        for n, s in FIELDS.items()
    ]
    lines += [
        "",
        "## clips.parquet",
        "",
        "Long form, one row per clip and metric.",
        "",
        "| column | type |",
        "|---|---|",
    ]
    lines += [f"| {name} | {kind} |" for name, kind in CLIP_COLUMNS.items()]
    lines += ["", "## manifest.parquet of a store", "", ", ".join(f"`{name}`" for name in RECORD_COLUMNS), ""]
    lines += [
        f"## result.json, schema_version {SCHEMA_VERSION}",
        "",
        "Unknown keys are refused; missing is null, never 0.",
    ]
    for model in _models(Result):
        about = (model.__doc__ or "").strip().splitlines()
        lines += ["", f"### {model.__name__}", ""] + ([about[0], ""] if about else []) + ["| key | type |", "|---|---|"]
        for name, field in model.model_fields.items():
            kind = str(field.annotation).replace("typing.", "").replace("bench.contract.result.", "").replace("|", "or")
            kind = kind.removeprefix("<class '").removesuffix("'>").removeprefix("bench.contract.metric.")
            lines.append(f"| {name} | {kind}{': ' + field.description if field.description else ''} |")
    return "\n".join(lines) + "\n"


def _models(model: type[BaseModel], seen: set | None = None) -> Iterator[type[BaseModel]]:
    seen = set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _models(kind, seen)


if __name__ == "__main__":
    print(page(), end="")
