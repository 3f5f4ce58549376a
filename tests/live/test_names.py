"""No frame in a place where it never was, and no name of a function that is gone.

PYSPYC_TORN_SECONDS makes each recording longer than its part of a second.
"""
import os

import pytest
from conftest import FAMILIES
from kit import judges
from kit.clocks import apart
from kit.target import TARGETS, computes

SECONDS = float(os.environ.get("PYSPYC_TORN_SECONDS", "0.5"))

# What is wrong once is wrong: a second try that finds nothing would hide it. Amounts may be tried
# again.
pytestmark = pytest.mark.flaky(reruns=2, rerun_except="wrong:")


def lines(name):
    return judges.calls((TARGETS / name).read_text(encoding="utf-8"))


@pytest.mark.case("names: functions in turn")
@pytest.mark.pythons(only=FAMILIES)
@pytest.mark.parametrize("turn", ["plain", "nested", "alike"])
def test_turns(spy, launch, turn):
    """Where the same bytes come back, at most one stack in a million may mix two moments."""
    target = launch("turns.py", 120, turn)
    computes(target.pid)
    with apart(target):
        profile = spy.record(pid=target.pid, seconds=SECONDS, rate="10k")
    seen, wrong = judges.turns(profile.frames(), lines("turns.py"))
    allowed = 1 + profile.samples // 1000000
    assert sum(wrong.values()) <= allowed, "wrong: %d of %d: %s" % (
        sum(wrong.values()), seen, wrong.most_common(3))
    assert seen == profile.samples >= 0.99 * profile.certain - 2, profile.truth
    if profile.truth["missed"] <= profile.moments:
        lost = profile.truth["dropped"] + profile.truth["unreadable"]
        assert lost <= 0.001 * profile.moments + 1, profile.truth


@pytest.mark.case("names: functions that go")
@pytest.mark.pythons(only=FAMILIES)
@pytest.mark.parametrize("option", ["", "--nonblocking"])
def test_made(spy, launch, option):
    """Functions made, run and freed all the time: never the name of one that was there before."""
    target = launch("made.py", 120)
    computes(target.pid)
    with apart(target):
        profile = spy.record(*filter(None, [option]), pid=target.pid, seconds=SECONDS, rate="5k")
    seen, wrong = judges.made(profile.frames(), lines("made.py"))
    assert not wrong, "wrong: %d of %d: %s" % (
        sum(wrong.values()), seen, wrong.most_common(3))
    if not option:
        assert seen >= 0.15 * profile.certain
        lost = profile.truth["dropped"] + profile.truth["unreadable"]
        assert lost <= 0.01 * profile.moments + 1, profile.truth


@pytest.mark.case("names: generators have callers")
@pytest.mark.pythons(only=FAMILIES)
@pytest.mark.parametrize("option", ["", "--blocking"])
def test_yields(spy, launch, option):
    """A generator that has just yielded has no caller for a moment: that is no stack of its own."""
    target = launch("yields.py", 120)
    computes(target.pid)
    with apart(target):
        profile = spy.record(*filter(None, [option]), pid=target.pid, seconds=SECONDS, rate="10k")
    wrong = {stack: count for stack, count in profile.stacks.items()
             if not stack[0].startswith("<module> ")}
    allowed = 1 + profile.samples // 100000
    assert sum(wrong.values()) <= allowed, "wrong: %d of %d: %s" % (
        sum(wrong.values()), profile.samples, wrong)
    assert profile.samples, profile.truth
