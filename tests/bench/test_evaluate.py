"""Any folder of mp4 files becomes a row: perfect for the truth, and every bad output has a status and a reason."""

import shutil
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from baselines.registry import find_method
from bench.contract.errors import NothingDoneError, UsageError
from bench.contract.result import CLIP_COLUMNS, Result
from bench.data import media
from bench.data.crop import Crop
from bench.data.store import Store
from bench.evaluate import MissingOutputs, evaluate
from bench.generate import generate
from bench.prepare import prepare
from bench.workspace import Workspace


@pytest.fixture(scope="module")
def selection(smoke_work):
    return Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test")


@pytest.fixture(scope="module")
def cache(smoke_work):
    return smoke_work / "cache"


@pytest.fixture(scope="module")
def controls(selection, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    for name in ("gt", "gt-reencoded", "static", "gt-mismatched"):
        generate(find_method(name), selection, folder / name, jobs=1)
    return folder


@pytest.fixture
def score(selection, cache, tmp_path):
    def run(videos, **options):
        options = {"protocol_name": "emotalk-light", "out": tmp_path / "result", "cache": cache, "jobs": 1} | options
        return evaluate(selection, videos, **options)

    return run


@pytest.fixture
def spoiled(controls, tmp_path):
    """A copy of the static control's videos without its card, to spoil one of."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for path in (controls / "static").glob("*.mp4"):
        shutil.copyfile(path, folder / path.name)
    return folder


def values(done):
    return {m.metric: m.value for m in done.result.metrics}


def first(folder):
    return sorted(folder.glob("*.mp4"))[0]


def test_the_real_video_gets_every_paired_metrics_perfect_value(score, controls):
    assert values(score(controls / "gt")) == pytest.approx(
        {"SSIM": 1.0, "PSNR": 101.07, "M-LMD": 0.0, "F-LMD": 0.0, "M-LVD": 0.0, "F-LVD": 0.0}, abs=0.01
    )


def test_re_encoding_costs_little_and_another_sentence_much(score, controls, tmp_path):
    near = values(score(controls / "gt-reencoded"))
    far = values(score(controls / "gt-mismatched", out=tmp_path / "far"))
    assert near["SSIM"] > 0.95 > far["SSIM"]
    assert near["M-LMD"] < 0.5 * far["M-LMD"]
    assert near["M-LVD"] < far["M-LVD"]


def test_result_and_table_are_complete_and_typed(score, controls, selection):
    done = score(controls / "static")
    result = Result.load(done.folder / "result.json")
    table = pd.read_parquet(done.folder / "clips.parquet")
    assert list(table.columns) == list(CLIP_COLUMNS)
    assert len(table) == len(selection.scored) * len(result.metrics)
    assert result.method.consumes == ["reference image"]
    assert result.extractors[0].weights["face_landmarker"].startswith("64184e22")
    assert result.dataset.data_version
    assert all(m.coverage == 1 and m.n_expected == len(selection.scored) for m in result.metrics)


def test_a_result_holds_what_its_report_shows_closer(score, controls, selection):
    done = score(controls / "static")
    result = Result.load(done.folder / "result.json")
    clips = {row.clip.clip_id for row in selection.scored}
    assert {d.metric for d in result.distributions} == {m.metric for m in result.metrics}
    for m in result.metrics:
        emotions = [g for g in result.breakdown if (g.metric, g.by) == (m.metric, "emotion")]
        assert sum(g.n_clips for g in emotions) == m.n_clips
        whole = sum(g.value * g.n_clips for g in emotions) / m.n_clips
        assert whole == pytest.approx(m.value)
    assert set(result.showcase) <= clips and result.showcase
    assert 'name = "emotalk-light"' in result.protocol.text and result.environment.machine.cores >= 1
    for kind, suffix in (("samples", ".mp4"), ("real", ".mp4"), ("traces", ".json")):
        assert {p.name for p in (done.folder / kind).iterdir()} == {f"{c}{suffix}" for c in clips}
    score(controls / "static")  # and is replaced as a whole


def test_workers_do_not_change_a_bit(selection, controls, tmp_path):
    tables = [
        evaluate(
            selection,
            controls / "gt-mismatched",
            protocol_name="emotalk-light",
            out=tmp_path / f"r{jobs}",
            cache=tmp_path / f"c{jobs}",
            jobs=jobs,
        )
        for jobs in (1, 2)
    ]
    one, two = (pd.read_parquet(t.folder / "clips.parquet") for t in tables)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert [m.model_dump() for m in tables[0].result.metrics] == [m.model_dump() for m in tables[1].result.metrics]


def test_a_missing_output_counts_as_the_static_image_and_says_so(score, controls, spoiled, tmp_path):
    all_static = values(score(controls / "static"))
    first(spoiled).unlink()
    done = score(spoiled, out=tmp_path / "again")
    assert values(done) == all_static
    assert done.failed == 1
    assert [(p.status, p.reason) for p in done.result.problems] == [("static", "missing-output")]
    assert {m.n_substituted for m in done.result.metrics} == {1}


def test_a_missing_output_can_be_excluded_or_end_the_evaluation(score, spoiled):
    first(spoiled).unlink()
    done = score(spoiled, missing="exclude")
    assert all(m.n_clips == m.n_expected - 1 for m in done.result.metrics)
    assert all(m.coverage < 1 for m in done.result.metrics)
    with pytest.raises(MissingOutputs, match="missing-output") as error:
        score(spoiled, missing="fail")
    assert error.value.exit_code == 4


def rewrite(path, frames, size=None):
    sound = media.read_audio(path)
    media.write_video(path, iter(frames), fps=25, crf=18, audio=sound, audio_rate=16000)


def test_three_frames_less_are_scored_on_the_common_beginning(score, spoiled):
    path = first(spoiled)
    rewrite(path, list(media.read_frames(path))[:-3])
    done = score(spoiled)
    assert not done.result.problems
    assert "-3" in done.result.notes[0]


def test_many_frames_more_are_a_length_mismatch(score, spoiled):
    path = first(spoiled)
    frames = list(media.read_frames(path))
    rewrite(path, frames + frames[:10])
    assert [p.reason for p in score(spoiled).result.problems] == ["length_mismatch"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda p: p.write_bytes(b""), "empty-file"),
        (lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), "truncated"),
        (lambda p: p.write_text("not a video"), "unreadable"),
        (lambda p: rewrite(p, [f[::2, ::2] for f in media.read_frames(p)]), "wrong-size"),
    ],
)
def test_an_output_that_cannot_be_scored_has_its_reason_and_the_rest_goes_on(score, spoiled, spoil, reason):
    spoil(first(spoiled))
    done = score(spoiled)
    assert [p.reason for p in done.result.problems] == [reason]
    assert values(done)["SSIM"] is not None


def test_full_frames_framed_as_source_score_as_their_crop(score, selection, smoke_tree, tmp_path):
    """The dataset's own files, put under clip ids, are the ground truth up to one encoding."""
    folder = tmp_path / "source"
    folder.mkdir()
    for row in selection.scored:
        speaker, view, emotion, level, take = row.clip.clip_id.split("_")
        video = smoke_tree / speaker / "video" / view / emotion / f"level_{level}" / f"{take}.mp4"
        shutil.copyfile(video, folder / f"{row.clip.clip_id}.mp4")
    done = values(score(folder, framing="source"))
    assert done["SSIM"] > 0.97
    assert done["M-LMD"] < 0.5


def test_own_framing_undoes_a_similarity(score, selection, tmp_path):
    """Real frames shrunk and shifted into a larger picture come back to within the aligner's residual."""
    folder = tmp_path / "own"
    folder.mkdir()
    for row in selection.scored:
        frames = []
        for frame in media.read_frames(row.clip.video):
            canvas = np.full((360, 480, 3), 128, np.uint8)
            canvas[40:296, 120:376] = frame
            frames.append(canvas)
        path = folder / f"{row.clip.clip_id}.mp4"
        media.write_video(path, iter(frames), fps=25, crf=12, audio=media.read_audio(row.clip.audio), audio_rate=16000)
    done = score(folder, framing="own")
    assert values(done)["M-LMD"] < 1.0
    assert values(done)["SSIM"] > 0.9
    assert "residual" in " ".join(done.result.notes)


def test_a_second_evaluation_recomputes_nothing(score, controls, selection, monkeypatch, tmp_path):
    score(controls / "static")
    monkeypatch.setattr("bench.engine._measured", lambda *a: pytest.fail("computed again"))
    assert values(score(controls / "static", out=tmp_path / "again"))["SSIM"] is not None


def test_clips_a_control_does_not_apply_to_are_outside_of_coverage(score, controls, spoiled):
    import json

    path = first(spoiled)
    path.unlink()
    shutil.copytree(controls / "static" / "items", spoiled / "items")
    shutil.copyfile(controls / "static" / "generated.json", spoiled / "generated.json")
    record = spoiled / "items" / f"{path.stem}.json"
    item = json.loads(record.read_text()) | {"status": "n/a", "reason": "no-partner-clip", "detail": "none"}
    record.write_text(json.dumps(item))
    done = score(spoiled)
    assert {(m.coverage, m.n_clips) for m in done.result.metrics} == {(1.0, done.result.dataset.n_scored - 1)}


def test_a_folder_with_nothing_usable_is_nothing_done(score, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(NothingDoneError, match=r"expected files named <clip_id>.mp4.*found no mp4"):
        score(tmp_path / "none")
    with pytest.raises(UsageError, match="no folder there"):
        score(tmp_path / "absent")


@pytest.mark.parametrize("out", ["afile", "afile/x", "/proc/x"])
def test_a_folder_that_cannot_be_made_is_told_before_anything_is_scored(score, spoiled, out, tmp_path, monkeypatch):
    (tmp_path / "afile").touch()
    monkeypatch.setattr("bench.evaluate.in_parallel", None)
    with pytest.raises(UsageError, match=r"--out .*expected a folder that can be made"):
        score(spoiled, out=tmp_path / out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["afile", "mine"]


def test_the_folder_of_the_videos_is_not_replaced_by_a_result(score, spoiled):
    for out in (spoiled, spoiled.parent):
        with pytest.raises(UsageError, match="the videos are in that folder"):
            score(spoiled, out=out)
    (spoiled.parent / "another").mkdir()
    (spoiled.parent / "another" / "thesis.tex").touch()
    with pytest.raises(UsageError, match="an earlier result and nothing else"):
        score(spoiled, out=spoiled.parent / "another")


def test_limit_takes_the_first_clips(score, controls):
    assert score(controls / "static", limit=1).result.dataset.n_scored == 1


def test_the_crop_is_the_same_square_on_both_sides(selection):
    clip = selection.scored[0].clip
    crop = Crop.from_affine(clip.crop)
    assert crop.affine == pytest.approx(clip.crop)
    frame = next(islice(media.read_frames(clip.video), 1))
    assert frame.shape == (256, 256, 3)


def test_on_real_video_a_gaze_control_has_no_landmark_value_and_a_pose_control_has(cremad_tree, face_weights, tmp_path):
    """Landmarks are not touched by a gaze control in cue space: their zero distance would look like a perfect method."""
    prepared = prepare(
        "cremad-sample", root=cremad_tree, profile=None, manifest=None, part="test", space=Workspace(tmp_path), limit=1
    )
    selection = Store(prepared.store).selection(prepared.manifest, "test", 1)
    rows = {}
    for name in ("frozen-gaze", "frozen-pose"):
        generate(find_method(name), selection, tmp_path / name, jobs=1)
        rows[name] = evaluate(
            selection,
            tmp_path / name,
            protocol_name="emotalk-light",
            out=tmp_path / f"r-{name}",
            cache=tmp_path / "cache",
            jobs=1,
        ).result
    assert {m.value for m in rows["frozen-gaze"].metrics} == {None}
    assert rows["frozen-gaze"].metric("M-LMD").reason == "cue-not-altered"
    assert rows["frozen-pose"].metric("SSIM").reason == "cue-space-only"
    assert rows["frozen-pose"].metric("F-LMD").value > 0
    assert "nothing rendered or encoded" in rows["frozen-pose"].notes[0]
