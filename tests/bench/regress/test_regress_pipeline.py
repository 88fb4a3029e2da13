"""`emotalk regress --method` and `--videos`: what cannot be compared is refused before it is made; the rest is made and judged."""

import json
from types import SimpleNamespace

import pytest
from handmade_store import write_store

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import ExitCode
from bench.contract.result import ExtractorRecord

CLIPS = {"test": ["P01_front_angry_1_001", "P02_front_happy_1_001"]}


@pytest.fixture
def pipeline(results, references, another, monkeypatch, capsys):
    """pipeline(words..., networks=...) -> exit code, stderr, steps taken; the store holds two clips, each step is a stand-in."""
    work = results.parent
    write_store(work / "store" / "puppet-smoke", CLIPS)
    written = work / "store" / "puppet-smoke" / "selections" / "smoke-test.json"
    document = json.loads(written.read_text()) | {"n_rejected": 0, "media_policy": "all"}
    written.write_text(json.dumps(document))
    steps, ends = [], {"generate": ExitCode.DONE}

    def step(name, document):
        def run(flags, *_):
            steps.append((name, flags))
            return Outcome(ends.get(name, ExitCode.DONE), document, name)

        monkeypatch.setattr(f"bench.verbs.{name}", run)

    step("prepare", {"selection": str(written)})
    step("generate", {"folder": str(work / "generated")})
    step("evaluate", {"results": [{"folder": str(another().folder)}]})
    networks = [ExtractorRecord(name="face", version="1", weights={"face": "w"})]
    monkeypatch.setattr("bench.plan.make_plan", lambda *_: SimpleNamespace(records=lambda: networks))

    def run(*words, like_reference=True, generate=ExitCode.DONE):
        ends["generate"] = generate
        if like_reference:  # two made-up clips stand for the twenty of the reference
            monkeypatch.setattr("bench.regress.conditions.refuse_unlike", lambda *_: None)
        words = ["regress", *map(str, words), "--reference", "model", "--profile", "smoke", "--wandb", "off",
                 "--references", str(references), "--work", str(work)]  # fmt: skip
        code = cli.execute(cli.parsed(words), words)
        return code, capsys.readouterr().err, [name for name, _ in steps], dict(steps)

    return run


def test_a_method_is_prepared_generated_evaluated_and_judged(frozen, pipeline, tmp_path):
    code, _, steps, flags = pipeline("--method", "static", "--seed", 3)
    assert code == 0 and steps == ["prepare", "generate", "evaluate"]
    assert flags["generate"].method == "static" and flags["generate"].seed == flags["evaluate"].seed == 3
    assert flags["evaluate"].videos.name == "generated" and flags["evaluate"].protocol == "emotalk"


def test_a_folder_of_videos_is_only_scored(frozen, pipeline, tmp_path):
    code, _, steps, flags = pipeline("--videos", tmp_path, "--framing", "own")
    assert code == 0 and steps == ["prepare", "evaluate"]
    assert flags["evaluate"].videos == tmp_path and flags["evaluate"].framing == "own"


def test_other_clips_are_refused_before_anything_is_generated(frozen, pipeline):
    code, err, steps, _ = pipeline("--method", "static", like_reference=False)
    assert code == 2 and steps == ["prepare"]
    assert "what would be made cannot be held against the reference model" in err
    assert (
        "number of clips: 20 in the reference, 2 here" in err and "--dataset puppet --profile quick --split test" in err
    )


def test_cues_alone_are_refused_by_a_reference_of_videos_before_anything_is_prepared(frozen, pipeline):
    code, err, steps, _ = pipeline("--method", "frozen-gaze@cues")
    assert code == 2 and "is of cues alone, the reference of videos" in err and steps == []


def test_a_method_that_fails_on_every_clip_ends_with_3(frozen, pipeline):
    code, err, steps, _ = pipeline("--method", "static", generate=ExitCode.NOTHING_DONE)
    assert code == 3 and "not one clip could be generated" in err and steps == ["prepare", "generate"]
