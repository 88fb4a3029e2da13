"""Protocols: one file is the whole definition, every key of it is read, mistakes are named."""

import hashlib
import pickle
from importlib.resources import files

import pytest

from bench.contract.errors import UsageError
from bench.contract.metric import Family
from bench.protocols import load_protocol, parse_protocol, protocol_names
from bench.view import CANONICAL
from metrics.registry import METRICS, OPTIONAL, get_metrics, protocol_keys

CONTENT = (files("data_manifests") / "protocols" / "emotalk.toml").read_bytes()


def changed(old: str, new: str) -> bytes:
    assert CONTENT.count(old.encode()) >= 1
    return CONTENT.replace(old.encode(), new.encode(), 1)


def test_the_default_protocol():
    protocol = load_protocol()
    assert (protocol.name, protocol.status, protocol.unknown) == ("emotalk", "ours", ())
    assert (protocol.framing, protocol.view) == ("canonical", CANONICAL)
    assert (protocol.max_length_difference, protocol.min_frames) == (5, 0)
    assert protocol.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert protocol.options["ssim.color"] == "rgb"
    assert pickle.loads(pickle.dumps(protocol)) == protocol


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_file_loads_and_builds_its_metrics(name):
    protocol = load_protocol(name)
    assert [metric.name for metric in get_metrics(protocol.metrics, protocol.options)] == list(protocol.metrics)


def test_the_default_protocol_has_every_metric():
    assert list(load_protocol().metrics) == [name for name in METRICS if name not in OPTIONAL]


def test_any_change_of_the_file_changes_its_hash():
    assert parse_protocol(CONTENT + b"# note\n", "p").sha256 != load_protocol().sha256


def test_options_reach_the_metrics():
    protocol = parse_protocol(changed('normalisation = "own-mean"', 'normalisation = "raw"'), "p")
    lmd = get_metrics(["M-LMD"], protocol.options)[0]
    assert lmd.normalisation == "raw" and "raw" in lmd.definition


def test_an_unknown_protocol_is_answered_with_the_nearest_name():
    with pytest.raises(UsageError, match=r"did you mean 'emotalk'.*choose from: .*emotalk"):
        load_protocol("emotlk")
    with pytest.raises(UsageError):
        load_protocol("../protocols/emotalk")


@pytest.mark.parametrize("line", [line for line in CONTENT.decode().splitlines() if " = " in line])
def test_every_key_is_needed_and_every_other_key_is_refused(line):
    key = line.split(" = ")[0]
    with pytest.raises(UsageError, match=f"{key} is missing"):
        parse_protocol(changed(f"\n{line}\n", "\n"), "p")
    with pytest.raises(UsageError, match=rf"{key}x is read by nobody.*did you mean '{key}'"):
        parse_protocol(changed(f"\n{line}\n", f"\n{line}\n{key}x = 1\n"), "p")
    with pytest.raises(UsageError, match=f"{key}: expected"):
        parse_protocol(changed(f"\n{line}\n", f"\n{key} = true\n"), "p")


@pytest.mark.parametrize("header", [line for line in CONTENT.decode().splitlines() if line.startswith("[")])
def test_a_table_nobody_reads_is_refused(header):
    with pytest.raises(UsageError, match=r"is read by nobody|is missing"):
        parse_protocol(changed(f"\n{header}\n", f"\n{header[:-1]}x]\n"), "p")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size = 256", "size = 32", "expected 64 to 512 px, got 32"),
        ('alignment = "canonical"', 'alignment = "nose-and-eye"', "crop.alignment: .*did you mean 'nose-and-eyes'"),
        ('origin = "own"', 'origin = "none"', "audio.origin: unknown 'none'"),
        ('rule = "by-time"', 'rule = "by-index"', "pairing.rule: .*index-proportion"),
        ("min_frames = 0", "min_frames = -1", "length.min_frames: expected frames"),
        ('framing = "canonical"', 'framing = "cannonical"', "framing: unknown 'cannonical'; did you mean 'canonical'"),
        ("max_length_difference = 5", "max_length_difference = -1", "max_length_difference"),
        ('status = "ours"', 'status = "verified"', r"verified-on\(...\)"),
        ('"PSNR"', '"PNSR"', "did you mean 'PSNR'"),
        ('"PSNR"', '"SSIM"', "each metric once"),
        ('color = "rgb"', 'color = "bgr"', r"ssim\.color: unknown 'bgr'"),
        ("unknown = []", "unknown = [1]", "list of strings"),
        ("size = 256", "size =", "not a TOML document"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_the_key_named(old, new, message):
    with pytest.raises(UsageError, match=f"^somewhere.*{message}"):
        parse_protocol(changed(old, new), "somewhere")


def test_a_protocol_says_nothing_about_columns_that_it_does_not_have():
    every = ", ".join(f'"{name}"' for name in load_protocol().metrics)
    few = changed(f"[{every}]", '["SSIM"]')
    with pytest.raises(UsageError, match=r"audio is read by nobody"):
        parse_protocol(few, "p")
    few = few.replace(b'[audio]\norigin = "own"\n\n', b"")
    with pytest.raises(UsageError, match=r"metrics\.psnr is read by nobody"):
        parse_protocol(few, "p")
    only = few[: few.index(b"[metrics.psnr]")]
    assert set(parse_protocol(only, "p").options) == {"ssim.color", "ssim.window"}


def test_what_a_column_sees_stands_in_its_definition_and_nowhere_else():
    plain = {m.name: m.definition for m in load_protocol().metrics_built()}
    assert plain == {m.name: m.definition for m in get_metrics(load_protocol().metrics, load_protocol().options)}
    other = parse_protocol(
        changed('alignment = "canonical"\nsize = 256', 'alignment = "nose-and-eyes"\nsize = 128')
        .replace(b'"by-time"', b'"index-proportion"')
        .replace(b'origin = "own"', b'origin = "store"'),
        "p",
    )
    differs = {
        m.name: m.definition.removeprefix(plain[m.name]) for m in other.metrics_built() if m.definition != plain[m.name]
    }
    assert {METRICS[name].family for name in differs} == {Family.IMAGE, Family.LANDMARKS, Family.SYNC}
    assert "128 px: nose and eyes" in differs["SSIM"] and "shorter one's" in differs["SSIM"]
    assert "px" not in differs["M-LMD"] and "shorter one's" in differs["M-LMD"]
    assert differs["Mouth-sound"] == "; the real clip's sound laid under the video"
    assert "shorter" not in differs["CPBD"]  # a video by itself is paired with nothing


@pytest.mark.parametrize("key", protocol_keys())
def test_every_value_of_an_option_is_another_definition(key):
    with pytest.raises(UsageError) as error:
        get_metrics(None, {key: "?"})
    values = str(error.value).rpartition("choose from: ")[2].split(", ")
    readers = [name for name, cls in METRICS.items() if key in cls.protocol_keys]
    for name in readers:
        said = [get_metrics([name], {key: value})[0].definition for value in values]
        assert len(values) > 1 and len(set(said)) == len(values), (name, said)


@pytest.mark.parametrize("status", ["unverified", "verified-on(EAT committed outputs)"])
def test_published_protocols_carry_their_status(status):
    protocol = parse_protocol(changed('status = "ours"', f'status = "{status}"'), "p")
    assert protocol.status == status
