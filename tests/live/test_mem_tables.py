"""What mem writes for other programs, read by them: mprof's file, CSV, JSON."""
import csv
import json
import os
import subprocess
import sys

import cli_support as cli
import pytest
from kit.schema import check, load

MIB = 1 << 20

# A parent that grows by 40 MiB and a child that grows by 20 and ends.
PROGRAM = """
import os, sys, time

def load(size):
    return bytearray(b"x") * (size << 20)

def work(size):
    kept = load(size)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    return kept

time.sleep(0.3)
kept = work(40)
pid = os.fork()
if pid == 0:
    work(20)
    os._exit(0)
os.waitpid(pid, 0)
time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """record(extension): the path of such a file, and how the recording went."""
    folder = tmp_path_factory.mktemp("memory")
    (folder / "program.py").write_text(PROGRAM)

    def make(extension):
        path = folder / ("out" + extension)
        result = cli.run("mem", "-s", "-r", "200", "-o", path, "--", sys.executable,
                         folder / "program.py")
        assert result.status == 0, result
        return path

    return make


def test_csv(record):
    path = record(".csv")
    assert path.read_bytes().count(b"\r\n") == path.read_bytes().count(b"\n")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    times = [float(row["time_s"]) for row in rows]
    assert times == sorted(times)
    sizes = {}
    for row in rows:
        sizes.setdefault(row["pid"], []).append(int(row["rss"]))
    parent, child = sizes.values()
    assert 40 * MIB < max(parent) - parent[0] < 60 * MIB
    assert max(child) > 20 * MIB
    lines = {(row["function"], row["line"]) for row in rows
             if row["file"].endswith("program.py")}
    assert ("load", "5") in lines
    read = [row for row in rows if row["pss"]]
    assert read and all(int(row["uss"]) <= int(row["pss"]) for row in read)


def test_json(record):
    data = json.loads(record(".json").read_text(encoding="utf-8"))
    schema = load("memory-schema.json")
    check(data, schema, schema)
    parent, child = data["processes"]
    assert child["parent"] == parent["pid"] and child["ended"]
    assert data["peak"]["rss"] >= max(point[2] for point in data["points"])
    assert [point[0] for point in data["points"]] == sorted(p[0] for p in data["points"])
    climb = data["climbs"][0]
    assert climb["to_rss"] - climb["from_rss"] > 35 * MIB
    assert climb["of_stack"] > 30 * MIB
    frame = data["frames"][data["stacks"][climb["stack"]][0]]
    assert frame["function"] == "load" and frame["line"] == 5
    assert data["files"][frame["file"]].endswith("program.py")


# mprof itself, which says what it has drawn.
PLOT = """
import sys
import matplotlib
matplotlib.use("Agg")
import mprof
import pylab

options = type("Options", (), {"xlim": None, "slope": False})()
read = mprof.plot_file(sys.argv[1], options=options)
for line in pylab.gca().get_lines():
    print(line.get_label(), len(line.get_xdata()), max(line.get_ydata()), sep=";")
print(read["cmd_line"].strip())
"""


def test_mprof_plots_it(record, tmp_path):
    pytest.importorskip("mprof", reason="memory_profiler is not installed")
    pytest.importorskip("matplotlib")
    path = record(".dat")
    environment = {**os.environ, "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", PLOT, path], env=environment, text=True,
                         capture_output=True, timeout=60, check=True)
    lines = [line.split(";") for line in ran.stdout.splitlines()]
    assert " - start at " in lines[0][0] and lines[1][0].startswith("child ")
    assert int(lines[0][1]) > 5 and float(lines[0][2]) > 45
    assert int(lines[1][1]) > 1 and float(lines[1][2]) > 20
    assert lines[-1][0] == f"{sys.executable} {path.parent}/program.py"
    picture = tmp_path / "plot.png"
    subprocess.run([sys.executable, "-m", "mprof", "plot", "-o", picture, path], env=environment,
                   capture_output=True, timeout=60, check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")
