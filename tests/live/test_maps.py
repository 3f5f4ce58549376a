"""pyspyc maps against what programs know of their memory (tests/targets/segments.py), and /proc."""
import json
import os
import re
import signal
import subprocess
import xml.etree.ElementTree

import cli_support as cli
import pytest
from kit.clocks import children_cpu
from kit.schema import check, load

MEGABYTE = 1 << 20
FIGURES = ("size", "rss", "pss", "uss", "dirty", "swap")


def taken(*arguments):
    result = cli.run("maps", "--json", *arguments)
    assert result.status == 0, result
    return json.loads(result.out)


def kinds(process):
    return {kind["kind"]: kind for kind in process["kinds"]}


def smaps(pid):
    """(size, rss, pss, dirty, swap) in bytes of all mappings, as the kernel gives them."""
    with open("/proc/%d/smaps" % pid, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()

    def total(name):
        return 1024 * sum(map(int, re.findall(r"^%s: *(\d+) kB" % name, text, re.M)))
    return {"size": total("Size"), "rss": total("Rss"), "pss": total("Pss"),
            "dirty": total("Shared_Dirty") + total("Private_Dirty"),
            "uss": total("Private_Clean") + total("Private_Dirty"), "swap": total("Swap")}


def assert_adds_up(process):
    for figure in FIGURES:
        total = process["total"][figure]
        for part in ("kinds", "items", "ranges"):
            assert sum(entry[figure] for entry in process[part]) == total, (figure, part)
    ranges = process["ranges"]
    for one, other in zip(ranges, ranges[1:]):
        assert int(one["end"], 16) <= int(other["start"], 16), (one, other)
    for entry in ranges:
        assert int(entry["end"], 16) - int(entry["start"], 16) == entry["size"]


@pytest.mark.case("maps")
def test_kinds(python, launch, place):
    target = launch("segments.py", os.path.dirname(place.path("segments.py")))
    document = taken("--all", "--pid", target.pid)
    truth = smaps(target.pid)
    (process,) = document["processes"]
    assert not document["errors"]
    schema = load("maps-schema.json")
    check(document, schema, schema)
    assert process["version"].startswith(python.full_version)
    assert_adds_up(process)
    for figure, value in truth.items():
        # How a page is shared changes with every process that starts or ends meanwhile, and what
        # pyspyc reads of files after it has read smaps is in memory from then on.
        most = {"pss": 8 << 20, "uss": 8 << 20, "rss": 2 << 20}.get(figure, 512 << 10)
        assert abs(process["total"][figure] - value) <= most, (figure, process["total"], truth)
    assert_truth(process, target.facts, python)
    target.resume()
    assert target.finish() == 0


def assert_truth(process, facts, python):
    """What the target knows to have touched is of the kind that it should be."""
    found = kinds(process)
    if python.free_threaded:
        least = facts["small"] + facts["block"]
        assert least <= found["mimalloc"]["rss"] <= least * 1.3 + 24 * MEGABYTE
    else:
        # Of each object a debug build has some words more.
        most = facts["small"] * (3 if python.debug else 1.7) + 16 * MEGABYTE
        assert facts["small"] <= found["arenas"]["rss"] <= most
        assert facts["block"] <= found["malloc"]["rss"] <= facts["block"] * 1.1 + 8 * MEGABYTE
    assert found["shared"]["rss"] == facts["shared"]
    (file,) = [item for item in process["items"]
               if item["kind"] == "files" and item["name"].endswith("more.bin")]
    assert "\n" in file["name"] and file["rss"] == file["size"] == facts["touched"]
    (stack,) = [item for item in process["items"]
                if item["kind"] == "stacks" and item["name"] == "the digger"]
    assert abs(facts["stack"] - stack["size"]) <= 2 << 16  # guard pages may count as well
    assert 0 < stack["rss"] < 4 * MEGABYTE
    assert found.get("anonymous", {"rss": 0})["rss"] < 4 * MEGABYTE, found["anonymous"]
    assert any("libc" in item["name"] or "musl" in item["name"] for item in process["items"]
               if item["kind"] == "libraries")


@pytest.mark.case("maps: interpreters' arenas")
@pytest.mark.pythons(since=(3, 12), where=lambda python: not python.free_threaded)
def test_interpreters(python, launch):
    """From 3.12 on each interpreter has arenas of its own."""
    sizes = {}
    for mode in ("wait", "fill"):
        target = launch("interpreters.py", mode)
        (process,) = taken("--pid", target.pid)["processes"]
        sizes[mode] = kinds(process)["arenas"]["rss"]
        target.stop()
    # A string of up to 6 digits takes 48 or 64 bytes there, and as much again in a debug build.
    more = sizes["fill"] - sizes["wait"]
    assert 2 * 200000 * 48 <= more <= 2 * 200000 * (160 if python.debug else 80), sizes


@pytest.mark.pythons(only=("3.13",))
def test_many_mappings(launch):
    """60,000 mappings, as many as a kernel usually lets a process have: in time and memory."""
    target = launch("mappings.py", "many", 60000)
    before = children_cpu()
    (process,) = taken("--pid", target.pid)["processes"]
    used = children_cpu() - before
    assert sum(item["ranges"] for item in process["items"]) >= 60000
    found = kinds(process)
    # malloc's blocks are told by their heads: some page of ones may look like one, but few.
    assert found["anonymous"]["rss"] >= 0.99 * target.facts["touched"]
    assert used < 5


@pytest.mark.pythons(only=("3.13",))
def test_huge_pages(launch):
    target = launch("mappings.py", "huge", 32)
    (process,) = taken("--all", "--pid", target.pid)["processes"]
    assert_adds_up(process)
    least = target.facts["touched"]
    assert least <= kinds(process)["anonymous"]["rss"] <= least + 4 * MEGABYTE


@pytest.mark.pythons(only=("3.8", "3.13", "3.15", "3.13t", "system"))
def test_to_the_byte(launch, place):
    """Of a process that stands still, and that has been looked at once before."""
    target = launch("segments.py", os.path.dirname(place.path("segments.py")))
    target.signal(signal.SIGSTOP)
    taken("--pid", target.pid)
    before = smaps(target.pid)
    (process,) = taken("--all", "--pid", target.pid)["processes"]
    assert_adds_up(process)
    for figure in ("size", "rss", "dirty", "swap"):
        assert process["total"][figure] == before[figure], figure


@pytest.fixture(name="sleeper")
def fixture_sleeper():
    with cli.python() as process:
        yield process


def test_text(sleeper):
    result = cli.run("maps", "--pid", sleeper.pid)
    assert result.status == 0 and not result.error, result
    assert "Process %d: " % sleeper.pid in result.out
    for title in ("Program code", "Shared libraries", "Thread stacks", "Total"):
        assert title in result.out
    assert len(cli.run("maps", "--all", "--pid", sleeper.pid).out) >= len(result.out)


def test_several_have_a_sum(sleeper):
    result = cli.run("maps", sleeper.pid, "-p", os.getpid())
    assert result.status == 0 and "All 2 processes" in result.out
    assert taken(sleeper.pid, os.getpid())["processes"][1]["pid"] == os.getpid()


def test_not_python():
    process = subprocess.Popen(["sleep", "60"])
    try:
        document = taken("--pid", process.pid, "--all")
        (found,) = document["processes"]
        assert found["version"] is None and found["notes"]
        assert_adds_up(found)
    finally:
        process.kill()
        process.wait()


def test_picture(sleeper, tmp_path):
    path = tmp_path / "maps.svg"
    result = cli.run("maps", "--pid", sleeper.pid, "-o", path)
    assert result.status == 0 and not result.out, result
    assert re.fullmatch(r"pyspyc: wrote %s \(\S+ kB\)\n" % re.escape(str(path)), result.error)
    root = xml.etree.ElementTree.parse(path).getroot()
    assert root.tag.endswith("svg") and "Shared libraries" in "".join(root.itertext())
    assert "script" not in path.read_text()


def test_ended_midway(sleeper):
    sleeper.kill()
    sleeper.wait()
    cli.assert_refused(cli.run("maps", "--pid", sleeper.pid), 1, str(sleeper.pid))


def test_bad_input(sleeper):
    cli.assert_refused(cli.run("maps"), 2, "--pid")
    cli.assert_refused(cli.run("maps", "--pid", "x"), 2, "x")
    cli.assert_refused(cli.run("maps", "--pid", sleeper.pid, "-o", "x.png"), 2, "x.png", "SVG")
    cli.assert_refused(cli.run("maps", "--pid", sleeper.pid, "-o", "/nowhere/x.svg"), 1, "/nowhere")
    both = cli.run("maps", "--pid", sleeper.pid, "--json", "-o", "-")
    cli.assert_refused(both, 2, "--json", "standard output")
    assert not both.out
    document = json.loads(cli.run("maps", "--json", "--pid", "1999999999").out)
    assert not document["processes"] and document["errors"][0]["pid"] == 1999999999


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user's process")
def test_not_permitted(sleeper):
    with cli.program_for_all() as program:
        process = cli.start("maps", "--pid", sleeper.pid, program=program,
                            prefix=cli.as_nobody())
        cli.assert_refused(cli.finish(process), 1, str(sleeper.pid))
