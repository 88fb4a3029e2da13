"""Protocols: one file is the whole definition, every key of it is read, mistakes are named."""

import hashlib
import pickle
from importlib.resources import files

import pytest

from bench.contract.errors import UsageError
from bench.protocols import load_protocol, parse_protocol, protocol_names
from metrics.registry import METRICS, OPTIONAL, get_metrics

CONTENT = (files("data_manifests") / "protocols" / "emotalk.toml").read_bytes()


def changed(old: str, new: str) -> bytes:
    assert CONTENT.count(old.encode()) >= 1
    return CONTENT.replace(old.encode(), new.encode(), 1)


def test_the_default_protocol():
    protocol = load_protocol()
    assert (protocol.name, protocol.status, protocol.unknown) == ("emotalk", "ours", ())
    assert (protocol.fps, protocol.crop_size, protocol.framing) == (25, 256, "canonical")
    assert protocol.max_length_difference == 5
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
        ("fps = 25", "fps = 30", "cannot be honoured"),
        ("size = 256", "size = 128", "cannot be honoured"),
        ('framing = "canonical"', 'framing = "cannonical"', "framing: unknown 'cannonical'; did you mean 'canonical'"),
        ("max_length_difference = 5", "max_length_difference = -1", "max_length_difference"),
        ('status = "ours"', 'status = "verified"', r"verified-on\(...\)"),
        ('"PSNR"', '"PNSR"', "did you mean 'PSNR'"),
        ('"PSNR"', '"SSIM"', "each metric once"),
        ('color = "rgb"', 'color = "bgr"', r"ssim\.color: unknown 'bgr'"),
        ("unknown = []", "unknown = [1]", "list of strings"),
        ("fps = 25", "fps =", "not a TOML document"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_the_key_named(old, new, message):
    with pytest.raises(UsageError, match=f"^somewhere.*{message}"):
        parse_protocol(changed(old, new), "somewhere")


def test_a_protocol_lists_only_the_options_of_its_own_metrics():
    every = ", ".join(f'"{name}"' for name in load_protocol().metrics)
    few = changed(f"[{every}]", '["SSIM"]')
    with pytest.raises(UsageError, match=r"metrics\.psnr is read by nobody"):
        parse_protocol(few, "p")
    only = few[: few.index(b"[metrics.psnr]")]
    assert set(parse_protocol(only, "p").options) == {"ssim.color", "ssim.window"}


@pytest.mark.parametrize("status", ["unverified", "verified-on(EAT committed outputs)"])
def test_published_protocols_carry_their_status(status):
    protocol = parse_protocol(changed('status = "ours"', f'status = "{status}"'), "p")
    assert protocol.status == status
