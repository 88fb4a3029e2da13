"""The gaze figure: real beside generated on one colour scale, readable without colour, whole in HTML."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from gaze_sets import collected, frozen, stretched
from pydantic import ValidationError

from metrics.gaze import GazeJS
from reports.gazemap import LEVELS, gaze_section, gaze_style, level_of, share_of


@pytest.fixture(scope="module")
def documents() -> dict[str, dict]:
    return {
        name: GazeJS().estimate(collected(alter), 0).figure
        for name, alter in (("still", frozen), ("wide", stretched(1.5)))
    }


def test_a_row_shows_every_emotion_and_eye_real_beside_generated(documents):
    page = str(gaze_section([("still", documents["still"])]))
    assert page.count('<svg class="gaze-map"') == 3 * 2 * 2
    for emotion in ("angry", "happy", "sad"):
        for eye in ("left", "right"):
            for side in ("real", "still"):
                assert f"<title>{emotion}, {eye} eye, {side}</title>" in page
    assert page.index("left eye") < page.index("right eye")


def test_several_rows_share_one_colour_scale_and_the_first_is_open(documents):
    page = str(gaze_section(list(documents.items())))
    assert page.count('<details class="gaze-row" open>') == 1 and page.count('<details class="gaze-row"') == 2
    assert page.count("square-root scale, the same for all maps") == 2  # in words and for screen readers, once each
    one_alone = str(gaze_section([("wide", documents["wide"])]))
    assert re.findall(r'class="g\d+"', one_alone) != re.findall(r'class="g\d+"', page[page.index("wide</summary>") :])


def test_what_the_maps_say_can_be_read_without_colour(documents):
    page = str(gaze_section([("still", documents["still"])]))
    assert "yaw °, + image right" in page and "pitch °, + up" in page
    assert "600 frames" in page and "0 % closed" in page and "12 clips" in page
    assert re.search(r"<desc>Share of frames by direction in degrees; most: \d+ % at yaw", page)
    assert re.search(r"JS 0\.\d{3}, chance 0\.\d{3}, p 0\.\d{3}", page)
    eye = documents["still"]["emotions"][0]["eyes"][0]
    shown = re.search(r"<title>angry, left eye, real</title>.*?</svg>", page, re.DOTALL).group()
    percents = [int(n) for n in re.findall(r'<text class="(?:in|on)"[^>]*>(\d+)<', shown)]
    assert percents == [int(f"{100 * v:.0f}") for row in eye["real"] for v in row if v >= 0.005]


def test_pitch_up_is_drawn_at_the_top_and_image_right_at_the_right():
    grid = np.zeros((3, 5))
    grid[2, 4] = 1.0  # up and to the image's right
    eye = {"real": grid.tolist(), "generated": grid.tolist(), "js": 0.0, "null": 0.0, "p": 1.0}
    emotion = {
        "emotion": "sad",
        "n_clips": 2,
        "frames_real": 9,
        "frames_generated": 9,
        "closed_real": 0,
        "closed_generated": 0,
    }
    document = {
        "frame": "head",
        "centre": "own",
        "yaw_edges": [-15, -9, -3, 3, 9, 15],
        "pitch_edges": [-10.5, -3.5, 3.5, 10.5],
        "emotions": [emotion | {"eyes": [eye | {"eye": "left"}]}],
    }
    page = str(gaze_section([("row", document)]))
    svg = ElementTree.fromstring(re.search(r"<svg.*?</svg>", page, re.DOTALL).group())
    cells = {r.get("class"): (float(r.get("x")), float(r.get("y"))) for r in svg.iter("rect")}
    full, frame = cells[f"g{LEVELS}"], cells["frame"]
    assert full[0] > frame[0] + 100 and full[1] == frame[1]


def test_labels_are_escaped_nothing_gives_nothing_and_another_document_is_refused(documents):
    page = str(gaze_section([("<b>&row", documents["still"])]))
    assert "<b>" not in page and "&lt;b&gt;&amp;row" in page
    assert str(gaze_section([])) == ""
    with pytest.raises(ValidationError):
        gaze_section([("row", {"kind": "head-pose"})])
    assert ".gaze-map" in gaze_style()


def test_levels_cover_the_scale_evenly_in_the_root():
    assert level_of(0.0, 0.6) == 0 and level_of(1e-6, 0.6) == 1 and level_of(0.6, 0.6) == LEVELS
    for level in range(1, LEVELS + 1):
        assert level_of(share_of(level, 0.6), 0.6) == level
