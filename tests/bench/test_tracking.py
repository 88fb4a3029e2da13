"""What W&B is told: the offline runs of a whole pipeline, read back with W&B's own reader."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from wandb_records import records
from wandb_server import serving

from bench.contract.result import Result
from bench.tracking import media
from bench.tracking.contents import by_clip
from bench.tracking.mirror import Mirror, chosen_mode
from bench.tracking.service import DEFAULT_SERVER, SAME_SERVER, has_key

METHODS = ("static", "gt-reencoded")


@pytest.fixture(scope="module")
def mirrored_run(tmp_path_factory, smoke_tree, smoke_work):
    """A finished `emotalk run --json` of two rows of one clip, mirrored offline, in a home folder of its own."""
    folder = tmp_path_factory.mktemp("mirrored")
    home = folder / "home"
    home.mkdir()
    shutil.copytree(smoke_work, folder / "work", ignore=shutil.ignore_patterns(".lock"))
    command = [sys.executable, "-m", "bench.cli", "run", "--dataset", "puppet", "--profile", "smoke", "--root", smoke_tree,
               "--methods", ",".join(METHODS), "--protocol", "emotalk-light", "--limit", "1", "--jobs", "1", "--seed", "5",
               "--work", folder / "work", "--json"]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WANDB")} | {"HOME": str(home)}
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, env=environment, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def runs(mirrored_run):
    """Every offline run by (job type, name), in the words of `records`."""
    folder, _ = mirrored_run
    found = [records(path) for path in sorted((folder / "work" / "wandb").glob("offline-run-*"))]
    return {(run.job, run.name): run for run in found}


def one(runs, job, part=""):
    (run,) = [run for (kind, name), run in runs.items() if kind == job and part in name]
    return run


def test_a_pipeline_is_one_group_with_a_run_per_stage_and_row(runs):
    assert sorted(job for job, _ in runs) == ["evaluate"] * 2 + ["generate"] * 2 + ["prepare", "report"]
    assert len({run.group for run in runs.values()}) == 1
    assert {run.project for run in runs.values()} == {"emotalk-bench"}
    assert all(run.exit_code == 0 for run in runs.values())


def test_config_holds_what_a_number_depends_on(mirrored_run, runs):
    folder, _ = mirrored_run
    for method in METHODS:
        config = one(runs, "evaluate", method).config
        (path,) = (folder / "work" / "results").glob(f"*{method}*/result.json")
        result = Result.load(path).model_dump(mode="json")
        for part in ("method", "dataset", "protocol", "environment", "extractors", "seed"):
            assert config[part] == result[part], part
        assert config["dataset"]["manifest_sha256"]
        assert config["dataset"]["data_version"]
        assert config["protocol"]["sha256"]
        assert config["flags"]["limit"] == 1
        assert config["command"].startswith("emotalk run ")


def test_summary_and_intervals_are_those_of_the_result(mirrored_run, runs):
    folder, _ = mirrored_run
    for method in METHODS:
        summary = one(runs, "evaluate", method).summary
        (path,) = (folder / "work" / "results").glob(f"*{method}*/result.json")
        metrics = Result.load(path).metrics
        assert any(m.value is not None for m in metrics)
        for m in metrics:
            assert summary.get(f"metrics/{m.metric}") == m.value
            assert summary[f"coverage/{m.metric}"] == m.coverage
            for interval in m.intervals:
                assert summary[f"intervals/{m.metric}/{interval.target}/low"] == interval.low
                assert summary[f"intervals/{m.metric}/{interval.target}/high"] == interval.high


def test_the_table_holds_every_clip_and_value(mirrored_run, runs):
    folder, _ = mirrored_run
    for method in METHODS:
        table = one(runs, "evaluate", method).table("by_clip")
        (path,) = (folder / "work" / "results").glob(f"*{method}*/clips.parquet")
        clips = pd.read_parquet(path)
        assert len(table) == clips.clip_id.nunique() == 1
        for row in clips.itertuples():
            (line,) = [line for line in table if line["clip_id"] == row.clip_id]
            assert line[row.metric] == (None if pd.isna(row.value) else row.value)
            assert line["emotion"] == row.emotion


def test_a_clip_with_its_sound_and_a_contact_sheet_are_there(mirrored_run, runs):
    import av
    import cv2

    folder, _ = mirrored_run
    for method in METHODS:
        run = one(runs, "evaluate", method)
        video = run.file("clip")
        kept = {path.read_bytes() for path in (folder / "work" / "results").glob(f"*{method}*/samples/*.mp4")}
        assert video.read_bytes() in kept
        with av.open(str(video)) as container:
            assert container.streams.audio
            assert container.streams.video
        assert cv2.imread(str(run.file("frames"))).shape == (media.TILE, media.COLUMNS * media.TILE, 3)
    assert one(runs, "prepare").file("references").is_file()


def test_artifacts_form_one_chain_by_content(mirrored_run, runs):
    folder, _ = mirrored_run
    store = one(runs, "prepare").outputs["store"]
    results = []
    for method in METHODS:
        made, scored = one(runs, "generate", method), one(runs, "evaluate", method)
        assert [a.digest for a in made.inputs] == [store.digest]
        assert {a.digest for a in scored.inputs} == {store.digest, made.outputs["generated"].digest}
        result = scored.outputs["result"]
        assert set(result.files) >= {"result.json", "clips.parquet"}
        (path,) = (folder / "work" / "results").glob(f"*{method}*/clips.parquet")
        assert result.files["clips.parquet"].read_bytes() == path.read_bytes()
        results.append(result.digest)
    report = one(runs, "report")
    assert sorted(a.digest for a in report.inputs) == sorted(results)
    assert {"report.html", "table.md", "table.csv"} <= set(report.outputs["report"].files)
    config = report.config["inputs"]
    assert sorted(i["digest"] for i in config) == sorted(results)  # for readers who cannot ask a server


def test_stdout_is_one_document_and_stderr_has_one_line_of_it(mirrored_run):
    _, done = mirrored_run
    assert json.loads(done.stdout)["exit_code"] == 0
    assert sum("wandb" in line.lower() for line in done.stderr.splitlines()) == 1


def test_nothing_is_written_outside_the_work_folder(mirrored_run):
    folder, _ = mirrored_run
    left = [p for p in (folder / "home").rglob("*") if "wandb" in str(p.relative_to(folder))]
    assert not left
    assert not list((folder / "work" / "wandb").glob("scratch-*"))


@pytest.fixture
def small_result(mirrored_run, tmp_path):
    """A copy of the finished run's work folder without its W&B runs."""
    folder, _ = mirrored_run
    shutil.copytree(folder / "work", tmp_path / "work", ignore=shutil.ignore_patterns("wandb", "cache"))
    return tmp_path / "work"


def with_policy(work: Path, policy: str) -> None:
    for path in [*work.glob("results/*/result.json"), *work.glob("store/*/selections/*.json")]:
        path.write_text(path.read_text().replace('"media_policy": "all"', f'"media_policy": "{policy}"'))


def mirror_all(work: Path, method: str, mode: str = "offline") -> None:
    """Tell a mirror of every stage of one row, as the verbs do."""
    (selection,) = work.glob("store/*/selections/*-first1.json")
    (result,) = work.glob(f"results/*{method}*")
    (videos,) = work.glob(f"generated/{method}/*")
    (report,) = work.glob("report/*")
    clip_ids = [row["clip_id"] for row in json.loads(selection.read_text())["clips"]]
    with Mirror(mode, work=work) as mirror:
        mirror.begin("prepare", "prepare")
        mirror.prepared(selection)
        mirror.begin("generate", "generate")
        mirror.generated(videos, selection, clip_ids)
        mirror.begin("evaluate", "evaluate")
        mirror.evaluated(result, videos, selection, clip_ids)
        mirror.begin("report", "report")
        mirror.reported([p for p in report.rglob("*") if p.is_file()], report, [result])
        mirror.code = 0


def chain(server) -> tuple[dict, set]:
    """What a server knows: kind -> {digest} of what runs made, and (run's job, digest) of what they used."""
    jobs = {run: name.split()[0] for run, name in server.runs().items()}
    made: dict[str, set] = {}
    for kind, digest, run in server.created():
        if run is not None and kind != "run_table":
            made.setdefault(kind, set()).add(digest)
    return made, {(jobs[run], digest) for run, digest in server.used()}


def test_a_server_is_told_the_same_chain_at_once_or_later_by_sync(mirrored_run, small_result, monkeypatch, capfd):
    """Against a stand-in that answers as W&B's server does; what it is asked is what W&B itself sends."""
    folder, _ = mirrored_run
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    with serving() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        mirror_all(small_result, "static", "auto")
        assert "failed" not in (said := capfd.readouterr().err)
        assert f"4 runs at {server.address}" in said
        assert not list((small_result / "wandb").glob("offline-run-*"))
        made, used = chain(server)
        (store,), (videos,), (result,) = made["store"], made["generated"], made["result"]
        assert used == {("generate", store), ("evaluate", store), ("evaluate", videos), ("report", result)}
        assert any(path.endswith(".mp4") and path.startswith("/run/") for path in server.uploaded)
        assert f"/artifact/{result}/clips.parquet" in server.uploaded
    with serving() as server:
        offline = sorted((folder / "work" / "wandb").glob("offline-run-*"))
        environment = {**os.environ, "WANDB_BASE_URL": server.address, "HOME": str(folder / "home")}
        for name in ("DATA", "CACHE"):
            environment[f"WANDB_{name}_DIR"] = str(folder / "work" / "wandb" / name.lower())
        command = [sys.executable, "-m", "wandb", "sync", *map(str, offline)]
        subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, timeout=100)
        made, used = chain(server)
        (store,) = made["store"]
        assert made["generated"] >= {videos}
        expected = {("generate", store), ("evaluate", store)}
        expected |= {("evaluate", digest) for digest in made["generated"]} | {("report", d) for d in made["result"]}
        assert used == expected
        assert len(made["generated"]) == len(made["result"]) == len(METHODS)


def told_files(work: Path) -> set[str]:
    """Suffixes of everything that W&B would upload: media of the runs, and staged copies under their names in artifacts."""
    found = [path for path in (work / "wandb").glob("offline-run-*/files/**/*") if path.is_file()]
    staged = [n for r in (work / "wandb").glob("offline-run-*") for a in records(r).artifacts for n in a.files]
    return {Path(name).suffix for name in [*map(str, found), *staged]}


def test_no_picture_and_no_sound_of_a_dataset_with_policy_none_is_told(small_result):
    with_policy(small_result, "none")
    mirror_all(small_result, "static")
    suffixes = told_files(small_result)
    assert {".json", ".parquet"} <= suffixes  # the numbers are
    assert not suffixes & media.SUFFIXES


def test_under_policy_generated_nothing_of_a_control_is_told(small_result):
    """A control is real footage or made of it; the report, made under the same policy, shows none of it either."""
    with_policy(small_result, "generated")
    for path in small_result.glob("report/*/media/*"):
        path.unlink()
    mirror_all(small_result, "static")
    assert not told_files(small_result) & media.SUFFIXES


def test_under_policy_all_the_same_call_tells_pictures_and_sound(small_result):
    mirror_all(small_result, "static")
    assert told_files(small_result) >= {".mp4", ".png"}


@pytest.mark.parametrize(
    ("flag", "variable", "mode"),
    [
        ("auto", None, "auto"),
        ("auto", "online", "online"),
        ("auto", "offline", "offline"),
        ("auto", "dryrun", "offline"),
        ("auto", "disabled", "off"),
        ("auto", "shared", "shared"),
        ("auto", "ofline", "offline"),
        ("off", "online", "off"),
        ("offline", "online", "offline"),
        ("on", "disabled", "online"),
    ],
)
def test_the_flag_goes_before_the_variable(flag, variable, mode):
    assert chosen_mode(flag, {} if variable is None else {"WANDB_MODE": variable}) == mode


def test_a_key_is_found_in_the_environment_and_in_netrc_for_its_own_server_only(tmp_path, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not has_key("https://api.wandb.ai")
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password " + "0" * 40)
    assert has_key("https://api.wandb.ai")
    assert not has_key("https://wandb.example.org")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert has_key("https://wandb.example.org")


def test_a_key_of_the_older_name_of_the_server_counts_and_an_unreadable_netrc_holds_none(tmp_path, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password " + "0" * 40)
    assert has_key(DEFAULT_SERVER)
    (tmp_path / "netrc").write_bytes(b"machine \xff\x00")
    assert not has_key(DEFAULT_SERVER)
    monkeypatch.setenv("NETRC", "~nobody-of-this-name/.netrc")
    assert not has_key(DEFAULT_SERVER)


def test_without_an_address_the_key_is_looked_for_under_the_address_that_wandb_uses(monkeypatch):
    import wandb

    monkeypatch.delenv("WANDB_BASE_URL", raising=False)
    assert wandb.Settings().base_url in (DEFAULT_SERVER, "https://" + SAME_SERVER[DEFAULT_SERVER.partition("//")[2]])


def test_clips_become_one_row_each_with_a_column_per_metric():
    facts = {"speaker": "W1", "emotion": "sad", "level": 1, "n_frames": 5}
    long = [
        {"clip_id": "a", "metric": "SSIM", "value": 0.5, "status": "ok", **facts},
        {"clip_id": "a", "metric": "PSNR", "value": None, "status": "null", **facts},
        {"clip_id": "b", "metric": "SSIM", "value": 0.25, "status": "static", **facts},
    ]
    assert [(r["clip_id"], r["SSIM"], r["PSNR"], r["status"]) for r in by_clip(long)] == [
        ("a", 0.5, None, "null"),
        ("b", 0.25, None, "static"),
    ]


def test_a_trainer_logs_numbers_at_steps_and_a_sample_video(small_result):
    video = next(small_result.glob("results/*static*/samples/*.mp4"))
    with Mirror("offline", work=small_result) as mirror:
        mirror.begin("train", "landmarks", learning_rate=1e-3)
        for step in (0, 10, 20):
            mirror.log(step, {"loss": np.float32(1 / (step + 1)), "accuracy": float("nan")})
        mirror.log(20, {"sample": video})
        mirror.code = 0
    (folder,) = (small_result / "wandb").glob("offline-run-*")
    run = records(folder)
    assert run.config["learning_rate"] == 1e-3
    assert [(line["_step"], line["loss"]) for line in run.history if "loss" in line] == [
        (step, pytest.approx(1 / (step + 1))) for step in (0, 10, 20)
    ]
    assert run.file("sample").read_bytes() == video.read_bytes()


def test_the_name_of_the_machine_its_folders_and_its_packages_are_not_told(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_HOST", "a-machine-of-mine")
    with Mirror("offline", work=tmp_path) as mirror:
        mirror.begin("train", "one")
        mirror.log(1, {"loss": 1.0})
        mirror.code = 0
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert not names & {"wandb-metadata.json", "requirements.txt", "conda-environment.yaml", "diff.patch"}
    (file,) = folder.glob("*.wandb")
    told = file.read_bytes()
    assert b"loss" in told
    for secret in ("a-machine-of-mine", str(Path.cwd()), sys.executable, str(tmp_path)):
        assert secret.encode() not in told, secret


def test_logging_waits_for_nothing(tmp_path):
    mirror = Mirror("offline", work=tmp_path)
    mirror.begin("train", "quick")
    start = time.process_time()
    for step in range(10_000):
        mirror.log(step, {"loss": 1.0})
    assert time.process_time() - start < 1.0
    mirror._process.kill()
    mirror.close()
