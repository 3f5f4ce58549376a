"""The flame graph of bytes: the same page, told in bytes."""

import re

import pytest
from folded import matched_share, stacks
from test_flamegraph import box, found, frame, press_button, search

MEGABYTE = 1 << 20
THREAD = "thread 4711 (MainThread)"


def amount(size):
    """As the page writes it."""
    assert MEGABYTE <= size < 1023 * MEGABYTE
    megabytes = size / MEGABYTE
    return f"{megabytes:.1f} MiB" if megabytes < 99.95 else f"{megabytes:.0f} MiB"


@pytest.fixture
def lines(recording):
    return stacks(recording("growth", "folded"))


def test_figures_are_bytes(show, lines):
    browser = show("growth")
    total = sum(lines.values())
    mine = sum(size for stack, size in lines.items() if THREAD in stack)
    header = browser.run("return document.querySelector('header').textContent")
    assert "Memory growth: python manage.py runserver" in header
    assert f"40.0 s · {amount(total)}" in header
    label = browser.run(frame(THREAD) + ".getAttribute('aria-label')")
    assert label == f"{THREAD}, {amount(mine)}, {100 * mine / total:.1f} %"
    browser.hover(frame(THREAD))
    tip = browser.wait("return document.querySelector('.tip').textContent")
    assert f"Total{amount(mine)}{mine:,} B{100 * mine / total:.1f} %" in tip
    assert re.search(r"Self0 B0\.0 %", tip)
    status = browser.run("return document.querySelector('.status').textContent")
    assert f"{THREAD} – {amount(mine)} ({mine:,} B), " in status
    assert box(browser, THREAD)["width"] / box(browser, "all")["width"] == pytest.approx(
        mine / total, abs=0.002)
    for word in ("samples", "sample"):
        assert word not in header.replace("10,000 samples at 100.0 Hz", "") + tip + status


def test_search_and_zoom(show, recording):
    browser = show("growth")
    search(browser, "render")
    share = matched_share(recording("growth", "folded"), lambda label: "render" in label.lower())
    assert found(browser).startswith(f"{share:.1f} % of bytes in")
    press_button(browser, "By function")
    browser.click(frame("Worker.handle"))
    assert "of the zoomed" in found(browser)


def test_without_script(browser, recording):
    """The picture's own tooltips."""
    text = recording("growth").read_text(encoding="utf-8")
    assert re.search(r"<title>thread 4711 \(MainThread\)\n\d+(\.\d)? MiB, \d+\.\d %</title>", text)
    assert " samples, " not in text.partition("<script")[0]
    browser.open(recording("growth").as_uri())
    assert browser.errors() == []
