import numpy as np
import pytest
from pydantic import ValidationError

from bench.contract.cues import Cues
from bench.contract.errors import UndeclaredInput
from bench.contract.method import Input, Request
from bench.contract.metric import Direction
from bench.contract.result import MetricValue


def cell(**changes):
    fields = {"metric": "SSIM", "direction": Direction.HIGHER, "unit": "1", "definition": "d", "version": "1", "value": None,
              "n_clips": 0, "n_speakers": 0, "n_frames": 0, "n_expected": 2, "coverage": 0.0}  # fmt: skip
    return MetricValue(**{**fields, **changes})


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError, match="extra"):
        cell(surprise=1)


def test_a_missing_value_survives_as_null():
    written = cell(reason="no-face").model_dump_json()
    assert '"value":null' in written
    assert MetricValue.model_validate_json(written).value is None


def test_reading_an_undeclared_input_raises_and_names_it():
    request = Request(
        "a", 3, 0, frozenset({Input.AUDIO}), {Input.AUDIO: lambda: np.zeros(3), Input.EMOTION: lambda: "happy"}
    )
    assert request.audio.shape == (3,)
    with pytest.raises(UndeclaredInput, match=r"Input\.EMOTION"):
        _ = request.emotion


def test_an_input_is_computed_only_when_read_and_only_once():
    calls = []
    request = Request("a", 3, 0, frozenset({Input.LEVEL}), {Input.LEVEL: lambda: calls.append(1) or 2})
    assert not calls
    assert (request.level, request.level) == (2, 2)
    assert len(calls) == 1


def test_cues_file_keeps_every_array(tmp_path):
    rng = np.random.default_rng(0)
    empty = Cues.empty(3)
    arrays = {
        n: rng.normal(size=getattr(empty, n).shape).astype(np.float32)
        for n in empty.__dataclass_fields__
        if n != "valid"
    }
    arrays["gaze"][1] = np.nan
    cues = Cues(**arrays, valid=np.array([True, False, True]))
    cues.save(tmp_path / "c.safetensors")
    back = Cues.load(tmp_path / "c.safetensors")
    for name in cues.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(back, name), getattr(cues, name))


def test_cues_of_the_wrong_shape_are_refused_with_both_shapes():
    arrays = {n: getattr(Cues.empty(3), n) for n in Cues.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"gaze: expected shape \(3, 2, 2\), got \(3, 2\)"):
        Cues(**{**arrays, "gaze": np.zeros((3, 2), np.float32)})
