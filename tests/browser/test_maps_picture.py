"""The picture of what processes use their memory for."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree

import pytest
import webdriver

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
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e]", text)
    assert text.count("http") == 1  # the name of a vocabulary, no address


def test_hostile_names_are_text(browser, picture):
    browser.open(picture.as_uri())
    assert browser.alert() is None and browser.errors() == []
    texts = browser.run(TEXTS)
    titles = browser.run("return [...document.querySelectorAll('g > title')].map(t => t.textContent)")
    for name in SHOWN:
        assert any(text.endswith("/" + name) for text in texts), name
        title = next(title for title in titles if title.split("\n")[0].endswith("/" + name))
        assert "in memory (RSS): 3.0 MB" in title and "\nsize: 3.0 MB" in title
    assert texts[0].startswith("</text><script>alert(0)</script> -c \\nimport mmap")


OVERLAPS = """
    const texts = [...document.querySelectorAll('text')].filter(t => t.textContent.trim());
    const boxes = texts.map(t => t.getBoundingClientRect()), found = [];
    for (let i = 0; i < boxes.length; i++)
        for (let j = 0; j < i; j++)
            if (boxes[i].left < boxes[j].right - 1 && boxes[j].left < boxes[i].right - 1 &&
                boxes[i].top < boxes[j].bottom - 3 && boxes[j].top < boxes[i].bottom - 3)
                found.push(texts[i].textContent + ' / ' + texts[j].textContent);
    return found;"""


@pytest.mark.parametrize("width, shown", [(1280, 1280), (600, 900)])
def test_text_is_large_enough_and_nothing_overlaps(browser, picture, width, shown):
    browser.resize(width, 500)
    browser.open(picture.as_uri())
    assert browser.run(OVERLAPS) == []
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
    light = """
        const of = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(v => {
            v /= 255;
            return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        }).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const page = of(getComputedStyle(document.querySelector('.page')).fill);
        return [page, [...document.querySelectorAll('text')].map(t => {
            const bar = t.classList.contains('on') && t.parentNode.querySelector('rect');
            const below = bar ? of(getComputedStyle(bar).fill) : page;
            const [low, high] = [of(getComputedStyle(t).fill), below].sort((a, b) => a - b);
            return (high + 0.05) / (low + 0.05);
        })]"""
    page, contrasts = browser.run(light)
    assert (page < 0.1) == dark
    assert min(contrasts) >= 4.5
