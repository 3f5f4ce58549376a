"""`pyspyc top` begins and ends: what it shows first, the target's end, programs that it starts."""
import os
import re
import signal

import pytest
from kit import target as system

one = pytest.mark.pythons(only=("system",))
few = pytest.mark.pythons(only=("2.7", "3.11", "3.13"))


@pytest.mark.quick
@pytest.mark.case("top: the busy function")
def test_busy(top, launch, python):
    """On every interpreter: who is looked at, and where its time goes."""
    target = launch("spin.py")
    system.computes(target.pid)
    screen = top("-p", target.pid)
    screen.wait(lambda t: (t.value(r"\binner\b", "%Own") or 0) > 0.5
                and (t.value(r"\bouter\b", "%Total") or 0) > 0.8
                and t.value("<module>", "%Own") in (0, None), "inner() has the CPU")
    assert screen.view() == "Functions" and screen.sorted_by() == "%Own"
    text = screen.text()
    assert str(target.pid) in text and "spin.py" in text
    assert ".".join(map(str, python.version)) in text
    assert screen.quit() == 0
    assert system.state(target.pid) in "RS"


@one
@pytest.mark.case("top: the header")
def test_header(top, launch, python):
    """Samples, rate, lag, CPU, GIL, GC, threads and RSS: of a target that is known."""
    target = launch("gil.py")
    screen = top("-p", target.pid, "-r", 200, columns=120)

    def head():
        y = screen.tabs()
        return " ".join(screen.lines[:y]) if y else ""

    def figure(name):
        found = re.search(name + r"\W*([\d.]+)%", head())
        return float(found[1]) if found else -1

    screen.wait(lambda t: figure("CPU") > 5 and figure("GIL") > 70, "the CPU's and the GIL's share")
    assert python.full_version in head() and "gil.py" in head() and str(target.pid) in head()
    assert 0 <= figure("GC") < 5
    screen.wait(lambda t: re.search(r"(19|20)\d(\.\d+)?(/s| of 200|\s*Hz)", head()), "the rate")
    # Two that compute, of which one waits for the GIL most of the time; two that wait.
    screen.wait(lambda t: re.search(r"(\d+)\s+active\D+(2)\s+idle|active\W*(\d+)\W+idle\W*2", head()),
                "threads: two idle")
    rss = system.rss(target.pid)
    shown = re.search(r"RSS\W*([\d.]+)M", head())
    assert shown and abs(float(shown[1]) * (1 << 20) - rss) < 2 << 20, head()
    assert screen.quit() == 0


@few
@pytest.mark.case("top: the target's end")
def test_target_ends(top, launch):
    """The last figures stay, and its end is told, until q."""
    target = launch("spin.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: (t.value(r"\binner\b", "%Own") or 0) > 0.5)
    target.signal(signal.SIGTERM)
    assert target.finish() == 7
    screen.wait("(?i)ended|exited", deadline=3)
    assert screen.runs()
    screen.settle()
    assert screen.value(r"\binner\b", "OwnTime") > 0.1
    # What has been collected can still be looked at.
    screen.go("Lines", "L")
    assert screen.value(r"\binner\b", "OwnTime") is not None
    screen.send("4", "j", "k", "i", "p", "?")
    screen.settle()
    screen.send("Escape")
    assert screen.quit() == 0


@one
@pytest.mark.case("top: the target's end")
@pytest.mark.parametrize("paused", (False, True), ids=("running", "paused"))
def test_target_killed(top, launch, paused):
    """Also while nothing is sampled, and by a signal that leaves nothing to read: what it was
    stays known, and no thread of it counts any more."""
    target = launch("spin.py")
    screen = top("-p", target.pid)
    screen.wait(lambda t: (t.value(r"\binner\b", "%Own") or 0) > 0.5)
    first = screen.lines[0]
    if paused:
        screen.send("p")
        screen.wait("paused")
    target.signal(signal.SIGKILL)
    screen.wait(r"(?m)\bended$", deadline=3)
    screen.settle()
    assert screen.lines[0].startswith(first.split("  ")[0]) and "Python" in screen.lines[0]
    assert screen.find(r"Threads \d") is None, screen.shown()
    assert screen.quit() == 0


@one
@pytest.mark.case("top: -- program")
@pytest.mark.parametrize("word, status, told", [("exit=7", 7, "7"),
                                                ("signal=15", 143, "143")],
                         ids=("status", "signal"))
def test_launched(top, command, word, status, told):
    """Its output does not get onto the screen, but is there afterwards; its status is ours."""
    screen = top("--", *command("ends.py", "out=written to the terminal", "spin=0.7",
                                "err=and to this", word))
    screen.wait(lambda t: (t.value(r"\bspin\b", "%Total") or 0) > 0.3, "spin() is seen")
    assert screen.screen.alternate and unspoilt(screen, "written")
    screen.wait(r"(ended|exit|killed).*(%s)" % told, "its end is told")
    screen.settle()
    assert unspoilt(screen, "and to this")
    assert screen.quit() == status
    text = screen.text()
    assert "written to the terminal" in text and "and to this" in text
    assert text.index("written") < text.index("and to this")


def unspoilt(screen, printed):
    """What was printed is nowhere but in the line that tells of it, and in the command."""
    told = [line for line in screen.lines[screen.tabs():] if printed in line]
    return len(told) <= 1 and all(line.startswith("Printed ") for line in told)


@one
@pytest.mark.case("top: -- program")
def test_launched_left(top, command):
    """q before its end: it runs on, and pyspyc waits for it, with its output shown at once."""
    screen = top("--", *command("ends.py", "out=early", "spin=1.2", "out=late", "exit=3"))
    screen.wait(lambda t: t.value(r"\bspin\b", "%Total"))
    screen.send("q")
    screen.wait(lambda t: not t.screen.alternate, "the screen is given back")
    screen.wait("early")
    assert screen.exited() == 3
    assert "late" in screen.text() and screen.whole() is None


@one
@pytest.mark.case("top: -- program")
def test_launched_interrupted(top, command):
    """^C gives the screen back and the program runs on; after that it is for both."""
    screen = top("--", *command("ends.py", "spin=60"))
    screen.wait(lambda t: t.value(r"\bspin\b", "%Total"))
    program, = system.children(screen.pid)
    screen.send("C-c")
    screen.wait(r"waiting for the program .*Ctrl-C reaches it as well; kill %d" % screen.pid)
    assert not screen.screen.alternate and system.state(program) in "RS"
    screen.send("C-c")
    assert screen.exited() == 130
    assert "KeyboardInterrupt" in screen.text() and screen.whole() is None


@one
@pytest.mark.case("top: --duration")
def test_duration(top, launch):
    target = launch("spin.py")
    screen = top("-d", 1, "-p", target.pid)
    screen.wait(lambda t: t.value(r"\binner\b", "%Own"))
    assert screen.exited(4) == 0
    assert screen.whole() is None, screen.whole()
    # What there was to see stays, as text.
    text = screen.text()
    assert "pyspyc top - " in text and "\u25be" not in text
    assert re.search(r"(?m)^ *[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+  inner \(", text), text


@one
@pytest.mark.case("top: -s")
def test_children(top, launch):
    """Children are taken in, told apart by process with c, and counted in the header."""
    target = launch("children.py")
    first, second = (target.facts["children"][name] for name in ("first", "second"))
    screen = top("-s", "-p", target.pid, columns=140)
    screen.wait(lambda t: (t.value(r"\bwork_first\b", "%Own") or 0) > 0.1
                and (t.value(r"\bwork_second\b", "%Own") or 0) > 0.1, "both children compute")
    y = screen.tabs()
    assert re.search(r"(?i)processes\W*3|3 processes", " ".join(screen.lines[:y])), screen.shown()
    assert screen.find(r"\b%d\b.*work_first" % first) is None
    screen.send("c")
    screen.wait(r"\b%d\b.*\bwork_first\b" % first)
    screen.wait(r"\b%d\b.*\bwork_second\b" % second)
    os.kill(second, signal.SIGKILL)
    screen.wait(lambda t: t.value(r"\bwork_second\b", "%Own") == 0
                and t.value(r"\bwork_first\b", "%Own") > 0.1, "one has gone")
    assert screen.quit() == 0


@one
@pytest.mark.case("top: refused")
def test_refused(top, start):
    """Nothing to look at: a line, and the terminal as it was."""
    other = start(["sleep", "60"], ready=False)
    system.wait_until(lambda: b"sleep" in open("/proc/%d/cmdline" % other.pid, "rb").read(), "sleep")
    for words, status in ((("-p", other.pid), 1), (("--view", "none", "-p", 1), 2),
                          (("--delay", "0", "-p", 1), 2), (("--", "/nonexistent/program"), None)):
        screen = top(*words, delay=None)
        found = screen.exited(15)
        assert found == status if status else found > 0
        assert "pyspyc: " in screen.text() and screen.whole() is None
        assert b"\x1b[?1049h" not in screen.raw


@one
@pytest.mark.case("top: terminals")
@pytest.mark.parametrize("term", ["dumb", "nonsense", ""])
def test_no_such_terminal(top, launch, term):
    target = launch("spin.py")
    screen = top("-p", target.pid, term=term)
    assert screen.exited() == 1
    assert re.search(r"pyspyc: .*TERM", screen.text().replace("\n", "")) and screen.whole() is None
