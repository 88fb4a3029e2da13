"""A method's outputs: one file per clip, failures recorded, only what is missing made again."""

import json
import re

import numpy as np
import pytest

from baselines.registry import GROUPS, find_method
from bench.contract.cues import Cues
from bench.contract.errors import UndeclaredInput, UsageError
from bench.data import media
from bench.data.store import Store
from bench.generate import generate

PLUGIN = """
import numpy as np
from bench.contract.method import Input

class Loud:
    '''Grey frames as bright as the sound is loud.'''
    name, version = "loud", "1"
    consumes = frozenset({Input.AUDIO, Input.EMOTION})
    def generate(self, request):
        for part in np.array_split(request.audio, request.n_frames):
            yield np.full((256, 256, 3), 40 + 200 * min(1, np.abs(part).mean() * 5), np.uint8)

class Peeks(Loud):
    consumes = frozenset({Input.AUDIO})
    def generate(self, request):
        request.true_video
        yield from ()

class Breaks(Loud):
    def generate(self, request):
        yield np.zeros((256, 256, 3), np.uint8)
        raise RuntimeError("out of ideas")

class Quits(Loud):
    def generate(self, request):
        raise SystemExit(0)

class Excuses(Loud):
    def generate(self, request):
        from bench.contract.errors import NotApplicable, Reason
        raise NotApplicable(Reason.NO_PARTNER, "too hard")

class Small(Loud):
    def generate(self, request):
        for _ in range(request.n_frames):
            yield np.zeros((128, 128, 3), np.uint8)

class Few(Loud):
    def generate(self, request):
        return list(super().generate(request))[:-2]

class Many(Loud):
    def generate(self, request):
        frames = list(super().generate(request))
        return frames + frames[:2]
"""


CUES_PLUGIN = """
import numpy as np
from dataclasses import replace
from bench.contract.method import Input

class Mute:
    name, version, consumes = "mute", "1", frozenset({Input.TRUE_CUES})

    def generate(self, request):
        raise RuntimeError("cannot render")

    def cues(self, request):
        true = request.true_cues
        return replace(true, blendshapes=np.full_like(true.blendshapes, np.nan))
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("plugin") / "loud.py"
    path.write_text(PLUGIN)
    return path


@pytest.fixture(scope="module")
def selection(smoke_work):
    return Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test")


def make(name, selection, out, **options):
    return generate(find_method(str(name)), selection, out, jobs=1, **options)


@pytest.mark.parametrize(
    "name", [*GROUPS["controls"], *GROUPS["two-stage"], "two_stage-no-relocation", "two_stage-no-latent"]
)
def test_every_row_with_its_weights_gives_a_clip_of_the_right_length_with_the_clips_sound(name, selection, tmp_path):
    made = make(name, selection, tmp_path)
    assert {item["status"] for item in made.items} == {"ok"}
    for row in selection.scored:
        info = media.probe(tmp_path / f"{row.clip.clip_id}.mp4")
        assert (info.width, info.height, info.n_frames) == (256, 256, row.clip.n_frames)
        assert info.has_audio


def test_the_card_says_what_the_method_was_given(plugin, selection, tmp_path):
    make(f"{plugin}:Loud", selection, tmp_path)
    card = json.loads((tmp_path / "generated.json").read_text())
    assert card["consumes"] == ["audio", "emotion"]
    assert card["kind"] == "plug-in"
    assert card["identity"]["code"]


def test_a_second_run_makes_nothing_and_a_lost_file_is_made_again_the_same(plugin, selection, tmp_path):
    make(f"{plugin}:Loud", selection, tmp_path)
    assert make(f"{plugin}:Loud", selection, tmp_path).made == 0
    victim = next(tmp_path.glob("*.mp4"))
    before = victim.read_bytes()
    victim.unlink()
    assert make(f"{plugin}:Loud", selection, tmp_path).made == 1
    assert victim.read_bytes() == before


def test_another_seed_is_another_item(plugin, selection, tmp_path):
    make(f"{plugin}:Loud", selection, tmp_path, seed=0)
    assert make(f"{plugin}:Loud", selection, tmp_path, seed=1).made == len(selection.scored)


def test_a_method_reading_what_it_did_not_declare_is_stopped(plugin, selection, tmp_path):
    with pytest.raises(UndeclaredInput, match="true video"):
        make(f"{plugin}:Peeks", selection, tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Quits", "SystemExit"),
        ("Excuses", "too hard"),
        ("Breaks", "out of ideas"),
        ("Small", r"frame 1 is \(128, 128, 3\)"),
        ("Few", "yielded"),
        ("Many", "yields more"),
    ],
)
def test_a_failing_method_leaves_a_record_and_no_video(plugin, selection, tmp_path, name, said):
    made = make(f"{plugin}:{name}", selection, tmp_path)
    assert len(made.failed) == len(selection.scored)
    assert all(item["reason"] == "method-failed" for item in made.failed)
    assert re.search(said, made.failed[0]["detail"])
    assert not list(tmp_path.glob("*.mp4"))


def test_altering_the_sound_changes_the_output_and_keeps_the_clips_own_sound(plugin, selection, tmp_path):
    make(f"{plugin}:Loud", selection, tmp_path / "a")
    made = make(f"{plugin}:Loud@other-audio", selection, tmp_path / "b")
    done = [item["clip_id"] for item in made.items if item["status"] == "ok"]
    assert done
    for clip_id in done:
        own, altered = (tmp_path / side / f"{clip_id}.mp4" for side in "ab")
        assert media.stream_sha256(own) != media.stream_sha256(altered)
        np.testing.assert_array_equal(media.read_audio(own), media.read_audio(altered))


def test_a_first_frame_as_reference_image_is_named_as_the_leak_it_is(selection, tmp_path):
    made = make("static@first-frame", selection, tmp_path)
    done = [item["clip_id"] for item in made.items if item["status"] == "ok"]
    assert len(done) == len(selection.scored)
    for row in selection.scored:
        real, held = (
            next(media.read_frames(p, fps=25)) for p in (row.clip.video, tmp_path / f"{row.clip.clip_id}.mp4")
        )
        assert np.abs(real.astype(int) - held).mean() < 3
    consumes = json.loads((tmp_path / "generated.json").read_text())["consumes"]
    assert consumes == ["reference image: the clip's own first frame (leaks)"]


def test_cues_alone_are_written_with_the_blendshapes_of_their_landmarks(selection, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(CUES_PLUGIN)
    spec = find_method(f"{plugin}:Mute@cues")
    made = generate(spec, selection, tmp_path / "out", seed=0, jobs=1)
    assert {item["status"] for item in made.items} == {"cues"} and "@cues" in spec.label
    row = selection.scored[0]
    true, written = Cues.load(row.clip.cues), Cues.load(tmp_path / "out" / f"{row.clip.clip_id}.cues.safetensors")
    assert np.array_equal(true.landmarks, written.landmarks)
    # the landmarks that were read are those of the video: so are the blendshapes
    assert np.abs(true.blendshapes - written.blendshapes)[true.valid].max() < 0.02
    again = generate(find_method(f"{plugin}:Mute"), selection, tmp_path / "other", seed=0, jobs=1)
    assert {item["status"] for item in again.items} == {"failed"}, "without @cues the method would have to render"


def test_cues_of_a_method_without_any_are_refused():
    with pytest.raises(UsageError, match="gives no cues"):
        find_method("static@cues").load()
    assert find_method("frozen-gaze@cues").identity() != find_method("frozen-gaze").identity()


def test_rerendered_controls_change_the_one_cue(selection, tmp_path):
    for name in ("frozen-gaze", "frozen-pose"):
        make(name, selection, tmp_path / name)
    from bench.contract.geometry import pose_of
    from bench.data.prepare_clip import face_extractor

    for row in selection.scored[:1]:
        real = Cues.load(row.clip.cues)
        held = {
            name: face_extractor()(media.read_frames(tmp_path / name / f"{row.clip.clip_id}.mp4"))
            for name in ("frozen-gaze", "frozen-pose")
        }
        spread = {name: pose_of(cues.transform).std(axis=0).max() for name, cues in held.items()}
        assert spread["frozen-pose"] < 0.5 * pose_of(real.transform).std(axis=0).max()
        assert spread["frozen-gaze"] > 0.7 * pose_of(real.transform).std(axis=0).max()
