"""docs/formats.md, made from the code: `python -m bench.formats > docs/formats.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel

from bench.contract.cues import FIELDS
from bench.contract.errors import ExitCode, Reason
from bench.contract.result import CLIP_COLUMNS, CLIP_STATUSES, SCHEMA_VERSION, Result
from bench.contract.sheet import Sheet
from bench.contract.traces import ClipTraces
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
    references/<clip_id>.json        which frame that is, so that it is looked for once
    clips/<clip_id>/                 face.mp4, audio.wav (not of frames only), cues.safetensors, record.json;
                                     cues_native.safetensors (source above 25 fps), truth.safetensors (embedded dataset)
  generated/<method>/<dataset>/      <clip_id>.mp4 (or <clip_id>.cues.safetensors), items/<clip_id>.json, generated.json
  runs/<name>/<run_id>/              a training: config.json, run.json, metrics.jsonl, last/, best.safetensors, card.json (docs/training.md)
  sweeps/<name>-<hash>/              a sweep: sweep.json, trials/<number>-<key>.json, table.md, table.json, table.csv (docs/sweeps.md)
    trials/<number>-<key>/           exported weights; cues/ or pixels/: outputs/ (as generated/..), result/ (as results/<name>/)
  experts/<family>/<name>.safetensors, .json  evaluators trained here, with their cards
  results/<name>/                    result.json, clips.parquet, items.parquet, rejected.parquet
    samples/<clip_id>.mp4            scored videos of some clips; real/<clip_id>.mp4 the real ones of six of them
    traces/<clip_id>.json            their cues as curves, real and generated
    sets/<collection>.safetensors    what clips gave to metrics of the whole set: "<clip_id>/<array>", labels in clips.parquet
    figures/<metric>.json            a document for a picture in the report, of metrics that have one
    cards/<expert>.json              the card of every trained network that was used
  results/calibration/<name>/        calibration.json, .md, .html: columns under damage (docs/calibration.md)
  calibration/<dataset>[-<profile>]/ the rows behind it, one folder like results/<name> for each damage and dose
  cache/                             under content keys; what is missing or damaged is made again
    cues/, features/<extractor>/     face cues and features of videos; a reason where a video gives none
    scores/, collected/, sets/       values of pairs and of real videos, arrays for sets, estimates of sets
    responses/                       comparisons of damaged rows with undamaged ones
    static/                          the static images that stand in for missing outputs
    weights/                         pretrained files (docs/weights.md)
    rates.json                       how fast this machine rendered, prepared and scored (docs/doctor.md)
    contact-sheets/<dataset>-<profile>-<part>/  sheet.json and its pictures
  comparisons/<row>--against--<others>/  compare.json, compare.md, compare.html
  power/<dataset>[-<profile>]--<part>--<protocol>/  power.json, power.md (docs/ruler-and-power.md)
  hypotheses/<dataset>[-<profile>]--<part>--<protocol>/  hypotheses.json, hypotheses.md, seeds.json (docs/hypotheses.md)
  references/                        regression-<name>.json and .safetensors, SHA256SUMS: frozen rows of your own (docs/regression.md)
  regressions/<row>--against--<reference>/  verdict.json, verdict.md, junit.xml
  regressions/checkpoints--<reference>/  damaged checkpoints of the reference's own, with their cards (docs/regression.md)
  report/<name>/                     report.html, table.md, table.csv, table.tex, media/
  jobs/<id>/                         what `emotalk submit` handed to Slurm: log and result (docs/clusters.md)
  wandb/                             the W&B mirror: offline runs, mirror.log (docs/tracking.md)"""

FRAMES_ONLY = """\
### Clips of frames only

A manifest whose card says `frames_only = true` (puppet `pretrain`) holds pictures to train a generator on. Its clips stand in a
store as all others do, with these differences: `emotion`, `level`, `sentence`, `audio_place` and `audio_difference_s` are null;
there is no audio.wav and face.mp4 has no sound track; the frames are independent pictures of one person, so no motion may be
read from them, and the face is sought anew in each; there are no partners and no reference image. The selection says
`"frames_only": true`. `Store.selection(...).scored` gives them as `Clip`s with `silent` True and `audio` None; `generate`,
`evaluate` and `run` refuse them.""".split("\n")


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
        "Long form, one row per clip and metric. `truth` is the real clip's own value, of metrics that measure one video.",
        "",
        "| status | meaning |",
        "|---|---|",
        *(f"| {status} | {words} |" for status, words in CLIP_STATUSES.items()),
        "",
        "| column | type |",
        "|---|---|",
    ]
    lines += [f"| {name} | {kind} |" for name, kind in CLIP_COLUMNS.items()]
    lines += ["", "## manifest.parquet of a store", "", ", ".join(f"`{name}`" for name in RECORD_COLUMNS), ""]
    lines += [*FRAMES_ONLY, ""]
    lines += [
        f"## result.json, schema_version {SCHEMA_VERSION}",
        "",
        "Unknown keys are refused; missing is null, never 0.",
    ]
    lines += _schema(Result)
    for title, words, model in (
        ("traces/<clip_id>.json", "Numbers only: no picture and no sound. Curves may differ in length.", ClipTraces),
        ("sheet.json", "Its pictures lie beside it.", Sheet),
    ):
        version = model.model_fields["schema_version"].default
        lines += ["", f"## {title}, schema_version {version}", "", words, *_schema(model)]
    return "\n".join(lines) + "\n"


def _schema(top: type[BaseModel]) -> list[str]:
    """A table of keys for a document and for every record inside it."""
    lines = []
    for model in _models(top):
        about = (model.__doc__ or "").strip().splitlines()
        lines += ["", f"### {model.__name__}", ""] + ([about[0], ""] if about else []) + ["| key | type |", "|---|---|"]
        for name, field in model.model_fields.items():
            kind = str(field.annotation).replace("typing.", "").replace("|", "or")
            kind = re.sub(r"bench\.contract\.\w+\.", "", kind).removeprefix("<class '").removeprefix("<enum '")
            kind = kind.removesuffix("'>")
            lines.append(f"| {name} | {kind}{': ' + field.description if field.description else ''} |")
    return lines


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
