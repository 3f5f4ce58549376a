"""`pyspyc tracemalloc` against what tracemalloc says of itself in the same process."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest
from kit import target as system
from kit.clocks import children_cpu
from kit.spy import ended

FIRST = 3, 6
MEASURED = "measured"
# For how long others are stopped is of interest where pyspyc itself does not have to wait.
FIRST_OF_ALL = ("chrt", "-f", "1") if os.geteuid() == 0 else ()


def look(spy, target, *options, status=0, prefix=()):
    """What `tracemalloc --json` says."""
    done = spy.run("tracemalloc", "--json", *options, "--pid", target.pid, status=status,
                   prefix=prefix)
    return json.loads(done.stdout.decode("utf-8"))


def groups_of(document):
    """Frames (path, line), innermost first → bytes, blocks."""
    found = {tuple((frame["path"], frame["line"]) for frame in row["frames"]):
             (row["size"], row["count"]) for row in document["rows"]}
    assert len(found) == len(document["rows"]) == document["row_count"]
    return found


def truth_groups(facts):
    return {tuple(map(tuple, frames)): (size, count) for frames, size, count in facts["groups"]}


def quiet(groups, program):
    """Without what the target did to tell the truth: new blocks, and frames used again."""
    lines = {(program, line) for mark in (MEASURED, "deep")
             for line in system.marked("traced.py", mark)}
    return {frames: sums for frames, sums in groups.items()
            if frames[0] not in lines and not frames[0][0].endswith("tracemalloc.py")}


def stands(target):
    """Waits until a target has stopped itself."""
    system.wait_until(lambda: system.state(target.pid) == "T", "the target stops itself")


def stopped(launch, frames):
    """A target that stands still, and knows what it had then."""
    target = launch("traced.py", frames, "stops")
    stands(target)
    return target


def truth_of(target):
    target.signal(signal.SIGCONT)
    return target.ready()


def load(python, place, *files):
    """What tracemalloc.Snapshot.load of a Python makes of a file, or of two that it compares."""
    inside = ["%s/%s" % (place.inside, file.name) for file in files]
    done = subprocess.run([*python.command, place.path("load_traces.py"), *inside],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30,
                          env=system.environment(), check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.decode())


@pytest.mark.case("tracemalloc: totals and rows")
@pytest.mark.pythons(since=FIRST)
@pytest.mark.parametrize("frames", [1, 10])
def test_truth(spy, launch, place, python, frames):
    """Totals to the byte, every traceback, every line, every file."""
    target = stopped(launch, frames)
    seen = {by: look(spy, target, "--by", by, "--count", "unlimited")
            for by in ("line", "file", "traceback")}
    facts = truth_of(target)
    program = place.path("traced.py")
    totals = seen["line"]
    assert totals["tracing"] and totals["consistent"] and totals["lost"] == 0
    assert totals["python"].startswith(python.full_version)
    assert totals["traced"] == facts["traced"] and totals["peak"] == facts["peak"]
    assert totals["overhead"] == facts["overhead"]
    assert totals["frame_limit"] == facts["limit"] == frames
    assert sum(row["size"] for row in totals["rows"]) == totals["traced"]
    assert sum(row["count"] for row in totals["rows"]) == totals["traces"]
    assert totals["held_seconds"] == 0
    want = quiet(truth_groups(facts), program)
    assert len(want) > 12
    assert quiet(groups_of(seen["traceback"]), program) == want
    lines = {((file, line),): (size, count) for file, line, size, count in facts["lines"]}
    assert quiet(groups_of(totals), program) == quiet(lines, program)
    # Files that the truth itself is told with have more by then.
    files = {((file, 0),): (size, count) for file, _, size, count in facts["files"]
             if file != program and not file.endswith("tracemalloc.py")}
    mine = groups_of(seen["file"])
    assert {key: mine.get(key) for key in files} == files
    sizes = [row["size"] for row in totals["rows"]]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.case("tracemalloc: the file")
@pytest.mark.pythons(since=FIRST)
@pytest.mark.parametrize("frames", [1, 10])
def test_file(spy, launch, place, python, frames):
    """Snapshot.load of the same Python opens it, and has in it what its own snapshot has."""
    target = stopped(launch, frames)
    file = place.host / ("traces-%s-%d" % (python.id, frames))
    seen = look(spy, target, "-o", file)
    facts = truth_of(target)
    loaded = load(python, place, file)
    program = place.path("traced.py")
    assert quiet(truth_groups(loaded), program) == quiet(truth_groups(facts), program)
    assert loaded["traces"] == seen["traces"] and loaded["limit"] == frames
    assert loaded["domains"] == facts["domains"] and loaded["totals"] == facts["totals"]
    assert sum(size for _, _, size, _ in loaded["lines"]) == seen["traced"]
    assert bool(loaded["totals"]) == (python.version >= (3, 9))
    assert loaded["filtered"] == facts["filtered"] and [1, 4321] < loaded["filtered"][0]
    assert all(count for _, count in loaded["filtered"][:3])


@pytest.mark.case("tracemalloc: the file elsewhere")
@pytest.mark.pythons(since=FIRST, only=("3.6", "3.8", "3.9", "3.12", "3.15", "3.13t"))
def test_file_elsewhere(spy, launch, places, python, request):
    """Every Python with the same kind of traces has the same statistics of it."""
    target = stopped(launch, 10)
    file = places(python).host / ("elsewhere-" + python.id)
    look(spy, target, "-o", file)
    target.stop()
    own = load(python, places(python), file)
    others = [other for other in request.config.pythons if not other.missing and other.version >= FIRST
              and (other.version < (3, 9)) == (python.version < (3, 9))]
    assert python in others
    for other in others:
        copy = places(other).host / file.name
        if copy != file:
            shutil.copy(file, copy)
        assert load(other, places(other), copy) == own, other.id
        if copy != file:
            copy.unlink()


@pytest.mark.case("tracemalloc: growth")
@pytest.mark.pythons(since=FIRST)
def test_compare(spy, launch, place, python):
    """Every row of --growth is that of Snapshot.compare_to."""
    target = launch("traced.py", 10, "twice")
    stands(target)
    files = [place.host / ("%s-%s" % (name, python.id)) for name in ("before", "now")]
    look(spy, target, "-o", files[0])
    waiting = {by: spy.start("tracemalloc", "--json", "-n", "unlimited", "--growth", "1h", "--by",
                             by, "--pid", target.pid) for by in ("line", "file", "traceback")}
    for process in waiting.values():
        system.naps(process.pid)
    target.signal(signal.SIGCONT)
    target.ready()
    stands(target)
    look(spy, target, "-o", files[1])
    want = load(python, place, *files)
    for by, process in waiting.items():
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=30)
        assert process.returncode == 0 and not error, error
        rows = [[[[frame["path"], frame["line"]] for frame in row["frames"]], row["size"],
                 row["size_diff"], row["count"], row["count_diff"]]
                for row in json.loads(out.decode("utf-8"))["rows"]]
        assert sorted(rows) == sorted(want[by])
        assert [abs(row[2]) for row in rows] == [abs(row[2]) for row in want[by]]
        assert sum(row[2] != 0 for row in rows) >= (1 if by == "file" else 3)


@pytest.mark.case("tracemalloc: growth")
@pytest.mark.pythons(since=FIRST)
def test_growth(spy, launch, place, python):
    """What a line allocated, and another freed, between two moments."""
    target = launch("traced.py", 1, "steps")
    file = place.host / ("growth-" + python.id)
    process = spy.start("tracemalloc", "--json", "-n", "unlimited", "--growth", "1h", "-o", file,
                        "--pid", target.pid)
    system.naps(process.pid)
    target.resume()
    target.ready()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 0, error
    assert re.fullmatch(rb"pyspyc: wrote \S+ \([\d.]+ kB\); tracemalloc\.Snapshot\.load opens it\n",
                        error), error
    document = json.loads(out.decode("utf-8"))
    rows = {(row["frames"][0]["path"], row["frames"][0]["line"]): row for row in document["rows"]}
    program = place.path("traced.py")
    (line,) = system.marked("traced.py", "step")
    grown = rows[program, line]
    assert 50 <= grown["count"] <= 110 and grown["size"] > 500000
    assert (grown["size_diff"], grown["count_diff"]) == (grown["size"], grown["count"])
    (line,) = system.marked("traced.py", "blocks")
    shrunk = rows[program, line]
    assert shrunk["size_diff"] < -7 * 12345 and shrunk["count_diff"] <= -14
    changes = [abs(row["size_diff"]) for row in document["rows"]]
    assert changes == sorted(changes, reverse=True)
    assert document["rows"][0] is grown
    assert 0 < document["growth_seconds"] < 60
    saved = {(path, line): (size, count) for path, line, size, count in load(
        python, place, file)["lines"]}
    assert saved[program, system.marked("traced.py", "step")[0]] == (grown["size"], grown["count"])


@pytest.mark.case("tracemalloc: not running")
@pytest.mark.pythons(since=FIRST)
@pytest.mark.parametrize("mode", ["idle", "stopped"])
def test_not_running(spy, launch, mode):
    target = launch("traced.py", 1, mode)
    done = spy.run("tracemalloc", "-p", target.pid, status=1)
    (line,) = done.stderr.decode().splitlines()
    assert "does not run in process %d" % target.pid in line and "pyspyc mem" in line
    assert not done.stdout
    document = look(spy, target, status=1)
    assert document["tracing"] is False and "rows" not in document


@pytest.mark.case("tracemalloc: not running")
@pytest.mark.pythons(until=(2, 7))
def test_too_old(spy, launch):
    target = launch("sleeper.py", ready=False)
    system.sleeps(target.pid)
    done = spy.run("tracemalloc", "-p", target.pid, status=1)
    assert "from 3.6 on" in done.stderr.decode()


@pytest.mark.case("tracemalloc: changing")
@pytest.mark.pythons(since=FIRST)
def test_busy(spy, launch):
    """Threads that allocate all the time: one moment is seen, they are held shortly, and go on."""
    target = launch("traced.py", 5, "busy")
    system.computes(target.pid)
    for _ in range(4):
        document = look(spy, target, "-n", "unlimited", prefix=FIRST_OF_ALL)
        rows = document["rows"]
        assert document["tracing"] and document["consistent"] and document["lost"] == 0
        assert sum(row["count"] for row in rows) == document["traces"]
        assert sum(row["size"] for row in rows) == document["traced"] <= document["peak"]
        assert document["held_seconds"] < 0.5
    system.computes(target.pid)
    # Never stopped, what is seen may be of several moments, and that is said.
    done = spy.run("tracemalloc", "--nonblocking", "--json", "-p", target.pid)
    document = json.loads(done.stdout.decode())
    assert document["held_seconds"] == 0
    assert document["consistent"] or "changed while they were read" in done.stderr.decode()
    assert system.tracer(target.pid) == 0 and system.state(target.pid) in "RS"


@pytest.mark.case("tracemalloc: many")
@pytest.mark.pythons(since=(3, 8), only=("3.8", "3.13", "3.15"))
@pytest.mark.parametrize("mode", ["many", "crowded"])
def test_many(spy, launch, place, mode):
    """Half a million blocks cost less than a second and a half, and stop nobody for long."""
    target = launch("traced.py", 3, mode, 500000)
    before = children_cpu()
    document = look(spy, target, prefix=FIRST_OF_ALL)
    assert children_cpu() - before < 1.5
    assert document["consistent"] and document["traces"] > 500000
    (line,) = system.marked("traced.py", "many")
    first = document["rows"][0]["frames"][0]
    assert (first["path"], first["line"]) == (place.path("traced.py"), line)
    assert document["held_seconds"] < (0.25 if mode == "crowded" else 1e-9)


@pytest.mark.case("tracemalloc: changing")
@pytest.mark.pythons(since=FIRST)
@pytest.mark.parametrize("mode", ["toggles", "clears"])
def test_comes_and_goes(spy, launch, mode):
    """Started, stopped and cleared while it is read: what is shown as of one moment is."""
    target = launch("traced.py", 3, mode)
    statuses = set()
    for _ in range(8):
        process = spy.start("tracemalloc", "--json", "-n", "unlimited", "--by", "traceback",
                            "--pid", target.pid)
        out, error = process.communicate(timeout=30)
        document = json.loads(out.decode("utf-8"))
        statuses.add(process.returncode)
        assert document["tracing"] == (process.returncode == 0), error
        if not document["tracing"]:
            assert b"does not run" in error
        elif document["consistent"]:
            assert sum(row["size"] for row in document["rows"]) == document["traced"]
            names = {frame["path"] for row in document["rows"] for frame in row["frames"]}
            assert all(name.startswith(("/", "<")) for name in names), names
        else:
            assert b"changed while they were read" in error
    assert 0 in statuses and (mode == "toggles" or statuses == {0})
    assert system.tracer(target.pid) == 0 and system.state(target.pid) in "RS"


@pytest.mark.case("tracemalloc: subinterpreters")
@pytest.mark.pythons(since=(3, 12))
def test_interpreters(spy, launch):
    """What a subinterpreter has allocated is there as well."""
    target = launch("traced.py", 1, "interpreters")
    size, count = target.facts["inside"]
    assert count >= 50 and size > 50 * 10007
    assert (size, count) in groups_of(look(spy, target, "-n", "unlimited")).values()


@pytest.mark.case("tracemalloc: stripped")
@pytest.mark.pythons(since=FIRST, until=(3, 11), where=lambda python: python.missing or (
    python.shared and not python.root))
def test_stripped(spy, start, place, python, folder):
    """The tables are found where no symbol leads to them."""
    name = python.facts["soname"]
    source = pathlib.Path(python.facts["libdir"], name)
    library = folder / name
    if not shutil.which("strip"):
        pytest.skip("no strip")
    subprocess.run(["strip", "-s", "-o", library, source], check=True)
    target = start([*python.command, place.path("traced.py"), "4", "stops"],
                   env=system.environment(LD_LIBRARY_PATH=str(folder)))
    stands(target)
    assert str(library) in system.proc(target.pid, "maps")
    seen = look(spy, target, "--by", "traceback", "-n", "unlimited")
    facts = truth_of(target)
    assert seen["consistent"] and seen["traced"] == facts["traced"]
    assert seen["peak"] == facts["peak"] and seen["overhead"] == facts["overhead"]
    assert seen["frame_limit"] == 4
    program = place.path("traced.py")
    assert quiet(groups_of(seen), program) == quiet(truth_groups(facts), program)


@pytest.mark.pythons(only=("3.8", "3.13", "3.15"))
def test_text(spy, launch, place, tmp_path):
    """A table for people: names of files cannot act on the terminal."""
    target = stopped(launch, 10)
    done = spy.run("tracemalloc", "-n", "unlimited", "--by", "file", target.pid)
    text = done.stdout.decode()
    assert "\\x1b[31m" in text and "new\\nline.py" in text and "\x1b" not in text
    assert "\u2603" in text and "Traced" in text and "Peak" in text and "Overhead" in text
    document = look(spy, target)
    assert "%d bytes in %d blocks" % (document["traced"], document["traces"]) in text
    done = spy.run("tracemalloc", "-n", "3", "--by", "traceback", target.pid)
    assert "from " in done.stdout.decode() and " more\n" in done.stdout.decode()
    done = spy.run("tracemalloc", "-o", "-", target.pid)
    assert done.stdout.startswith(b"\x80\x02ctracemalloc\nSnapshot\n")
    assert not done.stderr
    done = spy.run("tracemalloc", "-o", tmp_path / "t.pickle", target.pid)
    assert re.fullmatch(r"pyspyc: wrote %s \([\d.]+ kB\); tracemalloc\.Snapshot\.load opens it\n"
                        % re.escape(str(tmp_path / "t.pickle")), done.stderr.decode())


@pytest.mark.pythons(only=("3.13",))
def test_ends_meanwhile(spy, launch):
    """A target that ends between the two moments: the first is shown."""
    target = launch("traced.py", 1, "steps")
    process = spy.start("tracemalloc", "--growth", "1h", "--pid", target.pid)
    system.wait_until(lambda: system.state(process.pid) == "S", "pyspyc waits")
    target.stop()
    out, error = process.communicate(timeout=30)
    assert process.returncode == 1 and b"Traced" in out
    assert len(error.splitlines()) == 1


@pytest.mark.quick
@pytest.mark.parametrize("words, part", [
    ((), "--pid PID is missing"),
    (("--pid", "abc"), "is not a process id"),
    (("--pid", "1", "--pid", "2"), "given twice"),
    (("1", "2"), "one process at a time"),
    (("--pid", "1", "--by", "size"), "line"),
    (("--pid", "1", "-n", "-3"), "--count"),
    (("--pid", "1", "--growth", "soon"), "--growth"),
    (("--pid", "1", "--growth", "0"), "--growth"),
    (("--pid", "1", "-o", "-", "--json"), "standard output"),
])
def test_usage(spy, words, part):
    done = spy.run("tracemalloc", *words, status=2)
    (line,) = done.stderr.decode().splitlines()
    assert part in line and not done.stdout


def test_not_a_process(spy):
    process = spy.start("tracemalloc", "--pid", "999999999")
    status, error = ended(process)
    assert status in (1, 2) and len(error.splitlines()) == 1
