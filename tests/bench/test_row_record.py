"""What a row says beside its numbers."""

from types import SimpleNamespace

import pytest

from baselines.registry import find_method
from bench import earlier_result
from bench.contract.errors import UsageError
from bench.contract.seen import Labels
from bench.generate import card_of
from bench.row_record import method_record, people


def labels(clip_id, emotion, dataset="cremad-sample"):
    return Labels(clip_id, dataset, "1001", emotion, None)


def test_people_who_rated_the_real_clips_stand_beside_them_also_where_no_judge_is():
    (said,) = people([labels("1001_IEO_HAP_LO", "happy"), labels("1001_IEO_SAD_MD", "sad")])
    assert "face" in said and "voice" in said and "audio-visual" in said


@pytest.mark.parametrize("dataset", ["puppet", "mead"])
def test_a_dataset_without_votes_says_nothing_of_people(dataset):
    assert people([labels("1001_IEO_HAP_LO", "happy", dataset)]) == []


def card(saw):
    """The card of a method that says this of its pre-training."""
    document = dict.fromkeys(("dataset", "manifest", "part"), "x") | {"profile": None, "data_version": None}
    method = SimpleNamespace(version="1", kind="official", consumes=frozenset(), saw_test_speakers=saw)
    return card_of(find_method("gt"), method, SimpleNamespace(document=document), 0)


def test_the_record_names_the_weights_behind_a_row_by_their_hashes():
    made = card(None)
    made.identity["weights:generator"] = "a" * 64
    assert method_record(made, "row").weights == {"generator": "a" * 64}
    assert method_record(card(None), "row").weights == {}


@pytest.mark.parametrize("saw", ["yes", "no", "unknown", None])
def test_what_a_method_says_of_its_pre_training_comes_into_the_record(saw):
    assert method_record(card(saw), "row").saw_test_speakers == saw
    assert method_record(None, "a folder of videos").saw_test_speakers is None


def test_another_word_is_refused_with_the_words_that_there_are():
    with pytest.raises(UsageError, match="one of yes, no, unknown, it is 'maybe'"):
        card("maybe")


def test_a_row_that_says_nothing_depends_on_what_it_depended_on_before_it_could(monkeypatch, tmp_path):
    monkeypatch.setattr(earlier_result, "key_of", lambda **parts: parts["method"])
    clip = SimpleNamespace(clip=SimpleNamespace(clip_id="a"), fingerprint="f", flags=())
    job = SimpleNamespace(
        row=clip,
        verdict=None,
        videos=tmp_path,
        plan=SimpleNamespace(key="k"),
        framing=SimpleNamespace(value="own"),
        missing="static",
    )
    dataset = SimpleNamespace(model_dump=dict)

    def depends_on(saw):
        method = method_record(card(saw), "row")
        rejected, protocol = SimpleNamespace(rejected=tmp_path), SimpleNamespace(sha256="p")
        return earlier_result.inputs_of([job], protocol, method, dataset, rejected, "row", 0, [])

    assert "saw_test_speakers" not in depends_on(None)
    assert depends_on("no") == depends_on(None) | {"saw_test_speakers": "no"}
