"""The parts of a result record that describe a row: method, dataset, protocol, and notes for its reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from baselines.registry import WEIGHTS
from bench.contract.result import DatasetRecord, ItemCount, MethodRecord, Problem, ProtocolRecord
from bench.contract.seen import Labels
from bench.data.store import Selected, Selection, digest_of
from bench.generate import Card
from bench.protocols import Protocol


def method_record(card: Card | None, label: str) -> MethodRecord:
    """Who made the videos, as far as the folder says."""
    if card is None:
        return MethodRecord(name=label, version="unknown", consumes=[], kind="folder")
    return MethodRecord(
        name=label,
        version=card.version,
        consumes=card.consumes,
        kind=card.kind,
        checkpoint_sha256=card.identity["checkpoint"],
        seed=card.seed,
        altered=card.altered,
        saw_test_speakers=card.saw_test_speakers,
        weights={name.removeprefix(WEIGHTS): sha for name, sha in card.identity.items() if name.startswith(WEIGHTS)},
    )


def dataset_record(selection: Selection, rows: list[Selected]) -> DatasetRecord:
    """Which clips were scored."""
    document = selection.document
    return DatasetRecord(
        name=document["dataset"],
        profile=document["profile"],
        part=document["part"],
        manifest=document["manifest"],
        manifest_sha256=document["manifest_sha256"],
        data_version=document["data_version"],
        n_scored=len(rows),
        n_speakers=len({row.clip.speaker for row in rows}),
        n_rejected=document["n_rejected"],
        flags=sorted({flag for row in rows for flag in row.flags}),
        store_sha256=digest_of(rows),
        media_policy=document["media_policy"],
    )


def protocol_record(protocol: Protocol, framing: str, missing: str) -> ProtocolRecord:
    """Under which rules."""
    return ProtocolRecord(
        name=protocol.name,
        status=protocol.status,
        sha256=protocol.sha256,
        framing=framing,
        missing=missing,
        unknown=list(protocol.unknown),
        text=protocol.text,
    )


def item_counts(items: Sequence[dict[str, Any]]) -> list[ItemCount]:
    """How many clips ended in which way."""
    counts = Counter((item["status"], item["reason"]) for item in items)
    return [ItemCount(status=s, reason=r, count=n) for (s, r), n in sorted(counts.items(), key=str)]


def problems(items: Sequence[dict[str, Any]]) -> list[Problem]:
    """Every clip that was not scored as it should."""
    return [
        Problem(clip_id=i["clip_id"], status=i["status"], reason=i["reason"] or "", detail=i["detail"] or "")
        for i in items
        if i["status"] != "ok"
    ]


def notes(items: Sequence[dict[str, Any]]) -> list[str]:
    """What a reader of the row must know, in words."""
    lines = []
    flags = Counter(flag for item in items for flag in item.get("flags", ()))
    in_cues = sum(item["status"] == "cues" for item in items)
    if in_cues:
        lines.append(f"{count_of_clips(in_cues)} scored in cue space: cues altered, nothing rendered or encoded")
    deltas = [item["length_delta"] for item in items if item.get("length_delta")]
    if deltas:
        low, high = min(deltas), max(deltas)
        by = f"{low:+d}" if low == high else f"{low:+d} to {high:+d}"
        of = count_of_clips(len(deltas))
        lines.append(f"{of} of another length than the real clip, by {by} frames; scored on the common beginning")
    residuals = sorted(item["residual"] for item in items if item.get("residual") is not None)
    if residuals:
        lines.append(
            f"aligned on each video's own face: RMS residual {residuals[len(residuals) // 2]:.1f} px (median), "
            f"{residuals[-1]:.1f} px (largest), {count_of_clips(flags['large-alignment-residual'])} flagged"
        )
    if flags["generated-face-missing-in-some-frames"]:
        faceless = count_of_clips(flags["generated-face-missing-in-some-frames"])
        lines.append(f"{faceless} with frames in which no face was found")
    if flags["store-sound"]:
        lines.append(f"{count_of_clips(flags['store-sound'])} without a sound track: scored with the real clip's sound")
    return lines


def people(clips: Sequence[Labels]) -> list[str]:
    """How well people tell the emotion of these real clips, where a dataset has their votes: what no judge need pass."""
    from metrics.emotion_human import agreed, human_accuracy

    def shares(some: Sequence[Labels]) -> str:
        return ", ".join(f"{name.replace('_', '-')} {share:.3f}" for name, share in human_accuracy(some).items())

    if not human_accuracy(clips):
        return []
    clear = [clip for clip, agrees in zip(clips, agreed(clips), strict=True) if agrees]
    lines = [f"people who rated these real clips named the emotion played, as a share of votes: {shares(clips)}"]
    if clear:
        named = count_of_clips(len(clear))
        lines.append(f"of the {named} of {len(clips)} whose majority by face alone named it: {shares(clear)}")
    return ["; ".join(lines)]


def count_of_clips(count: int) -> str:
    return f"{count} clip" if count == 1 else f"{count} clips"
