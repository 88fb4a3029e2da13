"""The clip store: what is prepared is complete, is prepared once, and survives a kill at any moment."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bench.reference_images
from bench.contract.cues import Cues
from bench.contract.errors import NothingDoneError
from bench.data import media
from bench.data.store import Store
from bench.prepare import prepare
from bench.workspace import Workspace


def prepare_smoke(root, work, **options):
    options = {"profile": "smoke", "manifest": None, "part": "test", "jobs": 2} | options
    return prepare("puppet", root=root, space=Workspace(work), **options)


def contents(store: Path) -> dict[str, bytes]:
    """Every file of a store that holds data, by name; records without what depends on the source path's time."""
    return {
        str(p.relative_to(store)): p.read_bytes()
        for p in sorted(store.rglob("*"))
        if p.suffix in (".mp4", ".wav", ".safetensors", ".png")
    }


def test_a_prepared_clip_is_canonical(smoke_work):
    store = Store(smoke_work / "store" / "puppet-smoke")
    for row in store.selection("smoke", "test").scored:
        info = media.probe(row.clip.video)
        assert (info.width, info.height, info.fps, info.n_frames) == (256, 256, 25, row.clip.n_frames)
        sound = media.read_audio(row.clip.audio)
        assert len(sound) == row.clip.n_frames * 640
        assert len(Cues.load(row.clip.cues)) == row.clip.n_frames
        assert row.clip.truth.is_file()


def test_the_sound_inside_the_video_is_the_clips_sound(smoke_work):
    store = Store(smoke_work / "store" / "puppet-smoke")
    clip = store.selection("smoke", "test").scored[0].clip
    inside, beside = media.read_audio(clip.video), media.read_audio(clip.audio)
    n = min(len(inside), len(beside))
    assert np.corrcoef(inside[:n], beside[:n])[0, 1] > 0.95


def test_every_scored_clip_has_its_companions_by_definition(smoke_work):
    store = Store(smoke_work / "store" / "puppet-smoke")
    for row in store.selection("smoke", "test").scored:
        sentence = store.companion(row.other_sentence, "test")
        emotion = store.companion(row.other_emotion, "test")
        reference = store.companion(row.reference_clip, "test")
        assert sentence.speaker == emotion.speaker == reference.speaker == row.clip.speaker
        assert sentence.emotion == row.clip.emotion
        assert sentence.sentence != row.clip.sentence
        assert emotion.emotion != row.clip.emotion
        assert emotion.sentence == row.clip.sentence
        assert reference.emotion == "neutral"
        assert reference.sentence != row.clip.sentence
        assert store.reference_image(row.reference_clip, row.reference_sha256).is_file()


def test_a_second_run_prepares_nothing(smoke_tree, smoke_work):
    again = prepare_smoke(smoke_tree, smoke_work)
    assert again.prepared == 0
    assert again.reused > 0


def test_reference_images_are_looked_for_once_and_a_missing_one_again(smoke_tree, smoke_work, tmp_path, monkeypatch):
    work = tmp_path / "work"
    shutil.copytree(smoke_work, work)
    looked = []
    made = bench.reference_images._new_reference_image
    monkeypatch.setattr(bench.reference_images, "_new_reference_image", lambda *a: looked.append(a[1]) or made(*a))
    before = prepare_smoke(smoke_tree, work)
    assert looked == []
    images = sorted((before.store / "references").glob("*.png"))
    images[0].unlink()
    images[1].write_bytes(b"cut")
    prepare_smoke(smoke_tree, work)
    assert len(looked) == 2 and sorted((before.store / "references").glob("*.png")) == images
    assert all(image.stat().st_size > 1000 for image in images)


def test_a_changed_source_is_prepared_again_and_only_it(smoke_tree, tmp_path):
    import shutil

    tree = tmp_path / "tree"
    shutil.copytree(smoke_tree, tree)
    prepare_smoke(tree, tmp_path / "work")
    os.utime(next(tree.rglob("*.mp4")), (1, 1))
    assert prepare_smoke(tree, tmp_path / "work").prepared == 1


def test_one_worker_and_two_give_the_same_bytes(smoke_tree, smoke_work, tmp_path):
    prepare_smoke(smoke_tree, tmp_path, jobs=1)
    assert contents(tmp_path / "store") == contents(smoke_work / "store")


def test_a_kill_in_the_middle_leaves_nothing_half_done(smoke_tree, smoke_work, tmp_path):
    """SIGKILL to the whole group after the first finished clip; the next run gives the numbers of an undisturbed one."""
    command = [
        sys.executable,
        "-m",
        "bench.cli",
        "prepare",
        "--dataset",
        "puppet",
        "--profile",
        "smoke",
        "--root",
        str(smoke_tree),
        "--work",
        str(tmp_path),
        "--jobs",
        "1",
    ]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = tmp_path / "store" / "puppet-smoke"
    deadline = time.monotonic() + 120
    while not list(store.glob("clips/[!.]*/record.json")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (store / "manifest.parquet").exists()
    for folder in store.glob("clips/[!.]*"):
        assert (folder / "record.json").is_file(), "a clip folder is there only when it is whole"
    done = prepare_smoke(smoke_tree, tmp_path)
    assert done.reused >= 1
    assert contents(store) == contents(smoke_work / "store" / "puppet-smoke")
    pd.testing.assert_frame_equal(
        pd.read_parquet(store / "manifest.parquet").drop(columns="key"),
        pd.read_parquet(smoke_work / "store" / "puppet-smoke" / "manifest.parquet").drop(columns="key"),
    )


def test_the_six_real_clips_are_all_prepared(cremad_tree, face_weights, tmp_path):
    done = prepare(
        "cremad-sample", root=cremad_tree, profile=None, manifest=None, part="test", space=Workspace(tmp_path), jobs=2
    )
    assert done.scored == 6
    assert not done.rejected
    store = Store(done.store)
    selection = store.selection(done.manifest, "test")
    assert "reference-same-sentence" in selection.document["flags"]
    for row in selection.scored:
        assert Cues.load(row.clip.cues).valid.all()
        assert row.other_sentence is None
        assert row.other_emotion is not None
        assert (row.clip.folder / "cues_native.safetensors").is_file()


def test_an_error_of_our_own_is_no_fault_of_the_input_and_exits_with_4(smoke_tree, tmp_path, monkeypatch):
    from bench import cli, verbs

    def broken(*arguments):
        raise TypeError("a mistake in the code")

    monkeypatch.setattr("bench.data.prepare_clip._check_faces", broken)
    with pytest.raises(NothingDoneError, match="prepare-failed"):
        prepare_smoke(smoke_tree, tmp_path, jobs=1)
    good = cli.Prepare(work=tmp_path, profile="smoke", root=smoke_tree, jobs=1)
    calls = iter([broken])

    def once(cues, crop, width, height):
        for fault in calls:
            fault()
        return []

    monkeypatch.setattr("bench.data.prepare_clip._check_faces", once)
    done = verbs.prepare(good, Workspace(tmp_path), "")
    assert done.code == 4
    assert [row["reason"] for row in done.document["rejected"]] == ["prepare-failed"]


@pytest.mark.slow
def test_memory_is_flat_in_clip_length(smoke_tree, face_weights, tmp_path):
    """A clip of 30 s needs at most 40 MB more than one of 3 s."""
    code = (
        "import sys, resource, pathlib; sys.path.insert(0, sys.argv[3]);"
        "from bad_inputs import Material; import numpy as np; from bench.data import media;"
        "from bench.contract.clip import SourceClip; from bench.data.prepare_clip import prepare_clip;"
        "m = Material.of(pathlib.Path(sys.argv[1])); n = int(sys.argv[2]); base = pathlib.Path(sys.argv[4]);"
        "video = base / f'{n}.mp4'; media.write_video(video, (m.frames[i % 20] for i in range(n)), fps=25, crf=18,"
        " audio=np.resize(m.audio, n * 640), audio_rate=16000);"
        "clip = SourceClip('c', 'mead', 's', 'happy', 1, None, video);"
        "prepare_clip(clip, base / f'out{n}', None, 'k');"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    source = next(smoke_tree.rglob("*.mp4"))
    peaks = []
    for frames in (75, 750):
        done = subprocess.run(
            [sys.executable, "-c", code, source, str(frames), Path(__file__).parents[1] / "support", tmp_path],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(float(done.stdout))
    assert peaks[1] - peaks[0] < 40
