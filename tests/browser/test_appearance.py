"""Colours, the picture without scripts, paper, other pages."""

import base64

import pytest

from pages import COLOUR, CONTRAST

WORST = CONTRAST + COLOUR + """
const worst = {};
for (let i = 0; i < 16; i++)
    for (const text of ["ink", "soft"])
        worst[`${text} on c${i}`] = ratio(colour(text), colour(`c${i}`));
for (const [text, ground] of [["ink", "page"], ["ink", "panel"], ["quiet", "page"], ["quiet", "panel"],
                              ["on-match", "match"], ["on-dim", "dim"], ["match", "page"]])
    worst[`${text} on ${ground}`] = ratio(colour(text), colour(ground));
return worst;
"""


def background(browser):
    return browser.run("return getComputedStyle(document.querySelector('.app')).backgroundColor")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser, show, scheme):
    browser.media(prefers_color_scheme=scheme)
    show()
    for pair, ratio in browser.run(WORST).items():
        assert ratio >= 4.5, pair


def test_dark_as_the_system_is(browser, show):
    show()
    assert background(browser) == "rgb(255, 255, 255)"
    browser.media(prefers_color_scheme="dark")
    assert background(browser) == "rgb(20, 23, 28)"


def test_theme_button(browser, show):
    show()
    button = "return document.querySelector('button[title^=Colours]')"
    seen = []
    for _ in range(3):
        browser.click(button)
        seen.append((browser.run(button + ".dataset.theme"), background(browser)))
    assert seen == [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 28)"),
                    ("auto", "rgb(255, 255, 255)")]
    browser.click(button)
    browser.click(button)
    browser.reload()
    browser.wait("return document.querySelector('.app')")
    assert background(browser) == "rgb(20, 23, 28)"  # remembered
    browser.run("localStorage.clear()")


def test_three_kinds_of_code_look_different(show):
    browser = show(fragment="#merge=function")
    hues = browser.run("""
        const hues = {};
        for (const [name, first] of [["own", 0], ["library", 5], ["third", 10]]) {
            hues[name] = [];
            for (let i = first; i < first + 5; i++) {
                const e = document.querySelector(".app").appendChild(
                    document.createElementNS("http://www.w3.org/1999/xhtml", "div"));
                e.className = "f c" + i;
                const [r, g, b] = getComputedStyle(e).backgroundColor.match(/\\d+/g).map(Number);
                const high = Math.max(r, g, b), low = Math.min(r, g, b), d = high - low;
                hues[name].push(60 * (high === r ? ((g - b) / d + 6) % 6 :
                    high === g ? (b - r) / d + 2 : (r - g) / d + 4));
                e.remove();
            }
        }
        return hues;""")
    assert max(hues["own"]) < 60
    assert min(hues["third"]) > 130 and max(hues["third"]) < 190
    assert min(hues["library"]) > 215
    legend = browser.run("return document.querySelector('.legend').textContent")
    for label in ("Own code", "Standard library", "Third party"):
        assert label in legend


def test_motion_can_be_switched_off(browser, show):
    show()
    probe = ("document.querySelector('.rows').classList.add('moving');"
             "return getComputedStyle(document.querySelector('.f')).transitionDuration")
    assert browser.run(probe) == "0s"
    browser.media(prefers_reduced_motion="no-preference")
    assert browser.run(probe) != "0s"


def test_picture_without_scripts(browser, recording):
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(recording("web").as_uri())
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("return document.querySelector('.app')") is None
    texts = browser.run("return [...document.querySelectorAll('text')].map(t => t.textContent)")
    for text in ("python manage.py runserver", "thread 4711 (MainThread)", "main manage.py:7"):
        assert text in texts
    assert any("Own code" in text for text in texts)
    # Texts end inside their frames.
    wide = browser.run("""
        return [...document.querySelectorAll(".picture > g")].filter(g => {
            const text = g.querySelector("text");
            return text && text.getBBox().width + 4 > g.querySelector("rect").getBBox().width + 1;
        }).map(g => g.textContent);""")
    assert wide == []
    assert any("…" in text for text in texts)
    tooltip = browser.run("return [...document.querySelectorAll('g > title')].find("
                          "t => t.textContent.startsWith('main ')).textContent")
    assert "main (manage.py:7)" in tooltip and " samples, " in tooltip


def test_deep_picture_without_scripts_is_not_shrunk(browser, recording):
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(recording("deep").as_uri())
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)
    width = browser.run("return document.querySelector('.picture rect').getBoundingClientRect().width")
    assert width > 1200
    assert "not drawn without JavaScript" in browser.run(
        "return document.querySelector('.picture').textContent")


def test_inside_another_page(browser, recording, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html><body style='margin:0;width:800px'><img src='{recording('web').as_uri()}'>")
    browser.open(page.as_uri())
    size = browser.wait("const i = document.images[0]; "
                        "return i.complete && i.naturalWidth && [i.width, i.height]")
    assert size[0] == 800 and 200 < size[1] < 800
    # Put into a page as markup it stays a picture as well.
    svg = recording("hostile").read_text(encoding="utf-8").split("?>", 1)[1]
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{svg}")
    browser.open(page.as_uri())
    assert browser.run("return document.querySelectorAll('.picture rect').length") > 50
    assert browser.run("return document.querySelector('.app')") is None
    assert browser.alert() is None


def test_paper(show):
    browser = show(fragment="#zoom=40")
    box = "return document.documentElement.getAttribute('viewBox')"
    browser.run("window.addEventListener('beforeprint', () => { window.printed = "
                "document.documentElement.getAttribute('viewBox'); })")
    pdf = base64.b64decode(browser._call("POST", "/print", {"background": True}))
    assert pdf.startswith(b"%PDF")
    assert browser.run("return window.printed").startswith("0 0 1200 ")
    assert browser.run(box) is None
    assert browser.run("return document.querySelectorAll('.f').length") > 5
