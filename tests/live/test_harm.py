"""What must never happen to a target: left stopped, killed, slowed or disturbed."""
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import FEW
from kit import target as system
from kit import truth
from kit.spy import ended
from kit.target import marked

few = pytest.mark.pythons(only=FEW)
# Harm done once is harm done: never tried again.
once = pytest.mark.flaky(reruns=0)

# Holds a process as a debugger does, until its standard input ends.
TRACER = """
import ctypes, os, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
assert libc.ptrace(16, pid, None, None) == 0, os.strerror(ctypes.get_errno())
os.waitpid(pid, 0x40000000)
print("held", flush=True)
sys.stdin.read()
"""


def assert_free(pid):
    """Nobody traces it, no thread is stopped, and it goes on computing."""
    for tid in system.tasks(pid):
        system.wait_until(lambda tid=tid: system.state(pid, tid) not in "tT",
                          "thread %d of %d goes on" % (tid, pid), 5)
    assert system.tracer(pid) == 0
    before = system.cpu_ticks(pid)
    system.wait_until(lambda: system.cpu_ticks(pid) > before + 2, "the target computes", 10)


@few
@once
@pytest.mark.quick
@pytest.mark.case("kill -9 of pyspyc")
def test_killed(spy, launch):
    """Killed while it stops threads all the time, pyspyc leaves none of them stopped."""
    target = launch("threads.py", "spin")
    for attempt in range(8):
        process = spy.start("record", "--blocking", "--idle", "-r", "20k", "-f", "folded",
                            "-o", spy.folder / "never.folded", "-p", target.pid)
        system.wait_until(lambda: process.poll() is not None or any(
            system.state(target.pid, tid) == "t" for tid in system.tasks(target.pid)),
            "pyspyc stops a thread", 10)
        time.sleep(0.003 * attempt)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
        assert_free(target.pid)
    assert len(spy.dump(target.pid).threads) == 13


@few
@once
@pytest.mark.case("--blocking leaves sleepers alone")
def test_sleepers(spy, launch):
    """A stop would end some system calls early, and make others begin anew."""
    target = launch("naps.py", 4)
    spy.record("--blocking", "--idle", pid=target.pid, seconds=1.2, rate=500)
    told = target.ready(20)
    # One may fall asleep between the look at it and the stop: that is what --blocking risks.
    assert told["early"] <= 1, told
    assert sorted(told["naps"])[1] >= 0.19 and max(told["naps"]) < 1, told


@few
@pytest.mark.case("SIGSTOPped target")
def test_stopped(spy, launch, python):
    """It can be dumped and recorded, and stays stopped until it is told to go on."""
    target = launch("stacks.py", "plain")
    target.waits()
    target.signal(signal.SIGSTOP)
    system.wait_until(lambda: system.state(target.pid) == "T", "the target stops")
    for option in ([], ["--nonblocking"], ["--blocking"]):
        stack = spy.dump(target.pid, *option).main
        assert truth.difference(truth.stack_of(python, target.facts), stack) is None
        profile = spy.record("--idle", *option, pid=target.pid, seconds=0.2)
        assert profile.samples >= 0.9 * profile.certain
        assert system.state(target.pid) == "T" and system.tracer(target.pid) == 0
    target.signal(signal.SIGCONT)
    system.wait_until(lambda: system.state(target.pid) == "S", "the target goes on")
    target.resume()
    assert target.finish() == 0


@few
@pytest.mark.case("SIGSTOP in mid-recording")
def test_stopped_meanwhile(spy, launch):
    """Job control goes on working while pyspyc stops threads itself."""
    target = launch("spin.py")
    process = spy.start("record", "--blocking", "-r", "5k", "-o", spy.folder / "a.folded",
                        "-d", 1.2, "-p", target.pid)
    system.wait_until(lambda: process.poll() is not None or system.state(target.pid) == "t",
                      "pyspyc stops it")
    target.signal(signal.SIGSTOP)
    ticks = system.wait_until(lambda: quiet(target.pid), "the target stays stopped")
    target.signal(signal.SIGCONT)
    system.wait_until(lambda: system.cpu_ticks(target.pid) > ticks, "the target goes on")
    assert ended(process)[0] == 0
    assert_free(target.pid)


def quiet(pid):
    """Its CPU time, once it has not moved for 0.1 s."""
    before = system.cpu_ticks(pid)
    time.sleep(0.1)
    return before if system.cpu_ticks(pid) == before else None


@few
@pytest.mark.case("held by a debugger")
def test_held(spy, launch, python):
    """A tracer that holds the target is no obstacle, and keeps it."""
    target = launch("stacks.py", "plain")
    target.waits()
    with subprocess.Popen([sys.executable, "-c", TRACER, str(target.pid)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as tracer:
        assert tracer.stdout.readline() == b"held\n"
        for option in ([], ["--nonblocking"]):
            stack = spy.dump(target.pid, *option).main
            assert truth.difference(truth.stack_of(python, target.facts), stack) is None
        profile = spy.record("--idle", pid=target.pid, seconds=0.2)
        assert profile.samples >= 0.9 * profile.certain
        assert system.tracer(target.pid) == tracer.pid and system.state(target.pid) == "t"
        tracer.stdin.close()
    system.wait_until(lambda: system.state(target.pid) == "S", "the target goes on")
    target.resume()
    assert target.finish() == 0


@few
@pytest.mark.case("under strace")
@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_strace(spy, launch):
    target = launch("spin.py")
    with subprocess.Popen(["strace", "-f", "-q", "-e", "trace=none", "-o", "/dev/null",
                           "-p", str(target.pid)], stderr=subprocess.DEVNULL) as strace:
        system.wait_until(lambda: system.tracer(target.pid), "strace traces")
        for option in ([], ["--nonblocking"]):
            profile = spy.record(*option, pid=target.pid, seconds=0.3)
            assert profile.having("inner") >= 0.8 * profile.certain
        assert system.tracer(target.pid) == strace.pid
        strace.send_signal(signal.SIGINT)
        strace.wait(10)
    target.signal(signal.SIGTERM)
    assert target.finish() == 7


@pytest.mark.pythons(only=("3.8", "3.11", "3.13", "system"))
@pytest.mark.case("waits are not cut short")
@pytest.mark.parametrize("option", ["--blocking", "--nonblocking", "--mode=wall"])
def test_waits(spy, launch, option):
    """Sleeps, selects and locks take their time and fail at nothing while being sampled."""
    target = launch("waits.py", 0.6)
    words = [option] if option == "--mode=wall" else [option, "--idle"]
    profile = spy.record(*words, rate=1000, pid=target.pid, seconds=20)
    assert profile.samples > 10
    assert target.rest() == ["wrong []"]
    assert target.finish() == 0


@few
@pytest.mark.case("reads only")
def test_no_stops(spy, launch):
    """On a target that is easy to read, the default never traces it."""
    target = launch("sleeper.py")
    target.waits()
    before = switches(target.pid)
    spy.record("--idle", rate=1000, pid=target.pid, seconds=0.4)
    assert switches(target.pid) - before <= 2, "the target was woken up"


def switches(pid):
    return sum(int(line.split()[1]) for line in system.proc(pid, "status").splitlines()
               if "ctxt_switches" in line)


@few
@pytest.mark.case("several pyspycs at once")
def test_at_once(spy, launch):
    """Two recordings and a dump of one target, one of them stopping it, get what is there."""
    target = launch("spin.py")
    output = spy.folder / "blocking.folded"
    process = spy.start("record", "--blocking", "-r", 500, "-d", 0.8, "-o", output, "-p", target.pid)
    profile = spy.record(pid=target.pid, seconds=0.4)
    assert profile.having("inner") >= 0.8 * profile.certain
    assert "outer" in [frame.name for frame in spy.dump(target.pid).main]
    status, error = ended(process)
    assert status == 0, error
    profile = spy.read(output, error)
    assert profile.having("inner") >= 0.8 * profile.certain
    assert_free(target.pid)


@few
@pytest.mark.case("dump: quick")
def test_dump_quick(spy, launch):
    """A dump takes some milliseconds: the best of 20, process start included."""
    target = launch("sleeper.py")
    target.waits()
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        spy.run("dump", "-p", target.pid)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.05, sorted(times)[:5]
    assert marked("sleeper.py", "doze")


@few
@once
@pytest.mark.case("exit while stopped")
@pytest.mark.parametrize("option", ["--blocking", "--mode=cpu"])
def test_exit_while_stopped(spy, launch, option):
    """A process that ends just as it is stopped is its parent's to wait for, at once."""
    target = launch("forks.py", 0.3, 80, 0.008)
    begin = time.monotonic()
    spy.record(option, "-s", rate="5k", pid=target.pid, seconds=15)
    assert time.monotonic() - begin < 12, "the target hung until the recording ended"
    assert target.rest() == ["children 80"]
    assert target.finish() == 0


@few
@once
@pytest.mark.case("exit while stopped")
def test_threads_exit_while_stopped(spy, launch):
    """Threads that end while they are stopped leave nothing behind."""
    target = launch("churn.py")
    spy.record("--blocking", rate="5k", pid=target.pid, seconds=1)
    assert not [tid for tid in system.tasks(target.pid) if system.state(target.pid, tid) == "Z"]
    target.signal(signal.SIGTERM)
    assert target.rest()[-1].startswith("threads ")
    assert target.finish(10) == 0


@once
@pytest.mark.case("unharmed")
def test_unharmed(spy, launch):
    """Sampled at 1 kHz in each way, a program does its work, says the same and exits the same."""
    for option in ("--blocking", "--nonblocking"):
        target = launch("forks.py", 0.3)
        spy.record(option, "-s", rate=1000, pid=target.pid, seconds=20)
        assert target.rest() == ["children 1"]
        assert target.finish() == 0
