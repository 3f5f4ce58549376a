"""`pyspyc top` of large programs: the keys answer, the target is not slowed, little CPU is used.

Bounds are for busy machines; ./dev bench measures.
"""
import contextlib
import pathlib
import time

import pytest
from kit.target import proc, tasks
from kit.top import VIEWS

one = pytest.mark.pythons(only=("3.12",))


def cpu(pid):
    """Seconds that all threads of a process have had."""
    total = 0
    for tid in tasks(pid):
        with contextlib.suppress(OSError):
            total += int(proc(pid, "task/%d/schedstat" % tid).split()[0])
    return total / 1e9


@one
@pytest.mark.case("top: keys of a large program")
def test_keys(top, launch):
    """500 threads and 5,000 functions: each key within a second, and most at once."""
    target = launch("bulk.py", 500, 10)
    screen = top("-i", "-p", target.pid, "--delay", 1, delay=None, lines=40)
    screen.wait(lambda t: len(t.rows()) > 30, deadline=20)
    took = []

    def press(*keys, until):
        begin = time.monotonic()
        screen.send(*keys)
        screen.wait(until)
        took.append(time.monotonic() - begin)

    for key, heading in (("4", "TotalTime"), ("2", "%Total"), ("1", "%Own")):
        press(key, until=lambda t, name=heading: t.sorted_by() == name)
    press("/", *"call_499_", until=lambda t: 9 <= len(t.rows()) <= 10)
    press("Escape", until=lambda t: len(t.rows()) > 30)
    press("End", until=lambda t: t.cursor() == t.screen.lines - 2)
    press("Home", until=lambda t: t.cursor() == t.heading() + 1)
    for name in ("F3", "F4", "F5", "F7", "F2"):
        press(name, until=lambda t, at=int(name[1]): t.view() == VIEWS[at - 2])
    assert max(took) < 1 and sorted(took)[len(took) // 2] < 0.25, took
    begin, before = time.monotonic(), cpu(screen.pid)
    screen.wait(lambda t: time.monotonic() > begin + 2)
    assert (cpu(screen.pid) - before) / (time.monotonic() - begin) < 0.8
    assert screen.quit() == 0


@one
@pytest.mark.case("top: its own CPU")
def test_cpu(top, launch):
    """20 threads at 100 Hz: a few hundredths of a core."""
    target = launch("crowd.py", 60, 2, 18)
    screen = top("-p", target.pid, "--delay", 1, delay=None, lines=40)
    screen.wait(lambda t: t.value(r"\bspinning\b", "%Total"))
    begin, before = time.monotonic(), cpu(screen.pid)
    screen.wait(lambda t: time.monotonic() > begin + 3)
    share = (cpu(screen.pid) - before) / (time.monotonic() - begin)
    sanitized = b"libasan" in pathlib.Path("/proc/%d/maps" % screen.pid).read_bytes()
    assert share < (0.5 if sanitized else 0.06), share
    assert screen.quit() == 0
