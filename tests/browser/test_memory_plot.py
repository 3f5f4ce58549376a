"""The plot of memory over time as a person uses it."""

import re

import pytest

from pages import COLOUR, CONTRAST, OVERLAPS

WHEN = "return document.querySelector('h2').textContent"
TICKS = """
    const foot = document.querySelector('.canvas clipPath rect').getBBox().height;
    const texts = [...document.querySelectorAll('.canvas .tick')].filter(
        t => t.getAttribute('y') > foot + 12).map(t => t.textContent);
    return texts.filter(t => /^(0|[\\d.]+ (s|min|h)( .*)?)$/.test(t));"""


def chart(browser):
    """left, top, right and bottom of the chart inside its axes."""
    return browser.run("""
        const box = document.querySelector('.canvas').getBoundingClientRect();
        const inside = document.querySelector('.canvas clipPath rect').getBBox();
        return {left: box.left + inside.x, top: box.top + 8,
                right: box.left + inside.x + inside.width, bottom: box.top + inside.height}""")


def place(browser, share, height=0.5):
    box = chart(browser)
    return (box["left"] + (box["right"] - box["left"]) * share,
            box["top"] + (box["bottom"] - box["top"]) * height)


def seconds(text):
    match = re.search(r"(?:(\d+) h ?)?(?:(\d+) min ?)?(?:([\d.]+) s)?", text)
    return sum(float(part or 0) * weight for part, weight in zip(match.groups(), (3600, 60, 1)))


def stack(browser):
    return browser.run("return [...document.querySelectorAll('.stack li')].map("
                       "li => [...li.children].map(c => c.textContent).join(' '))")


def size(browser, name):
    return browser.run("return document.querySelector(arguments[0]).nextSibling.textContent",
                       "dl dt." + name)


def press_button(browser, label):
    browser.click("return [...document.querySelectorAll('button')].find("
                  "b => b.textContent === arguments[0] || b.ariaLabel === arguments[0])", label)


def labels(browser, root=".canvas"):
    return browser.run("return [...document.querySelectorAll(arguments[0] + ' .label')].map("
                       "t => t.textContent)", root)


def overlaps(browser, root):
    return browser.run(OVERLAPS, f"{root} .label, {root} .tick, {root} .limit-text")


def test_head(plot):
    browser = plot()
    text = browser.run("return document.querySelector('header').textContent")
    for part in ("python serve.py", "60 s", "peak 387.0 MiB", "start 18.", "end 25", "limit 512.0 MiB",
                 "3,000 samples at 50.0 Hz"):
        assert part in text
    assert "process 4711" in browser.run("return document.querySelector('footer').textContent")


def test_axes(plot):
    browser = plot()
    texts = browser.run("return [...document.querySelectorAll('.canvas .tick')].map(t => t.textContent)")
    for tick in ("0", "100 MiB", "400 MiB", "10 s", "1 min", "faults"):
        assert tick in texts
    assert "limit 512.0 MiB of /system.slice/serve.service" in browser.run(
        "return document.querySelector('.canvas .limit-text').textContent")
    assert browser.run("return document.querySelectorAll('.canvas path.limit').length") == 1


def test_hover_tells_time_size_and_stack(plot):
    browser = plot()
    assert browser.run(WHEN).startswith("At the peak, 46.")
    assert browser.run("return document.querySelectorAll('.hair').length") == 0
    browser.pointer(place(browser, 4.5 / 60))
    assert seconds(browser.run(WHEN)) == pytest.approx(4.5, abs=0.1)
    assert stack(browser) == ["load_index app/index.py:118", "main serve.py:40"]
    assert float(size(browser, "rss").split()[0]) == pytest.approx(18 + 1.6 + 96, abs=15)
    browser.pointer(place(browser, 22 / 60))
    assert stack(browser)[0] in ("Parser.tokens app/parse.py:77", "Cache.put app/cache.py:31")
    assert browser.run("return document.querySelectorAll('.hair').length") == 1
    assert "MiB" in browser.run("return document.querySelector('.status').textContent")
    browser.pointer((5, 5))
    assert browser.run(WHEN).startswith("At the peak")


def test_click_fixes(plot):
    browser = plot()
    browser.pointer(place(browser, 0.5), "down", "up", place(browser, 0.8))
    assert seconds(browser.run(WHEN)) == pytest.approx(30, abs=0.3)
    assert "fixed" in browser.run(WHEN)
    address = browser.url
    assert "#at=" in address
    browser.pointer(place(browser, 0.8), "down", "up")
    assert "fixed" not in browser.run(WHEN)
    browser.open("about:blank")
    browser.open(address)
    browser.wait("return document.querySelector('.hair.fixed')")
    assert seconds(browser.run(WHEN)) == pytest.approx(30, abs=0.3)


def test_touch(plot):
    browser = plot()
    browser.pointer(place(browser, 0.25), "down", place(browser, 0.3), "up", kind="touch")
    assert seconds(browser.run(WHEN)) == pytest.approx(18, abs=4)
    assert browser.url.endswith("svg")  # not zoomed


def test_keyboard(plot):
    browser = plot()
    browser.run("document.querySelector('.chart').focus()")
    browser.press("Home")
    assert seconds(browser.run(WHEN)) == 0
    browser.press(*["ArrowRight"] * 5)
    first = seconds(browser.run(WHEN))
    assert 0 < first < 2
    browser.press("ArrowLeft")
    assert seconds(browser.run(WHEN)) < first
    browser.press("Enter")
    assert "fixed" in browser.run(WHEN)
    browser.press("+")
    ticks = browser.run(TICKS)
    assert seconds(ticks[-1]) < 45
    browser.press("-")
    browser.press("Escape")
    assert browser.run(WHEN).startswith("At the peak")
    assert seconds(browser.run(TICKS)[-1]) == 60


@pytest.mark.parametrize("way", ["double click", "Escape", "button"])
def test_drag_zooms_and_resets(plot, way):
    browser = plot()
    assert browser.run("return [...document.querySelectorAll('button')].find("
                       "b => b.textContent === 'Reset zoom').disabled")
    browser.pointer(place(browser, 0.05), "down", place(browser, 0.1), place(browser, 0.15), "up")
    ticks = [seconds(tick) for tick in browser.run(TICKS)]
    assert min(ticks) >= 3 and max(ticks) <= 9.1
    assert "from=" in browser.url
    # The axis of sizes fits what is in view.
    texts = browser.run("return [...document.querySelectorAll('.canvas .tick')].map(t => t.textContent)")
    assert "400 MiB" not in texts and "200 MiB" in texts
    if way == "double click":
        browser.pointer(place(browser, 0.5), "down", "up", "down", "up")
    elif way == "Escape":
        browser.press("Escape")
    else:
        press_button(browser, "Reset zoom")
    assert seconds(browser.run(TICKS)[-1]) == 60
    assert "from=" not in browser.url


def test_zoom_in_the_address(plot):
    browser = plot(fragment="#from=20&to=30")
    ticks = [seconds(tick) for tick in browser.run(TICKS)]
    assert ticks[0] == 20 and ticks[-1] == 30
    browser.run("location.hash = '#from=-5&to=x&at=1e99'")
    browser.wait("return document.querySelector('.canvas').textContent.includes('1 min')")


def test_zoom_shows_more_points(plot):
    """What is drawn is thinned for the range that is shown, and the highest stays in every one."""
    browser = plot("long", count=24)
    browser.wait("return document.querySelector('.rss.line')")
    drawn = "return document.querySelector('.canvas .line.rss').getAttribute('d').split('L').length"
    assert 200 < browser.run(drawn) < 8100
    assert browser.run("return document.body === null")  # an SVG file still
    before = browser.run(WHEN)
    browser.pointer(place(browser, 0.9), "down", place(browser, 0.95), place(browser, 1), "up")
    assert 100 < browser.run(drawn) < 8100
    assert browser.run(WHEN) == before


def test_legend_switches_lines(plot):
    browser = plot()
    lines = ("return [...document.querySelectorAll('.canvas path.line')].map("
             "l => l.getAttribute('class').slice(5))")
    assert browser.run(lines) == ["rss", "pss", "uss", "swap"]
    press_button(browser, "USS")
    assert browser.run(lines) == ["rss", "pss", "swap"]
    assert browser.run("return document.querySelectorAll('.canvas .faults').length") == 1
    press_button(browser, "Page faults")
    assert browser.run("return document.querySelectorAll('.canvas .faults').length") == 0
    press_button(browser, "USS")
    assert "uss" in browser.run(lines)


def test_axis_from_zero_or_not(plot):
    browser = plot(fragment="#from=32&to=43")
    sizes = "return document.querySelector('.canvas .tick').textContent"
    assert browser.run(sizes) == "0"
    press_button(browser, "From 0")
    assert browser.run(sizes) != "0"


def test_labels_name_lines(plot):
    browser = plot()
    texts = labels(browser)
    assert "load_index app/index.py:118" in texts
    assert "Parser.tokens app/parse.py:77" in texts
    assert any(re.fullmatch(r"\+21\d\.\d MiB in 1\.\d s", text) for text in texts)
    assert "peak 387.0 MiB" in texts


@pytest.mark.parametrize("root", [".canvas", ".picture"])
def test_labels_say_how_much_was_the_line(browser, memory, root):
    """Of a climb that several lines made; and that a fork begins is no climb at all."""
    browser.devtools("Emulation.setScriptExecutionDisabled", value=root == ".picture")
    browser.open(memory("shared").as_uri())
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)
    if root == ".canvas":
        browser.wait("return document.querySelector('.canvas .label')")
    texts = labels(browser, root)
    assert [text for text in texts if "flask_app.py" in text] == [
        "index flask_app.py:7", "fill flask_app.py:11"]
    assert "10.0 of +30.0 MiB in 12 s" in texts
    assert "+20.0 MiB in 5.0 s" in texts
    assert overlaps(browser, root) == []


# Labels that a leader, also another one's, goes through.
CROSSED = """
    const leaders = [...document.querySelectorAll(arguments[0] + ' .leader')], found = [];
    for (const label of document.querySelectorAll(arguments[0] + ' .label')) {
        const box = label.getBBox();
        for (const leader of leaders) {
            const [x, y, toX, toY] = leader.getAttribute('d').match(/[\\d.]+/g).map(Number);
            for (let i = 0; i <= 100; i++) {
                const atX = x + (toX - x) * i / 100, atY = y + (toY - y) * i / 100;
                if (atX > box.x + 2 && atX < box.x + box.width - 2 && atY > box.y + 3 &&
                    atY < box.y + box.height - 3) {
                    found.push(label.textContent);
                    break;
                }
            }
        }
    }
    return found;"""


@pytest.mark.parametrize("size_of_window", [(1280, 800), (1200, 600), (700, 900), (420, 700)])
@pytest.mark.parametrize("kind", ["service", "children", "long", "shared", "hostile", "one"])
def test_nothing_overlaps(browser, plot, kind, size_of_window):
    browser.resize(*size_of_window)
    plot(kind)
    browser.wait("return document.querySelector('.canvas .line')")
    assert overlaps(browser, ".canvas") == []
    assert browser.run(CROSSED, ".canvas") == []
    wide = browser.run("return document.documentElement.scrollWidth > innerWidth")
    assert not wide
    outside = browser.run("""
        const box = document.querySelector('.canvas').getBoundingClientRect();
        return [...document.querySelectorAll('.canvas text')].filter(t => {
            const b = t.getBoundingClientRect();
            return b.left < box.left - 1 || b.right > box.right + 1;
        }).map(t => t.textContent)""")
    assert outside == []


def test_same_rounding(plot):
    """20.25 is between two figures: what C wrote and what the script writes agree."""
    browser = plot("one")
    assert "peak 20.2 MiB" in browser.run("return document.querySelector('header').textContent")
    assert "peak 20.2 MiB" in labels(browser)


def test_several_processes(plot):
    browser = plot("children")
    rows = browser.run("return [...document.querySelectorAll('.processes li')].map("
                       "li => li.textContent)")
    assert len(rows) == 8
    assert rows[-1].startswith("100 python -m build --jobs 6")
    assert browser.run("return document.querySelectorAll('.canvas .layer').length") == 8
    # Before the first child the parent is alone, and at the end most children are gone.
    browser.pointer(place(browser, 0.02, 0.97))
    sizes = "return [...document.querySelectorAll('.processes b')].map(b => b.textContent)"
    assert sum(bool(text) for text in browser.run(sizes)) == 1
    browser.pointer(place(browser, 0.99, 0.97))
    assert sum(bool(text) for text in browser.run(sizes)) == 2
    assert "100 python -m build" in browser.run("return document.querySelector('.chosen').textContent")


def test_the_process_pointed_at(plot):
    browser = plot("children")
    browser.pointer(place(browser, 0.5, 0.98))
    assert "100 python -m build" in browser.run("return document.querySelector('aside').textContent"
                                                ".split('Running in ')[1]")
    assert stack(browser)[0].startswith("Job7.run")
    browser.run("document.querySelector('.chart').focus()")
    before = browser.run("return document.querySelector('.chosen').textContent")
    browser.press("ArrowUp")
    assert browser.run("return document.querySelector('.chosen').textContent") != before


def test_processes_can_be_hidden(plot):
    browser = plot("children")
    total = float(size(browser, "rss").split()[0])
    press_button(browser, "Show 105 python worker.py --job 5")
    assert browser.run("return document.querySelectorAll('.canvas .layer').length") == 7
    assert float(size(browser, "rss").split()[0]) < total - 50
    press_button(browser, "Show 105 python worker.py --job 5")
    assert float(size(browser, "rss").split()[0]) == total


def test_many_processes(plot):
    browser = plot("children", count=40)
    assert browser.run("return document.querySelectorAll('.canvas .layer').length") == 12
    assert "30 others" in browser.run("return document.querySelector('.processes').textContent")


def test_lines_that_grew(plot):
    browser = plot()
    assert browser.run("return document.querySelector('.growers li').textContent"
                       ).startswith("+")
    browser.click("return document.querySelectorAll('.growers button')[1]")
    assert len(browser.run("return document.querySelector('.ran').getAttribute('d')")) > 20
    browser.click("return document.querySelectorAll('.growers button')[1]")
    assert browser.run("return document.querySelector('.ran')") is None


def drawn(browser, line):
    """The points of a line, without those where it begins anew."""
    return browser.run("""
        const path = document.querySelector('.canvas .line.' + arguments[0]).getAttribute('d');
        return path.match(/[ML][^ML]+/g).map(p => p.slice(1).split(' ').map(Number))""", line)


def test_pss_is_no_more_than_rss(plot):
    """It is read now and then; when memory shrinks before the next time, it has shrunk with it."""
    browser = plot("rare")
    highest = max(y for x, y in drawn(browser, "rss"))
    for line in ("pss", "uss"):
        points = drawn(browser, line)
        assert len(points) > 5
        # Nothing was read in the first 20 of 60 seconds.
        assert min(x for x, y in points) > place(browser, 0.33)[0] - chart(browser)["left"]
        assert max(y for x, y in points) <= highest
    rss = {}
    for x, y in drawn(browser, "rss"):
        rss[x] = min(y, rss.get(x, y))
    both = [(y, rss[x]) for x, y in drawn(browser, "pss") if x in rss]
    assert len(both) > 5 and all(pss >= rss - 0.11 for pss, rss in both)
    browser.pointer(place(browser, 0.2))
    assert size(browser, "pss") == "–"
    browser.pointer(place(browser, 45 / 60))
    assert size(browser, "pss") == size(browser, "rss")


def test_a_day_opens_at_once(browser, memory):
    path = memory("long", 24)
    assert path.stat().st_size < 3_000_000
    times = []
    for _ in range(3):
        browser.open("about:blank")
        browser.worked()
        browser.open(path.as_uri())
        browser.wait("return document.querySelector('.canvas .line') && "
                     "performance.getEntriesByType('navigation')[0].loadEventEnd", seconds=60)
        times.append(browser.worked())  # by this document
    assert 0.01 < sum(times) / 3 < 1, times
    assert browser.errors() == []


@pytest.mark.parametrize("kind, count", [("long", 24), ("children", 40), ("worst", 1)])
def test_hovering_is_smooth(plot, kind, count):
    """All that is done for a move of the pointer, layout included: far less than a frame's 16 ms."""
    browser = plot(kind, count=count)
    browser.wait("return document.querySelector('.canvas .line')")
    before = browser.worked()
    seen = browser.run("""
        const chart = document.querySelector('.chart'), box = chart.getBoundingClientRect();
        const seen = new Set();
        for (let i = 0; i < 300; i++) {
            const share = (i * 37) % 300 / 300;
            chart.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse',
                clientX: box.left + 90 + (box.width - 120) * share, clientY: box.top + 200 }));
            chart.getBoundingClientRect();
            seen.add(document.querySelector('h2').textContent);
        }
        return seen.size;""")
    assert seen > 200
    assert 0.01 < browser.worked() - before < 300 * 0.008


def test_empty(plot):
    browser = plot("empty")
    assert "Nothing was recorded" in browser.run("return document.querySelector('main').textContent")


def test_picture_without_scripts(browser, memory):
    for kind in ("service", "children", "one"):
        browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
        browser.open(memory(kind).as_uri())
        browser.devtools("Emulation.setScriptExecutionDisabled", value=False)
        assert browser.run("return document.querySelector('.app')") is None
        assert overlaps(browser, ".picture") == []
        assert browser.run(CROSSED, ".picture") == []
        assert any(text.startswith("peak ") for text in labels(browser, ".picture"))
        wide = browser.run("""return [...document.querySelectorAll('text')].filter(t => {
            const b = t.getBBox(); return b.x < 0 || b.x + b.width > 1201; }).map(t => t.textContent)""")
        assert wide == []
    browser.resize(600, 400)
    width = browser.run("return document.querySelector('.page').getBoundingClientRect().width")
    assert width == pytest.approx(600, abs=1)


def test_text_can_be_read(browser, plot):
    for scheme in ("light", "dark"):
        browser.media(prefers_color_scheme=scheme)
        plot()
        for name in ("pss", "uss", "swap", "limit", "rss"):
            ratio = browser.run(CONTRAST + COLOUR + "return ratio(colour(arguments[0]), colour('page'))",
                                name)
            assert ratio >= 4.5, (scheme, name)
