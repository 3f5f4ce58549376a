"""`pyspyc top` without a screen: text, JSON, and what is refused."""
import json
import os
import re
import signal
import sys
import time

import cli_support as cli
import pytest
from kit import target as system
from kit.spy import ended
from kit.target import marked, wait_until

one = pytest.mark.pythons(only=("system",))
ROW = re.compile(r" *(?P<own>[\d.]+) +(?P<total>[\d.]+) +(?P<own_s>[\d.]+) +(?P<total_s>[\d.]+)  "
                 r"(?P<name>.*?)(?: \((?P<file>.*?)(?::(?P<line>\d+))?\))?")
P = ("top", "-p", "1")


def blocks(text):
    """The refreshes in a text: the lines of each one's header, and its rows."""
    for block in re.split(r"(?m)^(?=pyspyc top - )", text)[1:]:
        head, _, rows = block.partition("%Own")
        heading, *lines = rows.splitlines()
        assert heading.split()[:3] == ["%Total", "OwnTime", "TotalTime"], block
        found = [ROW.fullmatch(line) for line in lines if line]
        assert all(found), block
        yield head.splitlines(), [match.groupdict() for match in found]


def row(rows, name):
    found = [each for each in rows if each["name"] == name]
    assert len(found) == 1, "%d rows %s among %s" % (len(found), name, rows)
    return found[0]


@pytest.mark.quick
@pytest.mark.case("top: --once")
@pytest.mark.pythons(only=("2.7", "3.12", "system"))
def test_once(spy, launch, python):
    target = launch("spin.py")
    begin = time.monotonic()
    done = spy.run("top", "--once", "--delay", 0.4, "-p", target.pid)
    assert time.monotonic() - begin < 5
    assert not done.stderr
    (head, rows), = blocks(done.stdout.decode("utf-8"))
    text = "\n".join(head)
    assert re.search(r"^Process %d: .*spin\.py" % target.pid, text, re.M), text
    assert "Python %s" % python.full_version in text
    # In short: a busy machine misses some.
    assert re.search(r" ([3-9]\d|10\d)(\.\d)?/s", text) and re.search(r"RSS [\d.]+M", text), text
    assert re.search(r"CPU +[\d.]+%, GIL +[\d.]+%, GC +[\d.]+%; threads: 1 active, 0 idle", text)
    inner, module = row(rows, "inner"), row(rows, "<module>")
    # The line is the function's first, or the module's.
    assert int(inner["line"]) == marked("spin.py", "spin")[0] - 1
    assert float(inner["own"]) > 80 and float(module["own"]) < 10 < 90 < float(module["total"])
    assert 0.2 < float(inner["own_s"]) < 0.6
    assert rows == sorted(rows, key=lambda each: -float(each["own"]))


@one
@pytest.mark.case("top: --once")
def test_once_notes(spy, launch):
    """What cannot be printed, and why there is nothing, is said beside the text."""
    target = launch("gil.py")
    done = spy.run("top", "--once", "--view", "memory", "--delay", 0.3, "-p", target.pid)
    assert re.fullmatch(r"pyspyc: --view memory .*functions.*\n", done.stderr.decode())
    done = spy.run("top", "--once", "--view", "lines", "--thread", "nobody", "--delay", 0.3, "-p",
                   target.pid)
    assert re.fullmatch(r"pyspyc: no thread is called 'nobody'; .*'MainThread'.*\n",
                        done.stderr.decode())
    (_, rows), = blocks(done.stdout.decode("utf-8"))
    assert not rows


@one
@pytest.mark.case("top: --batch")
def test_batch(spy, launch):
    """Three refreshes, a blank line between them; times since the start grow, shares do not."""
    target = launch("spin.py")
    out = spy.run("top", "--batch", 3, "--delay", 0.2, "--view", "lines",
                  "-p", target.pid).stdout.decode("utf-8")
    assert len(re.findall(r"\n\npyspyc top - ", out)) == 2
    found = list(blocks(out))
    assert len(found) == 3
    spent = []
    for _, rows in found:
        inner = [each for each in rows if each["name"] == "inner"]
        assert inner and {int(each["line"]) for each in inner} <= set(marked("spin.py", "spin"))
        assert 80 < sum(float(each["own"]) for each in inner) <= 101
        spent.append(sum(float(each["own_s"]) for each in inner))
    for before, after in zip(spent, spent[1:]):
        assert 0.1 < after - before < 0.4, spent


@one
@pytest.mark.case("top: --json")
def test_json(spy, launch, python):
    """An object a line, a line a refresh."""
    target = launch("gil.py")
    lines = spy.run("top", "--json", "--batch", 2, "--delay", 0.4, "-r", 200, "-i",
                    "-p", target.pid).stdout.decode("utf-8").splitlines()
    assert len(lines) == 2
    first, last = map(json.loads, lines)
    assert last["schema"] == "pyspyc-top" and last["version"] == 1
    assert last["at"] > first["at"] and 0.2 < last["window"] < 0.8
    assert 80 < last["rate"] < 230 and last["samples"] > first["samples"]
    process, = last["processes"]
    assert process["pid"] == target.pid and process["parent"] == os.getpid()
    assert process["version"] == python.full_version and process["threads"] == 4
    assert "gil.py" in process["command"]
    rss = system.rss(target.pid)
    assert abs(process["rss"] - rss) < 2 << 20 and last["rss"] == process["rss"]
    threads = {thread["name"]: thread for thread in last["threads"]}
    assert {"hold_first", "hold_second", "waits", "MainThread"} <= set(threads)
    assert threads["waits"]["doing"] == threads["MainThread"]["doing"] == "idle"
    for name, other in (("hold_first", "hold_second"), ("hold_second", "hold_first")):
        thread = threads[name]
        assert thread["frame"]["name"] == name and thread["frame"]["path"].endswith("/gil.py")
        assert 0.15 < thread["gil"] < 0.85 and 0.15 < thread["gil_wait"] < 0.85, thread
        wait, = [each for each in last["waits"] if each["waiter"] == thread["tid"]]
        assert wait["holder"] == threads[other]["tid"]
    rows = {each["name"]: each for each in last["rows"]}
    assert rows["hold_first"]["origin"] == "own" and rows["Condition.wait"]["origin"] == "stdlib"
    assert rows["waits"]["total"] == pytest.approx(1, abs=0.05)


@one
@pytest.mark.case("top: no terminal")
def test_pipe(spy, launch):
    """Text without being asked, a refresh after the other, until the target ends."""
    target = launch("spin.py")
    process = spy.start("top", "--delay", 0.1, "-p", target.pid)
    seen = 0
    while seen < 3:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        assert b"\x1b" not in line
        seen += line.startswith(b"pyspyc top - ")
    target.signal(signal.SIGTERM)
    assert target.finish() == 7
    rest = process.stdout.read()
    status, error = ended(process, 5)
    assert status == 0 and b"ended" in rest.split(b"pyspyc top - ")[-1], (rest[-800:], error)


@one
@pytest.mark.case("top: no terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_pipe_signalled(spy, launch, number):
    target = launch("spin.py")
    process = spy.start("top", "--delay", 0.1, "-p", target.pid)
    process.stdout.readline()
    process.send_signal(number)
    rest, _ = process.communicate(timeout=5)
    assert process.returncode == 0 and rest.endswith(b"\n")


@one
@pytest.mark.case("top: no terminal")
def test_reader_gone(spy, launch):
    """As with `| head -1`: it ends, and says why in a line at most."""
    target = launch("spin.py")
    process = spy.start("top", "--delay", 0.1, "-p", target.pid)
    process.stdout.readline()
    process.stdout.close()
    process.wait(5)
    assert process.stderr.read().count(b"\n") <= 1


@one
@pytest.mark.case("top: -- program, as text")
def test_launched(spy, command):
    """The program's own streams and exit status, the refresh between them."""
    done = spy.run("top", "--once", "--delay", 0.3, "--",
                   *command("ends.py", "out=first", "spin=0.8", "err=second", "exit=7"), status=7)
    text = done.stdout.decode("utf-8")
    assert "first\n" in text and done.stderr.endswith(b"second\n")
    (_, rows), = blocks(text)
    assert float(row(rows, "spin")["total"]) > 50


@one
@pytest.mark.case("top: filters and scopes as text")
def test_options(spy, launch):
    """-i, -g, -t, --thread, --include, --exclude as in record; -e."""
    target = launch("gil.py")

    def once(*words):
        out = spy.run("top", "--once", "--delay", 0.4, *words, "-p", target.pid).stdout
        (_, rows), = blocks(out.decode("utf-8"))
        return {each["name"] for each in rows}, rows

    both = {"hold_first", "hold_second"}
    names, _ = once()
    assert both & names and "waits" not in names
    names, _ = once("-i")
    assert {*both, "waits", "<module>", "Thread.run", "Condition.wait"} <= names
    names, rows = once("-g")
    assert "waits" not in names and 75 < sum(
        float(each["own"]) for each in rows if each["name"] in both) <= 101
    names, _ = once("-t")
    assert any(re.fullmatch(r"\[\d+( hold_\w+)?\] hold_\w+", name) for name in names), names
    names, _ = once("-i", "--thread", "hold_second")
    assert "hold_second" in names and "hold_first" not in names
    names, _ = once("-i", "--exclude", "hold_second")
    assert "hold_first" in names and "hold_second" not in names
    names, _ = once("-i", "--include", "hold_second")
    assert "hold_second" in names and "hold_first" not in names
    names, _ = once("-i", "-e")
    assert {"hold_first", "waits"} <= names
    assert not {"Thread.run", "Thread._bootstrap", "Condition.wait"} & names


@one
@pytest.mark.case("top: -s as text")
def test_children(spy, launch):
    target = launch("children.py")
    lines = spy.run("top", "-s", "--json", "--once", "--delay", 0.4, "-p",
                    target.pid).stdout.decode("utf-8").splitlines()
    last = json.loads(lines[-1])
    children = target.facts["children"]
    found = {process["pid"]: process for process in last["processes"]}
    assert set(found) >= {target.pid, *children.values()}
    assert target.facts["sleep"] not in [pid for pid in found if found[pid]["sampling"]]
    assert all(found[pid]["parent"] == target.pid for pid in children.values())
    assert {"work_first", "work_second"} <= {each["name"] for each in last["rows"]}


@pytest.mark.case("top: names as text")
@pytest.mark.pythons(only=("3.8", "3.12"))
def test_names(spy, launch):
    """Control characters are shown, never sent."""
    target = launch("odd_names.py", "\x1b]0;OWNED\x07", ready=True)
    out = spy.run("top", "--once", "--delay", 0.4, "-i", "-t", "-p", target.pid).stdout
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", out), out
    text = out.decode("utf-8")
    assert "计算圆周率 (" in text and "OWNED" in text and "cafe\u0301_creme\u0300" in text
    data = json.loads(spy.run("top", "--json", "--once", "--delay", 0.6, "-p", target.pid).stdout)
    names = {each["name"] for each in data["rows"]}
    assert "evil" + target.facts["attack"] + "\n\tname" in names


USAGE = [
    (("top",), "--pid"),
    ((*P, "python3", "x.py"), "contradict"),
    ((*P, "--view", "nonsense"), "functions, lines, tree"),
    ((*P, "--view"), "needs a value"),
    ((*P, "--delay", "0"), "delay"),
    ((*P, "--delay", "0.01"), "100ms"),
    ((*P, "--delay", "-1"), "negative"),
    ((*P, "--delay", "nan"), "not a number"),
    ((*P, "--delay", "9" * 400), "too long"),
    ((*P, "--delay", "soon"), "not a number"),
    ((*P, "--batch", "-3"), "number"),
    ((*P, "--batch", "many"), "number"),
    ((*P, "--batch", "1e999"), "number"),
    ((*P, "--batch", "9" * 30), "too much"),
    ((*P, "--once", "--batch", "2"), "--once and --batch"),
    ((*P, "-g", "-i"), "--gil and --idle"),
    ((*P, "-r", "0"), "more than 0"),
    ((*P, "--include", "("), "regular expression"),
    ((*P, "-n"), "not supported"),
    ((*P, "-o", "x"), "unknown option '-o'"),
    (("top", "-p", "abc"), "process id"),
]


@pytest.mark.quick
@pytest.mark.case("top: usage")
@pytest.mark.parametrize("arguments, part", USAGE, ids=lambda value: (
    ascii(" ".join(value)[:40]) if isinstance(value, tuple) else ""))
def test_usage(arguments, part, tmp_path):
    cli.assert_refused(cli.run(*arguments, cwd=tmp_path), 2, part, "--help")
    assert os.listdir(tmp_path) == []


@pytest.mark.quick
@pytest.mark.case("top: refused")
def test_refused(start):
    gone = start([sys.executable, "-c", "pass"], ready=False)
    gone.finish()
    cli.assert_refused(cli.run("top", "--once", "-p", gone.pid), 1, str(gone.pid))
    other = start(["sleep", "60"], ready=False)
    wait_until(lambda: b"sleep" in open("/proc/%d/cmdline" % other.pid, "rb").read(), "sleep")
    cli.assert_refused(cli.run("top", "--once", "-p", other.pid), 1, str(other.pid))
    cli.assert_refused(cli.run("top", "--once", "--", "/nonexistent/program"), 1, "/nonexistent")


@pytest.mark.case("top: CPU of short-lived children")
@pytest.mark.pythons(only=("system",))
def test_relay(spy, launch):
    """What a child used last is seen when its parent has waited for it."""
    target = launch("relay.py", 60)

    def used():
        return sum(map(int, system.proc(target.pid, "stat").rpartition(")")[2].split()[11:15])) / 100

    before = used()
    out = spy.run("top", "--json", "--batch", 5, "-s", "-p", target.pid).stdout
    after = used()
    updates = [json.loads(line) for line in out.splitlines()]
    told = sum(update["cpu"] * update["window"] for update in updates)
    assert told == pytest.approx(after - before, rel=0.25, abs=0.2), updates
