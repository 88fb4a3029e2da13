"""The page in a real browser: no complaint, no sideways scroll, films play in step, everything by keyboard."""

import chromium
import pytest

from reports.html import build

PROGRAM = chromium.find()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine (apt install chromium)")
WIDTHS = (1280, 390)
FOCUS = "getComputedStyle(document.activeElement).outlineStyle + ' ' + getComputedStyle(document.activeElement).outlineWidth"


@pytest.fixture(scope="module")
def page(realistic, sheet, tmp_path_factory):
    out = tmp_path_factory.mktemp("browser")
    build(realistic, out, [sheet])
    return out / "report.html"


@pytest.fixture(scope="module")
def browser():
    with chromium.Chromium(PROGRAM) as one:
        yield one


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_complaint_and_no_sideways_scroll(browser, page, width, dark):
    browser.open(page, width, dark=dark)
    browser.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    browser.ask("scrollTo(0, document.body.scrollHeight)")
    assert browser.ask("document.documentElement.scrollWidth") <= browser.ask("innerWidth") == width
    assert browser.complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_picture_loads_and_has_words(browser, page, width):
    browser.open(page, width)
    assert browser.until("[...document.querySelectorAll('main img')].every((i) => i.complete && i.naturalWidth > 0)")
    assert browser.ask("[...document.querySelectorAll('main img')].every((i) => i.alt.length > 8)")
    assert browser.ask("[...document.querySelectorAll('video')].every((v) => v.getAttribute('aria-label'))")


def test_films_play_together_with_the_playhead_and_the_sound_of_one(browser, page):
    browser.open(page, 1280)
    browser.ask("document.querySelector('article.clip .play').click()")
    films = "[...document.querySelector('article.clip').querySelectorAll('video')]"
    browser.until(f"{films}.every((v) => v.currentTime > 0.2 && !v.paused)")
    times = browser.ask(f"{films}.map((v) => v.currentTime)")
    assert max(times) - min(times) < 0.2
    assert browser.ask(f"{films}.filter((v) => !v.muted).length") == 1
    assert browser.ask("Number(document.querySelector('article.clip .now').getAttribute('x1'))") > 100
    browser.ask("document.querySelector('article.clip .play').click()")
    assert browser.ask(f"{films}.every((v) => v.paused)")
    assert browser.complaints == []


def test_the_rows_compared_in_the_traces_can_be_chosen(browser, page):
    browser.open(page, 1280)
    shown = "[...document.querySelectorAll('article .panel:first-child')[0].querySelectorAll('.made:not(.off)')].map((p) => p.dataset.row)"
    assert len(browser.ask(shown)) == 1
    choose = "(() => { const s = document.querySelector('.against'); s.value = '2'; s.dispatchEvent(new Event('change')); })()"
    browser.ask(choose)
    assert browser.ask(shown) == ["2"]


def test_one_metric_at_a_time_by_emotion(browser, page):
    browser.open(page, 1280)
    visible = "[...document.querySelectorAll('.tab')].filter((t) => t.offsetHeight).length"
    tables = browser.ask("document.querySelectorAll('.tabs').length")
    assert browser.ask(visible) == tables
    browser.ask("document.querySelector('.chooser select').value = '3'")
    browser.ask("document.querySelector('.chooser select').dispatchEvent(new Event('change', {bubbles: true}))")
    assert browser.ask("document.querySelectorAll('.tab')[2].offsetHeight") > 0
    assert browser.ask(visible) == tables


def test_the_contact_sheet_opens_at_full_size_and_is_walked_by_keyboard(browser, page):
    browser.open(page, 1280)
    browser.ask("document.querySelector('.tile').focus()")
    assert browser.ask("document.querySelectorAll('.tile[tabindex=\"0\"]').length") == 1
    browser.press("ArrowRight")
    first = browser.ask("document.activeElement.getAttribute('aria-label')")
    assert first == browser.ask("document.querySelectorAll('.tile')[1].getAttribute('aria-label')")
    browser.press("Enter")
    assert browser.ask("document.querySelector('dialog').open")
    assert browser.ask("document.querySelector('dialog img').alt") == first
    browser.press("ArrowDown")
    assert browser.ask("document.querySelector('dialog img').alt") != first
    browser.press("Escape")
    browser.until("!document.querySelector('dialog').open")
    assert browser.ask("document.activeElement.className") == "tile"
    assert browser.complaints == []


def test_clips_are_read_out_by_arrow_keys_and_enter_leads_to_the_players(browser, page):
    browser.open(page, 1280)
    browser.ask("document.querySelector('.spread-figure .clips').focus()")
    assert (
        browser.ask("document.querySelector('.spread-figure').querySelectorAll('.clips[tabindex=\"0\"]').length") == 1
    )
    browser.press("ArrowDown")
    readout = "document.querySelector('.readout').textContent"
    seen = []
    while "P001_front_angry_3_001" not in seen:
        browser.press("ArrowRight")
        row, clip_id = browser.ask(readout).split()[:2]
        assert row == "gt-reencoded:" and clip_id not in seen
        seen.append(clip_id)
    browser.press("Enter")
    assert browser.ask("document.activeElement.id") == "t1-clip-P001_front_angry_3_001"
    assert browser.complaints == []


def test_what_the_tab_key_reaches_is_seen_to_have_the_focus(browser, page):
    browser.open(page, 1280)
    kinds = set()
    for _ in range(60):
        browser.press("Tab")
        kinds.add(browser.ask("document.activeElement.tagName"))
        style, width = browser.ask(FOCUS).rsplit(" ", 1)
        assert style != "none" and float(width.removesuffix("px")) >= 1, browser.ask(
            "document.activeElement.outerHTML.slice(0, 120)"
        )
    assert {"A", "INPUT", "SUMMARY", "DIV"} <= kinds


def test_it_is_readable_without_scripts(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page, 390)
        assert browser.ask("[...document.querySelectorAll('.tab')].every((t) => t.offsetHeight > 0)")
        assert browser.ask("[...document.querySelectorAll('article video')].every((v) => v.controls)")
        assert browser.ask("[...document.querySelectorAll('.together, .one, .chooser')].every((e) => !e.offsetHeight)")
        assert browser.complaints == []
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
