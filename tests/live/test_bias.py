"""Shares that are known are found: nothing is preferred because it is easy to read.

PYSPYC_BIAS_SECONDS makes each recording longer than its 1.2 s, and so the bounds narrower.
"""
import os
import time

import pytest
from conftest import FAMILIES
from kit import judges
from kit.clocks import Waits, told
from kit.target import computes

SECONDS = float(os.environ.get("PYSPYC_BIAS_SECONDS", "1.2"))
POINTS = 1.0  # how far a share may be off beside the chance in the number of samples


def check(found, known, waits, points=POINTS, samples=None):
    """Each share as it is known, as near as chance and the machine's load allow."""
    samples, parts = samples or sum(found.values()), judges.percent(known)
    for name, off in judges.apart(found, known).items():
        bound = waits.bound(points, parts[name] / 100, samples)
        assert abs(off) <= bound, "%s is %+.2f points off %.2f, at most %.2f, of about %d: %s" % (
            name, off, parts[name], bound, samples, found)


def seen(profile, found):
    """Which part of the recording samples stand for, and what waited because of pyspyc."""
    return (sum(found.values()) + profile.truth["waiting"]) / profile.moments


@pytest.mark.case("bias: known shares")
@pytest.mark.pythons(only=FAMILIES)
def test_shares(spy, launch):
    """50/30/15/5 by the thread's own clock, each with another kind of work."""
    target = launch("shares.py", 120)
    waits = Waits(target.pid)
    profile = spy.record(pid=target.pid, seconds=SECONDS, rate=5000, timed=True)
    waits.stop()
    found = judges.shares(profile.frames())
    assert seen(profile, found) >= 0.8 - waits.share  # the program waits for a CPU between them
    check(found, told(target)["MainThread"], waits, samples=profile.independent())


@pytest.mark.case("bias: known shares, blocking")
@pytest.mark.pythons(only=("3.8", "3.12"))
def test_shares_blocking(spy, launch):
    target = launch("shares.py", 120)
    waits = Waits(target.pid)
    profile = spy.record("--blocking", pid=target.pid, seconds=SECONDS, rate=500, timed=True)
    waits.stop()
    check(judges.shares(profile.frames()), told(target)["MainThread"], waits,
          samples=profile.independent())


@pytest.mark.case("bias: known shares, threads")
@pytest.mark.pythons(only=("3.8", "3.12", "3.14"))
def test_threads(spy, launch):
    """Three threads with clocks of their own, by who holds the GIL."""
    target = launch("shares.py", 120, 3)
    waits = Waits(target.pid)
    profile = spy.record("--gil", "-t", pid=target.pid, seconds=SECONDS, rate=5000, timed=True)
    waits.stop()
    known = told(target)
    # Turns of 5 ms: so few that the recording's part need not be the program's whole.
    counts = judges.threads(profile.frames())
    check({name: counts[name] for name in known},
          {name: sum(each.values()) for name, each in known.items()}, waits, points=5,
          samples=profile.independent())
    for name, each in known.items():
        check(judges.shares(judges.of_thread(profile.frames(), name)), each, waits.part(len(known)),
              points=2, samples=profile.independent(name))


@pytest.mark.case("bias: equal chains")
@pytest.mark.pythons(only=FAMILIES)
def test_chains(spy, launch):
    """Eight chains of calls that take as long as each other, though hard to read at speed."""
    target = launch("chains.py", 120)
    computes(target.pid)
    waits = Waits(target.pid)
    profile = spy.record(pid=target.pid, seconds=SECONDS, rate=2500, timed=True)
    waits.stop()
    _, _, weight = judges.chains(profile.frames())
    assert seen(profile, weight) >= 0.5
    # They are equal by construction, but for where their code lies: one point is theirs.
    off = judges.spread(weight)
    bound = waits.bound(POINTS + 1, 1 / judges.CHAINS, profile.independent())
    assert abs(off) <= bound, (off, bound, weight)


def part_of(spans, begin, end):
    """How much of a time lies in spans; the last of them may go on."""
    inside = (min(last or end, end) - max(first, begin) for first, last in spans)
    return sum(seconds for seconds in inside if seconds > 0) / (end - begin)


@pytest.mark.case("bias: long waits and short work, and the opposite")
@pytest.mark.pythons(only=("3.8", "3.12", "3.14"))
def test_bursts(spy, launch):
    """Threads that are taken for asleep, or for busy, are seen to do what they have begun to do."""
    target = launch("bursts.py", 4, 240, 30)
    profile = spy.record("-i", "-t", pid=target.pid, seconds=3, rate=100)
    end = time.monotonic()
    begin = end - profile.truth["seconds"]
    active = spy.record("-t", pid=target.pid, seconds=1, rate=100)
    known = told(target)
    moments = judges.threads(profile.frames())["MainThread"]
    for kind in ("works", "rests"):
        names = [name for name in known if name.startswith(kind)]
        stacks = [stack for name in names for stack in judges.of_thread(profile.frames(), name)]
        samples = sum(count for _, count in stacks)
        assert samples >= 0.99 * len(names) * moments
        share = sum(part_of(known[name], begin, end) for name in names) / len(names)
        working = sum(count for frames, count in stacks if any(
            frame.name == "works" for frame in frames))
        # What is told is wall time, of the recording: turns that had to wait are in it.
        assert abs(working / samples - share) <= 0.02, (kind, working, samples, share)
    # Asleep, they are not active: of all their time they wait half. Some want a CPU to go on.
    assert active.having("waits") <= 0.25 * active.samples > 0
