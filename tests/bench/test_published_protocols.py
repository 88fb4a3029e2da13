"""The published protocols: honest about what they are not, other than the default where they say so, and described key by key."""

import csv
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from bench.contract.metric import Family
from bench.protocols import load_protocol, protocol_names
from data_manifests.lengths import cremad_lengths, share_dropped, table
from metrics.emotion_classes import class_sets
from metrics.registry import OPTIONAL
from metrics.syncnet.tracks import MIN_TRACK

PUBLISHED = ("skimage-default", "wav2lip-lrs", "wav2lip-real", "eat-like", "dreamtalk-like")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocols-published.md"
NOT_RULES = {"name", "title", "status", "unknown", "metrics.names"}


def keys(values, path=""):
    """Every key of a TOML document with dots, and its value."""
    for key, value in values.items():
        yield from keys(value, f"{path}{key}.") if isinstance(value, dict) else [(f"{path}{key}", value)]


def rules(name):
    text = (files("data_manifests") / "protocols" / f"{name}.toml").read_text(encoding="utf-8")
    return {key: str(value) for key, value in keys(tomllib.loads(text)) if key not in NOT_RULES}


def section(name):
    """The page's part about a protocol."""
    return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S)[1]


def test_all_of_them_are_there():
    assert set(PUBLISHED) <= set(protocol_names())
    assert not {"eat", "dreamtalk"} & set(protocol_names())


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_says_that_it_is_not_the_paper_s_and_what_is_not_known(name):
    protocol = load_protocol(name)
    assert protocol.status == "unverified" or protocol.status.startswith("verified-on(")
    assert protocol.unknown


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_computes_some_column_of_the_default_protocol_by_other_rules(name):
    protocol, default = load_protocol(name), {m.name: m.definition for m in load_protocol().metrics_built()}
    other = [m.name for m in protocol.metrics_built() if m.definition != default.get(m.name)]
    with_data = [
        n for n in other if not n.startswith(("LSE", "AV-"))
    ]  # those need weights that nobody has from an index
    assert with_data, f"{name} would move no number on a machine without the official SyncNet"


@pytest.mark.parametrize("name", PUBLISHED)
def test_columns_of_networks_that_are_not_the_published_ones_are_named_as_unknown(name):
    protocol = load_protocol(name)
    built, doubts = {m.name: m for m in protocol.metrics_built()}, " ".join(protocol.unknown)
    assert "FID" not in built
    for start, word in (("LSE", "LSE"), ("SX", "SX"), ("Emo", "judge"), ("FD", "FD-5f")):
        if any(column.startswith(start) for column in built):
            assert word in doubts, f"{name}: nothing is said of {start} columns"
    landmarks = [column for column, metric in built.items() if metric.family is Family.LANDMARKS]
    assert not landmarks or "MediaPipe-68" in doubts


def test_the_default_protocol_is_that_of_before():
    options = load_protocol().options
    assert (options["emotion.classes"], options["sync_expert.padding"], options["sync.mode"]) == (
        "8",
        "none",
        "corrected",
    )
    assert not set(OPTIONAL) & set(load_protocol().metrics)


@pytest.mark.parametrize("classes", [name for name in class_sets() if name != "8"])
def test_every_other_set_of_classes_has_a_protocol(classes):
    assert load_protocol(f"emotion-{classes}").options["emotion.classes"] == classes


def test_eat_s_mistakes_stand_in_the_file_and_not_in_a_column_of_their_name():
    protocol = load_protocol("eat-like")
    assert {"FD-5f", "F-LVD"} <= set(protocol.metrics) and protocol.options["fd.channels"] == "bgr"
    assert any("F-LVD" in line and "not repeated" in line for line in protocol.unknown)


def test_eat_s_published_face_lvd_is_the_mouth_s_over_more_points_on_every_clip():
    """Its own committed scores show the mistake: the mouth's sum over 20 points, divided by 68."""
    text = (files("data_manifests") / "mead" / "eat100_scores.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    ratios = [float(row["f_lvd_px_as_published"]) / float(row["m_lvd_px"]) for row in rows]
    assert len(ratios) == 100 and max(abs(ratio * 68 / 20 - 1) for ratio in ratios) < 1e-9


def test_skimage_default_has_parity_with_scikit_image_called_without_a_word(tolerance):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    rng = np.random.default_rng(0)
    real = rng.integers(0, 256, (16, 16, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    for level in (3, 40):
        made = np.clip(real + rng.normal(0, level, real.shape), 0, 255).astype(np.uint8)
        ssim, psnr = (m.frames(real[None], made[None])[0] for m in load_protocol("skimage-default").metrics_built())
        difference = abs(ssim - structural_similarity(real, made, channel_axis=-1))
        tolerance("SSIM", "scikit-image", "value under protocol skimage-default", difference, 1e-6)
        difference = abs(psnr - peak_signal_noise_ratio(real, made))
        tolerance("PSNR", "scikit-image", "value under protocol skimage-default", difference, 1e-6, "dB")


def test_more_than_a_hundred_frames_are_what_syncnet_s_tracks_have():
    assert load_protocol("wav2lip-real").min_frames == MIN_TRACK + 1
    assert load_protocol("wav2lip-lrs").min_frames == 0


def test_the_smallest_track_drops_nearly_all_of_crema_d():
    lengths = cremad_lengths()
    assert sum(lengths.values()) == 7442
    assert 0.98 < share_dropped(lengths, MIN_TRACK) < 1
    assert share_dropped(lengths, 0) == 0 and share_dropped(lengths, 10_000) == 1
    card = tomllib.loads((files("data_manifests") / "cremad" / "lengths-card.toml").read_text(encoding="utf-8"))
    assert card["n_clips"] == 7442 and "Open Database License" in card["licence"]


def test_the_smallest_track_drops_all_six_real_clips(cremad_tree):
    from bench.data import media

    clips = sorted(cremad_tree.rglob("*.flv"))
    frames = [sum(1 for _ in media.read_frames(clip, fps=25, max_frames=MIN_TRACK + 1)) for clip in clips]
    assert len(frames) == 6 and max(frames) <= MIN_TRACK
    assert all(length in cremad_lengths() for length in frames)


def test_the_page_shows_what_the_command_prints_of_crema_d():
    assert table() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_page_describes_every_key_with_its_value_a_source_and_whether_it_is_verified(name):
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section(name).splitlines()
        if line.startswith("| `")
    ]
    assert {row[0].strip("`"): row[1] for row in rows} == rules(name)
    assert all(len(row) == 4 and row[2] and row[3] for row in rows)
