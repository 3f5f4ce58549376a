"""`pyspyc mem`: page faults and the first RSS, of processes that begin, go on and end."""
import csv
import re

import pytest
from kit.figures import number

MIB = 1 << 20
# Children that are over long before the recording is, each with so many pages of its own.
CHILDREN = """
import os, time
PAGES = 3000
for _ in range(6):
    pid = os.fork()
    if not pid:
        mine = bytearray(PAGES * 4096)
        time.sleep(0.3)
        os._exit(0)
    os.waitpid(pid, 0)
# Those that have ended are listed for five seconds more; then they are forgotten.
time.sleep(float("%g"))
"""


def faults(said):
    found = re.search(r"page faults: (\d+) minor, (\d+) major;", said)
    assert found, said
    return int(found[1])


@pytest.mark.pythons(only=("3.12",))
@pytest.mark.case("mem: page faults of what has ended")
def test_ended(spy, command):
    """They are not forgotten with the process."""
    python = command("grows.py")[:-1]
    for wait in (0, 7):
        output = spy.file(".csv")
        ran = spy.run("mem", "-s", "-o", output, "--", *python, "-c", CHILDREN % wait)
        assert faults(ran.stderr.decode()) > 6 * 3000, ran.stderr


@pytest.mark.pythons(only=("3.12", "3.14"))
@pytest.mark.case("mem: page faults from the beginning")
def test_begun(spy, command, launch):
    """Of a program that is started all of them count, of one that ran before what comes then."""
    python = command("grows.py")[:-1]
    output = spy.file(".csv")
    ran = spy.run("mem", "-o", output, "--", *python, "-c",
                  "import time; mine = bytearray(8000 * 4096); time.sleep(0.5)")
    assert 8000 < faults(ran.stderr.decode()) < 100000, ran.stderr
    target = launch("grows.py", 64)
    target.resume()
    target.ready()
    ran = spy.run("mem", "-p", target.pid, "-d", "1", "-o", output)
    assert faults(ran.stderr.decode()) < 2000, ran.stderr


@pytest.mark.pythons(only=("3.12",))
@pytest.mark.case("mem: RSS at first, and PSS beside it")
def test_first(spy, launch):
    """At 1 Hz, too, the first moment is that of attaching; PSS follows when much has changed."""
    target = launch("grows.py", 160)
    output = spy.file(".csv")
    process = spy.start("mem", "-p", target.pid, "-r", "1", "-o", output, "-d", "8")
    target.resume()  # at about the same time: 160 MB in more than half a second
    target.ready()
    _, error = process.communicate(timeout=30)
    said = error.decode()
    first, last = re.search(r"RSS (\S+) at first, (\S+) at last", said).groups()
    assert process.returncode == 0, said
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert float(rows[0]["time_s"]) < 0.05, rows[0]
    assert number(last) - number(first) > 120 * MIB, said
    assert abs(int(rows[-1]["pss"]) - int(rows[-1]["rss"])) < 20 * MIB, rows[-1]
    assert all(not row["pss"] or int(row["pss"]) <= int(row["rss"]) for row in rows)
