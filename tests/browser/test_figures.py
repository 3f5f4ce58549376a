"""A recording with memory: one file, several figures."""

import json
import re

import pytest

from test_flamegraph import box, found, fragment, press_button, search

BYTES = r"[0-9.]+ [KMG]iB"


def heading(browser):
    return browser.run("return document.querySelector('h1').textContent")


def pressed(browser):
    return browser.run("return document.querySelector('[aria-label=Figure] [aria-pressed=true]')"
                       ".textContent")


def label(browser, name):
    return browser.run("return [...document.querySelectorAll('.f')].map("
                       "f => f.getAttribute('aria-label')).find(l => l.startsWith(arguments[0]))",
                       name)


def growth(recording):
    """Nodes by depth of the second figure, as the file has them."""
    text = recording("both").read_text(encoding="utf-8")
    return [json.loads(part) for part in
            re.findall(r'<script type="application/json" class="data">(.*?)</script>', text,
                       re.DOTALL)]


def test_button_and_key_switch(show):
    browser = show("both")
    assert pressed(browser) == "Time" and heading(browser) == "python manage.py runserver"
    assert "samples" in label(browser, "all")
    press_button(browser, "RSS grown")
    assert heading(browser) == "RSS grown: python manage.py runserver"
    assert fragment(browser) == "figure=grown"
    assert re.search(BYTES, label(browser, "all"))
    facts = browser.run("return document.querySelector('header p').textContent")
    assert re.search(BYTES + "$", facts) and "samples" not in facts
    for figure in ("RSS released", "Time", "RSS grown"):
        browser.press("m")
        assert pressed(browser) == figure
    press_button(browser, "RSS released")
    assert "No memory" in browser.run("return document.querySelector('main').textContent")
    browser.press("m")
    assert "No memory" not in browser.run("return document.querySelector('main').textContent")
    assert fragment(browser) == ""


def test_widths_follow(show, recording):
    time, grown, released = growth(recording)
    assert not time["bytes"] and grown["bytes"] and not released["total"]
    browser = show("both", "#figure=grown")
    for frame, total in {row[1]: row[2] for row in rows(grown) if row[0] == 1}.items():
        name = grown["strings"][grown["frames"][frame * 7]]
        assert box(browser, name)["width"] / box(browser, "all")["width"] == \
            pytest.approx(total / grown["total"], abs=0.002)


def rows(data):
    nodes = data["nodes"]
    return [nodes[at:at + 4] for at in range(0, len(nodes), 4)]


def test_search_and_zoom_follow(show):
    browser = show("both")
    search(browser, "loads")
    assert " of samples in " in found(browser)
    browser.press("Escape")
    press_button(browser, "RSS grown")
    search(browser, "loads")
    assert " of bytes in " in found(browser)
    browser.press("Escape")
    name = "Worker.handle"
    browser.click("return [...document.querySelectorAll('.f')].find("
                  "f => f.getAttribute('aria-label').startsWith(arguments[0]))", name)
    zoomed = box(browser, name)["width"]
    press_button(browser, "Time")
    assert box(browser, name)["width"] == pytest.approx(zoomed, abs=2)
    press_button(browser, "By function")
    press_button(browser, "RSS grown")
    assert box(browser, name)["width"] == pytest.approx(zoomed, abs=2)


def test_tooltip_says_bytes(show):
    browser = show("both", "#figure=grown")
    browser.hover("return [...document.querySelectorAll('.f')].find("
                  "f => f.getAttribute('aria-label').startsWith('Worker.handle'))")
    tip = browser.run("return document.querySelector('.tip').textContent")
    assert re.search(BYTES, tip) and "sample" not in tip


def test_bytes_in_both_directions(show):
    """What `mem` writes: growth, and one button away what was released."""
    browser = show("bytes")
    assert pressed(browser) == "RSS grown"
    assert heading(browser) == "Memory growth: python manage.py runserver"
    press_button(browser, "RSS released")
    assert heading(browser) == "Memory released: python manage.py runserver"
    assert fragment(browser) == "figure=released"
    assert re.search(BYTES, label(browser, "all"))
    browser.press("m")
    assert pressed(browser) == "RSS grown" and fragment(browser) == ""
    assert pressed(show("bytes", "#figure=released")) == "RSS released"


def test_others_have_no_switch(show):
    browser = show("web")
    assert not browser.run("return document.querySelector('[aria-label=Figure]')")
    before = heading(browser)
    browser.press("m")
    assert heading(browser) == before
