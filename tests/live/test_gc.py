"""The garbage collector as a frame of the stacks in which it runs."""
import os
import re
import signal

import pytest
from kit import target as system

GC = "<GC>"
# What is timed goes before others on a busy machine, where we may: target and pyspyc.
FIRST = ("nice", "-n", "-10") if os.geteuid() == 0 else ()
pytestmark = pytest.mark.flaky(reruns=2)


def ask(target):
    target.signal(signal.SIGUSR1)
    facts = target.ready()
    return facts["seconds"], facts["collecting"]


def gc_share(profile):
    return profile.share(lambda frames: frames[-1].name == GC)


def record(spy, target, *options):
    """A profile, and the collector's share meanwhile as the target measured it."""
    system.precedes(target.pid)
    before = ask(target)
    profile = spy.record("-t", *options, pid=target.pid, seconds=2, rate=500, prefix=FIRST)
    after = ask(target)
    return profile, (after[1] - before[1]) / (after[0] - before[0])


@pytest.mark.case("GC: its share")
def test_explicit(spy, launch):
    """gc.collect(): its share within five points of what the target measured itself."""
    target = launch("collects.py", "explicit")
    profile, true = record(spy, target)
    assert 0.1 < true < 0.95
    assert abs(gc_share(profile) - true) <= 0.05, (gc_share(profile), true)
    strays = 0
    for frames, count in profile.frames():
        names = [frame.name for frame in frames]
        assert GC not in names[:-1], "the collector is innermost"
        assert names[-1] != GC or "(MainThread)" in names[0]
        strays += count * (names[-1] == GC and names[-2] != "collects")
    assert strays <= 0.01 * profile.samples, profile.text


@pytest.mark.case("GC: its share")
@pytest.mark.pythons(since=(3, 6))
def test_automatic(spy, launch, python):
    """The collector that runs because of allocations; measured by gc.callbacks."""
    target = launch("collects.py", "automatic")
    profile, true = record(spy, target)
    assert true > 0.03
    assert abs(gc_share(profile) - true) <= 0.05, (gc_share(profile), true)


@pytest.mark.case("GC: left out")
def test_left_out(spy, launch):
    target = launch("collects.py", "explicit")
    profile, true = record(spy, target, "--no-gc")
    assert GC not in profile.names()
    own = profile.share(lambda frames: frames[-1].name == "collects")
    assert abs(own - true) <= 0.06, (own, true)
    for _ in range(10):
        dump = spy.dump(target.pid, "--no-gc")
        assert GC not in [frame.name for frame in dump.main]


@pytest.mark.case("GC: other threads")
def test_waiting_threads(spy, launch):
    """A thread that waits meanwhile has none."""
    target = launch("collects.py", "explicit")
    profile = spy.record("-t", "--idle", pid=target.pid, seconds=0.5)
    for frames, _ in profile.frames():
        assert frames[-1].name != GC or "(MainThread)" in frames[0].name
    assert any(frames[-1].name == GC for frames, _ in profile.frames())
    assert profile.having("waits") >= 0.8 * profile.certain - 2


@pytest.mark.case("GC: in a dump")
def test_dump(spy, launch):
    target = launch("collects.py", "explicit")
    frames = system.wait_until(
        lambda: [frame for frame in spy.dump(target.pid).record["threads"][0]["frames"][:1]
                 if frame["name"] == GC], "a dump shows the collector")
    assert frames == [{"name": GC, "file": "", "path": "", "line": 0, "first_line": 0}]
    text = system.wait_until(
        lambda: re.search("^    <GC>\n    collects \\(collects.py:\\d+\\)$",
                          spy.dump_text("-p", target.pid), re.MULTILINE), "its text does, too")
    assert text
