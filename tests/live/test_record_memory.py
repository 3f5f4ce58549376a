"""record --memory: time and bytes in one recording."""
import contextlib
import json
import os
import re

import cli_support as cli
import pytest
from kit.target import marked

MIB = 1 << 20
BLOCK = 40 * MIB  # what both.py takes and gives back,
SIZE = 3 * BLOCK  # so often


def hurry():
    """Where we may."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)


def record(command, path, *options, status=0):
    """Without others in its way; the program itself is as nice as any."""
    result = cli.run("record", "--memory", "-r", "500", "-o", path, *options, "--", "nice", "-n", "15",
                     *command, timeout=60, preexec_fn=hurry)
    assert result.status == status, result
    return path.read_text(encoding="utf-8")


def with_function(data, profile, name):
    """The weight of a speedscope profile's stacks that pass a function."""
    frames = [frame["name"] for frame in data["shared"]["frames"]]
    return sum(weight for stack, weight in zip(profile["samples"], profile["weights"])
               if any(frames[frame] == name for frame in stack))


@pytest.mark.case("record --memory: time and bytes")
def test_speedscope(command, folder, python):
    data = json.loads(record(command("both.py"), folder / "out.speedscope.json"))
    time, grown, released = data["profiles"]
    assert [p["unit"] for p in data["profiles"]] == ["nanoseconds", "bytes", "bytes"]
    assert (grown["name"], released["name"]) == ("RSS grown", "RSS released")
    assert 0.8e9 < with_function(data, time, "spin") < 4e9  # 1.1 s when it always has a CPU
    took = with_function(data, grown, "grow")
    gave = with_function(data, released, "main")
    if python.id.endswith("t"):
        # mimalloc gives memory back some time later, or gives it out again before that.
        gave += with_function(data, released, "<unknown>")
        assert 0.95 * BLOCK < took < 1.05 * SIZE and 0.95 * BLOCK < gave < 1.05 * SIZE
    else:
        assert took == pytest.approx(SIZE, rel=0.05)
        assert gave == pytest.approx(SIZE, rel=0.05)
        assert with_function(data, released, "<unknown>") < SIZE * 0.05
    assert with_function(data, grown, "spin") < SIZE * 0.05
    assert with_function(data, grown, "<unknown>") < SIZE * 0.05
    assert with_function(data, released, "grow") < SIZE * 0.05


@pytest.mark.pythons(only=("3.12",))
def test_flame_graph(command, folder, python):
    text = record(command("both.py"), folder / "out.svg", "-t", "-F")
    time, grown, released = (json.loads(part) for part in re.findall(
        r'<script type="application/json" class="data">(.*?)</script>', text, re.DOTALL))
    assert (time["bytes"], grown["bytes"], released["bytes"]) == (False, True, True)
    assert SIZE < grown["total"] < SIZE + 32 * MIB
    assert any(name.startswith("thread ") for name in grown["strings"])
    lines = grown["frames"][2::7]
    (first,) = marked("both.py", "grow")
    first -= 1  # of the function
    assert first in lines and first + 1 not in lines


def test_folded_is_refused(tmp_path):
    result = cli.run("record", "--memory", "-o", tmp_path / "out.folded", "--", "true")
    assert result.status == 2 and len(result.lines) == 1, result
    assert "mem -f folded" in result.error
    assert not list(tmp_path.iterdir())


@pytest.mark.pythons(only=("3.12",))
@pytest.mark.case("record --memory: an alarm")
def test_alarm(command, folder, python):
    """Ends with 3, with the profile and the stacks."""
    path = folder / "out.speedscope.json"
    data = json.loads(record(command("both.py"), path, "--max-rss", "40M", "--exec",
                             "cat $PYSPYC_DUMP > " + str(folder / "seen"), status=3))
    assert 0 < with_function(data, data["profiles"][1], "grow") < SIZE / 2
    assert re.search(r"^    (grow|spin) \(.*both\.py", (folder / "seen").read_text(), re.M)


@pytest.mark.parametrize("arguments, part", (
    (("--max-rss", "1G"), "record --memory"),
    (("--max-growth", "1M/s"), "record --memory"),
    (("--memory", "--max-rss", "much"), "not a number"),
    (("--memory", "--exec", "true"), "--max-rss or --max-growth"),
    (("--keep-going",), "--max-rss or --max-growth"),
))
def test_alarms_that_are_refused(arguments, part, tmp_path):
    cli.assert_refused(cli.run("record", *arguments, "--", "true", cwd=tmp_path), 2, part)
    assert not list(tmp_path.iterdir())
