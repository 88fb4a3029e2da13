"""Which columns read which networks: as the metrics declare it, and other networks are refused with the reason."""

from bench.contract.result import ExtractorRecord
from metrics.extractors.registry import EXTRACTORS, extractor_class
from metrics.registry import METRICS
from reports.networks import EXPERTS, OWN_WEIGHTS, READ_BY, other_networks


def record(name, weights="a", version="1"):
    return ExtractorRecord(name=name, version=version, weights={name: weights})


def test_the_list_is_what_the_metrics_and_extractors_declare():
    assert set(READ_BY) == set(EXTRACTORS)
    made = [cls() for cls in METRICS.values()]
    for metric in made:
        assert all(metric.name in READ_BY[name] for name in metric.extractors), metric.name
    read = {name: {m.name for m in made if name in m.extractors} for name in READ_BY}
    assert all(set(READ_BY[name]) == columns for name, columns in read.items() if columns)
    assert set(EXPERTS) == {name for name in EXTRACTORS if extractor_class(name).experts}
    assert set(OWN_WEIGHTS) == {m.name for m in made if m.needs}


def test_the_same_networks_are_no_reason_to_refuse():
    both = [record("face"), record("emotion_judge"), record("LPIPS")]
    assert all(other_networks(name, both, both[::-1]) is None for name in ("SSIM", "LPIPS", "Emo-F1"))


def test_other_weights_refuse_the_columns_that_read_them_and_no_others():
    ours, theirs = [record("face"), record("inception")], [record("face"), record("inception", "b")]
    assert other_networks("FID", ours, theirs) == "calibrated with other weights of inception than these rows have"
    assert other_networks("SSIM", ours, theirs) is None
    assert other_networks("SSIM", [record("LPIPS")], [record("LPIPS", "b")]) is None
    assert "LPIPS" in other_networks("LPIPS", [record("LPIPS")], [record("LPIPS", "b")])


def test_another_face_detector_or_an_unlisted_extractor_of_another_version_refuses_every_column():
    for name in ("face", "of_a_plug_in"):
        said = other_networks("SSIM", [record(name)], [record(name, version="2")])
        assert said == f"calibrated with version 1 of {name}, these rows have version 2"


def test_an_expert_that_a_side_does_not_record_is_unknown_and_refused_a_published_network_is_not():
    rows = [record("face"), record("sync_expert"), record("inception")]
    assert other_networks("SX-D", [], rows) == "no record of the expert in the calibration"
    assert other_networks("SX-D", rows, []) == "no record of the expert of these rows"
    assert other_networks("FID", [], rows) is None and other_networks("M-LMD", [], rows) is None
