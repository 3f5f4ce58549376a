"""Line numbers, exact for every form of line table: each place of tests/targets/lines.py."""
import os

import pytest
from kit import truth
from kit.target import computes, marked


@pytest.mark.case("line numbers")
def test_every_place(spy, launch, python):
    """The interpreter's own f_lineno of every frame at some hundred hard places."""
    target = launch("lines.py")
    wrong = []
    places = 0
    while "done" not in target.facts:
        expected = truth.stack_of(python, target.facts, "number")
        found = truth.difference(expected, spy.dump(target.pid).main)
        if found:
            wrong.append(found)
        places += 1
        target.resume()
        target.ready()
    assert places > 75
    assert not wrong, "%d of %d places:\n%s" % (len(wrong), places, "\n".join(wrong[:10]))


@pytest.mark.case("line numbers")
def test_function_lines(spy, launch):
    """--function gives a function's first line, --nolineno none; both merge lines."""
    target = launch("spin.py")
    computes(target.pid)
    first = {"inner": marked("spin.py", "spin")[0] - 1, "main": marked("spin.py", "main")[0] - 4,
             "outer": marked("spin.py", "outer")[0] - 2}
    profile = spy.record("--function", pid=target.pid, seconds=0.3)
    assert profile.samples
    stacks = [frames for frames, _ in profile.frames() if frames[-1].name == "inner"]
    assert len(stacks) == 1
    assert {frame.name: frame.line for frame in stacks[0] if frame.name in first} == first
    profile = spy.record("--nolineno", pid=target.pid, seconds=0.3)
    stacks = [stack for stack in profile.stacks if stack[-1].startswith("inner")]
    assert stacks == [("<module> (spin.py)", "main (spin.py)", "outer (spin.py)", "inner (spin.py)")]
    profile = spy.record(pid=target.pid, seconds=0.3)
    lines = {frames[-1].line for frames, _ in profile.frames() if frames[-1].name == "inner"}
    assert lines <= set(marked("spin.py", "spin")) and lines


@pytest.mark.case("file names")
def test_file_names(spy, start, place, python):
    """Shortened to package/module.py by the target's sys.path, or whole when asked for."""
    place.put("package/__init__.py", "")
    place.put("package/inner/__init__.py", "")
    place.put("package/inner/module.py", "import truth\ndef function():\n    truth.pause()\n")
    path = place.put("package_user.py", "from package.inner import module\n"
                     "import json\njson.loads('[1]', object_hook=None, parse_int="
                     "lambda _: module.function())\n")
    target = start([*python.command, path])
    short = [f["file"] for f in spy.dump(target.pid).threads[0]["frames"]]
    assert short[2] == "package/inner/module.py"
    assert short[3] == "package_user.py" and short[-1] == "package_user.py"
    assert any(name.startswith("json/") for name in short), short
    whole = [f["file"] for f in spy.dump(target.pid, "--full-filenames").threads[0]["frames"]]
    told = [os.fspath(f[2]) for f in target.facts["stack"]]
    assert whole[2:] == told
    profile = spy.record("--idle", "--full-filenames", pid=target.pid, seconds=0.1)
    (frames, _), = profile.frames()
    assert [frame.file for frame in reversed(frames)][2:] == told
    profile = spy.record("--idle", pid=target.pid, seconds=0.1)
    (frames, _), = profile.frames()
    assert [frame.file for frame in reversed(frames)] == short
