"""What `pyspyc top` draws on terminals of all sizes, colours and character sets."""
import re
import subprocess

import pytest
from kit.top import VIEWS

one = pytest.mark.pythons(only=("system",))
modern = pytest.mark.pythons(only=("3.8", "3.12"))
SIZES = ((40, 10), (300, 100), (41, 11), (80, 24), (200, 12), (40, 60), (100, 30))
# xterm's colours by red, green and blue, where the system's terminfo has it not.
DIRECT = """test-direct|xterm with direct colours,
	RGB, colors#0x1000000, pairs#0x7fff,
	setab=\\E[%?%p1%{8}%<%t4%p1%d%e48\\:2\\:\\:%p1%{65536}%/%d\\:%p1%{256}%/%{255}%&%d\\:%p1%{255}%&%d%;m,
	setaf=\\E[%?%p1%{8}%<%t3%p1%d%e38\\:2\\:\\:%p1%{65536}%/%d\\:%p1%{256}%/%{255}%&%d\\:%p1%{255}%&%d%;m,
	setb@, setf@, initc@, ccc@, use=xterm-256color,
"""
NAMED = {"default", "black", "red", "green", "brown", "blue", "magenta", "cyan", "white"}


def whole(screen, columns, lines):
    """The bottom line is in the last row, the tabs in the one row that they are for, and each
    thing is there once: nothing is left of another size."""
    text = screen.lines
    assert len(text) == lines and max(map(len, text)) <= columns
    once = [y for y, line in enumerate(text) if re.search(r"\bquit\b", line)]
    assert once == [lines - 1], screen.shown()
    assert sum("Functions" in line and "Tree" in line for line in text) == 1, screen.shown()
    assert sum(line.count("%Own") for line in text) <= 1, screen.shown()
    assert sum(len(re.findall(r"\binner\b.*spin\.py", line)) for line in text) <= 1, screen.shown()


def redrawn(screen, columns, lines):
    """What is on the screen is what a terminal shows that saw nothing before."""
    screen.send("p")
    screen.wait("paused|Paused")
    hints(screen)
    screen.settle(0.03)
    before, written = picture(screen), len(screen.raw)
    screen.send("C-l")
    screen.wait(lambda t: len(t.raw) > written + columns)
    screen.settle(0.03)
    after = picture(screen)
    screen.send("p")
    hints(screen)
    assert before == after, "%dx%d: %s\n%s" % (columns, lines, before, after)


def hints(screen):
    """Any key takes a message away."""
    screen.send("C-a")
    screen.wait(lambda t: re.search("quit|back", t.lines[-1]), "the keys in the bottom line")


def picture(screen):
    """Its text but for the time that goes on."""
    return re.sub(r"up [\d.hms]+ *", "", screen.shown())


@one
@pytest.mark.case("top: sizes")
def test_resize(top, launch):
    """Down to 40x10, up to 300x100 and back, in every view, while it refreshes."""
    target = launch("spin.py")
    screen = top("-p", target.pid, "--delay", 0.1, delay=None)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    for columns, lines in SIZES:
        screen.resize(columns, lines)
        screen.wait(lambda t: "quit" in t.lines[-1] and t.tabs() is not None,
                    "the bottom line in the last row of %dx%d" % (columns, lines))
        screen.wait(lambda t: t.value(r"\binner\b", "%Own"), "a row of %dx%d" % (columns, lines))
        screen.settle(0.03)
        whole(screen, columns, lines)
        redrawn(screen, columns, lines)
    assert screen.quit() == 0


@one
@pytest.mark.case("top: sizes")
def test_views_of_sizes(top, launch):
    """Every view, and what lies over views, in the least size and in a large one."""
    target = launch("gil.py")
    screen = top("-p", target.pid, "--delay", 0.1, columns=40, lines=10, delay=None)
    screen.wait(lambda t: t.value(r"\bhold_first\b", "%Own"))
    for columns, lines in ((40, 10), (300, 100), (80, 24)):
        screen.resize(columns, lines)
        for number, name in enumerate(VIEWS, 2):
            screen.go(name, "F%d" % number)
            screen.wait(lambda t: "quit" in t.lines[-1], "the bottom line of " + name)
            screen.settle(0.03)
            assert len(screen.rows("")) >= 2, screen.shown()
            redrawn(screen, columns, lines)
        for key, over in (("?", "(?i)help"), ("d", "Thread|Process"), ("F2", ""), ("Enter", "def ")):
            screen.send(key)
            screen.wait(over)
            if key in "?d":
                screen.send("q")
                screen.wait(lambda t: "quit" in t.lines[-1])
        screen.send("Escape")
        screen.wait(lambda t: "quit" in t.lines[-1])
    # Smaller than it can use, it must only live.
    for columns, lines in ((10, 3), (1, 1), (2, 40), (300, 1), (100, 30)):
        screen.resize(columns, lines)
        screen.send("F3", "?", "Escape", "F2")
        screen.settle(0.12)
        assert screen.runs()
    screen.wait(lambda t: t.value(r"\bhold_first\b", "%Own"))
    assert screen.quit() == 0


@pytest.fixture
def direct(folder):
    """The environment in which there is a terminal with direct colours."""
    (folder / "terminfo.src").write_text(DIRECT)
    done = subprocess.run(["tic", "-x", "-o", folder / "terminfo", folder / "terminfo.src"],
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    return {"TERM": "test-direct", "TERMINFO": str(folder / "terminfo")}


def shades(screen):
    """The colours that are no names of the first eight."""
    return {colour for colour in screen.colours() if colour not in NAMED}


@one
@pytest.mark.case("top: colours")
@pytest.mark.parametrize("kind", ["8", "256", "direct", "none", "NO_COLOR"])
def test_colours(top, launch, kind, direct):
    """As many as the terminal has; without any, the cursor and the tab are still to be seen."""
    more = {"8": {"term": "xterm"}, "256": {}, "none": {"term": "vt100"},
            "NO_COLOR": {"NO_COLOR": "1"},
            "direct": {"term": direct["TERM"], "TERMINFO": direct["TERMINFO"]}}[kind]
    target = launch("gil.py")
    screen = top("-i", "-p", target.pid, **more)
    screen.wait(lambda t: (t.value(r"\bhold_first\b", "%Own") or 0) > 0.3)
    screen.settle()
    used = screen.colours()
    if kind in ("none", "NO_COLOR"):
        assert used == {"default"}
    elif kind == "8":
        assert not shades(screen) and len(used) > 3
    else:
        assert len(shades(screen)) > 3
    assert screen.view() == "Functions" and screen.cursor() is not None
    assert screen.sorted_by() == "%Own" or kind in ("none", "NO_COLOR")
    # What is hot does not look like what is not.
    hot = screen.find(r"\bhold_first\b")
    screen.send("End")
    screen.settle()
    cold = screen.find(r"^ +0\.0%")
    assert screen.looks(hot, "hold_first") is not None
    assert figure_look(screen, hot) != figure_look(screen, cold)
    assert screen.quit() == 0


def figure_look(screen, y):
    line = screen.columns(y)
    return screen.looks(y, line.strip()[0])


@one
@pytest.mark.case("top: ASCII")
@pytest.mark.parametrize("locale, term", [("C", "xterm-256color"), ("C", "vt100"), ("POSIX", "linux")])
def test_ascii(top, launch, locale, term):
    """Where there is no UTF-8, nothing but ASCII gets to the terminal, in any view."""
    target = launch("gil.py")
    screen = top("-p", target.pid, locale=locale, term=term)
    screen.wait(lambda t: t.value(r"\bhold_first\b", "%Own"))
    for number, name in enumerate(VIEWS, 2):
        screen.go(name, "F%d" % number)
        # Not just a ? for each of what is drawn otherwise: bars, branches, plots, arrows.
        screen.wait({"Tree": r"##+ +- \S+ \(", "Memory": r"[*]{3}", "GIL": "hold_first -> hold_second"}
                    .get(name, "(?m)^CPU .*[.:|#]  GIL"), "what %s draws" % name)
    screen.send("F2", "Enter")
    screen.wait("def ")
    screen.send("q", "d")
    screen.wait("(?m)^Process")
    screen.send("q", "?")
    screen.wait("Everywhere")
    assert all(byte < 128 for byte in screen.raw)
    assert b"\x0e" not in screen.raw  # another character set, for lines
    screen.send("q")
    assert screen.quit() == 0


@one
@pytest.mark.case("top: UTF-8 of another name")
def test_unknown_locale(top, launch):
    """A locale that is not installed is taken for what its name says."""
    target = launch("gil.py")
    screen = top("-p", target.pid, "--view", "tree", locale="xx_XX.UTF-8")
    screen.wait(r"hold_first|thread|[▸▾]")
    screen.wait("[▸▾]")
    assert screen.quit() == 0


@modern
@pytest.mark.case("top: names of all kinds")
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_names(top, launch, locale):
    """Wide and combining characters take their columns; commands to the terminal are shown, not
    sent, whether they come from a function, a file, a thread or the command line."""
    target = launch("odd_names.py", "\x1b]0;OWNED\x07\x1b[2J")
    utf8 = locale != "C"
    screen = top("-p", target.pid, columns=120, locale=locale)
    screen.wait(lambda t: t.find("evil") and t.find("cafe") and t.find("long_long") and
                t.find("计算圆周率" if utf8 else r"\?\?\?\?\?|\\u8ba1"), "all four functions")
    for number in range(2, 8):
        screen.send("F%d" % number)
        screen.settle()
        check_safe(screen)
    screen.go("Threads", "F5")
    screen.wait("线程" if utf8 else "OWNED")
    screen.send("d")
    screen.wait("(?m)^Process")
    screen.settle()
    check_safe(screen)
    screen.send("Escape", "F2", "t")
    screen.wait(lambda t: t.heading("%Own", "Thread") is not None)
    screen.settle()
    check_safe(screen)
    if utf8:
        at = screen.heading("Function", "File:line")
        column = screen.columns(at).index("File:line")
        for name, file in (("计算圆周率", "数学.py"), ("cafe", "accents.py"), ("evil", "")):
            y = screen.find(name, at)
            # Whatever the width of what stands before it, the next column begins where it should.
            assert screen.cells(y)[column - 1].data == " ", screen.shown()
            rest = "".join(cell.data for cell in screen.cells(y)[column:])
            assert not file or file in rest.split(":")[0], (rest, screen.shown())
    screen.send("q")
    assert screen.exited() == 0
    assert screen.whole() is None


def check_safe(screen):
    """Nothing of what the names say has been done."""
    raw = bytes(screen.raw)
    assert screen.screen.title != "OWNED" and b"\x1b]0;OWNED" not in raw
    assert b"\x1b[2J\x1b]" not in raw and b"\xc2\x9b" not in raw and not screen.screen.bells
    assert "%Own" in screen.text() or "quit" in screen.bottom or "back" in screen.bottom
    assert all(ord(char) >= 32 for line in screen.lines for char in line)


@one
@pytest.mark.case("top: what is cut is marked")
def test_cut(top, launch):
    target = launch("spin.py", 120, *["a-long-argument"] * 20)
    screen = top("-p", target.pid, columns=60)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    assert re.search("…", screen.lines[0]), screen.shown()
    ascii_only = top("-p", target.pid, columns=60, locale="C")
    ascii_only.wait(lambda t: t.value(r"\binner\b", "%Own"))
    assert "~" in ascii_only.lines[0], ascii_only.shown()
