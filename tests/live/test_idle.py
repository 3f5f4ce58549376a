"""Which threads are idle: what the OS says and what the interpreter says, case by case."""
import contextlib
import ctypes
import os
import signal
import subprocess
import sys

import pytest
from kit import checks
from kit import target as system

# How a thread waits (a function of tests/targets/idles.py), and the function below it, if any.
WAITS = {"sleep", "in_select", "in_poll", "in_epoll", "lock", "event", "condition", "in_queue",
         "join", "read_pipe", "read_file", "receive", "receive_timeout", "accept", "child",
         "event_timeout"}
NATIVES = {"compress", "digest", "multiply"}
SECONDS = 0.5


def named(dump):
    return {thread["name"]: thread for thread in dump.threads}


def all_sleep(target, kinds):
    """Waits until every thread is where it stays: some have something to do first."""
    def settled():
        tids = system.tasks(target.pid)
        return len(tids) > kinds and all(system.state(target.pid, tid) == "S" for tid in tids)
    system.wait_until(settled, "every thread of %d sleeps" % target.pid)


def kinds_seen(profile):
    """Samples per kind: the functions of idles.py have the names of their threads."""
    return {kind: profile.having(kind) for kind in WAITS | NATIVES}


@pytest.mark.case("idle: ways of waiting")
def test_waits(spy, launch, python):
    target = launch("idles.py", "waits")
    kinds = set(target.facts["kinds"])
    assert kinds == WAITS - ({"event_timeout"} if python.version < (3, 0) else set())
    all_sleep(target, len(kinds))
    for _ in range(3):
        threads = named(spy.dump(target.pid))
        assert kinds <= set(threads)
        for kind in kinds:
            thread = threads[kind]
            assert (thread["active"], thread["gil"], thread["gil_wait"], thread["os_state"]) == (
                False, False, False, "S"), (kind, thread)
            assert kind in [frame["name"] for frame in thread["frames"]], thread


@pytest.mark.case("idle: ways of waiting")
def test_record_waits(spy, launch):
    """Nothing of them by default and with --gil; all of them, all the time, with --idle."""
    target = launch("idles.py", "waits")
    kinds = set(target.facts["kinds"])
    all_sleep(target, len(kinds))
    for option in ("--hideprogress", "--gil"):
        profile = spy.record(option, pid=target.pid, seconds=SECONDS)
        assert not any(kinds_seen(profile).values()), option
    profile = spy.record("--idle", pid=target.pid, seconds=SECONDS)
    seen = kinds_seen(profile)
    for kind in kinds - {"sleep"}:
        assert seen[kind] >= 0.95 * profile.certain - 2, kind
    # The thread that is joined sleeps in the same function.
    assert seen["sleep"] >= 2 * (0.95 * profile.certain - 2)


@pytest.mark.case("idle: C that computes without the GIL")
@pytest.mark.parametrize("kind", ["compress", "digest"])
def test_natives(spy, launch, kind):
    """Active, and without the GIL. That holds for nearly every look at it."""
    check_native(spy, launch("idles.py", kind), kind)


def check_native(spy, target, kind):
    system.computes(target.pid)
    looks = [named(spy.dump(target.pid))[kind] for _ in range(12)]
    assert sum(thread["active"] for thread in looks) >= 9, looks
    assert sum(thread["os_state"] == "R" for thread in looks) >= 9
    keeps = kind in target.facts["keeps"]
    gil = sum(thread["gil"] for thread in looks)
    assert gil >= 9 if keeps else gil <= 3, [(look["gil"], look["frames"][:1]) for look in looks]
    assert not any(thread["gil_wait"] for thread in looks), "nobody else wants the GIL"
    profile = spy.record(pid=target.pid, seconds=SECONDS)
    assert kinds_seen(profile)[kind] >= 0.85 * profile.certain - 2
    assert profile.having("wait") == 0
    profile = spy.record("--gil", pid=target.pid, seconds=SECONDS)
    share = kinds_seen(profile)[kind] / profile.moments
    assert share >= 0.8 if keeps else share <= 0.2


@pytest.mark.case("idle: C that computes without the GIL")
def test_numpy(spy, start):
    """With the interpreter that runs these tests, or another that has NumPy."""
    for executable in (sys.executable, "python3"):
        if subprocess.run([executable, "-c", "import numpy"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0:
            break
    else:
        pytest.skip("no interpreter with NumPy")
    target = start([executable, str(system.TARGETS / "idles.py"), "multiply"],
                   env=system.environment(OPENBLAS_NUM_THREADS="1"))
    check_native(spy, target, "multiply")


@pytest.mark.case("idle: a stopped process")
def test_stopped(spy, launch):
    target = launch("spin.py")
    system.computes(target.pid)
    target.signal(signal.SIGSTOP)
    system.wait_until(lambda: system.state(target.pid) == "T", "the target has stopped")
    try:
        thread = spy.dump(target.pid).threads[0]
        assert (thread["active"], thread["os_state"]) == (False, "T")
        assert spy.record(pid=target.pid, seconds=0.3).samples == 0
        profile = spy.record("--idle", pid=target.pid, seconds=0.3)
        assert profile.having("outer") >= 0.95 * profile.certain - 2
    finally:
        target.signal(signal.SIGCONT)
    system.computes(target.pid)
    thread = spy.dump(target.pid).threads[0]
    assert (thread["active"], thread["os_state"]) == (True, "R")


@pytest.mark.case("idle: a process that gets no CPU")
def test_starved(spy, start, launch):
    """It waits for a CPU, and so is active: behind a busy loop it hardly ever has one."""
    target = launch("spin.py")
    cpu = {max(os.sched_getaffinity(0))}
    os.sched_setaffinity(target.pid, cpu)
    os.sched_setscheduler(target.pid, os.SCHED_IDLE, os.sched_param(0))
    busy = start([sys.executable, "-c", "print('ready', flush=True)\nwhile True: pass"])
    os.sched_setaffinity(busy.pid, cpu)
    system.computes(busy.pid)
    before = system.cpu_ticks(target.pid)
    profile = spy.record(pid=target.pid, seconds=1)
    # Wherever it was when it lost its CPU, it is there still.
    assert profile.samples >= 0.95 * profile.certain - 2
    assert system.cpu_ticks(target.pid) - before < 50, "it was to have no CPU"
    thread = spy.dump(target.pid).threads[0]
    assert (thread["active"], thread["os_state"]) == (True, "R")


PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # __WALL


@pytest.mark.case("idle: threads of C code beside one that sleeps")
@pytest.mark.pythons(only=("3.8", "3.11", "3.12", "3.13t", "3.15"))
@pytest.mark.parametrize("option", ["-i", "-t"])
def test_strikes(spy, launch, option):
    """What is as it was is not read again, but a process whose known threads all sleep may not be."""
    target = launch("strikes.py", 120)
    profile = spy.record(option, pid=target.pid, seconds=1, rate=500)
    share = profile.having("strike") / profile.moments
    assert abs(share - target.facts["share"]) <= 0.08, (share, profile.truth)


@pytest.mark.case("idle: what is as it was is not read")
@pytest.mark.pythons(only=("3.8", "3.12", "3.13t", "3.15"))
@pytest.mark.parametrize("mode", ["all", "active", "gil"])
def test_not_read(launch, mode):
    target = launch("sleeper.py")
    all_sleep(target, 0)
    done = subprocess.run([checks.program("reads"), str(target.pid), mode, "100"],
                          capture_output=True, check=True, text=True)
    reads, stacks = map(int, done.stdout.split())
    # Now and then for what the threads are called.
    assert reads <= 20 and stacks == (100 if mode == "all" else 0), done


@contextlib.contextmanager
def held(tid):
    """The thread, held by a tracer that is not pyspyc: us."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(request):
        done = libc.ptrace(ctypes.c_long(request), ctypes.c_long(tid), ctypes.c_void_p(0),
                           ctypes.c_void_p(0))
        assert done == 0, os.strerror(ctypes.get_errno())
    ptrace(PTRACE_SEIZE)
    ptrace(PTRACE_INTERRUPT)
    os.waitpid(tid, WALL)
    try:
        yield
    finally:
        ptrace(PTRACE_DETACH)


@pytest.mark.case("idle: held by another tracer")
@pytest.mark.flaky(reruns=2)  # what is on its way to being held runs, and may be seen doing so
@pytest.mark.pythons(only=("2.7", "3.8", "3.12", "3.14"))
@pytest.mark.parametrize("name, active", [("spin.py", True), ("sleeper.py", False)])
def test_held(spy, launch, name, active):
    """A thread that a debugger holds goes on being what it was when it was seen last."""
    target = launch(name)
    if active:
        system.computes(target.pid)
    else:
        system.sleeps(target.pid)
    output = spy.file(".folded")
    process = spy.start("record", "-f", "folded", "-o", output, "-r", 100, "-d", 1.5, "-p",
                        target.pid)
    # It has its files of the thread open from its first look on.
    system.wait_until(lambda: opened(process.pid, target.pid), "pyspyc looks")
    before = system.reads(process.pid)
    system.wait_until(lambda: system.reads(process.pid) > before + 5, "pyspyc has looked several times")
    with held(target.pid):
        assert system.state(target.pid) == "t"
        thread = spy.dump(target.pid).threads[0]
        assert (thread["active"], thread["os_state"]) == (False, "t")
        _, error = process.communicate(timeout=30)
    assert process.returncode == 0, error
    profile = spy.read(output, error.decode())
    if active:
        assert profile.samples >= 0.9 * profile.certain - 2
    else:
        assert profile.samples == 0


def opened(pid, target):
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/%d/fd" % pid):
            with contextlib.suppress(OSError):
                path = os.readlink("/proc/%d/fd/%s" % (pid, name))
                if path.startswith("/proc/%d/task/" % target):
                    return True
    return False
