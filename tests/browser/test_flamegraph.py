"""The flame graph as a person uses it."""

import re

import pytest

from folded import matched_share, stacks

ZOOMED = "Worker.handle"


def frame(name):
    """A script that returns the first frame in view whose name is this."""
    return ("return [...document.querySelectorAll('.f')].find(f => [' (', ', '].some("
            f"end => f.getAttribute('aria-label').startsWith({name!r} + end)))")


def box(browser, name):
    return browser.run(frame(name).replace("return", "const f =", 1) +
                       "; const b = f.getBoundingClientRect();"
                       "return {left: b.left, top: b.top, width: b.width}")


def found(browser):
    return browser.run("return document.querySelector('.found').textContent")


def fragment(browser):
    return browser.url.partition("#")[2]


def press_button(browser, text):
    browser.click("return [...document.querySelectorAll('button')].find("
                  f"b => b.textContent === {text!r})")


def search(browser, text):
    browser.press("/")
    browser.press("Control+a")
    browser.write(text)


def test_frames_are_as_wide_as_their_share(show, recording):
    browser = show()
    lines = stacks(recording("web", "folded"))
    total = sum(lines.values())
    for name in ("thread 4711 (MainThread)", "thread 4712 (worker-1)"):
        share = sum(count for stack, count in lines.items() if name in stack) / total
        whole = box(browser, "all")["width"]
        assert box(browser, name)["width"] / whole == pytest.approx(share, abs=0.002)
    text = browser.run("return document.querySelector('header').textContent")
    assert "python manage.py runserver" in text
    assert "0 missed, 3 retried" in text
    assert "2026-01-01" in text or "2025-12-31" in text
    assert f"{total:,} samples" in text


def test_click_zooms_and_reset(show):
    browser = show()
    before = box(browser, ZOOMED)["width"]
    whole = box(browser, "all")["width"]
    browser.click(frame(ZOOMED))
    assert before < whole / 2
    assert box(browser, ZOOMED)["width"] == pytest.approx(whole, abs=2)
    assert box(browser, "run_loop")["width"] == pytest.approx(whole, abs=2)  # its caller
    assert fragment(browser).startswith("zoom=")
    press_button(browser, "Reset zoom")
    assert box(browser, ZOOMED)["width"] == pytest.approx(before, abs=2)
    assert fragment(browser) == ""
    browser.back()
    browser.wait(frame(ZOOMED).replace("return", "const f =", 1) +
                 f"; return f.getBoundingClientRect().width > {whole - 3}")


def test_keyboard_zooms(show):
    browser = show()
    whole = box(browser, "all")["width"]
    browser.run("document.querySelector('button[title^=Colours]').focus()")
    browser.press("Tab")
    active = "return document.activeElement.firstChild?.data || ''"
    assert browser.run(active) == "all"
    for name in ("process 4711 \"python manage.py runserver\"", "thread 4711 (MainThread)"):
        browser.press("ArrowDown")
        assert browser.run(active) == name
    browser.press("ArrowRight")
    assert browser.run(active) == "thread 4712 (worker-1)"
    browser.press("ArrowLeft")
    browser.press("ArrowRight")
    assert "thread 4712 (worker-1)" in browser.run(
        "return document.querySelector('.status').textContent")
    browser.press("Enter")
    assert box(browser, "thread 4712 (worker-1)")["width"] == pytest.approx(whole, abs=2)
    browser.press("Escape")
    assert box(browser, "thread 4712 (worker-1)")["width"] < whole / 2
    assert fragment(browser) == ""


@pytest.mark.parametrize("text", ["render", "RENDER", "json/decoder.py", "SQLCompiler", "(", ".py:8"])
def test_search_for_text(show, recording, text):
    browser = show()
    search(browser, text)
    share = matched_share(recording("web", "folded"), lambda label: text.lower() in label.lower())
    assert 0 < share <= 100
    assert found(browser).startswith(f"{share:.1f} % of samples in")
    assert browser.run("return document.querySelectorAll('.f.hit').length") > 0
    assert browser.run("return [...document.querySelectorAll('.f.dim')].every("
                       "f => !f.getAttribute('aria-label').toLowerCase().includes("
                       f"{text.lower()!r}))")


@pytest.mark.parametrize("text", [r"^(loads|distance)\b", r"views/(search|products)", "Set$|select"])
def test_search_for_regular_expression(show, recording, text):
    browser = show()
    press_button(browser, ".*")
    search(browser, text)
    share = matched_share(recording("web", "folded"), re.compile(text, re.I).search)
    assert 0 < share < 100
    assert found(browser).startswith(f"{share:.1f} % of samples in")
    assert "regex=1" in fragment(browser)


def test_bad_regular_expression(show):
    browser = show()
    press_button(browser, ".*")
    search(browser, "(")
    assert found(browser) == "not a regular expression"
    assert browser.run("return document.querySelectorAll('.f.hit, .f.dim').length") == 0
    search(browser, "(sql)")
    assert "of samples" in found(browser)


def test_search_inside_zoom_and_escape(show):
    browser = show()
    browser.click(frame("thread 4713 (worker-2)"))
    search(browser, "thread 4713")
    assert "100.0 % of the zoomed" in found(browser)
    browser.press("Control+a")
    browser.write("thread 4711")
    assert "0.0 % of the zoomed" in found(browser)
    browser.press("Escape")
    assert found(browser) == ""
    assert fragment(browser).startswith("zoom=")
    browser.press("Escape")
    assert fragment(browser) == ""


def test_keys_that_focus_the_search(show):
    browser = show()
    for key in ("/", "Control+f"):
        browser.run("document.activeElement?.blur()")
        browser.press(key)
        assert browser.run("return document.activeElement.localName") == "input"
        assert browser.run("return document.activeElement.value") == ""


def test_flame_and_icicle(show):
    browser = show()
    assert box(browser, "all")["top"] < box(browser, "main")["top"]
    press_button(browser, "Flame")
    assert box(browser, "all")["top"] > box(browser, "main")["top"]
    assert box(browser, "all")["top"] < 800
    assert fragment(browser) == "view=flame"
    press_button(browser, "Icicle")
    assert box(browser, "all")["top"] < box(browser, "main")["top"]


def test_labels_fit(show):
    browser = show()
    labels = browser.run("""
        return [...document.querySelectorAll(".f")].filter(f => f.firstChild).map(f => [
            f.getAttribute("aria-label"), f.firstChild.data,
            f.getBoundingClientRect().width]);""")
    short = 0
    for whole, label, width in labels:
        assert whole.startswith(label) or f".{label} (" in whole
        short += not whole.startswith(label)
        assert width > 20
    assert short > 3


def test_merge_by_function(show, recording):
    browser = show()
    count = "return [...document.querySelectorAll('.f')].filter(f => " \
            "f.getAttribute('aria-label').startsWith('Worker.handle ')).length"
    assert browser.run(count) > 3
    press_button(browser, "By function")
    assert browser.run(count) == 3  # one for each thread
    lines = stacks(recording("web", "folded"))
    wanted = sum(samples for stack, samples in lines.items()
                 if "thread 4711 (MainThread)" in stack and any(
                     label.startswith("Worker.handle ") for label in stack))
    label = browser.run(frame(ZOOMED) + ".getAttribute('aria-label')")
    assert f" {wanted:,} samples" in label
    assert label.startswith("Worker.handle (server/worker.py:160)")
    browser.click(frame(ZOOMED))
    press_button(browser, "By line")
    assert box(browser, ZOOMED)["width"] == pytest.approx(box(browser, "all")["width"], abs=2)
    assert browser.run(count) == 1


def test_address_restores_everything(show, recording):
    browser = show()
    press_button(browser, "Flame")
    press_button(browser, "By function")
    browser.click(frame("thread 4712 (worker-1)"))
    press_button(browser, ".*")
    search(browser, "sql|render")
    kept, text = browser.url, found(browser)
    picture = browser.run("return document.querySelector('.rows').innerHTML.replace(/ tabindex=.../g, '')")
    again = "return document.querySelector('.found').textContent"
    for back in (browser.reload, lambda: browser.open("about:blank") or browser.open(kept)):
        back()
        assert browser.wait(again) == text
        assert browser.run("return document.querySelector('.rows').innerHTML"
                           ".replace(/ tabindex=.../g, '')") == picture
    browser.open(recording("web").as_uri() + "#search=loads")  # another link to the same page
    browser.wait("return document.querySelector('input').value === 'loads'")
    assert box(browser, "all")["top"] < box(browser, "main")["top"]


@pytest.mark.parametrize("bad", ["#zoom=99999999", "#zoom=-1", "#zoom=x", "#%", "#search=%ff&zoom=1e9",
                                 "#zoom=1.5&merge=nothing&view=<script>"])
def test_bad_addresses(show, bad):
    browser = show(fragment=bad)
    assert box(browser, "thread 4711 (MainThread)")["width"] < box(browser, "all")["width"]


def test_tooltip(show):
    browser = show()
    browser.hover(frame("thread 4711 (MainThread)"))
    tip = browser.wait("return document.querySelector('.tip').textContent")
    assert "thread 4711 (MainThread)" in tip
    assert re.search(r"Total[\d,]+ samples[\d.]+ s\d+\.\d %", tip)
    browser.click(frame(ZOOMED))
    browser.hover(frame(ZOOMED))
    tip = browser.run("return document.querySelector('.tip').textContent")
    assert "server/worker.py:161 · Third party" in tip
    assert "100.0 % of the zoomed" in tip
    assert "Self" in tip


def test_window_width(show):
    browser = show()
    for width in (700, 1900):
        browser.resize(width, 800)
        browser.wait(frame("all") + f".getBoundingClientRect().width > {width - 60}")
        assert box(browser, "all")["width"] < width
    browser.resize(200, 400)  # as narrow as it gets: no exception, and frames stay visible
    assert browser.wait(frame("all") + ".getBoundingClientRect().width > 100")


def test_narrow_frames_are_counted(show, recording):
    browser = show("wide", count=100000)
    note = browser.run("return document.querySelector('.note').textContent")
    left_out = int(re.match(r"([\d,]+) narrow frames \(.* % of samples\) left out", note)[1]
                   .replace(",", ""))
    nodes = set()
    for stack in stacks(recording("wide", "folded", 100000)):
        nodes.update(stack[:depth] for depth in range(1, len(stack) + 1))
    assert left_out == len(nodes) - 20000
    static = browser.run("return document.querySelector('.picture').textContent")
    assert "narrow frames" in static


def test_million_stacks_open_at_once(browser, recording):
    path = recording("wide")
    assert path.stat().st_size < 3_000_000
    times = []
    for _ in range(3):
        browser.open("about:blank")
        browser.open(path.as_uri())
        times.append(browser.wait("return document.querySelector('.f') && "
                                  "performance.getEntriesByType('navigation')[0].loadEventEnd"))
    assert min(times) < 1000, times
    assert browser.errors() == []


def test_deep_stacks(show):
    browser = show("deep")
    main = "document.querySelector('main')"
    assert browser.run(f"return {main}.scrollHeight") > 10000 * 15
    browser.run(f"{main}.scrollTop = 1e9")
    browser.wait("return document.querySelector('.f[aria-level=\"10001\"]') !== null")
    assert browser.run("return document.querySelectorAll('.f').length") < 500
    browser.run("document.querySelector('.f[aria-level=\"10000\"]').click()")
    browser.wait("return location.hash === '#zoom=9999'")
    press_button(browser, "Flame")
    press_button(browser, "Reset zoom")
    assert box(browser, "all")["top"] < 800


def test_nothing_recorded(show):
    browser = show("empty")
    text = browser.run("return document.querySelector('.app').textContent")
    assert "No samples" in text and "Threads that wait are left out" in text
    assert "own CPU 0.4 %" in text
    browser.press("/", "Escape", "Enter")


def test_works_without_network(show):
    browser = show()
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
