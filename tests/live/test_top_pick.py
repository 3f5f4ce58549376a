"""`pyspyc top` without a target: the list of the machine's Python processes."""
import os
import pwd
import re
import signal

import pytest
from kit import target as system

pytestmark = pytest.mark.pythons(only=("2.7", "3.8", "3.12", "3.14"))
one = pytest.mark.pythons(only=("system",))


def listed(screen, target):
    """The row of a target; the list is filtered by its pid, for there may be many."""
    screen.wait(r"(?i)\bpid\b.*version")
    screen.send("/", *str(target.pid))
    screen.wait(r"(?m)^.*\b%d\b.*\bspin\.py" % target.pid)
    screen.send("Enter")
    screen.settle()
    return next(line for line in screen.lines if re.search(r"\b%d\b.*spin\.py" % target.pid, line))


@pytest.mark.case("top: the picker")
def test_pick(top, launch, python):
    """Pid, user, version, CPU, RSS and command; Enter opens the view."""
    target = launch("spin.py")
    system.computes(target.pid)
    screen = top(columns=120)
    row = listed(screen, target)
    assert ".".join(map(str, python.version)) in row, row
    assert pwd.getpwuid(os.getuid()).pw_name[:7] in row
    rss = system.rss(target.pid) / 1024
    shown = re.search(r"\b([\d.]+)M\b", row)
    assert shown and abs(float(shown[1]) - rss / 1024) < 2, row
    screen.wait(r"\b%d\b.* (?!0\.0%%)\d{1,3}\.\d%%" % target.pid, "its CPU")
    screen.send("Enter")
    screen.wait(lambda t: t.view() == "Functions" and (t.value(r"\binner\b", "%Own") or 0) > 0.5)
    assert str(target.pid) in screen.lines[0]
    assert screen.quit() == 0


@one
@pytest.mark.case("top: the picker")
def test_live(pytestconfig, top, start, launch, command):
    """Processes come and go; j, k and the mouse move; pyspyc itself is not listed."""
    target = launch("spin.py")
    screen = top(columns=120, lines=50)
    screen.wait(r"\b%d\b.*spin\.py" % target.pid)
    assert not re.search(r"(?m)^ *%d\b" % screen.pid, screen.text())
    other = start(command("spin.py", 120, "\x1b]0;OWNED\x07"))
    screen.wait(r"\b%d\b.*spin\.py 120 .*OWNED" % other.pid)
    assert screen.screen.title != "OWNED" and not screen.screen.bells
    other.process.kill()
    other.finish()
    screen.gone(r"(?m)^ *%d\b" % other.pid)
    own = r"\b%d\b.*spin\.py" % target.pid
    screen.click(20, screen.find(own))
    screen.wait(lambda t: t.find(own) is not None and all(
        cell.reverse or cell.bg != "default" for cell in t.cells(t.find(own))), "the cursor there")
    screen.send("j", "k", "PgDn", "PgUp", "End", "Home", "n", "z", "?", "Escape")
    screen.resize(40, 10)
    screen.settle()
    screen.resize(120, 50)
    screen.wait(own)
    assert screen.runs() and system.state(target.pid) in "RS"


@one
@pytest.mark.case("top: the picker")
@pytest.mark.parametrize("end", ["q", "Escape", "C-c", signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV],
                         ids=str)
def test_left(top, launch, end):
    """Nothing chosen: the terminal is as it was."""
    launch("spin.py")
    screen = top()
    screen.wait(r"spin\.py")
    assert screen.stty() != screen.stty_before
    if isinstance(end, signal.Signals):
        screen.signal(end)
    else:
        screen.send(end)
    status = screen.exited(3)
    assert status == (-end if end == signal.SIGSEGV else status) and status in (
        0, 1, 130, 143, 129, -2, -15, -1, -11)
    assert screen.whole() is None, screen.whole()
