"""What a profile takes in and how it shows it; the other formats of a recording."""
import json
import re
import xml.etree.ElementTree

import pytest
from kit import target as system
from kit.target import marked

pytestmark = pytest.mark.pythons(only=("2.7", "3.8", "3.13", "system"))


@pytest.mark.case("filter: --include, --exclude")
def test_include_exclude(spy, launch):
    target = launch("gil.py")
    system.computes(target.pid)
    profile = spy.record("--include", "hold_first", pid=target.pid, seconds=0.3)
    assert profile.having("hold_first") == profile.samples > 0
    profile = spy.record("--exclude", "hold_first", pid=target.pid, seconds=0.3)
    assert profile.having("hold_first") == 0 < profile.having("hold_second")
    profile = spy.record("--include", r"gil\.py", "--exclude", "hold_(first|third) ",
                         pid=target.pid, seconds=0.3)
    assert profile.having("hold_second") == profile.samples > 0
    profile = spy.record("--include", "^nothing", pid=target.pid, seconds=0.1)
    assert profile.samples == 0


@pytest.mark.case("several --pid")
def test_several(spy, launch):
    first, second = launch("spin.py"), launch("recursive.py")
    profile = spy.record("-p", second.pid, pid=first.pid, seconds=0.4)
    for frames, _ in profile.frames():
        pid = int(re.match(r"process (\d+)", frames[0].name).group(1))
        assert ("recurse" in [frame.name for frame in frames]) <= (pid == second.pid)
        assert ("outer" in [frame.name for frame in frames]) <= (pid == first.pid)
    assert profile.seen("outer") > 20 and profile.seen("recurse") > 20
    dumps = spy.dumps("-p", first.pid, "-p", second.pid)
    assert list(dumps) == [first.pid, second.pid]
    text = spy.dump_text("-p", first.pid, "-p", second.pid)
    assert re.findall(r"^Process (\d+)", text, re.MULTILINE) == [str(first.pid), str(second.pid)]


@pytest.mark.case("format: speedscope")
def test_speedscope(spy, launch):
    target = launch("spin.py")
    system.computes(target.pid)
    output = spy.file(".speedscope.json")
    spy.run("record", "-f", "speedscope", "-o", output, "-r", 200, "-d", 0.4, "-p", target.pid)
    data = json.loads(output.read_text(encoding="utf-8"))
    assert data["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = data["shared"]["frames"]
    seen = 0
    for profile in data["profiles"]:
        assert profile["type"] == "sampled"
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(weight > 0 for weight in profile["weights"])
        for sample in profile["samples"]:
            stack = [(frames[index]["name"], frames[index].get("file")) for index in sample]
            if not stack:
                continue  # nothing was seen for that long
            assert stack[0] == ("<module>", "spin.py")
            assert [name for name, _ in stack][:4] == ["<module>", "main", "outer", "inner"][:len(stack)]
            seen += 1
    assert seen >= 1
    lines = {frame["line"] for frame in frames if frame["name"] == "inner"}
    assert lines and lines <= set(marked("spin.py", "spin"))


@pytest.mark.case("format: flamegraph")
def test_flamegraph(spy, launch):
    """By default, and by the file's extension; the picture is whole XML and names functions."""
    target = launch("spin.py")
    output = spy.file(".svg")
    spy.run("record", "-o", output, "-r", 200, "-d", 0.3, "-p", target.pid)
    text = output.read_text(encoding="utf-8")
    assert xml.etree.ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert "inner" in text and "spin.py" in text
    spy.run("record", "-d", 0.2, "-p", target.pid)
    named = [path for path in spy.folder.glob("*.svg") if path != output]
    assert len(named) == 1
    assert re.match(r".*-%d-.*\.svg" % target.pid, named[0].name)


@pytest.mark.case("format: raw to standard output")
def test_standard_output(spy, launch):
    """py-spy's name for the folded format, and - for standard output."""
    target = launch("spin.py")
    done = spy.run("r", "--format", "raw", "-o", "-", "-d", 0.3, "--pid", target.pid)
    lines = done.stdout.decode().splitlines()
    assert lines and all(re.fullmatch(r"(.+;)*.+ \(.*:\d+\) \d+", line) for line in lines)
    assert list(spy.folder.iterdir()) == []


@pytest.mark.case("format: dump --json")
def test_json(spy, launch, python):
    """The schema has a version, and every process what the documentation says."""
    target = launch("threads.py")
    data = json.loads(spy.run("d", "-j", "-p", target.pid).stdout.decode("utf-8"))
    assert isinstance(data["version"], int)
    process, = data["processes"]
    assert process["pid"] == target.pid
    assert process["version"].startswith(python.full_version)
    assert "threads.py" in process["command"]
    for thread in process["threads"]:
        assert {"tid", "ident", "name", "active", "gil", "frames"} <= set(thread)
        for frame in thread["frames"]:
            assert {"name", "file", "path", "line"} <= set(frame)


@pytest.mark.case("options: rate and blocking")
@pytest.mark.parametrize("option", ["--blocking", "--nonblocking", "--mode=cpu", "--mode=gil"])
def test_modes(spy, launch, option):
    target = launch("spin.py")
    system.computes(target.pid)
    profile = spy.record(option, pid=target.pid, seconds=0.4, rate="1k")
    assert 0 < profile.truth["rate"] == 1000
    assert (0.8 if "gil" in option else 0.97) * profile.certain - 2 <= profile.samples <= 1.02 * 400
    assert profile.share(lambda frames: frames[0].name == "<module>") == 1
    assert profile.having("outer") > 0.95 * profile.samples
