"""A sweep whose trials are scored in cue space, small enough to run in seconds: its clips, its row, its file."""

import json
import wave
from pathlib import Path

import cv2
import numpy as np
import yaml
from handmade_store import write_store
from posed_face import face_at, sway

from bench.atomic import write_json
from bench.contract.clip import AUDIO_RATE, FPS
from bench.flags.sweeps import Sweep as Flags
from bench.sweep_verb import sweep_verb
from bench.workspace import Workspace

FRAMES = 20
SPEAKERS = ("M201", "M202", "W201", "W202")
VALIDATION = [f"{speaker}_front_{emotion}_1_002" for speaker in SPEAKERS for emotion in ("fear", "neutral")]
REFERENCE = "M201_front_neutral_1_002"
SPEAKER = """
from dataclasses import replace

import numpy as np
from safetensors.numpy import load_file

from bench.contract.method import Input


class Speaker:
    \"\"\"The real clip's cues with landmarks and gaze off by what the weights and the request's seed say.\"\"\"

    name, version, consumes = "speaker", "1", frozenset({Input.TRUE_CUES})

    def __init__(self, checkpoint):
        self.off = sum(float(np.abs(array).mean()) for array in load_file(checkpoint).values())

    def cues(self, request):
        true, rng = request.true_cues, np.random.default_rng(request.seed)
        shift = rng.normal(self.off, 0.1, true.landmarks.shape).astype(np.float32)
        return replace(true, landmarks=true.landmarks + shift, gaze=true.gaze + 10 * shift[:, :2, :2])

    def generate(self, request):
        raise NotImplementedError
"""
TOY = {
    "method": "grid",
    "metric": {"name": "cues/M-LMD", "goal": "minimize"},
    "parameters": {
        "steps": {"value": 5},
        "validate_every": {"value": 5},
        "variant": {"values": ["full", "wide"]},
        "seed": {"values": [0]},
    },
    "emotalk": {
        "metric": "toy",
        "profile": "smoke",
        "baseline": {"variant": "full"},
        "variants": {"full": {}, "wide": {"width": 64}},
        "score": {"method": "speaker.py:Speaker", "columns": ["M-LMD", "F-LMD", "Gaze-JS"]},
    },
}


ONE = {**TOY, "parameters": {"steps": {"value": 5}, "validate_every": {"value": 5}}}
ONE["emotalk"] = {key: TOY["emotalk"][key] for key in ("metric", "profile", "score")}

UNSCORED = {"parameters": ONE["parameters"], "emotalk": {"metric": "toy", "profile": "smoke"}}


def moving(clip_id):
    """Cues of a head that sways and opens its mouth now and then, each clip in its own way."""
    seed = sum(map(ord, clip_id))
    made = face_at(sway(FRAMES, seed=seed), opening=np.clip(8 * np.sin(np.arange(FRAMES) + seed), 0, None))
    made.gaze[:] = 6 * np.sin(0.2 * np.arange(FRAMES) + seed)[:, None, None]
    return made


def write_clips(work):
    """Clips to train on and to score, with sound and a reference image but without pictures."""
    store = work / "store" / "puppet-smoke"
    training = {
        "judge-train": ["M301_front_angry_1_002"],
        "method-train": ["M401_front_fear_1_002", "M401_front_neutral_1_002"],
    }
    write_store(store, {**training, "validation": VALIDATION}, moving)
    sound = np.random.default_rng(0).normal(0, 2000, FRAMES * AUDIO_RATE // FPS).astype(np.int16)
    for clip in (store / "clips").iterdir():
        with wave.open(str(clip / "audio.wav"), "wb") as file:
            file.setparams((1, 2, AUDIO_RATE, 0, "NONE", ""))
            file.writeframes(sound.tobytes())
    (store / "references").mkdir()
    cv2.imwrite(str(store / "references" / f"{REFERENCE}-0123abcd.png"), np.zeros((256, 256, 3), np.uint8))
    shown = {"reference_clip": REFERENCE, "reference_frame": 3, "reference_sha256": "0123abcd"}
    for path in (store / "selections").glob("*.json"):
        document = json.loads(path.read_text())
        clips = [row | shown for row in document["clips"]]
        write_json(path, document | {"clips": clips, "n_rejected": 0, "media_policy": "none"})


def work_folder(tmp_path, monkeypatch) -> Workspace:
    """A work folder with `write_clips`, a toy among the trainables, and the row `speaker.py:Speaker` that takes its weights."""
    from metrics import trainables

    monkeypatch.setitem(trainables.TRAINABLES, "toy", "toy_trainable:Toy")
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "speaker.py").write_text(SPEAKER)
    write_clips(tmp_path / "work")
    return Workspace.open()


def changed(document=TOY, score=None, **parameters):
    """The sweep with other parameters, or other keys of `score`."""
    said = {**document["emotalk"], "score": {**document["emotalk"]["score"], **(score or {})}}
    return {**document, "emotalk": said, "parameters": {**document["parameters"], **parameters}}


def swept(space, document=TOY, **flags):
    path = space.root.parent / "toy-sweep.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return sweep_verb(Flags(file=str(path), device="cpu", jobs=1, **flags), space, "emotalk sweep")


def documents(outcome) -> list[dict]:
    return [json.loads(p.read_text()) for p in sorted(Path(outcome.document["folder"], "trials").glob("*.json"))]


def results(outcome) -> list[Path]:
    return sorted(Path(outcome.document["folder"], "trials").glob("*/cues/result"))
