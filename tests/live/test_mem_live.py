"""`pyspyc mem` in a terminal: top's memory view."""
import os
import pathlib
import re

import pytest
from kit import target as system
from kit.figures import number
from kit.memory import step
from kit.target import wait_until

MIB = 1 << 20
RED = ("red", "brightred", "ff0000")


@pytest.mark.quick
@pytest.mark.case("mem: in a terminal")
@pytest.mark.pythons(only=("3.8", "3.12", "system"))
def test_screen(top, launch):
    """The memory view, page faults, the line that grows now, and a summary when it is left."""
    target = launch("grows.py", 96)
    screen = top("-p", target.pid, command="mem", columns=130, lines=40)
    screen.wait(lambda t: t.view() == "Memory" and re.search(r"RSS +[\d.]+M", t.text()))
    screen.wait("no line grows now")
    screen.wait(r"\d+ faults/s")
    target.resume()
    screen.wait(r"\+[\d.]+[KM] grow \(\S*grows\.py:\d+\)", "the line that grows")
    target.ready()
    screen.wait(lambda t: (t.value(r"\bgrow \(", "GrownTotal") or 0) > 80 * MIB, "96 MB in grow()")
    screen.go("Functions", "F2")
    screen.send("q")
    assert screen.exited() == 0
    said = screen.text()
    assert re.search(r"RSS \S+ at first, \S+ at last", said), said
    assert system.tracer(target.pid) == 0


@pytest.mark.case("mem: the end of a program in a terminal")
@pytest.mark.pythons(only=("system",))
def test_program_ends(top, command):
    screen = top("--", *command("grows.py")[:-1], "-c", "raise SystemExit(4)", command="mem",
                 columns=100, lines=30)
    screen.wait(r"ended|exit", "it tells that the program has ended")
    screen.send("q")
    assert screen.exited() in (1, 4)
    said = screen.text()
    assert "0B at last" not in said, said


@pytest.mark.case("top: the memory view tells page faults")
@pytest.mark.pythons(only=("system",))
def test_top_view(top, launch):
    target = launch("grows.py", 96)
    screen = top("-p", target.pid, "--view", "memory", columns=130, lines=40)
    screen.wait(r"\d+ faults/s")
    assert step(target) == "grow"

    def faults(t):
        found = re.search(r"peak RSS ([\d.]+M)", t.text())
        return found and number(found[1]) > 96 * MIB

    screen.wait(faults, "the peak")
    assert screen.quit() == 0


@pytest.mark.quick
@pytest.mark.case("mem: s saves what memory did")
@pytest.mark.pythons(only=("system",))
def test_save(top, launch, folder):
    """The plot and the lines, not a profile of time; Enter takes the first."""
    target = launch("grows.py", 64)
    screen = top("-p", target.pid, command="mem", columns=100, lines=30)
    screen.wait("no line grows now")
    assert step(target) == "grow"
    screen.wait(r"\d+M grown")
    screen.send("s")
    screen.wait("p plot, l lines, f flame graph, o folded stacks")
    screen.send("l")
    name = screen.wait(r"Wrote (\S+\.txt)") and re.search(r"Wrote (\S+\.txt)", screen.text())[1]
    text = (folder / name).read_text(encoding="utf-8")
    assert re.search(r"^Line # +Mem usage +Increment +Occurrences +Line Contents", text, re.M), text
    assert "kept.append(bytearray(MEGABYTE))" in text
    screen.send("s", "Enter")
    name = screen.wait(r"Wrote (\S+\.svg)") and re.search(r"Wrote (\S+\.svg)", screen.text())[1]
    picture = (folder / name).read_text(encoding="utf-8")
    assert picture.startswith(("<svg", "<?xml")) and "grow" in picture and "RSS" in picture
    screen.send("s", "Escape")
    screen.wait("Not saved")
    screen.resize(40, 20)
    screen.send("s")
    screen.wait("Save: p plot, l lines, f graph, o folded")
    screen.send("o")
    screen.wait(r"Wrote \S+")
    stacks = [path.read_text() for path in folder.iterdir() if path.suffix == ".folded"]
    assert len(stacks) == 1 and ";grow (" in stacks[0]
    assert sum(int(line.rpartition(" ")[2]) for line in stacks[0].splitlines()) > 50 * MIB
    screen.go("Functions", "F2")
    screen.send("s")
    screen.wait("Save: f graph, o folded, Esc")
    screen.send("Escape")
    assert screen.quit() == 0


@pytest.fixture
def group():
    """A control group of our own whose memory may be limited; its folder."""
    for above, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                         ("/sys/fs/cgroup", "memory.max")):
        made = pathlib.Path(above, "pyspyc-test-%d" % os.getpid())
        try:
            made.mkdir()
        except OSError:
            continue
        if (made / limit).exists():
            yield made, made / limit
            wait_until(lambda: not (made / "cgroup.procs").read_text(), "nobody is in the group")
            made.rmdir()
            return
        made.rmdir()
    pytest.skip("no control group can be made here")


@pytest.mark.case("top: the memory view and the control group's limit")
@pytest.mark.pythons(only=("system",))
def test_limit(group, top, launch):
    """A figure from the start, a line in the plot once it is near, and red from nine tenths on."""
    folder, limit = group
    target = launch("grows.py", 96)
    (folder / "cgroup.procs").write_text(str(target.pid))
    limit.write_text(str(192 * MIB))
    screen = top("-p", target.pid, "--view", "memory", columns=130, lines=40)
    screen.wait(r"limit 192M \(\d%\)")

    def red(t):
        """Rows of the plot with a red line through most of them."""
        return [y for y in range(t.find("peak RSS") + 1, 22)
                if sum(cell.fg in RED and cell.data.strip() != "" for cell in t.cells(y)) > 90]

    assert not red(screen)
    assert step(target) == "grow" and step(target) == "grow_more"
    screen.wait(r"limit 192M \(8\d%\)")
    screen.wait(lambda t: len(red(t)) == 1, "the limit is a line in the plot")
    target.process.stdin.close()
    screen.wait("(?i)ended")
    assert screen.quit() == 0


@pytest.mark.case("mem: progress on a terminal")
@pytest.mark.pythons(only=("system",))
def test_progress(top, launch, folder):
    """How much there is now; the line is gone at the end."""
    target = launch("grows.py", 64)
    screen = top("-p", target.pid, "-o", "mem.svg", command="mem", columns=100, delay=None)
    screen.wait(r"recording 0:0\d  RSS [\d.]+M  \d+ samples ")
    assert step(target) == "grow"
    screen.wait(lambda t: re.search(r"  RSS ([6-9]\d|1\d\d)(\.\d)?M ", t.text()), "it has grown")
    screen.send("C-c")
    assert screen.exited() == 0
    said = screen.text()
    assert "wrote mem.svg" in said and "Ctrl-C ends" not in said, said
    assert [path.name for path in folder.iterdir()] == ["mem.svg"]
