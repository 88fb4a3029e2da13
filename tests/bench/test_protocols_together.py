"""Several protocols score one decode of every video, and the numbers of each are those that it has alone."""

import shutil
import tomllib
from collections import Counter
from dataclasses import replace

import fake_metrics
import pandas as pd
import pytest

from bench import cli
from bench.contract.errors import NothingDoneError
from bench.contract.result import Result
from bench.data import media
from bench.evaluate import evaluate_under
from bench.pipeline import run_pipeline
from bench.protocols import load_protocol, parse_protocol
from bench.view import View
from bench.workspace import Workspace
from metrics.extractors.registry import EXTRACTORS
from metrics.registry import METRICS

LIGHT = load_protocol("emotalk-light")
COLUMNS = ("PSNR", "M-LMD", "own", "portrait", "set")
PROTOCOLS = {
    "plain": replace(LIGHT, name="plain", metrics=COLUMNS),
    "aligned": replace(LIGHT, name="aligned", metrics=COLUMNS, view=View("nose-and-eyes", 128, "index-proportion")),
    "strict": replace(LIGHT, name="strict", metrics=("own", "PSNR", "set"), max_length_difference=0, min_frames=20),
}


@pytest.fixture
def evaluated(smoke_selection, warm, tmp_path, monkeypatch):
    """evaluated(videos, names...) -> {name: Evaluated}: one evaluation of the first two clips under these protocols."""
    for name, cls in fake_metrics.METRICS.items():
        monkeypatch.setitem(METRICS, name, cls)
    for name, place in fake_metrics.EXTRACTORS.items():
        monkeypatch.setitem(EXTRACTORS, name, place)

    def run(videos, *names, folder="a", **options):
        cache = tmp_path / folder / "cache"
        if not cache.exists():
            shutil.copytree(warm, cache)
        fake_metrics.CALLS.clear()
        options = {"cache": cache, "jobs": 1, "limit": 2} | options
        chosen = {tmp_path / folder / name: PROTOCOLS[name] for name in names}
        done, run.empty = evaluate_under(chosen, smoke_selection, videos, **options)
        return {one.folder.name: one for one in done}

    return run


@pytest.fixture
def decodes(monkeypatch):
    """Path -> how often its pictures were decoded from now on."""
    count, read = Counter(), media.read_frames

    def counted(path, *args, **options):
        count[path] += 1
        return read(path, *args, **options)

    monkeypatch.setattr(media, "read_frames", counted)
    return count


def clips(done):
    return pd.read_parquet(done.folder / "clips.parquet")


def test_three_protocols_decode_each_side_once_and_extract_what_they_share_once(evaluated, smoke_videos, decodes):
    evaluated(smoke_videos / "gt-mismatched", "plain", "aligned", "strict")
    assert len(decodes) == 4 and set(decodes.values()) == {1}  # two clips, two sides
    # brightness on either side: canonical, for two of them, and aligned; the portrait once for all
    portraits = [n for _, n in fake_metrics.CALLS if n == 1]
    assert len(portraits) == 1 and len(fake_metrics.CALLS) - 1 == 2 * 2 * 2


def test_numbers_are_those_that_a_protocol_has_alone_in_any_order_on_any_number_of_workers(evaluated, smoke_videos):
    together = evaluated(smoke_videos / "gt-mismatched", *PROTOCOLS, folder="together", jobs=2)
    backwards = evaluated(smoke_videos / "gt-mismatched", *reversed(PROTOCOLS), folder="backwards")
    for name in PROTOCOLS:
        alone = evaluated(smoke_videos / "gt-mismatched", name, folder=f"alone-{name}")[name]
        for other in (together[name], backwards[name]):
            pd.testing.assert_frame_equal(clips(other), clips(alone), check_exact=True)
            assert other.result.metrics == alone.result.metrics
            assert other.result.inputs_sha256 == alone.result.inputs_sha256


def test_each_protocol_has_an_ordinary_result_of_its_own_and_what_stands_is_left(evaluated, smoke_videos, decodes):
    first = evaluated(smoke_videos / "static", "plain")["plain"]
    both = evaluated(smoke_videos / "static", "strict", "plain")
    assert both["plain"].reused and not both["strict"].reused
    found = Result.load(both["strict"].folder / "result.json")
    assert [m.metric for m in found.metrics] == ["own", "PSNR", "set"] and found.protocol.name == "strict"
    assert both["plain"].result == first.result


def test_a_length_that_one_protocol_refuses_is_scored_under_another(evaluated, spoiled_videos):
    path = sorted(spoiled_videos.glob("*.mp4"))[0]
    frames = list(media.read_frames(path))[:-2]
    media.write_video(path, iter(frames), fps=25, crf=18, audio=media.read_audio(path), audio_rate=16000)
    done = evaluated(spoiled_videos, "plain", "strict")
    status = {
        name: clips(one).query("metric == 'own'").set_index("clip_id").status[path.stem] for name, one in done.items()
    }
    assert status == {"plain": "ok", "strict": "static"}
    assert [p.reason for p in done["strict"].result.problems] == ["length_mismatch"]


def test_a_clip_shorter_than_a_protocol_takes_has_a_reason_in_every_column(evaluated, smoke_videos, monkeypatch):
    monkeypatch.setitem(PROTOCOLS, "long", replace(LIGHT, metrics=COLUMNS, min_frames=101))
    result = evaluated(smoke_videos / "static", "long")["long"].result
    assert {m.value for m in result.metrics} == {None}
    assert {(u.reason, u.n_clips) for m in result.metrics for u in m.unscored} == {("too-short-for-protocol", 2)}
    assert "at least 101" in result.metric("PSNR").unscored[0].detail


def test_a_protocol_under_which_nothing_has_a_value_does_not_keep_the_others_from_theirs(
    evaluated, spoiled_videos, monkeypatch
):
    monkeypatch.setitem(PROTOCOLS, "broken", replace(LIGHT, name="broken", metrics=("on-fire",)))
    assert list(evaluated(spoiled_videos, "broken", "plain")) == ["plain"]
    (said,) = map(str, evaluated.empty)
    assert "protocol broken" in said and "metric-failed x 1" in said and "None" not in said
    with pytest.raises(NothingDoneError, match=r"protocol broken.*metric-failed"):
        evaluated(spoiled_videos, "broken", folder="b")


def test_a_run_keeps_a_method_under_the_protocols_that_have_values(
    evaluated, smoke_work, smoke_selection, tmp_path, monkeypatch
):
    broken = replace(LIGHT, name="broken", metrics=("on-fire",))
    monkeypatch.setattr("bench.protocols.load_protocols", lambda names: [broken, LIGHT])
    document = {"seconds": 0.0, "selection": str(smoke_selection.path)}
    monkeypatch.setattr("bench.pipeline.prepare", lambda *_: cli.Outcome(document=document))
    (tmp_path / "still.py").write_text(STILL)
    space = Workspace(tmp_path / "work")
    space.root.mkdir()
    (space.root / "store").symlink_to(smoke_work / "store")
    words = f"run --profile smoke --limit 1 --jobs 1 --no-sheet --methods {tmp_path / 'still.py'}:Still"
    done = run_pipeline(cli.parsed(words.split()), space, "emotalk run")
    assert done.code == 4 and len(done.document["results"]) == 1 and done.document["spread"] is None
    (failure,) = done.document["failures"]
    assert "protocol broken" in failure["message"] and "protocol broken" in done.text


def test_a_column_whose_expert_is_missing_is_an_answer_as_one_whose_weights_are(evaluated, spoiled_videos, monkeypatch):
    monkeypatch.setitem(PROTOCOLS, "learned", replace(LIGHT, name="learned", metrics=("by-expert",)))
    (cell,) = evaluated(spoiled_videos, "learned")["learned"].result.metrics
    assert cell.value is None and cell.reason == "expert-missing"


STILL = """
from bench.contract.method import Input

class Still:
    name, version, consumes = "still", "1", frozenset({Input.REFERENCE_IMAGE})

    def generate(self, request):
        for _ in range(request.n_frames):
            yield request.reference_image
"""


HARNESS = {  # every key that the harness reads and that can change a number, with its other values
    "crop": {'alignment = "canonical"': ['alignment = "nose-and-eyes"'], "size = 256": ["size = 128"]},
    "audio": {'origin = "own"': ['origin = "store"']},
    "pairing": {
        'rule = "by-time"': ['rule = "index-proportion"'],
        "max_length_difference = 5": ["max_length_difference = 1"],
    },
    "length": {"min_frames = 0": ["min_frames = 200"]},
    "": {'framing = "canonical"': ['framing = "source"', 'framing = "own"']},
}
WATCHED = ("PSNR", "M-LMD", "Mouth-sound")


def variants():
    """Name -> protocol: one as it is, and one for every other value of every key that the harness reads."""
    names = ", ".join(f'"{name}"' for name in WATCHED)
    text = f"""{LIGHT.text[: LIGHT.text.index("[pairing]")]}
[audio]
origin = "own"

{LIGHT.text[LIGHT.text.index("[pairing]") : LIGHT.text.index("[metrics]")]}
[metrics]
names = [{names}]
psnr.color = "rgb"
lmd = {{landmarks = "mediapipe-68", normalisation = "own-mean"}}
"""
    yield "plain", parse_protocol(text.encode(), "plain")
    for table, lines in HARNESS.items():
        for line, others in lines.items():
            assert f"\n{line}\n" in text
            for other in others:
                yield f"{table}.{other}", parse_protocol(text.replace(f"\n{line}\n", f"\n{other}\n").encode(), other)


def test_every_key_of_the_harness_in_every_value_changes_a_number(
    evaluated, smoke_selection, spoiled_videos, monkeypatch
):
    """On one clip that lost its first frames, is too dark, and is heard early."""
    clip = smoke_selection.scored[0].clip
    path = spoiled_videos / f"{clip.clip_id}.mp4"
    frames, sound = [f // 2 for f in list(media.read_frames(path))[3:]], media.read_audio(path, 16000)
    media.write_video(path, iter(frames), fps=25, crf=18, audio=0.5 * sound[6400:], audio_rate=16000)
    protocols = dict(variants())
    read = {key for key, value in tomllib.loads(protocols["plain"].text).items() if not isinstance(value, dict)}
    assert read - {"name", "title", "status", "unknown"} == {line.split(" = ")[0] for line in HARNESS[""]}
    for table in ("crop", "audio", "pairing", "length"):
        keys = tomllib.loads(protocols["plain"].text)[table]
        assert set(keys) == {line.split(" = ")[0] for line in HARNESS[table]}
    for name, protocol in protocols.items():
        monkeypatch.setitem(PROTOCOLS, name.replace("/", "-"), protocol)
    done = evaluated(spoiled_videos, *protocols, limit=1)
    numbers = {name: [(m.value, m.truth) for m in one.result.metrics] for name, one in done.items()}
    assert None not in [value for value, _ in numbers["plain"]]
    same = [name for name in numbers if name != "plain" and numbers[name] == numbers["plain"]]
    assert not same
