"""The keys and the mouse of `pyspyc top`, one after the other on a screen."""
import re
import signal
import time

import pytest
from kit import target as system
from kit.spy import Folded
from kit.top import VIEWS

pytestmark = pytest.mark.pythons(only=("system",))
SORTS = (("1", "%Own"), ("2", "%Total"), ("3", "OwnTime"), ("4", "TotalTime"))


def figures(screen, heading):
    """The figures below a heading, from the top."""
    at = screen.heading()
    found = []
    for y in range(at + 1, screen.screen.lines - 1):
        text = screen.cell(y, heading, at)
        if text:
            found.append(float(text.rstrip("%s")))
    return found


@pytest.mark.case("top: keys that sort")
def test_sort(top, launch):
    """1 to 4 by the four columns, each again the other way round; a click on a heading too."""
    target = launch("library.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: t.find(r"\bencode\b") and t.find(r"\bdraw\b"), "both are seen")
    assert screen.sorted_by() == "%Own"
    screen.send("p")
    screen.settle()
    for key, heading in (*SORTS[1:], SORTS[0]):
        screen.send(key)
        screen.wait(lambda t, name=heading: t.sorted_by() == name, "sorted by " + heading)
        screen.settle()
        found = figures(screen, heading)
        assert len(found) > 3 and found == sorted(found, reverse=True), (heading, found)
        screen.send(key)
        screen.wait(lambda t, name=heading: figures(t, name) == sorted(figures(t, name)), "backward")
        screen.send(key)
    screen.wait(lambda t: figures(t, "%Own") == sorted(figures(t, "%Own"), reverse=True))
    y = screen.heading()
    for heading in ("TotalTime", "%Total", "Function"):
        screen.click(screen.columns(y).index(heading) + 2, y)
        screen.wait(lambda t, name=heading: t.sorted_by() == name, "a click on " + heading)
    screen.settle()
    column = screen.columns(y).index("Function")
    names = [line[column:].split()[0].lower() for line in screen.rows()]
    assert names == sorted(names)
    assert screen.quit() == 0


@pytest.mark.case("top: keys that move")
def test_move(top, launch):
    """Arrows, j and k, pages, ends, the wheel and a click; the cursor stays on its row."""
    target = launch("bulk.py", 12, 10)
    screen = top("-i", "-p", target.pid, lines=20)
    screen.wait(lambda t: len(t.rows()) >= 8 and t.find(r"\bcompute\b"), "many rows")
    screen.send("4", "p")
    screen.settle()
    first = screen.heading() + 1
    page = screen.screen.lines - 1 - first
    assert screen.cursor() == first

    def at(row, what):
        screen.wait(lambda t: t.cursor() == row, what)

    screen.send("j", "Down")
    at(first + 2, "two down")
    screen.send("k")
    at(first + 1, "one up")
    screen.send("Up", "Up", "k")
    at(first, "no further than the top")
    before = screen.rows()
    screen.send("PgDn", "PgDn")
    screen.wait(lambda t: t.rows() != before, "another page")
    screen.settle()
    assert not set(screen.rows()) & set(before[:2])
    screen.send("End")
    screen.wait(lambda t: t.cursor() == first + page - 1, "the last row, at the bottom")
    screen.settle()
    last = screen.under_cursor()
    screen.send("Down", "PgDn")
    screen.settle()
    assert screen.under_cursor() == last
    screen.send("PgUp")
    screen.wait(lambda t: t.under_cursor() != last)
    screen.send("Home")
    screen.wait(lambda t: t.rows() == before and t.cursor() == first, "the top again")
    screen.click(30, first + 3)
    at(first + 3, "a click on a row")
    chosen = screen.under_cursor()
    screen.wheel(30, first + 3)
    screen.wait(lambda t: t.rows() != before and t.rows()[0] == before[3], "three rows further")
    assert screen.under_cursor() == chosen
    screen.wheel(30, first + 3, down=False)
    screen.wait(lambda t: t.rows() == before, "and back")
    assert screen.under_cursor() == chosen
    # When other rows come and go, with new figures: still on the same row.
    screen.send("p", "/", *"call_7_", "Enter")
    screen.wait(lambda t: len(t.rows()) == 10)
    screen.send("j", "j")
    at(first + 2, "a row of those that match")
    name = re.search(r"call_7_\d", screen.under_cursor())[0]
    screen.send("Escape")
    screen.wait(lambda t: "call_8_" in t.text() or "call_6_" in t.text(), "all rows")
    screen.wait(lambda t: name in (t.under_cursor() or ""), "the cursor on " + name)
    assert screen.quit() == 0


@pytest.mark.case("top: keys that scroll sideways")
def test_sideways(top, launch):
    target = launch("odd_names.py")
    screen = top("-p", target.pid, columns=60)
    screen.wait(r"long_lon")
    screen.send("/", *"long_", "Enter")
    screen.settle()
    column = screen.columns(screen.heading()).index("Function")
    begin = screen.rows()[0][column:]
    for forth, back in (("l", "h"), ("Right", "Left")):
        screen.send(forth)
        screen.wait(lambda t: t.rows() and t.rows()[0][column:] != begin, forth)
        screen.send(back)
        screen.wait(lambda t: t.rows() and t.rows()[0][column:] == begin, back)
    assert screen.quit() == 0


@pytest.mark.case("top: / filters and n finds")
def test_filter(top, launch):
    target = launch("bulk.py", 12, 5)
    screen = top("-i", "-p", target.pid, lines=40)
    screen.wait(lambda t: t.find(r"\bcall_11_4\b") or len(t.rows()) > 20)
    screen.send("/", "c", "a", "l", "l", "_", "1", "1", "_")
    names = r"call_11_[0-4]\b"
    screen.wait(lambda t: len(t.rows()) == 5 and all(re.search(names, row) for row in t.rows()),
                "filtered while it is typed")
    assert "call_11_" in screen.bottom
    screen.send("Backspace", "Backspace", "[", "2")
    screen.wait(lambda t: "regular expression" in t.bottom, "said to be none")
    screen.send("3", "]", "$")  # a file and a line follow
    screen.wait(lambda t: not t.rows() or "match" in t.text(), "nothing matches")
    screen.send("Backspace", "_", "C-u", *"(CALL|nothing)_3_", "Enter")
    screen.wait(lambda t: len(t.rows()) == 5 and all("call_3_" in row for row in t.rows()),
                "letters of either case")
    assert "CALL" not in screen.bottom
    screen.send("Escape")
    screen.wait(lambda t: len(t.rows()) > 20, "all of them again")
    # In a table of which nothing is left out, n and N go from one match to the next.
    screen.send("/", *"call_[57]_0", "Enter")

    def name(t):
        found = re.search(r"call_\d+_0", t.under_cursor() or "")
        return found and found[0]

    screen.wait(lambda t: len(t.rows()) == 2 and name(t))
    one, = {"call_5_0", "call_7_0"} - {name(screen)}
    screen.send("n")
    screen.wait(lambda t: name(t) == one, "the next match")
    screen.send("N")
    screen.wait(lambda t: name(t) not in (one, None), "the match before")
    screen.send("Escape", "/", "x", "Escape")
    screen.wait(lambda t: len(t.rows()) > 20)
    assert screen.quit() == 0


@pytest.mark.case("top: pause and reset")
def test_pause(top, launch):
    target = launch("spin.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: (t.value(r"\binner\b", "OwnTime") or 0) > 0.3)
    for key in ("p", "Space"):
        screen.send(key)
        screen.wait("(?i)paused")
        screen.settle(0.5)  # nothing changes any more: longer than between refreshes
        before = screen.value(r"\binner\b", "OwnTime")
        screen.send("p" if key == "Space" else "Space")
        after = screen.wait(lambda t, than=before: (t.value(r"\binner\b", "OwnTime") or 0) > than
                            and t.value(r"\binner\b", "OwnTime"), "it goes on")
        # What went on meanwhile was not looked at.
        assert after - before < 0.4 and screen.value(r"\binner\b", "%Own") <= 1.02
    screen.wait(lambda t: t.value(r"\binner\b", "OwnTime") > 1)
    screen.send("R")
    screen.wait(lambda t: (t.value(r"\binner\b", "OwnTime") or 0) < 0.5, "it counts anew")
    assert screen.quit() == 0


@pytest.mark.case("top: + and - change the rate")
def test_rate(top, launch):
    target = launch("spin.py")
    screen = top("-p", target.pid)
    screen.wait("100/s")
    screen.send("+")
    screen.wait("200 samples")
    screen.wait(r"(?<!\d)(19\d|20\d)(\.\d+)?/s", "the rate that is reached")
    spent = screen.wait(lambda t: t.value(r"\binner\b", "OwnTime"))
    screen.send("-", "-")
    screen.wait("50 samples")
    screen.wait(r"(?<!\d)(4[5-9]|5[0-5])(\.\d+)?/s")
    begin = time.monotonic()
    screen.wait(lambda t: (t.value(r"\binner\b", "OwnTime") or 0) > spent + 1)
    assert time.monotonic() - begin < 2.5, "a second is a second at any rate"
    for _ in range(8):
        screen.send("-")
    screen.wait(r"\b1 samples? a second")
    for _ in range(16):
        screen.send("+")
    screen.wait("10000 samples")
    assert screen.quit() == 0


@pytest.mark.case("top: i, g, t, e")
def test_scopes(top, launch):
    target = launch("gil.py")
    screen = top("-p", target.pid, columns=120, lines=40)
    screen.wait(lambda t: t.find(r"\bhold_first\b") and t.find(r"\bhold_second\b"))
    assert not screen.find(r"\bwaits\b.*gil\.py")
    screen.send("i")
    screen.wait(lambda t: (t.value(r"\bwaits\b.*gil\.py", "%Total") or 0) > 0.9, "idle threads")
    screen.send("e")
    screen.gone(r"threading\.py")
    screen.wait(lambda t: (t.value(r"\bwaits\b.*gil\.py", "%Own") or 0) > 0.9,
                "the library's time is its caller's")
    screen.send("e", "i")
    screen.wait(lambda t: not t.find(r"\bwaits\b.*gil\.py"), "no idle ones")
    screen.send("g")
    screen.wait(lambda t: 0.7 < sum(t.value(r"\b%s\b" % name, "%Own") or 0 for name in (
        "hold_first", "hold_second")) < 1.05, "one GIL is shared")
    screen.send("g")
    screen.wait("wanting a CPU")
    screen.send("t")
    screen.wait(lambda t: t.heading("%Own", "Thread") is not None, "a column for threads")
    screen.wait(r"(?m)^.*\d+ hold_firs\S* .*\bhold_first\b.*gil\.py:\d+$")
    screen.send("t")
    screen.wait(lambda t: t.heading("%Own", "Thread") is None)
    assert screen.quit() == 0


@pytest.mark.case("top: keys between views")
def test_views(top, launch):
    target = launch("spin.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: t.view() == "Functions")
    for name in (*VIEWS[1:], VIEWS[0]):
        screen.go(name, "Tab")
    screen.go("GIL", "BackTab")
    for number, name in enumerate(VIEWS, 2):
        screen.go(name, "F%d" % number)
    screen.go("Lines", "L")
    screen.go("Functions", "L")
    y = screen.tabs()
    for name in ("Threads", "GIL", "Lines"):
        screen.click(screen.columns(y).index(name) + 1, y)
        screen.wait(lambda t, view=name: t.view() == view, "a click on " + name)
    assert screen.quit() == 0


@pytest.mark.case("top: help and the bottom line")
def test_help(top, launch):
    """Every key of the manual is in the help; the bottom line tells those that work now."""
    target = launch("spin.py")
    screen = top("-p", target.pid, columns=120, lines=60)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    for key in ("q", "?"):
        assert re.search(r"(?<!\S)%s (quit|help)" % re.escape(key), screen.bottom), screen.bottom
    screen.send("?")
    screen.wait("(?i)regular expression")
    screen.settle()
    text = screen.text()
    for key in ("1 2 3 4|1-4", "L", "R", r"\?", "X", "q", "Up", "PgUp", "PgDn", "Home", "End", "j",
                "k", "h", "l", "/", "n", "N", "Space", "p", r"\+", "-", "i", "g", "t", "c", "e",
                "s", "d", "Tab", "F2", "Enter", "Ctrl-L", "Mouse", "wheel"):
        assert re.search(r"(?<![\w])(%s)(?!\w)" % key, text), "%s is not in the help\n%s" % (key, text)
    assert "back" in screen.bottom and "quit" not in screen.bottom
    for close in ("X", "q", "Escape", "Left", "?", "F1"):
        screen.gone("Everywhere") if close != "X" else None
        if close != "X":
            screen.send("F1")
            screen.wait("Everywhere")
        screen.send(close)
        screen.wait(lambda t: "back" not in t.bottom and t.sorted_by(), "%s closes the help" % close)
    # Each view has keys of its own there.
    bottoms = {}
    for number, name in enumerate(VIEWS, 2):
        screen.go(name, "F%d" % number)
        screen.settle()
        bottoms[number] = screen.bottom
    assert len(set(bottoms.values())) >= 4, bottoms
    assert screen.quit() == 0


@pytest.mark.case("top: help and the bottom line")
def test_help_narrow(top, launch):
    """Nothing of it is cut, and the first key scrolls."""
    target = launch("spin.py")
    screen = top("-p", target.pid, columns=44, lines=20)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    screen.send("?")
    screen.wait("Here")
    screen.settle()
    y = screen.find("^Help")
    second = screen.lines[y + 2]
    for _ in range(20):
        assert "\u2026" not in "\n".join(screen.lines[y:-1]), screen.shown()
        screen.send("Down" if second else "PgDn")
        if second:
            screen.wait(lambda t: t.lines[y + 1] == second, "Down scrolls")
        second = None
        screen.settle()
    assert screen.cursor() is None
    screen.send("X")
    assert screen.quit() == 0


@pytest.mark.case("top: i, g and e")
def test_modes_are_told(top, launch):
    """Also where there is no room for words."""
    target = launch("spin.py")
    screen = top("-p", target.pid, "--include", "inner", columns=80)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    assert re.search(r"F7 GIL +(.* )?--inc", screen.lines[screen.tabs()])
    screen.send("i", "e", "t", "c")
    screen.wait(r"(?m)F7 GIL +i e t c --inc$")
    screen.resize(140, 30)
    screen.wait("(?m)all threads, own code, by thread, by process, include inner$")
    assert screen.quit() == 0


@pytest.mark.case("top: --thread")
def test_no_such_thread(top, launch):
    target = launch("gil.py")
    screen = top("-p", target.pid, "--thread", "nobody")
    screen.wait("No thread is called 'nobody'; there are 'MainThread', ")
    assert screen.quit() == 0


@pytest.mark.case("top: s saves what is seen")
def test_save(top, launch, folder):
    target = launch("gil.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: (t.value(r"\bhold_first\b", "OwnTime") or 0) > 0.2)
    screen.send("s")
    screen.wait("(?i)folded")
    screen.send("o")
    screen.wait("(?i)wrote")
    name = re.search(r"(?i)wrote (\S+\.folded|\S+\.txt|\S+)", screen.text())[1]
    profile = Folded((folder / name).read_text(encoding="utf-8"))
    assert profile.having("hold_first") > 10 and not profile.having("waits")
    screen.send("i", "s", "f")
    screen.wait(r"(?i)wrote \S+\.svg")
    name = re.search(r"(?i)wrote (\S+\.svg)", screen.text())[1]
    picture = (folder / name).read_text(encoding="utf-8")
    assert picture.startswith(("<svg", "<?xml")) and "hold_first" in picture and "waits" in picture
    screen.send("s", "Escape")
    screen.wait("Not saved")
    assert len(list(folder.iterdir())) == 2
    assert screen.quit() == 0


@pytest.mark.case("top: d dumps")
def test_dump(top, launch):
    """The stacks as they are now, also of threads that wait."""
    target = launch("gil.py")
    screen = top("-p", target.pid, lines=50)
    screen.wait(lambda t: t.value(r"\bhold_first\b", "%Own"))
    screen.send("d")
    screen.wait("(?m)^Process %d" % target.pid)
    screen.settle()
    text = screen.text()
    assert len(re.findall(r"(?m)^Thread \d+ ", text)) == 4
    assert re.search(r"(?m)^ +waits \(.*gil\.py:\d+\)", text) and '"hold_second"' in text
    screen.send("/", *"hold_second", "Enter")
    screen.wait(lambda t: re.search("hold_second", "\n".join(t.lines)))
    screen.send("Escape", "q")
    screen.wait(lambda t: t.sorted_by() == "%Own", "the view again")
    assert screen.quit() == 0


@pytest.mark.case("top: Ctrl-L draws anew")
def test_redraw(top, launch):
    """What another program has written over the screen is gone."""
    target = launch("spin.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    screen.send("p")
    screen.settle()
    with screen.lock:
        screen.stream.feed("\x1b[8;20HRUBBISH\x1b[31m\x1b[1;1HRUBBISH")
    assert "RUBBISH" in screen.text()
    screen.send("C-l")
    screen.gone("RUBBISH")
    assert screen.quit() == 0


@pytest.mark.case("top: unknown keys")
def test_unknown(top, launch):
    """Keys that mean nothing, in a row and in pieces, do nothing and harm nothing."""
    target = launch("spin.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    screen.send("z", "\x1b[99~", "\x1bOz", "\x01", "é", "计", "\x1b[200~", "\x1b[201~", "\x7f",
                "\x1b[<0;500;500M", "\x1b[<99;1;1M")
    screen.send("Escape", "Escape", "Escape")
    screen.send(*"xyz" * 50)
    screen.settle()
    assert screen.runs() and system.state(screen.pid) in "RS"
    screen.send("F2")
    screen.wait(lambda t: t.view() == "Functions" and (t.value(r"\binner\b", "%Own") or 0) > 0.5)
    target.signal(signal.SIGTERM)
    screen.wait("(?i)ended")
    screen.send("q", "q")
    assert screen.exited() == 0
