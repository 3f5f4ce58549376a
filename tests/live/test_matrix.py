"""What every user does first, on every CPython: record, dump, children, idle, GIL."""
import os
import re
import signal
import time

import pytest
from kit import target as system
from kit.spy import ended
from kit.target import marked

SPIN_LINES = {
    "inner": marked("spin.py", "spin"),
    "outer": marked("spin.py", "outer"),
    "main": marked("spin.py", "main"),
    "<module>": marked("spin.py", "module"),
}
SECONDS = 0.6


def check_spin(profile):
    """Only stacks that spin.py can have: module > main > outer > inner, with their lines."""
    chain = ["<module>", "main", "outer", "inner"]
    for frames, count in profile.frames():
        frames = [frame for frame in frames if not frame.name.endswith("<lambda>")]
        names = [frame.name for frame in frames]
        if names[:3] == chain[:3]:
            assert names == chain[:len(names)], (names, count)
            for frame in frames:
                assert frame.file == "spin.py" and frame.line in SPIN_LINES[frame.name], (frame, count)
        else:
            assert not {"outer", "inner"} & set(names), (names, count)


def check_amount(profile, seconds):
    """One thread that always computes is in every moment, and every moment is accounted for."""
    truth = profile.truth
    assert profile.weighs_right(), truth
    assert 0.9 * seconds <= truth["seconds"] <= 1.5 * seconds + 1
    expected = truth["rate"] * truth["seconds"]
    lost = truth["dropped"] + truth["unreadable"]
    assert 0.9 * expected - 2 <= profile.samples + truth["missed"] + lost, truth
    assert profile.samples + lost <= 1.05 * expected + 2, truth
    assert 0.97 * profile.certain - 2 <= profile.samples <= 1.03 * profile.moments + 2, truth
    assert lost <= 0.01 * expected + 1, truth


@pytest.mark.case("record: attach")
def test_attach(spy, launch):
    spin = launch("spin.py")
    system.computes(spin.pid)
    profile = spy.record(pid=spin.pid, seconds=SECONDS)
    check_spin(profile)
    check_amount(profile, SECONDS)
    assert profile.share(lambda f: [x.name for x in f][-2:] == ["outer", "inner"]) > 0.9

    spin.signal(signal.SIGTERM)
    assert [line.split()[0] for line in spin.rest()] == ["total"]
    assert spin.finish() == 7


@pytest.mark.case("record: launch")
def test_launch(spy, command):
    output = spy.file(".folded")
    done = spy.run("record", "-r", 200, "-o", output, "--", *command("spin.py", SECONDS), status=7)
    told, total = done.stdout.decode().splitlines()
    assert told.startswith("ready ") and re.fullmatch(r"total \d+", total)
    profile = spy.read(output, done.stderr.decode())
    check_spin(profile)
    assert profile.seen("inner") > 0.7 * SECONDS * 200


@pytest.mark.quick
@pytest.mark.case("dump: sleeping")
def test_dump_sleeping(spy, launch, python):
    """The stack of a thread that sleeps: function, file and line of each frame."""
    sleeper = launch("sleeper.py")
    sleeper.waits()
    dump = spy.dump(sleeper.pid)
    lines = [marked("sleeper.py", mark)[0] for mark in ("doze", "main", "module")]
    assert [(f.name, f.line) for f in dump.main] == list(zip(("doze", "main", "<module>"), lines))
    assert all(frame.file.endswith("/targets/sleeper.py") for frame in dump.main)
    assert [f["file"] for f in dump.threads[0]["frames"]] == ["sleeper.py"] * 3
    assert len(dump.threads) == 1
    assert not dump.threads[0]["gil"]
    assert not dump.threads[0]["active"]
    assert dump.version.startswith(python.full_version)
    assert dump.version[len(python.full_version):] == (
        "t" * python.free_threaded + "d" * python.debug)


@pytest.mark.quick
@pytest.mark.case("dump: text")
def test_dump_text(spy, launch, python):
    """The form that py-spy's users read."""
    sleeper = launch("sleeper.py")
    sleeper.waits()
    lines = spy.dump_text("--pid", sleeper.pid).splitlines()
    where = {mark: marked("sleeper.py", mark)[0] for mark in ("doze", "main", "module")}
    assert lines[0].startswith("Process %d: " % sleeper.pid) and lines[0].endswith("sleeper.py")
    assert lines[1].startswith("Python v%s" % python.full_version)
    thread = [place for place, line in enumerate(lines) if line.startswith("Thread ")]
    assert len(thread) == 1
    assert re.fullmatch(r'Thread %d \(idle\)(: "(MainThread|[^"]*)")?' % sleeper.pid, lines[thread[0]])
    assert lines[thread[0] + 1:thread[0] + 4] == [
        "    doze (sleeper.py:%d)" % where["doze"],
        "    main (sleeper.py:%d)" % where["main"],
        "    <module> (sleeper.py:%d)" % where["module"]]


@pytest.mark.quick
@pytest.mark.case("dump: busy")
def test_dump_busy(spy, launch, python):
    """A thread that computes is active and has the GIL, whatever line it is at."""
    spin = launch("spin.py")
    system.computes(spin.pid)
    seen = []
    for _ in range(20):
        thread = spy.dump(spin.pid).threads[0]
        assert thread["active"]
        names = [frame["name"] for frame in reversed(thread["frames"])]
        assert names[:3] == ["<module>", "main", "outer"]
        seen.append(thread["gil"])
    if not python.free_threaded:
        assert sum(seen) >= 15
        assert re.search(r"Thread \d+ \(active\+gil\)", "".join(
            spy.dump_text("-p", spin.pid) for _ in range(5)))


@pytest.mark.case("idle")
def test_idle(spy, launch):
    """A sleeping thread is in no profile by default, and in all of one with --idle."""
    sleeper = launch("sleeper.py")
    sleeper.waits()
    assert spy.record(pid=sleeper.pid, seconds=0.3).samples == 0
    lines = [marked("sleeper.py", mark)[0] for mark in ("module", "main", "doze")]
    for option in (["--idle"], ["--mode", "wall"]):
        profile = spy.record(*option, pid=sleeper.pid, seconds=0.3)
        check_amount(profile, 0.3)
        assert set(profile.stacks) == {tuple(
            "%s (sleeper.py:%d)" % pair for pair in zip(("<module>", "main", "doze"), lines))}


@pytest.mark.case("gil: one thread")
def test_gil(spy, launch, python):
    sleeper = launch("sleeper.py")
    sleeper.waits()
    assert spy.record("--gil", pid=sleeper.pid, seconds=0.2).samples == 0
    if not python.free_threaded:
        spin = launch("spin.py")
        profile = spy.record("--gil", pid=spin.pid, seconds=0.4)
        assert profile.samples >= 0.6 * profile.certain
        check_spin(profile)


@pytest.mark.case("gil: two threads")
@pytest.mark.pythons(where=lambda python: not python.free_threaded)
def test_gil_shared(spy, launch, python):
    """Two threads that compute hold the GIL half of the time each."""
    program = launch("gil.py")
    profile = spy.record("--gil", pid=program.pid, seconds=1.2)
    first, second = profile.having("hold_first"), profile.having("hold_second")
    assert first + second >= 0.6 * profile.certain
    assert first + second == profile.samples, "a thread without the GIL is in the profile"
    if python.version >= (3, 2):  # before that the GIL is not handed over in turn
        assert 0.3 < first / (first + second) < 0.7
    # Both want a CPU all the time, so both are in each moment of a plain profile.
    profile = spy.record(pid=program.pid, seconds=0.4)
    first, second = profile.having("hold_first"), profile.having("hold_second")
    assert profile.having("waits") == 0
    assert min(first, second) > 0.25 * max(first, second)


@pytest.mark.case("children: record -s")
def test_record_children(spy, launch):
    """Each process of the tree is a root of its own, which bears its pid."""
    parent = launch("children.py")
    profile = spy.record("-s", "--idle", pid=parent.pid, seconds=0.6)
    pids = {parent.pid: "wait_in_parent", parent.facts["children"]["first"]: "work_first",
            parent.facts["children"]["second"]: "work_second"}
    found = {}
    for stack, count in profile.stacks.items():
        pid = int(re.match(r"process (\d+)", stack[0]).group(1))
        assert pid in pids, stack[0]
        names = [frame.split(" ")[0] for frame in stack]
        if pids[pid] in names:
            found[pid] = found.get(pid, 0) + count
        assert not (set(pids.values()) - {pids[pid]}) & set(names), stack
    assert set(found) == set(pids)
    assert min(found.values()) >= 0.7 * profile.certain


@pytest.mark.case("children: without -s")
def test_record_no_children(spy, launch):
    parent = launch("children.py")
    profile = spy.record("--idle", pid=parent.pid, seconds=0.3)
    assert profile.having("wait_in_parent") == profile.samples >= 0.9 * profile.certain
    assert not profile.having("work_first") and not profile.having("work_second")


@pytest.mark.case("children: dump -s")
def test_dump_children(spy, launch):
    """Every Python of the tree once; the sleep and the zombie are passed over."""
    parent = launch("children.py")
    pids = [parent.pid] + sorted(parent.facts["children"].values())
    dumps = spy.dumps("-s", "--pid", parent.pid)
    assert sorted(dumps) == sorted(pids)
    assert dumps[parent.pid].main[1].name == "wait_in_parent"
    for name, pid in parent.facts["children"].items():
        assert "work_" + name in [frame.name for frame in dumps[pid].main]
    text = spy.dump_text("-s", "--pid", parent.pid)
    for pid in pids:
        assert len(re.findall(r"^Process %d: " % pid, text, re.MULTILINE)) == 1, text
    assert len(re.findall(r"^Process ", text, re.MULTILINE)) == 3
    assert list(spy.dumps("--pid", parent.pid)) == [parent.pid]


@pytest.mark.case("exit in mid-recording")
def test_exit(spy, launch):
    """The recording ends with its target, without an error, and all of it is there."""
    spin = launch("spin.py", 0.5)
    begin = time.monotonic()
    profile = spy.record(pid=spin.pid, seconds=20)
    assert time.monotonic() - begin < 5
    assert profile.seen("inner") >= 40
    assert spin.finish() == 7


@pytest.mark.case("exit in mid-sample")
def test_exit_at_speed(spy, command):
    """Short-lived programs, sampled fast up to their end: no error, and the right status."""
    for _ in range(4):
        profile = spy.record(rate="20k", launch=command("ends.py", "spin=0.03", "exit=3"), status=3)
        assert profile.seen("spin") > 200


@pytest.mark.case("exec in mid-recording")
def test_exec(spy, launch):
    program = launch("becomes.py", 0.5)
    profile = spy.record(pid=program.pid, seconds=20)
    assert profile.seen("before") >= 40
    assert profile.seen("after") >= 60
    assert not profile.count(lambda f: {"before", "after"} <= {frame.name for frame in f})
    assert program.finish() == 5


@pytest.mark.case("fork in mid-recording")
def test_fork(spy, launch):
    program = launch("forks.py", 0.8)
    profile = spy.record("-s", pid=program.pid, seconds=20)
    assert profile.seen("parent_work") >= 90
    assert profile.seen("child_work") >= 40
    child, = [root for root in profile.roots() if not root.startswith("process %d" % program.pid)]
    for frames, _ in profile.frames():
        names = [frame.name for frame in frames]
        assert ("child_work" in names) <= (frames[0].name in child), names
    assert program.rest() == ["children 1"] and program.finish() == 0


@pytest.mark.case("fork without -s")
@pytest.mark.pythons(only=("2.7", "3.8", "3.13", "system"))
def test_fork_alone(spy, launch):
    program = launch("forks.py", 0.4)
    profile = spy.record(pid=program.pid, seconds=20)
    assert profile.seen("parent_work") >= 40
    assert profile.having("child_work") == 0


@pytest.mark.case("short-lived children")
def test_short_children(spy, command):
    """Children of a few tens of milliseconds, one after the other, are each seen."""
    profile = spy.record("-s", rate=500, launch=command("forks.py", 0.6, 8, 0.08))
    roots = {stack[0] for stack in profile.stacks if any("child_work" in frame for frame in stack)}
    assert len(roots) >= 7, roots


@pytest.mark.case("vfork")
@pytest.mark.pythons(only=("3.8", "3.13", "system"))
def test_vfork(spy, launch, folder):
    """Until its exec a child is not taken for a process that runs what its parent does."""
    fifo = folder / "gate"
    os.mkfifo(fifo)
    program = launch("vforks.py", fifo, 0.4)
    child, = system.wait_until(lambda: system.children(program.pid), "the child")
    process = spy.start("record", "-s", "--idle", "-r", 200, "-o", folder / "a.folded",
                        "-p", program.pid)
    system.wait_until(lambda: system.cpu_ticks(process.pid) > 2, "pyspyc records")
    time.sleep(0.5)  # of what must not be booked
    gate = os.open(fifo, os.O_WRONLY)
    status, error = ended(process)
    os.close(gate)
    assert status == 0, error
    profile = spy.read(folder / "a.folded", error)
    assert profile.seen("child_work") >= 60
    for frames, _ in profile.frames():
        names = {frame.name for frame in frames}
        assert not ("spawning" in names and str(child) in frames[0].name), frames
    assert profile.having("spawning") >= 5
    assert program.finish() == 0


@pytest.mark.case("recursion under load")
def test_recursive(spy, launch):
    """No stack without its root while calls come and go."""
    program = launch("recursive.py")
    system.computes(program.pid)
    lines = marked("recursive.py", "module")
    for _ in range(40):
        stack = spy.dump(program.pid).main
        assert len(stack) <= 22
        assert stack[-1].name == "<module>" and stack[-1].line in lines
        assert {frame.name for frame in stack[:-1]} <= {"recurse"}
    profile = spy.record(rate=1000, pid=program.pid, seconds=0.5)
    assert profile.samples >= 0.97 * profile.certain
    for frames, _ in profile.frames():
        assert len(frames) <= 22
        assert frames[0].name == "<module>" and frames[0].line in lines
        assert {frame.name for frame in frames[1:]} <= {"recurse"}


@pytest.mark.case("stopped by -d")
@pytest.mark.pythons(only=("2.7", "3.8", "3.13", "system"))
def test_duration(spy, launch):
    spin = launch("spin.py")
    begin = time.monotonic()
    process = spy.start("record", "-p", spin.pid, "-d", "0.3s", "-o",
                        spy.folder / "a.folded")
    status, error = ended(process)
    assert status == 0
    assert 0.25 < time.monotonic() - begin < 3
    assert system.state(spin.pid) in "RS"
    assert re.search(r"\d+ samples", error), error
