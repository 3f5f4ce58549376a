"""The plot of memory: names that would do harm, and the file itself."""

import re

import pytest

from pages import UNSEEN, elements_of, has_handlers, parsed

HARMLESS = {"svg", "title", "style", "g", "rect", "path", "circle", "clipPath", "text", "tspan", "script",
            "foreignObject", "div", "header", "h1", "h2", "h3", "p", "span", "button", "ul", "ol", "li",
            "i", "main", "aside", "footer", "b", "em", "dl", "dt", "dd"}


@pytest.mark.parametrize("kind", ["service", "children", "hostile", "worst", "one", "empty"])
def test_file_is_well_formed(memory, kind):
    data = memory(kind).read_bytes()
    elements, attributes, addresses = parsed(data)
    assert elements <= {"svg", "title", "style", "g", "rect", "path", "circle", "text", "tspan", "script"}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert len(data) < 4_000_000
    assert not re.search(rb"\d(nan|inf)|\b(nan|inf)\b", data.split(b"<script")[0], re.I)


def test_hostile_names_do_nothing(plot):
    browser = plot("hostile")
    browser.wait("return document.querySelector('.canvas .line')")
    box = browser.run("const b = document.querySelector('.canvas').getBoundingClientRect();"
                      "return [b.left, b.top, b.width, b.height]")
    for share in range(2, 20):
        browser.pointer((box[0] + box[2] * share / 20, box[1] + box[3] * 0.8))
    browser.run("document.querySelectorAll('.processes button, .growers button').forEach(b => b.click())")
    assert browser.alert() is None
    assert elements_of(browser) <= HARMLESS
    assert browser.run("return document.querySelectorAll('script').length") == 2
    assert not has_handlers(browser)


def test_hostile_names_can_be_read(plot):
    browser = plot("hostile")
    text = browser.run("return document.querySelector('.app').textContent")
    for name in ("<img src=x onerror=alert(6)>", "\\x1b[31mred\\x07", "line\\nfeed\\ttab",
                 "safe\\u202eevil\\u202c", "bad\\xff\\xfe", "__proto__", "${alert(4)}", "<![CDATA["):
        assert name in text, name
    assert browser.run("return document.querySelector('h1').textContent") == \
        "<script>alert(7)</script> ]]> \\x1b[31m \"title\" \\u202e"
    assert "/<script>alert(9)</script>]]>" in text
    assert not UNSEEN.search(text)


def test_nothing_is_loaded(plot):
    browser = plot("children")
    browser.wait("return document.querySelector('.canvas .line')")
    assert browser.run("return performance.getEntriesByType('resource').map(e => e.name)") == []


def test_the_worst_opens(plot):
    browser = plot("worst")
    browser.wait("return document.querySelector('.canvas .line')")
    assert browser.run("return document.querySelector('.canvas .line.rss').getAttribute('d').length"
                       ) < 300_000
    assert not browser.run("return document.querySelector('.canvas').innerHTML.includes('NaN')")


@pytest.mark.parametrize("kind", ["service", "one", "children", "hostile"])
def test_no_number_is_none(plot, kind):
    browser = plot(kind)
    browser.wait("return document.querySelector('.canvas .line')")
    markup = browser.run("return document.querySelector('.app').outerHTML")
    assert "NaN" not in markup and "Infinity" not in markup and "undefined" not in markup


def test_inside_another_page(browser, memory, tmp_path):
    page = tmp_path / "page.html"
    svg = memory("hostile").read_text(encoding="utf-8").split("?>", 1)[1]
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{svg}", encoding="utf-8")
    browser.open(page.as_uri())
    assert browser.run("return document.querySelectorAll('.picture path').length") > 20
    assert browser.run("return document.querySelector('.app')") is None
    assert browser.alert() is None
