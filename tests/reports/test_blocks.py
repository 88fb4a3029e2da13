"""A page of many columns: families folded, footnotes beside them, figures and cards in their places."""

import json
import re

import pytest

from bench.contract.errors import Reason
from bench.contract.metric import Family
from reports.html import build
from reports.load import Loaded
from reports.table import tables

FAMILIES = {
    "LPIPS": Family.IMAGE, "SSIM": Family.IMAGE, "PSNR": Family.IMAGE, "FID": Family.IMAGE,
    "M-LMD": Family.LANDMARKS, "F-LMD": Family.LANDMARKS, "Gaze-JS": Family.GAZE, "Gaze-SW": Family.GAZE,
    "LSE-D": Family.SYNC, "SX-D": Family.SYNC,
}  # fmt: skip
PRIMARY = ("LPIPS", "M-LMD", "Gaze-JS")
SETS = ("FID", "Gaze-JS", "Gaze-SW")
CARD = {"name": "judge-0", "sha256": "ab" * 32, "train_clips": 810, "train_speakers": ["M01", "W01"], "parts": ["judge-train"],
        "seed": 7, "best_step": 300, "chosen_by": {"metric": "accuracy"}, "validation": {"accuracy": 0.8131},
        "validation_speakers": ["M20"], "recipe": "emotalk train --metric judge"}  # fmt: skip
CONFUSION = {
    "kind": "confusion", "judge": "frame judge", "answers": ["happy", "sad"], "emotions": ["happy", "sad"], "n_clips": [2, 2],
    "real": [[2, 0], [0, 2]], "generated": [[2, 0], [1, 1]], "macro_f1_by_seed": [0.7, 0.8],
}  # fmt: skip


@pytest.fixture(scope="module")
def cells(make):
    """cells(): one cell per name of FAMILIES; LSE-D has no value, set metrics have details and a flag."""
    _, metric_value, _ = make

    def build():
        made = []
        for name, family in FAMILIES.items():
            about = {"family": family, "primary": name in PRIMARY, "kind": "set" if name in SETS else "clip"}
            if name in SETS:
                about |= {"details": {"p": 0.004975, "null": 0.25}, "flags": ["small-sample"]}
            if name == "LSE-D":
                about |= {"reason": Reason.WEIGHTS_MISSING, "detail": "syncnet_v2: fetch it", "n_clips": 0}
            made.append(metric_value(name, None if name == "LSE-D" else 0.5, **about))
        return made

    return build


@pytest.fixture(scope="module")
def page(make, cells, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("blocks")
    make_result, _, write_result = make
    folders = []
    for k, name in enumerate(("gt", "static", "two_stage", "wav2lip")):
        folder = write_result(tmp_path / name, make_result(name, cells()), {"P001_front_angry_3_001": k})
        for place, document in (("cards/judge-0", CARD), ("figures/Emo-F1", CONFUSION)):
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / f"{place}.json").write_text(json.dumps(document))
        folders.append(folder)
    build(folders, tmp_path / "out")
    return (tmp_path / "out" / "report.html").read_text()


def table_of(page):
    return page[page.index('id="t1-table"') : page.index('id="t1-scale"')]


def test_primary_endpoints_stand_open_and_each_family_is_folded(page):
    table = table_of(page)
    first = table.index('<details class="family">')
    assert [name for name in FAMILIES if f">{name}</abbr>" in table[:first]] == list(PRIMARY)
    titles = re.findall(r'<details class="family"><summary>([^<]+) <', table)
    assert titles == ["Picture and identity", "Face landmarks", "Gaze and blinks", "Lip sync"]
    assert all(f">{name}</abbr>" in table[first:] for name in FAMILIES)


def test_footnotes_stand_under_the_block_that_uses_them_with_one_number_everywhere(page):
    table = table_of(page)
    notes = re.findall(r'<li id="t1-(\w+)-note-(\d+)" value="\2">([^<]+)', table)
    assert [(block, k) for block, k, _ in notes] == [("primary", "1"), ("image", "1"), ("gaze", "1"), ("sync", "2")]
    assert "syncnet_v2: fetch it" in notes[-1][2]


def test_null_and_p_of_a_set_are_text_on_the_page(page):
    assert table_of(page).count("The same in every row: p 0.004975; null 0.25.") == len(SETS)


def test_a_figure_stands_between_scale_and_breakdown_and_a_method_is_open(page):
    places = [page.index(f'id="t1-{name}"') for name in ("scale", "emotion", "groups")]
    assert places == sorted(places)
    assert re.findall(r'class="confusion-row" open>\s*<summary>([^<]+)', page) == ["two_stage"]


def test_cards_of_the_networks_are_shown_once(page):
    assert page.count("emotalk train --metric judge") == 1
    assert "810 clips of 2 speakers (judge-train), seed 7" in page and "accuracy 0.813" in page


def test_a_film_has_the_primary_endpoints_of_single_clips_under_it_and_the_rest_in_a_table(page):
    clips = page[page.index('id="t1-clips"') : page.index('id="t1-unscored"')]
    assert set(re.findall(r"<dt>([^<]+)</dt>", clips)) == {"LPIPS", "M-LMD"}
    rest = clips[clips.index('class="all-scores"') :]
    assert "SX-D" in rest and not any(f'"row">{name}' in rest for name in (*SETS, "LSE-D"))


def test_the_menu_of_the_breakdown_is_parted_by_family_and_leaves_out_what_nobody_has(page):
    menu = re.search(r"<select autocomplete.*?</select>", page, re.S)[0]
    assert re.findall(r'optgroup label="([^"]+)"', menu)[:2] == ["Primary endpoints", "Picture and identity"]
    assert "SX-D" in menu and "LSE-D" not in menu


def test_notes_are_numbered_as_a_reader_meets_them(make, cells, tmp_path):
    [table] = tables([Loaded(make[0]("m", cells()), tmp_path)])
    met = [k for block in table.blocks for j in block.columns for k in table.cells[0][j].notes]
    assert list(dict.fromkeys(met)) == list(range(1, len(table.notes) + 1))
