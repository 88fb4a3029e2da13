"""A number is never made of things that belong to different runs, and damage is blamed on what is damaged."""

import json
import shutil
import subprocess
import sys

import pytest
from run_emotalk import emotalk

from baselines.registry import find_method
from bench.contract.cues import Cues
from bench.contract.errors import DamagedStore, UsageError
from bench.contract.result import Result
from bench.data import media
from bench.data.store import Store
from bench.evaluate import evaluate
from bench.generate import generate
from bench.prepare import prepare
from bench.workspace import Workspace

LIGHT = ("--protocol", "emotalk-light")
NOISE = """
import numpy as np
from bench.contract.method import Input

class Noise:
    '''Grey of a random brightness.'''
    name, version, consumes = "noise", "1", frozenset({Input.AUDIO})
    def generate(self, request):
        shade = np.random.default_rng(request.seed).integers(50, 200)
        for _ in range(request.n_frames):
            yield np.full((256, 256, 3), shade, np.uint8)

class Global(Noise):
    def generate(self, request):
        shade = np.random.randint(50, 200)
        for _ in range(request.n_frames):
            yield np.full((256, 256, 3), shade, np.uint8)
"""


@pytest.fixture
def work(smoke_work, tmp_path):
    """A prepared work folder of one's own to spoil."""
    shutil.copytree(smoke_work / "store", tmp_path / "store")
    shutil.copytree(smoke_work / "cache", tmp_path / "cache", dirs_exist_ok=True) if (
        smoke_work / "cache"
    ).is_dir() else None
    return tmp_path


@pytest.fixture
def noise(tmp_path):
    (tmp_path / "noise.py").write_text(NOISE)
    return f"{tmp_path / 'noise.py'}:Noise"


def selected(work, limit=None):
    return Store(work / "store" / "puppet-smoke").selection("smoke", "test", limit)


def score(work, videos, **options):
    options = {"protocol_name": "emotalk-light", "out": work / "result", "jobs": 1} | options
    return evaluate(selected(work), videos, cache=work / "cache", **options)


def record_of(work, clip_id):
    return work / "store" / "puppet-smoke" / "clips" / clip_id / "record.json"


def test_items_of_another_seed_are_missing_not_scored(work, noise):
    spec = find_method(noise)
    generate(spec, selected(work), work / "g", seed=0, jobs=1)
    generate(spec, selected(work), work / "g", seed=1, jobs=1, limit=1)
    done = score(work, work / "g")
    assert len(done.result.problems) == done.result.dataset.n_scored - 1
    assert all("another seed" in p.detail for p in done.result.problems)


def test_a_store_that_changed_since_its_selection_is_refused(work):
    row = selected(work).scored[0]
    path = record_of(work, row.clip.clip_id)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"content_sha256": "0" * 64}))
    with pytest.raises(UsageError, match="prepare` again"):
        _ = selected(work).scored


def test_a_store_of_another_extractor_is_refused(work, monkeypatch):
    from metrics.extractors.face import FaceExtractor

    monkeypatch.setattr(FaceExtractor, "VERSION", "999")
    with pytest.raises(UsageError, match="prepare` again"):
        _ = selected(work).scored


def test_a_changed_partner_makes_its_clips_anew(work):
    """gt-wrong-emotion depends on the partner's content, not on its name."""
    spec = find_method("gt-wrong-emotion")
    selection = selected(work)
    generate(spec, selection, work / "g", jobs=1)
    row = next(r for r in selection.scored if r.other_emotion)
    folder = work / "store" / "puppet-smoke" / "clips" / row.other_emotion
    record = json.loads((folder / "record.json").read_text()) | {"content_sha256": "1" * 64}
    (folder / "record.json").write_text(json.dumps(record))
    path = selection.path
    document = json.loads(path.read_text())
    for clip in document["clips"]:
        if row.other_emotion in clip["content"]:
            clip["content"][row.other_emotion] = "1" * 64
    path.write_text(json.dumps(document))
    using = [
        r for r in selected(work).scored if row.other_emotion in (r.other_emotion, r.other_sentence, r.reference_clip)
    ]
    assert generate(spec, selected(work), work / "g", jobs=1).made >= len(using) >= 1


def test_damage_in_the_store_is_not_the_methods_fault(work):
    generate(find_method("static"), selected(work), work / "g", jobs=1)
    victim = selected(work).scored[0].clip.video
    victim.write_bytes(victim.read_bytes()[:-100])
    with pytest.raises(DamagedStore, match="prepare` again"):
        score(work, work / "g")


def test_prepare_mends_a_damaged_clip(work, smoke_tree):
    victim = selected(work).scored[0].clip.cues
    victim.unlink()
    done = prepare(
        "puppet", root=smoke_tree, profile="smoke", manifest=None, part="test", space=Workspace(work), jobs=1
    )
    assert done.prepared == 1
    assert len(Cues.load(victim))


def test_a_lost_reference_image_stops_with_the_command_that_brings_it_back(work):
    row = selected(work).scored[0]
    Store(work / "store" / "puppet-smoke").reference_image(row.reference_clip, row.reference_sha256).unlink()
    with pytest.raises(DamagedStore, match="prepare` again"):
        generate(find_method("static"), selected(work), work / "g", jobs=1)


def test_writing_over_a_generated_file_cannot_reach_the_store(work):
    generate(find_method("gt"), selected(work), work / "g", jobs=1)
    row = selected(work).scored[0]
    before = row.clip.video.read_bytes()
    (work / "g" / f"{row.clip.clip_id}.mp4").open("r+b").write(b"0" * 100)
    assert row.clip.video.read_bytes() == before


def test_a_limited_selection_leaves_the_whole_one_alone(work, smoke_tree):
    n = len(selected(work).scored)
    prepare(
        "puppet", root=smoke_tree, profile="smoke", manifest=None, part="test", space=Workspace(work), jobs=1, limit=1
    )
    assert len(selected(work).scored) == n


def test_an_edited_manifest_of_ones_own_is_another_split(work, smoke_tree):
    first, second, *_ = [row.clip.clip_id for row in selected(work).scored]
    csv = work / "smoke.csv"
    csv.write_text(f"clip_id,part,scored\n{first},test,1\n")
    options = {"profile": "smoke", "manifest": str(csv), "part": "test", "space": Workspace(work), "jobs": 1}
    name = prepare("puppet", root=smoke_tree, **options).manifest
    csv.write_text(f"clip_id,part,scored\n{first},test,1\n{second},test,1\n")
    assert prepare("puppet", root=smoke_tree, **options).manifest != name
    assert len(selected(work).scored) > 2, "the named manifest of the same name is untouched"


def test_a_users_videos_are_never_deleted_by_generate(work):
    (work / "mine").mkdir()
    (work / "mine" / "holiday.mp4").write_bytes(b"x")
    with pytest.raises(UsageError, match="did not make"):
        generate(find_method("static"), selected(work), work / "mine", jobs=1)
    assert (work / "mine" / "holiday.mp4").exists()


def test_two_processes_generating_into_one_folder_both_end_well(work):
    command = [sys.executable, "-m", "bench.cli", "generate", "--method", "static", "--dataset", "puppet", "--profile", "smoke",
               "--work", str(work), "--jobs", "1"]  # fmt: skip
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [p.communicate(timeout=200) for p in both]
    assert [p.returncode for p in both] == [0, 0], ends


def test_global_random_numbers_are_seeded_per_clip(work, noise):
    spec = find_method(noise.replace(":Noise", ":Global"))
    hashes = []
    for jobs in (1, 2):
        out = work / f"g{jobs}"
        generate(spec, selected(work), out, jobs=jobs)
        hashes.append([media.stream_sha256(p) for p in sorted(out.glob("*.mp4"))])
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("card", "said"),
    [('{"method": "my"}', "not a card"), ('{"framing": "weird"}', "not a card")],
)
def test_a_foreign_card_is_named(work, card, said):
    generate(find_method("static"), selected(work), work / "g", jobs=1)
    (work / "g" / "generated.json").write_text(card)
    with pytest.raises(UsageError, match=said):
        score(work, work / "g")


def test_files_that_match_no_clip_are_noted(work):
    generate(find_method("static"), selected(work), work / "g", jobs=1)
    (work / "g" / "extra_out.mp4").write_bytes(b"x")
    assert any("extra_out.mp4" in note for note in score(work, work / "g").result.notes)


def test_rows_evaluated_under_other_flags_do_not_overwrite_each_other(work):
    base = ["--dataset", "puppet", "--profile", "smoke", "--work", work, "--jobs", "1"]
    emotalk("generate", "--method", "static", *base)
    emotalk("generate", "--method", "gt", *base)
    for method in ("static", "gt"):
        done = emotalk("evaluate", "--videos", work / "generated" / method / "puppet-smoke", *base, *LIGHT)
        assert done.returncode == 0, done.stderr
    emotalk(
        "evaluate",
        *LIGHT,
        "--videos",
        work / "generated" / "gt" / "puppet-smoke",
        "--missing",
        "exclude",
        "--name",
        "mine",
        *base,
    )
    names = {Result.load(p).name for p in (work / "results").glob("*/result.json")}
    assert names == {"static", "gt", "mine"}


def test_what_a_method_prints_does_not_reach_the_json(work, noise, tmp_path):
    (tmp_path / "noise.py").write_text(
        NOISE.replace(
            "        shade = np.random.default_rng", "        print('hello')\n        shade = np.random.default_rng"
        )
    )
    for jobs in (1, 2):
        done = emotalk("generate", "--method", noise, "--dataset", "puppet", "--profile", "smoke", "--work", work, "--json",
                       "--seed", jobs, "--jobs", jobs)  # fmt: skip
        assert json.loads(done.stdout)["counts"] == {"ok": len(selected(work).scored)}


@pytest.mark.parametrize("flag", [("--limit", "0"), ("--limit", "-1"), ("--jobs", "0")])
def test_impossible_numbers_are_wrong_use(work, flag):
    done = emotalk("evaluate", "--videos", work, "--dataset", "puppet", "--profile", "smoke", "--work", work, *flag)
    assert done.returncode == 2
    assert flag[0] in done.stderr


@pytest.mark.parametrize("where", ["g", ".", "thesis"])
def test_a_result_never_takes_the_place_of_other_files(work, where):
    generate(find_method("static"), selected(work), work / "g", jobs=1)
    (work / "thesis").mkdir()
    (work / "thesis" / "thesis.txt").write_text("years of work")
    before = sorted(p.relative_to(work) for p in work.rglob("*") if p.is_file() and "cache" not in p.parts)
    with pytest.raises(UsageError, match=r"earlier result|replaced as a whole"):
        score(work, work / "g", out=work / where)
    assert sorted(p.relative_to(work) for p in work.rglob("*") if p.is_file() and "cache" not in p.parts) == before


def test_a_result_replaces_an_earlier_one_of_the_same_folder(work):
    generate(find_method("static"), selected(work), work / "g", jobs=1)
    first, second = score(work, work / "g"), score(work, work / "g")
    assert first.folder == second.folder
    assert Result.load(second.folder / "result.json").metrics == first.result.metrics


def test_videos_made_for_another_dataset_are_refused(work):
    generate(find_method("static"), selected(work), work / "g", jobs=1)
    card = work / "g" / "generated.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"dataset": "mead", "profile": None}))
    with pytest.raises(UsageError, match="was made for mead"):
        score(work, work / "g")


def test_sweeping_takes_only_what_a_dead_process_of_ours_left(tmp_path):
    from bench.atomic import alone_in

    ours, theirs = tmp_path / ".999999999-0a1b2c3d.clip.mp4", tmp_path / ".2024-01.mybackup"
    ours.touch()
    theirs.touch()
    with alone_in(tmp_path):
        assert theirs.exists()
        assert not ours.exists()


def test_two_writers_of_one_folder_both_end_and_it_is_whole(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    from bench.atomic import whole_folder

    def write(text):
        for _ in range(50):
            with whole_folder(tmp_path / "result") as folder:
                (folder / "a").write_text(text)
                (folder / "b").write_text(text)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ("one", "two")))
    assert (tmp_path / "result" / "a").read_text() == (tmp_path / "result" / "b").read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_outputs_of_ours_that_a_limit_leaves_out_are_no_strangers(work, smoke_tree):
    generate(find_method("static"), selected(work), work / "g", jobs=1)
    prepare(
        "puppet", root=smoke_tree, profile="smoke", manifest=None, part="test", space=Workspace(work), jobs=1, limit=1
    )
    options = {"protocol_name": "emotalk-light", "jobs": 1, "limit": 1}
    done = evaluate(selected(work, 1), work / "g", out=work / "result", cache=work / "cache", **options)
    assert not done.result.notes


def test_a_crash_and_wrong_use_are_json_too(work, tmp_path):
    (tmp_path / "bad.py").write_text("raise SystemExit(0)")
    done = emotalk(
        "generate",
        "--method",
        f"{tmp_path / 'bad.py'}:X",
        "--dataset",
        "puppet",
        "--profile",
        "smoke",
        "--work",
        work,
        "--json",
    )
    assert done.returncode == 2
    assert json.loads(done.stdout)["exit_code"] == 2
