"""Threads: names, ids, roots and filters; threads that come and go; subinterpreters."""
import re
import signal

import pytest
from kit import target as system
from kit.target import marked

NAMES = {"CustomThreadName-%d" % index for index in range(10)} | {"MainThread"}
SECONDS = 0.4


def root_name(root):
    """The name in a root such as `thread 12 (name)`."""
    match = re.fullmatch(r"thread (\d+) \((.*)\)", root)
    assert match, root
    return match.group(2)


@pytest.mark.quick
@pytest.mark.case("threads: names and ids")
def test_names(spy, launch, python):
    """Names as threading knows them, from the start: not one missing in a single dump."""
    target = launch("threads.py")
    system.sleeps(target.pid)
    dump = spy.dump(target.pid)
    assert {thread["name"] for thread in dump.threads} == NAMES
    assert len(dump.threads) == 11
    assert dump.threads[0]["name"] == "MainThread"
    line = marked("threads.py", "sleeper")[0]
    for thread in dump.threads:
        ident, native = target.facts["threads"][thread["name"]]
        assert thread["ident"] == ident
        assert native in (None, thread["tid"])
        assert not thread["active"] and not thread["gil"]
        stack = dump.of(thread)
        if thread["name"] != "MainThread":
            assert ("sleeper", line) in [(frame.name, frame.line) for frame in stack]
    assert sorted(thread["tid"] for thread in dump.threads) == system.tasks(target.pid)
    text = spy.dump_text("-p", target.pid)
    assert set(re.findall(r'^Thread \d+ \(idle\): "(.*)"$', text, re.MULTILINE)) == NAMES


@pytest.mark.case("threads: as roots")
def test_roots(spy, launch):
    target = launch("threads.py", "spin")
    profile = spy.record("--threads", "--idle", pid=target.pid, seconds=SECONDS)
    assert {root_name(root) for root in profile.roots()} == NAMES | {"spin-0", "spin-1"}
    for frames, _ in profile.frames():
        name = root_name(frames[0].name)
        function = {"C": "sleeper", "s": "spinner", "M": "<module>"}[name[0]]
        assert function in [frame.name for frame in frames], (name, frames)
    profile = spy.record("--threads", pid=target.pid, seconds=SECONDS)
    assert {root_name(root) for root in profile.roots()} == {"spin-0", "spin-1"}
    assert min(profile.roots().values()) > 0.4 * max(profile.roots().values())


@pytest.mark.case("threads: active")
def test_active(spy, launch, python):
    """Which threads compute is told apart in every single dump."""
    target = launch("threads.py", "spin")
    holders = []
    for _ in range(10):
        dump = spy.dump(target.pid)
        active = {thread["name"] for thread in dump.threads if thread["active"]}
        assert not active - {"spin-0", "spin-1"}
        assert active or python.free_threaded
        holders += [thread["name"] for thread in dump.threads if thread["gil"]]
    if not python.free_threaded:
        assert set(holders) <= {"spin-0", "spin-1"} and len(holders) >= 7


@pytest.mark.case("filter: --thread")
def test_filter(spy, launch):
    target = launch("threads.py", "spin")
    dump = spy.dump(target.pid)
    profile = spy.record("-t", "-i", "--thread", "CustomThreadName-3", pid=target.pid, seconds=0.2)
    assert {root_name(root) for root in profile.roots()} == {"CustomThreadName-3"}
    tid = dump.thread("spin-1")["tid"]
    profile = spy.record("-t", "-i", "--thread", tid, "--thread", "MainThread",
                         pid=target.pid, seconds=0.2)
    assert {root_name(root) for root in profile.roots()} == {"spin-1", "MainThread"}
    profile = spy.record("-t", "-i", "--thread", "nobody", pid=target.pid, seconds=0.2)
    assert profile.samples == 0


@pytest.mark.case("threads: come and go")
def test_churn(spy, launch):
    """Every thread is named rightly however briefly it lives, and none is mistaken."""
    target = launch("churn.py")
    profile = spy.record("-t", rate=1000, pid=target.pid, seconds=1)
    brief = 0
    for frames, count in profile.frames():
        root = frames[0].name
        names = [frame.name for frame in frames[1:]]
        if "brief" in names:
            assert re.search(r"\((brief-\d+|python[\w.-]*|[^)]*)\)$", root), root
            assert "main" not in names
            brief += count
        if "main" in names:
            assert "(MainThread)" in root, (root, names)
    assert brief >= 0.3 * profile.certain
    named = [root for root in profile.roots() if "brief-" in root]
    assert len(named) >= 10
    for _ in range(10):
        dump = spy.dump(target.pid)
        assert dump.threads[0]["name"] == "MainThread"
    target.signal(signal.SIGTERM)
    assert re.fullmatch(r"threads \d+", target.rest()[-1])
    assert target.finish() == 0


@pytest.mark.case("subinterpreters")
@pytest.mark.pythons(since=(3, 8))
def test_interpreters(spy, launch, python):
    """Threads in subinterpreters (from 3.12 with GILs of their own) are threads as others are."""
    target = launch("interpreters.py")
    dump = spy.dump(target.pid)
    assert {thread["interpreter"] for thread in dump.threads} == {
        0, *target.facts["interpreters"]}
    assert dump.threads[0]["interpreter"] == 0
    for number, identity in enumerate(target.facts["interpreters"]):
        stacks = [[frame.name for frame in dump.of(thread)] for thread in dump.threads
                  if thread["interpreter"] == identity]
        assert ["inside_%d" % number, "<module>"] in stacks
        assert not any("run" in stack for stack in stacks)
    runs = [[frame.name for frame in dump.of(thread)] for thread in dump.threads
            if thread["interpreter"] == 0]
    assert sum("run" in stack for stack in runs) == 2
    assert len(spy.dump_text("-p", target.pid).split("inside_")) == 3


@pytest.mark.case("subinterpreters")
@pytest.mark.pythons(since=(3, 8))
def test_record_interpreters(spy, launch, python):
    target = launch("interpreters.py", "spin")
    # Up to 3.12 their thread states claim to be the thread that created the interpreter, so
    # that only the one with the GIL is known to be active.
    exact = python.version >= (3, 13)
    profile = spy.record(*([] if exact else ["--idle"]), pid=target.pid, seconds=SECONDS)
    both = [profile.having("inside_0"), profile.having("inside_1")]
    assert min(both) > 0.9 * profile.certain
    assert profile.having("wait") == (0 if exact else profile.having("inside_0"))
    if exact and not python.free_threaded:
        profile = spy.record("--gil", pid=target.pid, seconds=SECONDS)
        both = [profile.having("inside_0"), profile.having("inside_1")]
        assert min(both) > 0.5 * profile.certain, "both hold a GIL of their own all the time"
