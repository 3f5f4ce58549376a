"""Names that would do harm, and the file itself."""

import pytest

from pages import UNSEEN, elements_of, has_handlers, parsed

HARMLESS = {"svg", "title", "style", "g", "rect", "text", "tspan", "script", "foreignObject",
            "div", "header", "h1", "p", "span", "input", "button", "ul", "li", "i", "main", "footer",
            "b", "em", "dl", "dt", "dd"}


@pytest.mark.parametrize("kind", ["web", "hostile", "deep", "empty"])
def test_file_is_well_formed(recording, kind):
    elements, attributes, addresses = parsed(recording(kind).read_bytes())
    assert elements <= {"svg", "title", "style", "g", "rect", "text", "tspan", "script"}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_hostile_names_do_nothing(show):
    browser = show("hostile")
    frames = browser.run("return document.querySelectorAll('.f').length")
    assert frames > 50
    for index in range(0, frames, 3):
        browser.hover(f"return document.querySelectorAll('.f')[{index}]")
    for text in ("<script>", "]]>", "onload", "__proto__", "\\x1b"):
        browser.press("/", "Control+a")
        browser.write(text)
        assert not browser.run("return document.querySelector('.found').textContent"
                               ).startswith("0.0 %"), text
        browser.press("Enter", "Enter")
        browser.press("Escape")
    assert browser.alert() is None
    assert elements_of(browser) <= HARMLESS
    assert browser.run("return document.querySelectorAll('script').length") == 2
    assert not has_handlers(browser)


def test_hostile_names_can_be_read(show):
    browser = show("hostile")
    labels = browser.run("return [...document.querySelectorAll('.f')].map("
                         "f => f.getAttribute('aria-label'))")
    everything = "\n".join(labels)
    for name in ("<script>alert(1)</script>", "]]>", "\"onload=\"alert(1)", "\\x1b[31mred\\x07",
                 "line\\nfeed\\rreturn\\ttab", "safe\\u202eevil\\u202c", "\\xed\\xb3\\xbf",
                 "bad\\xff\\xfe", "\\x85next\\u2028line", "🐍.蛇", "__proto__", "\\x7fdel"):
        assert any(label.startswith(name) for label in labels) or "\n" + name in everything \
            or name in everything, name
    assert not UNSEEN.search(everything)
    longest = max(labels, key=len)
    assert longest.startswith("begin") and "…" in longest and len(longest) < 1200
    title = browser.run("return document.querySelector('h1').textContent")
    assert title == "<script>alert(7)</script> ]]> \\x1b[31m \"title\" \\u202e"


def test_attack_through_the_address(show):
    browser = show(fragment="#search=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&regex=1")
    assert browser.alert() is None
    assert browser.run("return document.querySelector('input').value") == \
        "<img src=x onerror=alert(1)>"
    assert browser.run("return document.querySelectorAll('img').length") == 0
