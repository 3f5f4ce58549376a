"""`pyspyc mem`: files, text, what it says at the end, how it ends, bad input."""
import csv
import json
import re
import signal

import cli_support as cli
import pytest
from kit import target as system
from kit.figures import number
from kit.memory import begin, done, step

MIB = 1 << 20
one = pytest.mark.pythons(only=("system",))
P = ("mem", "-p", "1")
FORMATS = {"plot": ".svg", "mprof": ".dat", "csv": ".csv", "json": ".json", "lines": ".txt",
           "flamegraph": ".svg", "folded": ".folded", "speedscope": ".speedscope.json"}


@pytest.mark.quick
@pytest.mark.case("mem: growth and release, by stack")
def test_growth(spy, launch, python):
    target = launch("grows.py", 64)
    output = spy.file(".folded")
    process = begin(spy, target, output)
    assert [step(target), step(target)] == ["grow", "grow_more"]
    process.send_signal(signal.SIGINT)
    status, said = done(process)
    assert status == 0, said
    profile = spy.read(output)
    grown, more = profile.having("grow"), profile.having("grow_more")
    assert abs(grown - 64 * MIB) < 6 * MIB and abs(more - 32 * MIB) < 4 * MIB, profile.text
    first, last = (number(text) for text in
                   re.search(r"RSS (\S+) at first, (\S+?) at last", said.replace(",", " ,")
                             .replace(" ,", ",", 1)).groups())
    assert abs(last - first - 96 * MIB) < 6 * MIB, said
    peak = re.search(r"; peak ([\d.]+[KMG]) .*at [\d.]+ s in .+ \(.*\.py:\d+\)", said)
    assert peak and abs(number(peak[1]) - last) < 3 * MIB, said
    assert re.search(r"grew most: \S+ grow \(\S*grows\.py:\d+\), \S+ (grow|linger)", said)
    assert re.search(r"page faults: \d+ minor, \d+ major; the kernel (told|did not tell)", said)
    assert "own CPU" in said and str(output) in said
    released = spy.file(".folded")
    process = begin(spy, target, released, "--released")
    before = system.rss(target.pid)
    assert step(target) == "shrink"
    given_back = before - system.rss(target.pid)
    process.send_signal(signal.SIGTERM)
    assert done(process)[0] == 0
    assert given_back > 48 * MIB
    # mimalloc keeps some for a while, and gives it back in one piece, in shrink() or behind it.
    piece = 12 if python.id == "3.13t" else 4
    assert abs(spy.read(released).having("shrink") - given_back) < piece * MIB


@one
@pytest.mark.case("mem: each format")
@pytest.mark.parametrize("name", FORMATS)
def test_formats(spy, command, name):
    """By name and by extension, of a program that is started and whose status is kept."""
    script = "kept = bytearray(20 << 20)\nwhile not kept[-1]:\n kept[-1] += 1\nraise SystemExit(5)"
    python = command("grows.py")[:-1]
    output = spy.file(".out")
    ran = spy.run("mem", "-f", name, "-o", output, "--", *python, "-c", script, status=5)
    assert output.stat().st_size > 20 and b"wrote " in ran.stderr, ran.stderr
    if name not in ("flamegraph", "folded"):
        again = spy.file(FORMATS[name])
        spy.run("mem", "-o", again, "--", *python, "-c", script, status=5)
        assert again.read_bytes()[:5] == output.read_bytes()[:5]


@one
@pytest.mark.case("mem: text")
def test_text(spy, launch):
    """Without a file and a terminal: figures as they come, a table at the end."""
    target = launch("grows.py", 64)
    process = spy.start("mem", "-p", target.pid, "--delay", "100ms")
    lines = [process.stdout.readline().decode() for _ in range(3)]
    assert lines[0].split()[:8] == ["Time", "RSS", "PSS", "USS", "Swap", "Faults/s", "Major/s",
                                    "Growth/min"]
    assert re.match(r" +[\d.]+s +[\d.]+M ", lines[1]), lines
    # Faults of before are nobody's; a trend there is from ten seconds on.
    assert float(lines[1].split()[5]) < 20000 and lines[1].split()[7] == "-", lines
    step(target)
    while not re.search(r"\+[\d.]+[KM] grow \(", lines[-1]):
        lines.append(process.stdout.readline().decode())
        assert len(lines) < 200 and lines[-1], "grow() is the line that grows"
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=20)
    assert process.returncode == 0
    table = out.decode().split("Grown  Released", 1)[1]
    rows = re.findall(r"^ *(\S+) +(\S+) +(\S+)  (?:grow|linger) \(\S*grows\.py:\d+\)$", table, re.M)
    assert abs(sum(number(row[0]) for row in rows) - 64 * MIB) < 6 * MIB, table
    assert b"RSS " in error and b"at first" in error


@one
@pytest.mark.case("mem: text")
def test_trend_begins(spy, command):
    """Memory that grows steadily has a trend, or none yet, but not one of 0."""
    script = "import time; kept = []\nfor _ in range(130): kept.append(b'x' * 1000000); time.sleep(0.1)"
    done = spy.run("mem", "-d", "12.5", "--delay", "100ms", "--", *command("grows.py")[:-1],
                   "-c", script)
    rows = re.findall(r"^ *([\d.]+)s +(?:\S+ +){6}(\S+) ", done.stdout.decode(), re.M)
    trends = [trend for _, trend in rows]
    first = next(i for i, trend in enumerate(trends) if trend != "-")
    assert float(rows[first][0]) >= 10 and len(trends) - first > 10, rows
    assert all(re.fullmatch(r"\+\d{3}M", trend) for trend in trends[first:]), rows


@one
@pytest.mark.case("mem: a peak of before the recording")
def test_peak_before(spy, launch):
    """What memory once was is not the recording's peak, in the summary and in the file."""
    target = launch("grows.py", 64)
    for _ in range(3):
        last = step(target)
    assert last == "shrink"
    output = spy.file(".json")
    process = begin(spy, target, output)
    process.send_signal(signal.SIGINT)
    status, said = done(process)
    assert status == 0, said
    first, peak = (number(part) for part in re.search(
        r"RSS ([\d.]+[KMG]) at first.*; peak ([\d.]+[KMG]) at ", said).groups())
    assert peak < first + 8 * MIB, said
    entry, = json.loads(output.read_text())["processes"]
    assert entry["peak_rss"] < first + 8 * MIB, entry


@one
@pytest.mark.case("mem: the target ends")
def test_target_ends(spy, launch):
    target = launch("grows.py", 64)
    output = spy.file(".folded")
    process = begin(spy, target, output)
    step(target)
    target.process.stdin.close()
    status, said = done(process)
    assert status == 0, said
    assert spy.read(output).having("grow") > 58 * MIB
    last = number(re.search(r"at first, ([\d.]+[KMG]) at last", said)[1])
    assert last > 0, said


@one
@pytest.mark.case("mem: first and last")
def test_last(spy, python, tmp_path):
    """The summary's last figure is the file's, also of a program that has ended."""
    output = tmp_path / "out.csv"
    done = spy.run("mem", "-o", output, "--", *python.command, "-c",
                   "import time; kept = bytearray(1 << 24); time.sleep(0.3)")
    assert done.returncode == 0, done.stderr
    last = number(re.search(rb"at first, ([\d.]+[KMG]) at last", done.stderr)[1].decode())
    rows = list(csv.DictReader(output.open()))
    assert last > 0 and abs(last - float(rows[-1]["rss"])) <= last / 100, (last, rows[-1])


@one
@pytest.mark.case("mem: several processes")
def test_subprocesses(spy, command):
    ran = spy.run("mem", "-s", "--", *command("grows.py")[:-1], "-c", """
import os
kept = bytearray(8 << 20)
if not os.fork():
    kept = bytearray(64 << 20)
    while not kept[-1]:
        kept[-1] += 1
    os._exit(0)
os.wait()
""")
    assert b"Grown" in ran.stdout


USAGE = [
    (("mem",), "neither"),
    ((*P, "x.py"), "contradict"),
    ((*P, "-f", "nonsense"), "mprof"),
    ((*P, "-f", "pprof"), "unknown format"),
    ((*P, "-o", "a.nonsense"), ".dat"),
    ((*P, "--delay", "1ms"), "too short"),
    ((*P, "--delay", "1", "-o", "m.svg"), "--delay"),
    ((*P, "--all-lines"), "--format lines"),
    ((*P, "--all-lines", "-f", "csv"), "--format lines"),
    ((*P, "--released", "-f", "csv"), "flamegraph"),
    ((*P, "--threads", "-f", "plot"), "flamegraph"),
    ((*P, "--max-rss", "much"), "not a number"),
    ((*P, "--max-rss", "2X"), "not a size"),
    ((*P, "--max-rss", "0"), "more than 0"),
    ((*P, "--max-rss", "-1G"), "negative"),
    ((*P, "--max-rss", "9" * 400), "too much"),
    ((*P, "--max-rss"), "needs a value"),
    ((*P, "--max-rss", ""), "empty"),
    ((*P, "--max-growth", "50M/year"), "not a growth"),
    ((*P, "--max-growth", "0M/s"), "more than 0"),
    ((*P, "--exec", "true"), "--max-rss or --max-growth"),
    ((*P, "--keep-going"), "--max-rss or --max-growth"),
    ((*P, "--gil"), "--gil"),
    ((*P, "-r", "0"), "more than 0"),
    ((*P, "-d", "-5"), "negative"),
]


@pytest.mark.quick
@pytest.mark.parametrize("arguments, part", USAGE)
def test_usage(arguments, part, tmp_path):
    cli.assert_refused(cli.run(*arguments, cwd=tmp_path), 2, part)
    assert not list(tmp_path.iterdir())


@pytest.mark.quick
def test_failures(tmp_path):
    cli.assert_refused(cli.run("mem", "-p", 4194303, cwd=tmp_path), 1, "4194303")
    cli.assert_refused(cli.run("mem", "-o", "no/m.svg", "-p", 1, cwd=tmp_path), 1, "no directory no")
    cli.assert_refused(cli.run("mem", "-o", "m.svg", "/no/program", cwd=tmp_path), 1, "/no/program")
    assert not list(tmp_path.iterdir())
