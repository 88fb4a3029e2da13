"""What a dataset's media policy lets into a report: films, real films, contact sheet; numbers always."""

import shutil

import numpy as np
import pytest

from bench.contract.errors import UsageError
from reports.html import build
from reports.load import load_sheets

CLIP = "P001_front_angry_3_001"


@pytest.fixture
def shared(make, make_sheet, tmp_path):
    """shared(policy, sheet_policy): page and out folder of gt, a control and a method, each with film, real film, traces."""
    make_result, metric_value, write_result = make

    def build_one(policy, sheet_policy=None, names=("gt", "static", "a")):
        folders = []
        for k, name in enumerate(names):
            result = make_result(name, [metric_value("SSIM", 0.8)], dataset={"media_policy": policy}, showcase=[CLIP])
            folders.append(write_result(tmp_path / name, result, {CLIP: k}, real={CLIP: 9}, traced=[CLIP]))
        sheet = make_sheet(tmp_path / "sheet", policy=sheet_policy or policy)
        build(folders, tmp_path / "out", [sheet])
        return (tmp_path / "out" / "report.html").read_text(), tmp_path / "out"

    return build_one


def films(out):
    return sorted(p.name.split(".")[0] for p in out.glob("media/*"))


def test_all_shows_everything(shared):
    page, out = shared("all")
    assert films(out) == ["1-01-gt", "1-02-static", "1-03-a"]
    assert "Contact sheet" in page and page.count('class="tile"') == 6
    assert "1 real clip with sound" in page and "Mouth opening" in page


def test_generated_shows_methods_only_and_no_sheet(shared):
    page, out = shared("generated")
    assert films(out) == ["1-03-a"]
    assert "Contact sheet" not in page and "real clip with sound" not in page
    assert "allows generated video only" in page
    assert page.count("data:image/webp") == 1  # the method's own first frame
    assert "Mouth opening" in page


def test_none_shows_no_picture_of_anybody_but_the_curves(shared):
    page, out = shared("none")
    assert films(out) == [] and not (out / "media").exists()
    assert "data:image" not in page and "<video" not in page and 'class="tile"' not in page
    assert "No clips are shown" in page and "Mouth opening" in page


@pytest.mark.parametrize("policies", [("all", "none"), ("all", "generated"), ("generated", "all"), ("none", "all")])
def test_the_sheet_is_shown_only_if_it_and_the_results_allow_it(shared, policies):
    page, _ = shared(*policies)
    assert "Contact sheet" not in page


@pytest.mark.parametrize(
    "other", [{"part": "validation"}, {"profile": "bench"}, {"data_version": "2"}, {"dataset": "x"}]
)
def test_a_sheet_of_other_data_is_not_shown(make, make_sheet, tmp_path, other):
    make_result, _, write_result = make
    folder = write_result(tmp_path / "a", make_result("a"))
    build([folder], tmp_path / "out", [make_sheet(tmp_path / "sheet", **other)])
    assert "Contact sheet" not in (tmp_path / "out" / "report.html").read_text()


def test_without_a_ground_truth_row_the_real_film_stands_in_its_place(shared):
    page, out = shared("all", names=("static", "a"))
    assert films(out) == ["1-00-real-clip", "1-01-static", "1-02-a"]
    assert "1 real clip with sound" in page


def test_a_sheet_that_is_broken_is_refused_before_anything_is_written(make, make_sheet, tmp_path):
    folder = make[2](tmp_path / "a", make[0]("a"))
    sheet = make_sheet(tmp_path / "sheet")
    next(sheet.glob("*.webp")).unlink()
    with pytest.raises(UsageError, match="is not there"):
        build([folder], tmp_path / "out", [sheet])
    (sheet / "sheet.json").write_text("{}")
    with pytest.raises(UsageError, match="not a contact sheet"):
        build([folder], tmp_path / "out", [sheet])
    assert not (tmp_path / "out").exists()


def test_a_sheet_cannot_name_a_file_elsewhere(make_sheet, tmp_path):
    sheet = make_sheet(tmp_path / "sheet")
    text = (sheet / "sheet.json").read_text()
    (sheet / "sheet.json").write_text(text.replace("P001_angry.webp", "../../etc/passwd"))
    with pytest.raises(UsageError, match="bare name"):
        load_sheets([sheet])


def test_twelve_rows_of_twenty_four_kept_clips_and_a_whole_sheet_stay_under_ten_megabytes(make, make_sheet, tmp_path):
    import cv2

    make_result, metric_value, write_result = make
    ids = [f"P{k:03d}_front_{e}_3_001" for k in range(1, 13) for e in ("angry", "happy")]
    folders = []
    for k in range(12):
        result = make_result(
            f"row{k}", [metric_value(m, 0.8) for m in ("SSIM", "M-LMD", "LVD", "SX-C")], showcase=ids[:6]
        )
        folders.append(write_result(tmp_path / f"r{k}", result, {ids[0]: k} if k == 0 else None, traced=ids))
        (folders[-1] / "samples").mkdir(exist_ok=True)
        for clip_id in ids[k == 0 :]:
            shutil.copyfile(folders[0] / "samples" / f"{ids[0]}.mp4", folders[-1] / "samples" / f"{clip_id}.mp4")
    sheet = make_sheet(tmp_path / "sheet", speakers=12, size=512)
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.normal(128, 160, (512, 512, 3)), (0, 0), 4).clip(0, 255).astype(np.uint8)
    _, picture = cv2.imencode(".webp", texture, [cv2.IMWRITE_WEBP_QUALITY, 88])
    assert len(picture) > 20_000  # busier than a face
    for path in sheet.glob("*.webp"):
        path.write_bytes(picture.tobytes())
    done = build(folders, tmp_path / "out", [sheet])
    assert (tmp_path / "out" / "report.html").stat().st_size == done.page_bytes < 10_000_000
    assert done.n_films == 12 * 24


def test_a_sheet_too_large_for_a_page_is_cut_after_a_whole_speaker(make, make_sheet, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.contact.LARGEST", 200)
    folder = make[2](tmp_path / "a", make[0]("a"))
    build([folder], tmp_path / "out", [make_sheet(tmp_path / "sheet")])
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count('class="tile"') % 2 == 0 and "more speaker" in page


def test_two_tables_of_one_dataset_embed_its_contact_sheet_once_and_two_datasets_share_the_room(
    make, make_sheet, tmp_path, monkeypatch
):
    make_result, _, write_result = make
    folders = [
        write_result(tmp_path / "a", make_result("a")),
        write_result(tmp_path / "b", make_result("b", protocol={"missing": "exclude"})),
    ]
    sheet = make_sheet(tmp_path / "sheet", speakers=3)
    build(folders, tmp_path / "out", [sheet])
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count('class="tile"') == 6 and page.count('id="t1-sheet"') == 1
    assert 'href="#t1-sheet"' in page and 'id="t2-data"' in page and 'href="#t2-data"' in page
    other = make_sheet(tmp_path / "other", speakers=3, dataset="x")
    folders[1] = write_result(tmp_path / "c", make_result("c", dataset={"name": "x"}))
    one = sum(path.stat().st_size for path in sheet.glob("P00[12]*.webp"))
    monkeypatch.setattr("reports.contact.LARGEST", 2 * one)
    build(folders, tmp_path / "two", [sheet, other])
    page = (tmp_path / "two" / "report.html").read_text()
    assert page.count('class="tile"') == 2 * 4 and page.count("1 more speaker left out") == 2


@pytest.mark.parametrize("names", [{"name": "gt"}, {"method": {"name": "GT_crf18"}}])
def test_what_is_named_as_real_footage_is_not_shown_as_generated(make, tmp_path, names):
    make_result, metric_value, write_result = make
    result = make_result("a", [metric_value("SSIM", 0.8)], dataset={"media_policy": "generated"}, **names)
    folder = write_result(tmp_path / "a", result, {CLIP: 1})
    build([folder], tmp_path / "out")
    assert films(tmp_path / "out") == [] and "data:image" not in (tmp_path / "out" / "report.html").read_text()
