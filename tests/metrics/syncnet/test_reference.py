"""The package syncnet-python, run beside this project on one real clip at several lengths."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import syncnet_case

from metrics.syncnet import model, modes, sound

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "syncnet-python 0.2.3"
SECONDS = (1, 2, 3, 5, 8, 12)


@pytest.fixture(scope="module")
def case(angry, tmp_path_factory) -> Path:
    return syncnet_case.write(angry, tmp_path_factory.mktemp("case"), max(SECONDS))


@pytest.fixture(scope="module")
def theirs(case) -> dict[str, np.ndarray]:
    python = ROOT / ".venv-ref" / "bin" / "python"
    if not python.exists():
        pytest.skip("the reference environment is not there: make reference-venv")
    command = [python, ROOT / "tests" / "reference" / "syncnet_reference.py", case, case / "out.npz", "--every", "1"]
    subprocess.run([*command, "--seconds", ",".join(map(str, SECONDS))], check=True, capture_output=True)
    with np.load(case / "out.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.mark.slow
def test_clips_of_1_to_12_seconds_have_parity_with_the_reference(case, theirs, tolerance):
    net = model.load(case / "weights.model")
    with np.load(case / "case.npz") as file:
        pictures, samples = file["pictures"], file["samples"]
    visual = model.embed_pictures(net, pictures)
    for seconds in SECONDS:
        count = modes.reference_windows(25 * seconds, 16_000 * seconds)
        heard = model.embed_sound(net, sound.mfcc(samples[: 16_000 * seconds]))
        for side, ours in (("visual", visual[:count]), ("audio", heard)):
            difference = np.abs(ours - theirs[f"{seconds}/{side}"]).max() / np.abs(theirs[f"{seconds}/{side}"]).max()
            tolerance("SyncNet", PACKAGE, f"{side} embeddings, 1 to 12 s, relative", difference, 1e-5)
        scores = modes.reference(visual[:count], heard[:count])
        offset, confidence, distance = theirs[f"{seconds}/scores"]
        tolerance("AV-offset", PACKAGE, "clips of 1 to 12 s", abs(scores.offset - offset), 0, "frames")
        tolerance(
            "LSE-D", PACKAGE, "clips of 1 to 12 s, at most half a printed digit", abs(scores.distance - distance), 5e-4
        )
        difference = abs(scores.confidence - confidence)
        tolerance("LSE-C", PACKAGE, "clips of 1 to 12 s, at most half a printed digit", difference, 5e-4)


@pytest.mark.slow
def test_post_processing_equals_the_reference_s_to_the_last_bit(theirs, tolerance):
    for windows in syncnet_case.POST_WINDOWS:
        scores = modes.reference(*syncnet_case.made_up(windows))
        ours = np.array([scores.offset, scores.confidence, scores.distance])
        difference = np.abs(ours - theirs[f"post/{windows}"]).max()
        tolerance("LSE post-processing", PACKAGE, "offset, LSE-C, LSE-D of given embeddings", difference, 0)


@pytest.mark.slow
def test_the_golden_file_is_what_the_reference_says_today(theirs, golden):
    for name, kept in golden.items():
        now = theirs[name][:, ::8] if name in ("1/visual", "1/audio") else theirs[name]
        if kept.dtype.kind == "U":
            assert now.tolist() == kept.tolist()
        else:
            np.testing.assert_allclose(
                now, kept, rtol=1e-5, atol=1e-3 if name.startswith("faces") else 1e-5, err_msg=name
            )
