"""What each view of `pyspyc top` shows of targets that are known."""
import re
import signal

import pytest
from kit import target as system
from kit.target import marked

one = pytest.mark.pythons(only=("system",))
several = pytest.mark.pythons(only=("2.7", "3.10", "3.12", "3.14"))


@one
@pytest.mark.case("top: view functions")
def test_functions(top, launch):
    """Own and total, now and since the start, with the file and the function's first line."""
    target = launch("spin.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: (t.value(r"\binner\b", "OwnTime") or 0) > 0.4)
    first = marked("spin.py", "spin")[0] - 1
    row = screen.lines[screen.find(r"\binner\b", screen.heading())]
    assert re.search(r"inner +(\S*/)?spin\.py:%d$" % first, row), row
    for name in ("outer", "main", "<module>"):
        assert screen.value(re.escape(name), "%Total") > 0.9 and screen.value(name, "%Own") < 0.2
        assert screen.value(name, "TotalTime") >= screen.value(r"\binner\b", "OwnTime")
    # Nothing else has run; the rows are in order of their own time now.
    assert len(screen.rows()) == 4 and "inner" in screen.rows()[0]


@several
@pytest.mark.case("top: view lines")
def test_lines(top, launch):
    target = launch("spin.py")
    screen = top("-p", target.pid, "--view", "lines")
    screen.wait(lambda t: t.view() == "Lines" and len(t.rows()) >= 3)
    spin, outer = set(marked("spin.py", "spin")), set(marked("spin.py", "outer"))
    screen.wait(lambda t: len(re.findall(r"\binner +\S*spin\.py:\d+", t.text())) >= 2)
    screen.settle()
    found = re.findall(r"\b(\w+) +\S*spin\.py:(\d+)$", screen.text(), re.M)
    assert {int(line) for name, line in found if name == "inner"} <= spin
    assert {int(line) for name, line in found if name == "outer"} <= outer
    hot = sum(screen.value(r"\binner +\S*spin\.py:%d$" % line, "%Own") or 0 for line in spin)
    assert 0.8 < hot <= 1.02
    screen.go("Functions", "L")
    assert sum("inner" in row for row in screen.rows()) == 1


@one
@pytest.mark.case("top: view tree")
def test_tree(top, launch):
    """Branches open and close; x goes down the hottest path; * opens all."""
    target = launch("library.py")
    screen = top("-p", target.pid, "--view", "tree", lines=40)
    screen.wait(lambda t: t.find(r"[▸▾] <module>"))
    if screen.find("▾ <module>") is None:
        screen.send("Enter")
    screen.wait(lambda t: t.find(r"▾ <module>") and t.find(r"▸ encode") and t.find(r"▸ draws"))
    shares = [screen.value(name, "%Total") for name in ("encode", "draws", "<module>")]
    assert shares[0] > 0.2 < shares[1] and sum(shares[:2]) < shares[2] + 0.1
    screen.send("x")
    screen.wait(lambda t: t.cursor() and len(t.rows()) > 3 and not re.search(
        "[▸▾]", t.under_cursor()), "the cursor on a leaf")
    column = [len(re.match(r"[ \d.%smh█▏▎▍▌▋▊▉]*", row)[0]) for row in screen.rows()]
    assert max(column) > min(column), "branches are indented"
    # Left: to the caller, and then it is closed; Right opens it.
    screen.send("Home")
    screen.wait(lambda t: "<module>" in (t.under_cursor() or ""))
    screen.send("Left")
    screen.wait(lambda t: len(t.rows()) == 1 and t.find("▸ <module>"), "all in one branch")
    screen.send("Right")
    screen.wait(lambda t: t.find("▾ <module>") and t.find("encode"))
    screen.send("*")
    screen.wait(lambda t: t.find(r"\bdraw \(") and t.find(r"▾ encode"), "all branches")
    opened = len(screen.rows())
    screen.send("*")
    screen.wait(lambda t: len(t.rows()) < opened)
    # A filter shows what matches with its callers.
    screen.send("/", *"painter", "Enter")
    screen.wait(lambda t: len(t.rows()) == 3 and t.find("<module>") and t.find("draws")
                and t.find(r"draw \("))
    screen.send("Escape")
    screen.send("t")
    screen.wait(r"[▸▾] thread \S+ \(%d\)" % target.pid)
    assert screen.quit() == 0


@several
@pytest.mark.case("top: view threads")
def test_threads(top, launch):
    """Each thread's name, id, state, shares and innermost function; Enter: its live stack."""
    target = launch("gil.py")
    screen = top("-p", target.pid, "--view", "threads", columns=120)
    screen.wait(lambda t: t.view() == "Threads" and len(t.rows("%GIL")) == 4)
    named = "hold_first" if screen.find("^hold_first") is not None else None
    screen.wait(lambda t: len(re.findall(r"hold_(?:first|second) \(\S*gil\.py:\d+\)", t.text())) == 2)
    for function in ("hold_first", "hold_second"):
        row = r"\b%s \(\S*gil\.py:\d+\)$" % function
        screen.wait(lambda t, row=row: 0.1 < (t.value(row, "%GIL") or 0) < 0.9, "its share of the GIL")
        assert re.search(r"GIL|active", screen.lines[screen.find(row)])
    idle = [line for line in screen.rows("%GIL") if re.search(r"\bidle S\b", line)]
    assert len(idle) == 2, screen.shown()
    assert any(re.search(r"\b%d\b" % tid, line) for tid in system.tasks(target.pid)[:1]
               for line in screen.rows("%GIL"))
    if named:
        assert screen.find(r"^MainThread +%d " % target.pid) is not None
        assert screen.find(r"^waits +\d+ ") is not None
    # The live stack goes on being live.
    screen.send("/", *"hold_first", "Enter", "Enter")
    screen.wait(r"(?m)^ +1 +hold_first +\S*gil\.py:\d+$")
    assert re.search(r"hold_first.*\(\d+\)|[Tt]hread \d+", screen.text())
    lines = set()

    def changes(t):
        lines.update(re.findall(r"1 +hold_first +\S*gil\.py:(\d+)$", t.text(), re.M))
        return len(lines) > 1

    screen.wait(changes, "it moves")
    assert re.search(r"(?m)^ +\d +(?:Thread\.)?run +\S*threading\.py:\d+$", screen.text())
    screen.send("Enter")
    screen.wait(r"(?m)^ *\d+ .*def hold_first\(end\):$")
    screen.send("q", "q")
    screen.wait(lambda t: t.heading("%GIL", "State"))


@one
@pytest.mark.case("top: view threads")
def test_thread_ends(top, launch):
    """Threads that have gone are still known by their names, for a while."""
    target = launch("mayflies.py", 20, 30)
    screen = top("-p", target.pid, "--view", "threads")
    screen.wait(r"(?m)^brief-\d+ +[1-9]\d* ended ")
    screen.send("Enter")
    screen.wait("Esc back")
    screen.send("q")
    screen.wait(lambda t: t.heading("%GIL"))
    assert screen.quit() == 0


@one
@pytest.mark.case("top: view gil")
def test_gil(top, launch):
    """Who has it, who waits, and behind whom."""
    target = launch("gil.py")
    screen = top("-p", target.pid, "--view", "gil", columns=120)
    screen.wait(lambda t: t.view() == "GIL" and t.heading("%GIL", "%Wait"))
    screen.wait(lambda t: all((t.value(r"^%s\b" % name, "GILTime") or 0) > 0.5
                              for name in ("hold_first", "hold_second")))
    assert re.search(r"held +9\d\.\d%|held +100", screen.text()), screen.shown()
    assert screen.value("^waits ", "%GIL") == 0 == screen.value("^waits ", "%Wait")
    assert screen.find(r"hold_first → hold_second$") and screen.find(r"hold_second → hold_first$")
    screen.send("4")
    screen.send("Enter")
    screen.wait(r"(?m)^ +1 +hold_(first|second) ")
    screen.send("Escape")
    target.signal(signal.SIGKILL)
    screen.wait("ended")
    assert screen.quit() == 0


@several
@pytest.mark.case("top: view source")
def test_source(top, launch):
    """Enter on a line: the file, through the target's root, with each line's share beside it."""
    target = launch("spin.py")
    screen = top("-p", target.pid, "--view", "lines")
    screen.wait(lambda t: (t.value(r"\binner +\S*spin\.py:\d+", "%Own") or 0) > 0.2)
    screen.send("Enter")
    lines = (system.TARGETS / "spin.py").read_text().splitlines()
    screen.wait(lambda t: t.heading("Line", "%Own", "Source"))
    screen.wait(r"(?m)^ *\d+ .* def inner\(count\):$|^ *\d+ +def inner\(count\):$")
    screen.settle()
    shown = {}
    at = screen.heading("Line", "%Own", "Source")
    column = screen.columns(at).index("Source")
    for y in range(at + 1, screen.screen.lines - 1):
        row = screen.columns(y)
        if row.strip():
            shown[int(row[:7])] = y
            assert lines[int(row[:7]) - 1][:40].rstrip() == row[column:][:40].rstrip()
    hot = set(marked("spin.py", "spin"))
    assert hot <= set(shown)
    own = {line: screen.cell(y, "%Own", at) for line, y in shown.items()}
    assert {line for line, text in own.items() if text} <= hot | set(marked("spin.py", "outer"))
    assert 0.8 < sum(float(own[line].rstrip("%") or 0) for line in hot) / 100 <= 1.02
    total = screen.cell(shown[marked("spin.py", "outer")[1]], "%Total", at)
    assert float(total.rstrip("%")) > 80
    # From the top of the file, x goes to the hottest line.
    screen.send("Home", "x")
    screen.wait(lambda t: t.cursor() and int(t.under_cursor()[:7]) in hot)
    screen.send("Escape")
    screen.wait(lambda t: t.view() == "Lines" and t.heading("%Own", "File:line"))


@one
@pytest.mark.case("top: view source")
def test_no_source(top, launch, place):
    """A file that is not there, or has become another one, is told so."""
    path = place.put("changing.py", "import truth\ntruth.tell()\n\n\ndef busy():\n    while True:\n"
                     "        sum(range(1000))\n\n\nbusy()\n")
    target = launch("changing.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: t.value(r"\bbusy\b", "%Own"))
    screen.send("Enter")
    screen.wait(r"(?m)^ *5 .*def busy\(\):$")
    screen.send("Escape")
    place.put("changing.py", "# moved\n" * 3 + "import truth\n")
    screen.send("Enter")
    screen.wait("(?i)has changed|no longer")
    screen.send("Escape")
    (place.host / "targets" / "changing.py").unlink()
    screen.send("Enter")
    screen.wait("(?i)no such file|cannot|not found")
    assert path.rsplit("/", 1)[1] in screen.text()
    screen.send("Escape")
    assert screen.quit() == 0
