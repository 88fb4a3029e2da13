"""What the cohesion matcher finds where nothing coheres: embedded clips put together from three people.

    python -m bench.decoupled --profile bench --split validation

Each clip is rendered again with its own expression, the gaze of a second speaker and the head pose of a third, all acting
the same emotion. No stream belongs to another; what the matcher still finds between them, the estimators have put there (a
raised brow that moves the estimated gaze). The AUC on these clips is the floor of the metric: a method can reach it by
showing a face. Beside it stand the real clips; the real clips with gaze and pose taken from the truth instead of the
picture, in which nothing can have been mixed in; and streams read from the clips of three people, which give one half.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np

from bench.atomic import unless_full
from bench.contract.clip import FPS, Clip
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import euler_to_matrix, pose_of
from bench.data.crop import Crop
from bench.data.prepare_clip import VIDEO_CRF, face_extractor
from bench.data.puppet.rerender import TruthRenderer
from bench.data.puppet.truth import CUES
from bench.data.store import Store, key_of
from bench.experts import resolve
from bench.progress import in_parallel
from bench.training.reader import content_of
from bench.workspace import Workspace
from metrics.cohesion.embedding import auc, outputs_of
from metrics.cohesion.features import BROWS, brow_score, windows_of
from metrics.cohesion.streams import STARTS, STREAMS, WINDOW
from metrics.gaze_tracks import open_eyed


def some_of(clips: Sequence[Clip], every: int, takes: int | None) -> list[Clip]:
    """The clips of every n-th speaker, the first `takes` of each emotion."""
    speakers, found = sorted({clip.speaker for clip in clips})[::every], []
    counts: Counter[tuple[str, str | None]] = Counter()
    for clip in clips:
        counts[clip.speaker, clip.emotion] += 1
        if clip.speaker in speakers and (takes is None or counts[clip.speaker, clip.emotion] <= takes):
            found.append(clip)
    return found


def brow_slopes(clips: Sequence[Cues]) -> dict[str, np.ndarray]:
    """Degrees of estimated head pitch and gaze pitch for a unit of [brows raised, brows lowered], within clips, least squares."""
    moves, pitches = [], []
    for cues in clips:
        use = open_eyed(cues)
        if use.sum() < WINDOW:
            continue
        brows = np.stack([brow_score(cues.blendshapes, action) for action in BROWS], 1)[use]
        pitch = np.stack([pose_of(cues.transform)[:, 0], cues.gaze.mean(1)[:, 1]], 1)[use]
        moves.append(brows - brows.mean(0))
        pitches.append(pitch - pitch.mean(0))
    slopes = np.linalg.lstsq(np.concatenate(moves), np.concatenate(pitches), rcond=None)[0]
    return {"head pitch": slopes[:, 0], "gaze pitch": slopes[:, 1]}


def strangers(clips: Sequence[Clip]) -> list[tuple[Clip, Clip, Clip]]:
    """For each clip: itself (expression), one of the next speaker (gaze) and one of the speaker after that (pose), same emotion."""
    speakers = sorted({clip.speaker for clip in clips})
    of: dict[tuple[str, str | None], list[Clip]] = {}
    for clip in clips:
        of.setdefault((clip.speaker, clip.emotion), []).append(clip)

    def someone(clip: Clip, ahead: int) -> Clip:
        there = of[speakers[(speakers.index(clip.speaker) + ahead) % len(speakers)], clip.emotion]
        return there[of[clip.speaker, clip.emotion].index(clip) % len(there)]

    return [(clip, someone(clip, 1), someone(clip, 2)) for clip in clips]


def decoupled(cache: Path, expression: Clip, gaze: Clip, pose: Clip) -> Cues:
    """The cues read from a clip that is rendered from the truth of three, coded as the store codes it; kept in `cache`."""
    from bench.data import media

    key = key_of(clips=[content_of(c) for c in (expression, gaze, pose)], decoupled="1")
    path = cache / "decoupled" / f"{key}.safetensors"
    if path.is_file():
        return Cues.load(path)
    renderer = TruthRenderer(expression.truth, Crop.from_affine(expression.crop).cut)
    others = {"gaze": TruthRenderer(gaze.truth).truth, "pose": TruthRenderer(pose.truth).truth}
    source = {"gaze": others["gaze"], "pose": others["pose"], "position": others["pose"]}
    arrays = {name: source.get(name, renderer.truth)[name] for name in CUES}
    length = min(map(len, arrays.values()))
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "video.mp4"
        frames = renderer.frames(**{name: array[:length] for name, array in arrays.items()})
        media.write_video(video, frames, fps=FPS, crf=VIDEO_CRF)
        cues = face_extractor()(media.read_frames(video, fps=FPS))
    with unless_full():
        cues.save(path)
    return cues


def with_true_gaze_and_pose(clip: Clip) -> Cues:
    """The estimated cues of a clip, its gaze and its head's rotation replaced by those that it was rendered with."""
    cues, truth = Cues.load(clip.cues), TruthRenderer(clip.truth).truth
    length = min(len(cues), len(truth["pose"]))
    transform = cues.transform[:length].copy()
    transform[:, :3, :3] = euler_to_matrix(truth["pose"][:length])
    return replace(cues[:length], transform=transform, gaze=truth["gaze"][:length].astype(np.float32))


def of_three(expression: Clip, gaze: Clip, pose: Clip) -> dict[str, np.ndarray]:
    """Windows whose streams were read from three pictures: nothing at all ties them."""
    windows = [windows_of(Cues.load(clip.cues)) for clip in (expression, gaze, pose)]
    shared = reduce(np.intersect1d, [w[STARTS] for w in windows])
    if not len(shared):
        raise Unscorable(Reason.TOO_FEW_FRAMES, "the three clips have no window at the same time")
    cut = {n: w[n][np.searchsorted(w[STARTS], shared)] for n, w in zip(STREAMS, windows, strict=True)}
    return {**cut, STARTS: shared.astype(np.int32)}


def measure(
    clips: Sequence[Clip], windows_from: Callable[[Clip], Mapping[str, np.ndarray]], weights: Path
) -> dict[str, float]:
    """ "auc" and "auc_<stream>" over the clips that have a window, "clips" how many there are."""
    used, windows = [], []
    for clip in clips:
        try:
            windows.append(windows_from(clip))
        except Unscorable:
            continue
        used.append(clip)
    found = auc(outputs_of(weights, windows), [c.speaker for c in used], [str(c.emotion) for c in used])
    return {**found, "clips": len(used)}


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="bench")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--expert", type=Path, help="weights; default: the expert `cohesion` of the embedded dataset")
    parser.add_argument("--every", type=int, default=1, help="only every n-th speaker")
    parser.add_argument("--takes", type=int, help="only so many clips of a speaker and emotion")
    parser.add_argument("--jobs", type=int, default=2)
    flags = parser.parse_args()
    space = Workspace.open()
    selection = Store(space.store(Workspace.label("puppet", flags.profile))).selection(flags.profile, flags.split)
    clips = some_of([row.clip for row in selection.scored], flags.every, flags.takes)
    version = selection.document["data_version"]
    weights = flags.expert or resolve("cohesion", dataset="puppet", data_version=version)
    threes = strangers(clips)
    work = [(space.cache, *three) for three in threes]
    for _ in in_parallel(decoupled, work, flags.jobs, len(work), "render"):
        pass
    of = {three[0].clip_id: three for three in threes}
    slopes = brow_slopes([decoupled(space.cache, *three) for three in threes])
    print(
        f"| degrees per unit of score, rendered from three people | {' | '.join(f'brows {name}' for name in BROWS)} |"
    )
    print("|---" * (1 + len(BROWS)) + "|")
    for name, pair in slopes.items():
        print(f"| {name} | {' | '.join(f'{slope:.1f}' for slope in pair)} |")
    print()
    rows = {
        "real clips": lambda clip: windows_of(Cues.load(clip.cues)),
        "real clips, gaze and pose from the truth": lambda clip: windows_of(with_true_gaze_and_pose(clip)),
        "rendered from three people": lambda clip: windows_of(decoupled(space.cache, *of[clip.clip_id])),
        "read from three people's clips": lambda clip: of_three(*of[clip.clip_id]),
    }
    print("| cues | AUC | " + " | ".join(f"{name} swapped" for name in STREAMS) + " | clips |")
    print("|---" * (3 + len(STREAMS)) + "|")
    for title, windows_from in rows.items():
        found = measure(clips, windows_from, weights)
        numbers = " | ".join(f"{found[key]:.3f}" for key in ("auc", *(f"auc_{name}" for name in STREAMS)))
        print(f"| {title} | {numbers} | {found['clips']} |")


if __name__ == "__main__":
    main()
