"""ONNX files through torch: the numbers of OpenCV, whatever the batch, and a reason for every file that is not one."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from posed_face import face_at

from bench.contract.errors import WeightsError
from bench.contract.seen import Video
from metrics.extractors.head_pose_6drepnet import HeadPose6DRepNet, network_input
from metrics.extractors.identity import ArcFaceEmbedding, SFaceEmbedding
from metrics.extractors.onnx_file import Node, read_onnx
from metrics.extractors.onnx_graph import OPERATORS, OnnxGraph

FILES = ("head_pose_6drepnet", "arcface_mbf", "sface")
GOLDEN = Path(__file__).resolve().parents[2] / "golden"
TORCH = "cpu:0"
"""A torch device that is not named "cpu": what an extractor does on a GPU, where there is none."""


def number(value: int) -> bytes:
    """A varint."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + number(rest) if rest else bytes([low])


def field(key: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return number(key << 3) + number(value)
    content = value.encode() if isinstance(value, str) else value
    return number(key << 3 | 2) + number(len(content)) + content


def tensor(name: str, values: np.ndarray) -> bytes:
    kind = {"f": 1, "i": 7}[values.dtype.kind]
    shape = b"".join(field(1, n) for n in values.shape)
    return shape + field(2, kind) + field(8, name) + field(9, values.tobytes())


def node(operator: str, inputs: str, output: str, attributes: bytes = b"") -> bytes:
    return field(
        1, b"".join(field(1, name) for name in inputs.split()) + field(2, output) + field(4, operator) + attributes
    )


def network(*parts: bytes, opset: int = 11) -> bytes:
    """An ONNX file of nodes and arrays with the input x and the output y."""
    graph = b"".join(parts) + field(11, field(1, "x")) + field(12, field(1, "y"))
    return field(1, 7) + field(8, field(2, opset)) + field(7, graph)


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    """What each network is given: a face of its golden file and noise, (3, C, H, W)."""
    noise = np.random.default_rng(0)
    with np.load(GOLDEN / "arcface.npz") as golden:
        crop = golden["crops"][0].astype(np.float32).transpose(2, 0, 1)
    with np.load(GOLDEN / "mediapipe_faces.npz") as golden:
        head = network_input(golden["head0/image"], golden["head0/landmarks"])
    faces = {"head_pose_6drepnet": head, "arcface_mbf": crop / 127.5 - 1, "sface": crop}
    return {
        name: np.stack([face, *noise.uniform(face.min(), face.max(), (2, *face.shape)).astype(np.float32)])
        for name, face in faces.items()
    }


@pytest.mark.parametrize("name", FILES)
def test_a_network_gives_the_numbers_of_opencv_and_one_picture_those_of_three(name, pictures, weight_file, tolerance):
    file, given = weight_file(name), pictures[name]
    reference = cv2.dnn.readNetFromONNX(str(file))
    expected = []
    for picture in given[:2]:
        reference.setInput(picture[None])
        expected.append(reference.forward()[0])
    graph = OnnxGraph(file)
    found = graph(given, batch=3)
    assert found.dtype == np.float32 and found.shape == (3, *expected[0].shape)
    scale = np.abs(expected).max()
    metric = {"head_pose_6drepnet": "Pose2-W1", "arcface_mbf": "CSIM", "sface": "CSIM-S"}[name]
    apart = np.abs(found[:2] - expected).max() / scale
    tolerance(metric, "OpenCV's dnn module", f"{name} through torch, relative", apart, 1e-4)
    single = np.concatenate([graph(picture[None], batch=1) for picture in given])
    assert np.abs(found - single).max() <= 1e-5 * scale
    assert np.abs(found[1] - found[2]).max() > 1e-3 * scale  # three pictures, three answers


def test_a_pass_that_is_not_full_gives_the_same_numbers(pictures, weight_file):
    graph, given = OnnxGraph(weight_file("arcface_mbf")), pictures["arcface_mbf"]
    assert np.array_equal(graph(given, batch=2)[2], graph(given[2:], batch=2)[0])


def test_head_angles_on_another_device_are_those_on_the_cpu(weight_file):
    with np.load(GOLDEN / "mediapipe_faces.npz") as golden:
        image, landmarks = golden["head1/image"], golden["head1/landmarks"]
    cues = face_at(np.zeros((6, 3)))
    cues.landmarks[:] = landmarks
    video = Video(cues, np.stack([image * (1 - k / 20) for k in range(6)]).astype(np.uint8))
    files = {"head_pose_6drepnet": weight_file("head_pose_6drepnet")}
    expected, elsewhere = HeadPose6DRepNet(files)(video), HeadPose6DRepNet(files, TORCH)
    found = elsewhere(video)
    assert np.array_equal(found["frames"], expected["frames"])
    assert found["angles"].shape == (5, 3) and np.abs(found["angles"] - expected["angles"]).max() < 1e-3
    assert isinstance(elsewhere._network.func, OnnxGraph)
    assert len(pickle.dumps(elsewhere)) < 1000


@pytest.mark.parametrize(("extractor", "file"), [(ArcFaceEmbedding, "arcface_mbf"), (SFaceEmbedding, "sface")])
def test_embeddings_on_another_device_are_those_on_the_cpu(extractor, file, weight_file):
    with np.load(GOLDEN / "mediapipe_faces.npz") as golden:
        image, landmarks = golden["head0/image"], golden["head0/landmarks"]
    cues = face_at(np.zeros((3, 3)))  # fewer frames than slots: a pass that is not full
    cues.landmarks[:] = landmarks
    video = Video(cues, np.stack([image, image[:, ::-1], image // 2]))
    expected, elsewhere = (extractor({file: weight_file(file)}, device) for device in ("cpu", TORCH))
    assert np.abs(elsewhere(video)["embedding"] - expected(video)["embedding"]).max() < 1e-4
    assert isinstance(elsewhere._network.func, OnnxGraph)
    assert len(pickle.dumps(elsewhere)) < 2000


def test_a_small_file_is_read_to_the_number_and_computed(tmp_path):
    file = tmp_path / "small.onnx"
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    minus = np.array([-1, 2], np.int64)
    transposed = field(5, field(1, "transB") + field(3, 1) + field(20, 2))
    parts = tensor("w", weight), tensor("b", np.float32([1, -1])), tensor("shape", minus)
    arrays = b"".join(field(5, part) for part in parts)
    file.write_bytes(network(node("Gemm", "x w b", "h", transposed), node("Reshape", "h shape", "y"), arrays))
    graph = read_onnx(file)
    assert graph.nodes[0] == Node("Gemm", ("x", "w", "b"), ("h",), {"transB": 1})
    assert (graph.inputs, graph.outputs) == (("x",), ("y",))
    assert np.array_equal(graph.arrays["w"], weight) and graph.arrays["shape"].tolist() == [-1, 2]
    given = np.float32([[1, 0, 2], [3, -1, 0]])
    assert np.array_equal(OnnxGraph(file)(given, batch=2), given @ weight.T + [1, -1])


def test_numbers_are_read_packed_or_one_by_one(tmp_path):
    file = tmp_path / "packed.onnx"
    values = np.float32([0.5, -2])
    minus_one = number((1 << 64) - 1)
    one_by_one = b"".join(number(4 << 3 | 5) + v.tobytes() for v in values)
    arrays = (
        field(1, b"\x02") + field(2, 1) + field(8, "packed") + field(4, values.tobytes()),
        field(1, 2) + field(2, 1) + field(8, "single") + one_by_one,
        field(1, 2) + field(2, 7) + field(8, "whole") + field(7, minus_one + b"\x05"),
    )
    file.write_bytes(network(node("Relu", "x", "y"), *(field(5, array) for array in arrays)))
    found = read_onnx(file).arrays
    assert found["packed"].tolist() == found["single"].tolist() == [0.5, -2] and found["whole"].tolist() == [-1, 5]


FLIPPED = field(5, field(1, "flipped") + field(3, 1) + field(20, 2))
FAULTS = {
    "operator": (network(node("Erf", "x", "y")), "operator Erf is not known"),
    "attribute": (network(node("Relu", "x", "y", FLIPPED)), "flipped"),
    "inputs": (network(node("Relu", "x x", "y")), "Relu of y"),
    "order": (network(node("Relu", "h", "y")), "reads 'h'"),
    "output": (network(node("Relu", "x", "z")), "nothing computes its output y"),
    "domain": (network(node("Relu", "x", "y", field(7, "com.example"))), "com.example"),
    "version": (network(node("Relu", "x", "y"), opset=21), "21"),
    "shape": (network(field(5, field(1, 3) + field(2, 1) + field(8, "w") + field(9, b"\0" * 8))), "w: 2 numbers"),
    "type": (network(field(5, field(1, 1) + field(2, 11) + field(8, "w") + field(9, b"\0" * 8))), "type 11"),
    "outside": (network(field(5, field(1, 1) + field(2, 1) + field(8, "w") + field(14, 1))), "outside the file"),
    "short": (network(node("Relu", "x", "y"))[:-3], "cut short"),
    "empty": (b"", "version"),
    "text": (b"not a network", "damaged"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_does_not_fit_is_refused_with_its_name_and_a_reason(fault, tmp_path):
    content, reason = FAULTS[fault]
    file = tmp_path / "odd.onnx"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as refused:
        OnnxGraph(file)
    assert str(file) in str(refused.value)


def test_a_real_file_that_is_cut_or_altered_is_refused_or_read_and_never_crashes(weight_file, tmp_path):
    content = weight_file("arcface_mbf").read_bytes()
    file = tmp_path / "damaged.onnx"
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="cut short"):
        read_onnx(file)
    small = network(node("Gemm", "x w b", "y"), field(5, tensor("w", np.ones((3, 2), np.float32))))
    for place in range(len(small)):
        file.write_bytes(small[:place] + bytes([small[place] ^ 0xFF]) + small[place + 1 :])
        try:
            read_onnx(file)
        except WeightsError as refused:
            assert str(file) in str(refused)
    with pytest.raises(WeightsError, match="cannot be read"):
        read_onnx(tmp_path / "nothing.onnx")


def test_every_operator_here_is_one_that_a_file_uses(weight_file):
    used = {node.operator for name in FILES for node in read_onnx(weight_file(name)).nodes}
    assert used == set(OPERATORS)
