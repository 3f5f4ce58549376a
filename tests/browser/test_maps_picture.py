"""The picture of what processes use their memory for."""

import os
import subprocess
import sys
import xml.etree.ElementTree

import pytest
import webdriver
from pages import CONTRAST, OVERLAPS, UNSEEN

# Maps files with names that would do harm, tells when it has, and waits for the end of its input.
TARGET = """
import mmap, os, sys, threading
for name in sys.argv[2].split("|"):
    path = os.path.join(sys.argv[1], name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb+") as file:
        file.truncate(3 << 20)
        kept = globals().setdefault("kept", [])
        kept.append(mmap.mmap(file.fileno(), 0))
        kept[-1].write(b"x" * (3 << 20))
os.unlink(path)
print("ready", flush=True)
sys.stdin.read()
"""
NAMES = ["<script>alert(1)</script>", "]]>\"onload=\"alert(2)", "&lt;b&gt; &amp;", "safe\u202eevil",
         "\x1b[31mred\x07", "line\nfeed", "<img src=x onerror=alert(3)>", "dead"]
SHOWN = ["<script>alert(1)</script>", "]]>\"onload=\"alert(2)", "&lt;b&gt; &amp;", "safe\\u202eevil",
         "\\x1b[31mred\\x07", "line\\nfeed", "<img src=x onerror=alert(3)>", "dead (deleted)"]
TEXTS = "return [...document.querySelectorAll('text')].map(t => t.textContent)"


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """The picture of a process whose command line and files have hostile names."""
    folder = tmp_path_factory.mktemp("files")
    path = tmp_path_factory.mktemp("maps") / "maps.svg"
    command = ["</text><script>alert(0)</script>", "-c", TARGET, str(folder), "|".join(NAMES)]
    with subprocess.Popen(command, executable=sys.executable, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONIOENCODING": "utf-8"}) as target:
        assert target.stdout.readline() == "ready\n"
        subprocess.run([webdriver.program(), "maps", "--pid", str(target.pid), "-o", path],
                       check=True, capture_output=True, timeout=60)
        target.stdin.close()
    return path


def test_file_is_well_formed(picture):
    root = xml.etree.ElementTree.parse(picture).getroot()
    names = {element.tag.split("}")[1] for element in root.iter()}
    assert names == {"svg", "style", "rect", "g", "title", "text"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    text = picture.read_text(encoding="utf-8")
    assert not UNSEEN.search(text)
    assert text.count("http") == 1  # the name of a vocabulary, no address


def test_hostile_names_are_text(browser, picture):
    browser.open(picture.as_uri())
    assert browser.alert() is None and browser.errors() == []
    texts = browser.run(TEXTS)
    titles = browser.run("return [...document.querySelectorAll('g > title')].map(t => t.textContent)")
    for name in SHOWN:
        assert any(text.endswith("/" + name) for text in texts), name
        title = next(title for title in titles if title.split("\n")[0].endswith("/" + name))
        assert "in memory (RSS): 3.0 MiB" in title and "\nsize: 3.0 MiB" in title
    assert texts[0].startswith("</text><script>alert(0)</script> -c \\nimport mmap")


@pytest.mark.parametrize("width, shown", [(1280, 1280), (600, 900)])
def test_text_is_large_enough_and_nothing_overlaps(browser, picture, width, shown):
    browser.resize(width, 500)
    browser.open(picture.as_uri())
    assert browser.run(OVERLAPS, "text") == []
    page = browser.run("const b = document.querySelector('.page').getBoundingClientRect();"
                       "return [b.width, b.height]")
    assert page[0] == pytest.approx(shown, abs=1)
    assert page[1] > 600  # not made small to fit the window's height
    assert browser.run("return [...document.querySelectorAll('text')].filter("
                       "t => { const b = t.getBBox(); return b.x < 0 || b.x + b.width > 1200; }"
                       ").map(t => t.textContent)") == []


def test_kinds_add_up_to_the_whole_bar(browser, picture):
    browser.open(picture.as_uri())
    bars = browser.run("""
        const all = [...document.querySelectorAll('g > rect')], top = all[0].getAttribute('y');
        return all.filter(r => r.getAttribute('y') === top).map(
            r => [Number(r.getAttribute('x')), Number(r.getAttribute('width'))])""")
    assert bars[0][0] == pytest.approx(24, abs=0.1)
    assert sum(bars[-1]) == pytest.approx(1176, abs=6)
    for (left, width), (right, _) in zip(bars, bars[1:]):
        assert left + width <= right + 0.01


@pytest.mark.parametrize("scheme, dark", [("light", False), ("dark", True)])
def test_colours_follow_the_system(browser, picture, scheme, dark):
    browser.media(prefers_color_scheme=scheme)
    browser.open(picture.as_uri())
    page, contrasts = browser.run(CONTRAST + """
        const page = document.querySelector('.page'), fill = (made) => getComputedStyle(made).fill;
        return [light(fill(page)), [...document.querySelectorAll('text')].map(t => {
            const bar = t.classList.contains('on') && t.parentNode.querySelector('rect');
            return ratio(fill(t), fill(bar || page));
        })]""")
    assert (page < 0.1) == dark
    assert min(contrasts) >= 4.5
