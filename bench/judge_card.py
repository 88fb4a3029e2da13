"""The judges on speakers that they have never met: ceiling, confusion and probes on the test part, as a page of the docs.

What stands in a judge's own card was measured on validation speakers, who chose the checkpoint; the card is hashed into results
and never changed. This page is made once of a finished judge.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.contract.clip import EMOTIONS, LEVELS, Clip
from bench.contract.cues import Cues
from bench.contract.errors import NotApplicable, Unscorable
from bench.contract.seen import Video
from bench.data.store import Selected, Store

RERENDERED = ("frozen-pose", "frozen-gaze")
"""Controls that are rendered again from the truth with one cue held, where there is a truth."""
WHOLE = "as it is"


def measure(
    store: Store, rows: Sequence[Selected], files: Mapping[str, Path], rerender: bool, jobs: int
) -> dict[str, Any]:
    """Both judges on these clips: {judge: {probe: figures}}, figures as `_figures` has them, and the agreement of the two."""
    from bench.progress import in_parallel

    items = [(store.folder, row, dict(files), rerender) for row in rows]
    asked = dict(in_parallel(_ask, items, jobs, len(items), "ask the judges"))
    clips = [row.clip for row in rows]
    judges: dict[str, Any] = {}
    for judge in ("frames", "geometry"):
        probes = dict.fromkeys(probe for answers in asked.values() for probe in answers.get(judge, {}))
        judges[judge] = {
            probe: _figures(
                [(c, asked[c.clip_id][judge][probe]) for c in clips if probe in asked[c.clip_id].get(judge, {})]
            )
            for probe in probes
        }
    return {
        "judges": judges,
        "agreement": _agreement(asked),
        "n_clips": len(clips),
        "speakers": len({c.speaker for c in clips}),
    }


def _ask(
    folder: Path, row: Selected, files: dict[str, Path], rerender: bool
) -> tuple[str, dict[str, dict[str, np.ndarray]]]:
    """One clip: (clip_id, {judge: {probe: (3, 8) probabilities}}); a judge that has no answer to it is left out."""
    from baselines.registry import find_method
    from bench.data import media
    from bench.data.prepare_clip import face_extractor
    from bench.progress import torch_on_one_core
    from bench.requests import build_request
    from metrics.judge.answers import by_emotion, clip_probabilities
    from metrics.judge.faces import face_crops
    from metrics.judge.probes import PROBES

    torch_on_one_core()
    frames_judge, geometry_judge, models = _judges(tuple(sorted(files.items())))
    clip = row.clip
    video = Video(Cues.load(clip.cues), np.stack(list(media.read_frames(clip.video))))
    said: dict[str, dict[str, np.ndarray]] = {"frames": {}, "geometry": {}}

    def ask(probe: str, shown: Video) -> None:
        for name, judge in (("frames", frames_judge), ("geometry", geometry_judge)):
            try:
                said[name][probe] = judge(shown)["probabilities"]
            except Unscorable:
                continue

    ask(WHOLE, video)
    if WHOLE in said["frames"]:
        pictures, landmarks = face_crops(video.frames, video.cues)
        for probe, alter in PROBES.items():
            altered = alter(pictures, landmarks)
            said["frames"][probe] = by_emotion([(clip_probabilities(model, altered), known) for model, known in models])
    for control in RERENDERED if rerender else ():
        method = find_method(control).load()
        try:
            shown = list(method.generate(build_request(row, Store(folder), method.consumes, 0)))
        except NotApplicable:
            continue
        ask(control, Video(face_extractor()(shown), np.stack(shown)))
    return clip.clip_id, said


@lru_cache(maxsize=1)
def _judges(files: tuple[tuple[str, Path], ...]) -> tuple[Any, Any, list[Any]]:
    from metrics.extractors.emotion_judge import EmotionJudge
    from metrics.extractors.geometry_judge import GeometryJudgeExtractor
    from metrics.judge.answers import load_frame_judge

    weights = dict(files)
    models = [load_frame_judge(weights[name]) for name in EmotionJudge.experts]
    return EmotionJudge(weights), GeometryJudgeExtractor(weights), models


def _figures(answers: Sequence[tuple[Clip, np.ndarray]]) -> dict[str, Any]:
    """Accuracy and macro-F1, means over seeds; accuracy by level (neutral apart) and emotion; mean confusion, % of the row."""
    from metrics.emotion import classes_of, confusion, macro_f1, said
    from metrics.statistics import new_speakers

    clips = [clip for clip, _ in answers]
    truth = np.array([EMOTIONS.index(clip.emotion) for clip in clips])
    given = np.stack([said(probabilities) for _, probabilities in answers], 1)  # (S, N)
    right = (given == truth).mean(0)
    interval = new_speakers(right, np.array([clip.speaker for clip in clips]))
    levels = np.array([0 if clip.emotion == "neutral" else clip.level or 0 for clip in clips])
    known = classes_of(answers[0][1])
    counts = confusion(truth, given, known)

    def share(mask: np.ndarray) -> float | None:
        return float(right[mask].mean()) if mask.any() else None

    return {
        "n_clips": len(clips),
        "accuracy": float(right.mean()),
        "accuracy_interval": [interval.low, interval.high],
        "accuracy_by_seed": (given == truth).mean(1).tolist(),
        "macro_f1": float(macro_f1(truth, given).mean()),
        "macro_f1_by_seed": macro_f1(truth, given).tolist(),
        "accuracy_by_level": {str(level): share(levels == level) for level in LEVELS},
        "accuracy_by_emotion": {EMOTIONS[place]: share(truth == place) for place in np.unique(truth)},
        "classes": known,
        "emotions": [EMOTIONS[place] for place in np.unique(truth)],
        "confusion": (100 * counts / counts.sum(1, keepdims=True)).tolist(),
    }


def _agreement(asked: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]) -> dict[str, float]:
    """How often the two judges say the same of unaltered clips, and Cohen's kappa."""
    from metrics.emotion import kappa, said

    both = [a for a in asked.values() if WHOLE in a["frames"] and WHOLE in a["geometry"]]
    sides = [np.stack([said(a[judge][WHOLE]) for a in both], 1) for judge in ("frames", "geometry")]
    return {"same_answer": float((sides[0] == sides[1]).mean()), "kappa": kappa(*sides)}


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m bench.judge_card --dataset puppet --profile bench [--rerender] [--write FILE]`."""
    from bench import experts
    from bench.contract.files import whole_file
    from bench.judge_page import page
    from bench.workspace import Workspace
    from metrics.extractors.emotion_judge import EmotionJudge
    from metrics.extractors.geometry_judge import GeometryJudgeExtractor

    parser = argparse.ArgumentParser(prog="python -m bench.judge_card", description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="puppet")
    parser.add_argument("--profile", default="bench")
    parser.add_argument("--part", default="test", choices=("validation", "test"))
    parser.add_argument("--work", type=Path, help="state folder (default $EMOTALK_WORK, else ./work)")
    parser.add_argument("--limit", type=int, help="only the first N clips")
    parser.add_argument(
        "--rerender", action="store_true", help="also with pose and gaze held, rendered again (embedded data)"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page there")
    flags = parser.parse_args(arguments)
    space = Workspace.open(flags.work)
    store = Store(space.store(space.label(flags.dataset, flags.profile)))
    selection = store.selection(flags.profile, flags.part, flags.limit)
    rows = selection.limited(flags.limit)
    unseen = [row.clip.speaker for row in rows] if flags.part == "test" else []
    names = (*EmotionJudge.experts, *GeometryJudgeExtractor.experts)
    version = selection.document.get("data_version")
    files = {n: experts.resolve(n, dataset=flags.dataset, data_version=version, speakers=unseen) for n in names}
    found = measure(store, rows, files, flags.rerender, flags.jobs)
    document = found | {
        "command": _command(flags),
        "part": flags.part,
        "dataset": f"{flags.dataset} {flags.profile}",
        "data_version": version,
        "cards": {name: experts.describe(path) for name, path in files.items()},
    }
    if flags.write:
        with whole_file(flags.write) as temporary:
            temporary.write_text(page(document), encoding="utf-8")
    print(json.dumps({k: v for k, v in document.items() if k != "cards"}, indent=1))


def _command(flags: argparse.Namespace) -> str:
    """What was run, without paths of this machine."""
    words = ["python -m bench.judge_card", "--dataset", flags.dataset, "--profile", flags.profile, "--part", flags.part]
    words += ["--limit", str(flags.limit)] if flags.limit else []
    return " ".join(words + (["--rerender"] if flags.rerender else []))


if __name__ == "__main__":
    from bench import judge_card  # workers look the functions up in the module, which __main__ is not

    judge_card.main()
