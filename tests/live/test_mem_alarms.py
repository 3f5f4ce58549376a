"""Alarms of `pyspyc mem`: files, stacks, the command, the exit status."""
import re
import signal

import pytest
from kit import target as system
from kit.memory import begin, done, step
from kit.spy import ended
from kit.target import rss, wait_until

MIB = 1 << 20
pytestmark = pytest.mark.pythons(only=("system",))
SAY = 'for name in PID REASON LIMIT RSS GROWTH FILE DUMP; do eval "echo $name=\\$PYSPYC_$name"; done'


def said_by(text):
    """What SAY printed."""
    return dict(re.findall(r"^([A-Z]+)=(.*)$", text, re.M))


@pytest.mark.quick
@pytest.mark.case("mem: --max-rss")
def test_max_rss(spy, launch):
    """Ends with 3, with the file and the stacks; the process goes on."""
    target = launch("grows.py", 64)
    output = spy.file(".folded")
    limit = rss(target.pid) + 40 * MIB
    process = begin(spy, target, output, "--max-rss", limit, "--exec",
                    SAY + '; test -s "$PYSPYC_FILE" && test -s "$PYSPYC_DUMP" && echo both=there')
    step(target)
    status, text = done(process)
    assert status == 3, text
    told = said_by(text)
    dump = output.with_suffix(".dump.txt")
    assert told["PID"] == str(target.pid) and told["REASON"] == "max-rss"
    assert told["LIMIT"] == str(limit) and limit < int(told["RSS"]) < limit + 32 * MIB
    assert told["FILE"] == str(output) and told["DUMP"] == str(dump)
    assert "both=there" in text and re.search(r"alarm: RSS is [\d.]+M, more than [\d.]+M", text)
    assert ";grow (" in output.read_text() and re.search(r"^    grow \(", dump.read_text(),
                                                         re.M)
    assert "Process %d" % target.pid in dump.read_text()
    assert sorted(path.name for path in spy.folder.iterdir()) == sorted([output.name, dump.name])
    assert step(target) == "grow_more" and system.tracer(target.pid) == 0


@pytest.mark.case("mem: --keep-going")
def test_keep_going(spy, launch):
    """Given once, and again after it had fallen; each time with files of its own."""
    target = launch("grows.py", 64)
    output = spy.file(".csv")
    limit = rss(target.pid) + 40 * MIB
    process = begin(spy, target, output, "--max-rss", limit, "--keep-going", "--exec",
                    "echo run $PYSPYC_FILE; exit 7")
    first, second = (output.with_suffix(".alarm-%d.csv" % i) for i in (1, 2))
    step(target)
    wait_until(first.exists, "the first alarm")
    step(target)
    step(target)
    assert not second.exists()
    low = rss(target.pid)
    assert low < limit * 0.9
    # Until that has been seen.
    size = len(first.read_bytes())
    seen = spy.folder / "seen"
    assert not seen.exists() and size

    def noticed():
        process.send_signal(signal.SIGUSR1)
        lines = output.read_text().splitlines()
        return any(str(low // 4096 * 4096)[:2] in line for line in lines[-3:])

    wait_until(noticed, "the file knows that RSS has fallen")
    step(target)
    wait_until(second.exists, "the second alarm")
    process.send_signal(signal.SIGINT)
    status, text = done(process)
    assert status == 0, text
    assert text.count("pyspyc: alarm: ") == 2
    assert "run %s\n" % first in text and "run %s\n" % second in text
    assert text.count("exit status 7") == 2
    assert second.with_suffix(".dump.txt").exists() and output.exists()


@pytest.mark.case("mem: an alarm without a file")
def test_without_file(spy, launch):
    """The stacks go to standard error, standard output has the table."""
    target = launch("grows.py", 64)
    process = spy.start("mem", "-p", target.pid, "--delay", "100ms", "--exec", SAY, "--max-rss",
                        rss(target.pid) + 40 * MIB)
    assert b"RSS" in process.stdout.readline()
    step(target)
    out, error = process.communicate(timeout=30)
    text = error.decode()
    assert process.returncode == 3, text
    assert re.search(r"^Process %d: .*grows\.py" % target.pid, text, re.M), text
    assert re.search(r"^    grow \(", text, re.M)
    assert said_by(text)["FILE"] == said_by(text)["DUMP"] == ""
    assert b"Released" in out and not list(spy.folder.iterdir())


@pytest.mark.case("mem: --max-growth")
def test_max_growth(spy, command):
    """By a line through the last minute, which there is from ten seconds on."""
    output = spy.file(".json")
    ran = spy.run("mem", "-o", output, "--max-growth", "60M/min", "--exec", SAY, "--",
                   *command("grows.py")[:-1], "-c", """
import time
kept = []
end = time.monotonic() + 15
while time.monotonic() < end:
    kept.append(bytearray(1 << 20))
    time.sleep(0.2)
""", status=3, timeout=60)
    text = ran.stderr.decode()
    told = said_by(text)
    assert told["REASON"] == "max-growth" and told["LIMIT"] == str(60 * MIB)
    assert 150 * MIB < int(told["GROWTH"]) < 350 * MIB, told
    assert re.search(r"alarm: RSS grows by \S+ a minute, more than 60.0M", text)
    reached = float(re.search(r" in ([\d.]+) s, ", text)[1])
    assert 9.5 < reached < 13, text


@pytest.mark.case("mem: --exec that lasts")
def test_exec_lasts(spy, launch):
    """It is waited for, but a signal ends that; it is not killed."""
    target = launch("grows.py", 64)
    output = spy.file(".csv")
    process = begin(spy, target, output, "--max-rss", rss(target.pid) + 20 * MIB, "--exec",
                    "echo $$ > pid; exec sleep 100 >/dev/null 2>&1")
    step(target)
    note = spy.folder / "pid"
    wait_until(lambda: note.exists() and note.read_text().strip(), "the command runs")
    pid = int(note.read_text())
    process.send_signal(signal.SIGINT)
    status, text = done(process)
    assert status == 3 and "still runs (process %d)" % pid in text, text
    assert system.state(pid) == "S"
    system.os.kill(pid, signal.SIGKILL)


@pytest.mark.case("mem: --exec that cannot be run")
def test_exec_fails(spy, launch):
    target = launch("grows.py", 64)
    output = spy.file(".csv")
    process = spy.start("mem", "-p", target.pid, "-o", output, "--max-rss", "1k", "--exec",
                        "/no/such/program")
    status, text = ended(process)
    assert status == 3 and "exit status 127" in text, text
