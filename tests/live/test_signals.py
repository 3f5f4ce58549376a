"""Signals to pyspyc, and outputs that appear whole or not at all."""
import os
import signal
import time

import pytest
from kit import target as system
from kit.spy import Folded, ended

pytestmark = pytest.mark.pythons(only=("system",))
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def names_of(number):
    return signal.Signals(number).name


def record(spy, target, *arguments, output=None, **more):
    """A recording without an end, once it is under way."""
    output = output or spy.file(".folded")
    process = spy.start("record", "-o", output, "-r", 200, *arguments, "-p", target.pid, **more)
    running(process)
    return process, output


def running(process):
    """Waits until pyspyc samples: it has used some CPU and sleeps between two samples."""
    system.wait_until(lambda: process.poll() is not None or (
        system.state(process.pid) == "S" and system.catches(process.pid, signal.SIGINT)
        and switches(process.pid) > 10), "pyspyc records")
    assert process.poll() is None, process.stderr.read()


def switches(pid):
    return int(system.proc(pid, "status").split("\nvoluntary_ctxt_switches:")[1].split()[0])


@pytest.mark.quick
@pytest.mark.case("signals: end the recording")
@pytest.mark.parametrize("number", ENDING, ids=names_of)
def test_ends(spy, launch, number):
    target = launch("spin.py")
    process, output = record(spy, target)
    assert os.listdir(spy.folder) == [] or not output.exists()
    begin = time.monotonic()
    process.send_signal(number)
    status, error = ended(process, 5)
    assert status == 0 and time.monotonic() - begin < 2, error
    profile = Folded(output.read_text(encoding="utf-8"))
    assert profile.having("inner") > 1
    assert os.listdir(spy.folder) == [output.name], "something was left behind"
    target.signal(signal.SIGTERM)
    assert target.finish() == 7


@pytest.mark.case("signals: SIGUSR1 writes and goes on")
def test_flush(spy, launch):
    target = launch("spin.py")
    process, output = record(spy, target)
    sizes = []
    for _ in range(3):
        before = output.stat().st_ino if output.exists() else None
        process.send_signal(signal.SIGUSR1)
        system.wait_until(lambda seen=before: output.exists() and output.stat().st_ino != seen,
                          "SIGUSR1 wrote the file", 5)
        sizes.append(Folded(output.read_text(encoding="utf-8")).samples)
        now = switches(process.pid)
        system.wait_until(lambda then=now: switches(process.pid) > then + 20, "sampling goes on")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 0
    sizes.append(Folded(output.read_text(encoding="utf-8")).samples)
    assert sizes == sorted(set(sizes)), "each profile has more samples than the one before"


@pytest.mark.case("signals: a second one gives up")
def test_second(spy, launch, folder):
    """Here the first cannot end it, for nobody reads the pipe that it writes to."""
    target = launch("recursive.py")
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    try:
        filling = os.write(reader, b"x" * 65536)
        assert filling == 65536
        process = spy.start("record", "-f", "folded", "-o", pipe, "-r", 200, "-p", target.pid)
        running(process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)  # it is writing now, or will never be
        assert process.poll() is None, "it should wait for the pipe"
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        status, _ = ended(process, 5)
        assert time.monotonic() - begin < 2 and status != 0
    finally:
        os.close(reader)


@pytest.mark.case("signals: the program's own")
def test_launched_interrupted(spy, folder, command):
    """^C goes to both: the program ends by it, and the file is written all the same."""
    output = spy.file(".folded")
    process = spy.start("record", "-o", output, "-r", 200, "--", *command("ends.py", "out=go", "spin=60"),
                        start_new_session=True)
    assert process.stdout.readline() == b"go\n"
    system.wait_until(lambda: switches(process.pid) > 30, "pyspyc samples")
    os.killpg(process.pid, signal.SIGINT)
    status, error = ended(process, 10)
    assert status == 130, error
    assert Folded(output.read_text(encoding="utf-8")).having("spin") > 0


@pytest.mark.case("signals: ignored ones stay ignored")
def test_nohup(spy, launch):
    """Under nohup a hang-up ends nothing."""
    target = launch("spin.py")
    output = spy.file(".folded")
    process = spy.start("record", "-o", output, "-r", 200, "-d", 1.0, "-p", target.pid,
                        prefix=["nohup"])
    system.wait_until(lambda: switches(process.pid) > 20 or process.poll() is not None, "sampling")
    process.send_signal(signal.SIGHUP)
    now = switches(process.pid)
    system.wait_until(lambda: process.poll() is not None or switches(process.pid) > now + 30,
                      "sampling goes on")
    assert ended(process)[0] == 0
    assert Folded(output.read_text(encoding="utf-8")).samples > 40


@pytest.mark.case("output: refused before sampling")
def test_unwritable(spy, launch, folder):
    target = launch("spin.py")
    for output in (folder / "none" / "out.svg", folder, "/proc/self/out.svg"):
        begin = time.monotonic()
        done = spy.run("record", "-o", output, "-d", 5, "-p", target.pid, status=1)
        assert time.monotonic() - begin < 2
        assert done.stderr.startswith(b"pyspyc: ") and done.stderr.count(b"\n") == 1, done.stderr
    assert os.listdir(folder) == []


@pytest.mark.case("output: killed pyspyc leaves nothing whole")
def test_killed(spy, launch):
    """No half-written file under the output's name, and a former one stays."""
    target = launch("spin.py")
    output = spy.file(".folded")
    output.write_text("former 1\n")
    process, _ = record(spy, target, output=output)
    process.kill()
    process.wait(10)
    assert output.read_text() == "former 1\n"
    assert system.state(target.pid) in "RS"


@pytest.mark.case("output: a line of truth")
def test_truth(spy, launch):
    """Samples, rate, missed and own CPU at the end; nothing else on standard error."""
    target = launch("spin.py")
    profile = spy.record(pid=target.pid, seconds=0.5)
    assert profile.weighs_right(), profile.truth
    assert {"missed", "retried", "stopped", "dropped", "unreadable"} <= set(profile.truth)
    done = spy.run("record", "-o", spy.file(".svg"), "-d", 0.1, "-p", target.pid)
    lines = done.stderr.decode().splitlines()
    assert len(lines) <= 2 and "own CPU" in done.stderr.decode(), lines
    assert not any("\r" in line or "\x1b" in line for line in lines)
