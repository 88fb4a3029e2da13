"""The tables of docs/metrics.md and docs/weights.md, made from the code: `python -m bench.metric_list`."""

from __future__ import annotations

from pathlib import Path

from bench.contract.metric import Direction, Family, Metric
from bench.plan import kind_of
from bench.protocols import load_protocol
from bench.weight_registry import registry

DOCS = Path(__file__).resolve().parents[1] / "docs"
COMPARES = {
    "frames": "frames, real and generated",
    "cues": "face cues, real and generated",
    "pair": "clip, real and generated",
    "own": "each video by itself",
    "set": "all clips together",
}
BETTER = {Direction.HIGHER: "higher", Direction.LOWER: "lower", Direction.ZERO: "zero", Direction.MATCH: "as real"}
PAGE = {
    Family.IMAGE: "metrics-image",
    Family.LANDMARKS: "below",
    Family.STABILITY: "metrics-image",
    Family.POSE: "metrics-motion",
    Family.GAZE: "metrics-gaze",
    Family.EMOTION: "metrics-emotion",
    Family.COHESION: "metrics-cohesion",
}
PAGE_OF = {"SSIM": "below", "PSNR": "below", "Div-face": "metrics-motion", "AV-offset": "metrics-syncnet"}
PAGE_BY_START = {
    "LSE": "metrics-syncnet",
    "SX": "metrics-sync-expert",
    "Mouth": "metrics-motion",
    "Blink": "metrics-motion",
}


def metric_table() -> str:
    """Every column of the default protocol: what it compares, what it needs, its options and the page about it."""
    protocol, lines = _protocol(), []
    lines += [
        "| metric | family | better | unit | measured on | needs | options | page |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for metric in _metrics():
        page = page_of(metric)
        options = ", ".join(f"`{key}` = {protocol.options[key]}" for key in metric.protocol_keys)
        lines.append(
            f"| {metric.name}{' (primary)' if metric.primary else ''} | {metric.family.value} | {BETTER[metric.direction]} "
            f"| {metric.unit} | {COMPARES[kind_of(metric)]} | {', '.join(needs(metric)) or '-'} | {options or '-'} "
            f"| {page if page == 'below' else f'[{page}]({page}.md)'} |"
        )
    return "\n".join(lines)


def weight_table() -> str:
    """Every weight file and expert with the columns that need it."""
    users: dict[str, list[str]] = {name: [] for name in registry()}
    for metric in _metrics():
        for name in needs(metric):
            users.setdefault(name, []).append(metric.name)
    lines = ["| file | columns |", "|---|---|"]
    for name, columns in users.items():
        if name == "face_landmarker":
            columns = ["every column that reads face cues: landmarks, pose, gaze, blinks, mouth, crops of faces"]
        lines.append(f"| `{name}` | {', '.join(columns) or 'none of the default protocol'} |")
    return "\n".join(lines)


def needs(metric: Metric) -> list[str]:
    """Names of the weights and experts behind a metric, its extractors' included."""
    from metrics.extractors.registry import extractor_class

    classes = [extractor_class(name) for name in metric.extractors]
    return list(dict.fromkeys([*metric.needs, *(n for cls in classes for n in (*cls.needs, *cls.experts))]))


def page_of(metric: Metric) -> str:
    """The page of docs/ about a metric, without .md; "below" for what docs/metrics.md describes itself."""
    start = next((page for start, page in PAGE_BY_START.items() if metric.name.startswith(start)), None)
    return PAGE_OF.get(metric.name) or start or PAGE[metric.family]


def with_table(text: str, table: str) -> str:
    """`text` with the table between its two marks replaced; ValueError without the marks."""
    before, begin, rest = text.partition("<!-- made by python -m bench.metric_list -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (begin and end):
        raise ValueError("expected the marks <!-- made by python -m bench.metric_list --> and <!-- end --> in the page")
    return f"{before}{begin}{table}\n{end}{after}"


PAGES = {"metrics.md": metric_table, "weights.md": weight_table}


def _protocol():
    return load_protocol("emotalk")


def _metrics() -> list[Metric]:
    from metrics.registry import get_metrics

    protocol = _protocol()
    return list(get_metrics(protocol.metrics, protocol.options))


if __name__ == "__main__":
    for name, table in PAGES.items():
        path = DOCS / name
        path.write_text(with_table(path.read_text(encoding="utf-8"), table()), encoding="utf-8")
