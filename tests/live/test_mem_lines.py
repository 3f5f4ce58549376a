"""mem -f lines: memory_profiler's table of a program that it was never built into, against what
that program measured of itself, and against memory_profiler in the same run; and the stacks of
bytes, which must tell the same."""
import importlib.util
import json
import pathlib
import re
import shutil

import pytest
from kit import memory
from kit.memory import MEGABYTE, ROW, increments, tables
from kit.spy import Folded
from kit.target import environment, marked

NAME = "growth.py"
STEPS = ("one", "pieces", "objects", "c", "text")
HEAD = "Line #    Mem usage    Increment  Occurrences   Line Contents"
FEW = ("3.8", "3.12", "3.14")
pytestmark = pytest.mark.pythons(since=(3, 6))


def recorded(spy, target, form, *options):
    """What `mem` tells of the target's whole run, and what it measured itself."""
    output, _, facts = memory.recorded(spy, target, form, *options)
    return output.read_text(encoding="utf-8"), {int(line): size for line, size in
                                                facts["lines"].items()}


def compare(found, truth, what):
    """Each step's growth within 5 % and a little, of what is rounded to 0.1 MiB. Without /proc the
    program knows less of itself; the free-threaded one has some memory left from before."""
    wrong = ["%s: %.1f MiB of %.1f" % (step, found.get(line, 0) / MEGABYTE, truth[line] / MEGABYTE)
             for step in STEPS for line in marked(NAME, step) if line in truth
             and abs(found.get(line, 0) - truth[line]) > 0.05 * abs(truth[line]) + 0.15 * MEGABYTE]
    assert not wrong, "%s: %s" % (what, wrong)


@pytest.mark.case("mem: lines, growth")
def test_growth(spy, launch):
    """Every line's increment is what the program saw itself; sources stand beside."""
    text, truth = recorded(spy, launch(NAME), "lines")
    rows, texts = tables(text)
    compare(increments(rows[NAME]), truth, "lines")
    assert HEAD + "\n" + "=" * len(HEAD) + "\n" in texts[NAME]
    for line in [line for line, size in truth.items() if size > MEGABYTE]:
        row = rows[NAME][line]
        assert any(row["contents"].endswith("# @" + step) for step in STEPS)
        assert int(row["count"]) > 0 and float(row["usage"]) > 10
    # Nothing is told of lines that did nothing, but for where their functions begin.
    line = marked(NAME, "nothing")[0]
    assert abs(increments(rows[NAME]).get(line, 0)) < 0.5 * MEGABYTE
    assert "import builtins" not in texts[NAME] and "def grow(account, scale):" in texts[NAME]


@pytest.mark.case("mem: stacks of bytes")
@pytest.mark.pythons(only=FEW)
def test_folded(spy, launch):
    """The same as stacks; what was released is none of it."""
    text, truth = recorded(spy, launch(NAME), "folded")
    profile = Folded(text)
    lines = {line: profile.count(lambda frames, line=line: any(
        frame.file.endswith(NAME) and frame.line == line for frame in frames)) for line in truth}
    compare(lines, truth, "folded")
    assert lines[marked(NAME, "free")[0]] < 2 * MEGABYTE
    assert not any(name.startswith(("process ", "thread ")) for name in profile.roots())


@pytest.mark.case("mem: stacks of bytes")
@pytest.mark.pythons(only=FEW)
def test_released(spy, launch):
    text, truth = recorded(spy, launch(NAME), "folded", "--released", "-t")
    profile = Folded(text)
    given_back = -sum(size for size in truth.values() if size < 0)
    assert 0.9 * given_back < profile.samples < 1.1 * given_back
    assert all(name.startswith("thread ") for name in profile.roots())


@pytest.mark.case("mem: stacks of bytes")
@pytest.mark.pythons(only=("3.12",))
def test_pictures(spy, launch):
    """The flame graph and speedscope's file count bytes too, of both directions."""
    text, _ = recorded(spy, launch(NAME), "flamegraph")
    assert "Memory growth: " in text and '"bytes":true' in text and " samples," not in text
    assert text.count('"figures":["grown","released"]') == 1
    text, _ = recorded(spy, launch(NAME), "flamegraph", "--released")
    assert '"figures":["released","grown"]' in text
    text, truth = recorded(spy, launch(NAME), "speedscope")
    made = json.loads(text)
    for profile, title, sign in zip(made["profiles"], ("growth", "released"), (1, -1)):
        assert profile["name"].startswith("Memory %s: " % title)
        assert profile["unit"] == "bytes" and profile["type"] == "sampled"
        known = sum(sign * size for size in truth.values() if sign * size > 0)
        assert 0.9 * known < profile["endValue"] == sum(profile["weights"]) < 1.2 * known
        frames = {frame for stack in profile["samples"] for frame in stack}
        assert "grow" in {made["shared"]["frames"][frame]["name"] for frame in frames}


def columns(text):
    """{line: the cells of its row}, as they are cut where memory_profiler's columns end."""
    ends = (0, 6, 19, 32, 44, 47, None)
    cells = [[row[begin:end] for begin, end in zip(ends, ends[1:])] for row in text.splitlines()]
    return {int(row[0]): row for row in cells if row[0].strip().isdigit()}


def same_columns(theirs, ours, lines):
    """Their table of a file and ours: the same columns and sources; lines: those that grew."""
    head = theirs.index(HEAD)
    end = theirs.index("\n", theirs.index("=\n")) + 1
    assert theirs[head:end] in ours
    theirs, ours = columns(theirs), columns(ours)
    functions = [line for line, row in theirs.items() if not row[2].strip()]
    for line in [*functions, *lines]:
        their, our = theirs[line], ours[line]
        assert our[0] == their[0] and our[4:] == their[4:], (our, their)
        for cell, other in zip(our[1:3], their[1:3]):
            assert cell[-4:] == other[-4:] and len(cell) == len(other), (our, their)
        assert bool(our[3].strip()) == bool(their[3].strip()), (our, their)
    wrong = [(theirs[line], ours[line]) for line in lines for found, truth in [
        (float(ours[line][1].split()[0]), float(theirs[line][1].split()[0]))]
        if abs(found - truth) > 0.05 * truth]
    assert functions and not wrong


@pytest.mark.case("mem: as memory_profiler")
@pytest.mark.pythons(only=("3.8", "3.10", "3.12", "3.13"))
def test_memory_profiler(spy, start, place, python):
    """Both at once: the tables side by side, column by column. What ours are for a line that
    shrinks differs: the highest usage while it ran, not what it left."""
    module = importlib.util.find_spec("memory_profiler")
    if not module:
        pytest.skip("memory_profiler is not installed")
    folder = str(pathlib.Path(module.origin).parent)
    target = start([*python.command, "-m", "memory_profiler", place.path(NAME)],
                   env=environment(PYTHONPATH=folder))
    text, truth = recorded(spy, target, "lines")
    target.resume()
    theirs, their_texts = tables("\n".join(target.rest()))
    ours, our_texts = tables(text)
    same_columns(their_texts[NAME], our_texts[NAME],
                 [line for line, size in truth.items() if size > MEGABYTE])
    theirs, ours = increments(theirs[NAME]), increments(ours[NAME])
    compare(theirs, truth, "memory_profiler")
    compare(ours, theirs, "pyspyc's lines against memory_profiler's")


@pytest.mark.case("mem: lines, sources")
@pytest.mark.pythons(only=("3.8", "3.13"))
def test_launched(spy, command, place):
    """The source of a program that has ended, under a name relative to its folder."""
    output = spy.file(".txt")
    words = command(NAME, "0.2")
    spy.run("mem", "-r", 1000, "-o", output, "--", *words[:-2], "targets/" + NAME, "0.2", text=b"",
            cwd=place.host)
    rows, texts = tables(output.read_text(encoding="utf-8"))
    assert rows[NAME][marked(NAME, "one")[0]]["contents"].endswith("# @one")
    assert "Its source" not in texts[NAME]


@pytest.mark.case("mem: lines, sources")
@pytest.mark.pythons(only=("3.12",))
def test_whole_files(spy, launch, place):
    """--all-lines: every line of the file stands there."""
    text, _ = recorded(spy, launch(NAME), "lines", "--all-lines")
    _, texts = tables(text)
    count = len((place.host / "targets" / NAME).read_text(encoding="utf-8").splitlines())
    found = [int(line[:6]) for line in texts[NAME].splitlines() if re.match(r" *\d+\b", line[:6])]
    assert found == list(range(1, count + 1))
    assert "import builtins" in texts[NAME]


@pytest.mark.case("mem: lines, sources")
@pytest.mark.pythons(only=FEW)
def test_no_source(spy, start, place, python):
    """A source that has gone, and names that would do harm in a terminal."""
    name = "odd\x1b[31m\nname.py"
    shutil.copy(place.host / "targets" / NAME, place.host / "targets" / name)
    target = start([*python.command, place.path(name)])
    (place.host / "targets" / name).unlink()
    text, truth = recorded(spy, target, "lines")
    assert "\x1b" not in text
    part = text.split("odd\\x1b[31m\\nname.py\nIts source could not be read.\n", 1)[1]
    found = {int(row["line"]): float(row["increment"]) * MEGABYTE
             for row in map(ROW.match, part.splitlines()) if row}
    compare(found, truth, "without a source")
