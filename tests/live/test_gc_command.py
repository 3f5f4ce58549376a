"""pyspyc gc against what the target's own module gc says."""
import collections
import json
import signal
import threading

import pytest
from kit import target as system
from kit.schema import check, load

NAMES = {2: "DEBUG_COLLECTABLE", 1: "DEBUG_STATS", 4: "DEBUG_UNCOLLECTABLE", 32: "DEBUG_SAVEALL"}
# A collection's end and its callback, each of them late by a turn of another process at most.
TOLERANCE = 0.005


def ask(spy, pid):
    """The main interpreter's collector as JSON."""
    document = json.loads(spy.run("gc", "--json", "-p", pid).stdout.decode())
    assert document["schema"] == "pyspyc-gc" and not document["errors"]
    process, = document["processes"]
    assert process["pid"] == pid
    assert [one["id"] for one in process["interpreters"]] == [0]
    schema = load("gc-schema.json")
    check(document, schema, schema)
    return process["interpreters"][0]


@pytest.mark.case("gc: its state")
def test_state(spy, launch, python):
    target = launch("collector.py", "state")
    facts = target.facts
    system.wait_until(lambda: system.reads_input(target.pid), "the target waits")
    seen = ask(spy, target.pid)
    target.resume()
    counts = target.ready()
    generations = seen["generations"]
    assert [one["threshold"] for one in generations] == facts["threshold"]
    names = set(NAMES[bit] for bit in NAMES if facts["debug"] & bit)
    assert set(seen["debug"]) == names
    assert (seen["enabled"], seen["collecting"]) == (False, False)
    assert seen["garbage"] == facts["garbage"] >= 3
    if facts["stats"] is None:
        assert {one["collections"] for one in generations} == {None}
    else:
        for mine, theirs in zip(generations, facts["stats"]):
            for name in ("collections", "collected", "uncollectable"):
                assert mine[name] == theirs[name], name
        assert generations[2]["collections"] >= 1 and generations[0]["collections"] >= 1
    if python.free_threaded:
        assert seen["frozen"] is None
    else:
        assert seen["frozen"] == facts["frozen"]
        assert facts["frozen"] is None or facts["frozen"] > 1000
    # The tuples of get_count() itself, and what read() makes, may be among them.
    low, high = counts["before"], counts["after"]
    assert min(low[0], high[0]) - 4 <= generations[0]["count"] <= max(low[0], high[0]) + 4
    assert generations[0]["count"] >= (0 if python.free_threaded else 300)
    assert [one["count"] for one in generations[1:]] == low[1:] == high[1:]


@pytest.mark.case("gc: a collection runs")
def test_collecting(spy, launch):
    target = launch("collector.py", "inside")
    system.wait_until(lambda: system.reads_input(target.pid), "the target waits")
    assert ask(spy, target.pid)["collecting"] is True
    text = spy.run("gc", target.pid).stdout.decode()
    assert "collecting now        yes" in text and "automatic collection  disabled" in text
    target.resume()
    assert target.ready()["dead"]
    assert ask(spy, target.pid)["collecting"] is False


def watch(spy, target, *options):
    """The lines of gc --watch while the target collects, the target's own log, and the end."""
    process = spy.start("gc", "--watch", *options, target.pid)
    system.naps(process.pid)
    system.hurries(process.pid)
    system.hurries(target.pid)
    lines = []  # read as they come: a full pipe would hold up pyspyc
    reader = threading.Thread(target=lambda: lines.extend(process.stdout))
    reader.start()
    target.resume()
    log = target.ready()["log"]
    process.send_signal(signal.SIGINT)
    reader.join(20)
    error = process.stderr.read().decode()
    assert process.wait(20) == 0, error
    return b"".join(lines).decode(), log, error


@pytest.mark.case("gc: each collection")
def test_watch(spy, launch, python):
    """Every collection is there; durations within the error that is stated for them."""
    target = launch("collector.py", "watch")
    out, log, error = watch(spy, target, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    seen = collections.Counter()
    schema = load("gc-schema.json")
    for line in lines:
        check(line, schema["$defs"]["collection"], schema)
        assert line["pid"] == target.pid and line["interpreter"] == 0
        seen[line["generation"]] += line["count"]
    made = collections.Counter(generation for generation, _, _ in log)
    if python.version < (3, 4):  # no sums: from what happens to its counts, a least number
        assert 2 <= seen[2] <= made[2] and seen[0] <= made[0] and not seen[1], (lines, log)
        return
    assert seen == made, (lines, log)
    full = [line for line in lines if line["generation"] == 2]
    true = [(seconds, found) for generation, seconds, found in log if generation == 2]
    assert len(full) == len(true) == 4
    for line, (seconds, found) in zip(full, true):
        # From 3.15 on the interpreter notes the times, inside of what the callbacks see.
        around = 0.1 * seconds if python.version >= (3, 15) else 0
        assert abs(line["duration"] - seconds) <= line["error"] + TOLERANCE + around, (lines, log)
        if python.version >= (3, 15):
            assert line["error"] == 0
        assert line["collected"] == found and line["uncollectable"] == 0
    assert 0 < lines[-1]["paused"] <= 1
    assert "%d collections in " % len(log) in error, error


@pytest.mark.case("gc: 200 collections a second")
@pytest.mark.pythons(only=("3.8", "3.12", "3.14", "3.15"))
def test_watch_load(spy, launch, python):
    """Each is counted, and takes as long as is said; what was not timed is said to be so."""
    target = launch("collector.py", "load")
    out, log, error = watch(spy, target, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    true = {generation: [entry[1:] for entry in log if entry[0] == generation]
            for generation in (0, 1, 2)}
    timed = 0
    for line in lines:
        mine, true[line["generation"]] = (true[line["generation"]][:line["count"]],
                                          true[line["generation"]][line["count"]:])
        seconds = sum(one[0] for one in mine)
        assert len(mine) == line["count"] and line["collected"] == sum(one[1] for one in mine)
        around = 0.1 * seconds if python.version >= (3, 15) else 0
        assert abs(line["duration"] - seconds) <= line["error"] + TOLERANCE + around, (line, mine)
        timed += line["duration"] != line["error"]
    assert not any(true.values()), error
    assert len(log) == 600 and "600 collections in " in error, error
    slow = [line for line in lines if line["generation"] == 2]
    assert len(slow) == 6 and all(line["duration"] > 4 * line["error"] for line in slow)
    assert "; %d known from counters only" % (600 - timed) in error, error
    exact = "are the interpreter's own" if python.version >= (3, 15) else "as precise as that"
    assert exact in error


@pytest.mark.case("gc: each collection")
@pytest.mark.pythons(only=("3.8", "3.12", "3.15"))
def test_watch_text(spy, launch):
    target = launch("collector.py", "watch")
    out, log, _ = watch(spy, target)
    head, *lines = out.splitlines()
    assert head.split() == ["time", "gen", "count", "duration", "collected",
                            "uncollectable", "paused"]
    assert len(lines) >= 4 and len(lines) <= len(log)
    assert all(line.endswith(" %") and " ms" in line and len(line) < 80 for line in lines)
    assert len(head) == len(lines[0]) < 80


@pytest.mark.pythons(only=("3.12",))
def test_watch_ends_with_its_target(spy, launch):
    target = launch("collector.py", "watch")
    process = spy.start("gc", "-w", target.pid)
    system.naps(process.pid)
    target.stop()
    out, error = process.communicate(timeout=20)
    assert process.returncode == 0, error
    assert b"collections in" in error


@pytest.mark.pythons(only=("3.13",))
def test_duration_and_bad_input(spy, launch):
    target = launch("collector.py", "watch")
    done = spy.run("gc", "-w", "-d", "0.2", target.pid)
    assert b" 0 collections in 0.2" in done.stderr
    for words, status in ((("gc",), 2), (("gc", "-d", "1", target.pid), 2), (("gc", "x"), 2),
                          (("gc", "-w", "-d", "x", target.pid), 2), (("gc", "-w", 2 ** 22 - 3), 1),
                          (("gc", 2 ** 22 - 3), 1)):
        done = spy.run(*words, status=status)
        assert done.stderr.count(b"\n") == 1 and not done.stdout.strip(), words


@pytest.mark.pythons(only=("3.13",))
def test_processes_and_errors(spy, launch):
    first, second = launch("collector.py", "inside"), launch("collector.py", "inside")
    done = spy.run("gc", "-j", first.pid, second.pid, 2 ** 22 - 3, status=1)
    document = json.loads(done.stdout.decode())
    assert [one["pid"] for one in document["processes"]] == [first.pid, second.pid]
    assert [one["pid"] for one in document["errors"]] == [2 ** 22 - 3]


@pytest.mark.case("gc: interpreters")
@pytest.mark.pythons(since=(3, 8), where=lambda python: not python.free_threaded)
def test_interpreters(spy, launch, python):
    """From 3.9 on each interpreter has a collector of its own."""
    target = launch("interpreters.py")
    document = json.loads(spy.run("gc", "-j", target.pid).stdout.decode())
    found = document["processes"][0]["interpreters"]
    assert found[0]["id"] == 0
    assert (len(found) > 1) == (python.version >= (3, 9)), found
