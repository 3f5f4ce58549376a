"""Stacks must be what the interpreter itself says they are, frame by frame and line by line."""
import re

import pytest
from kit import truth
from kit.target import TARGETS, environment


def scenarios(name):
    """The scenarios of a target, read from its source."""
    text = (TARGETS / name).read_text(encoding="utf-8")
    found = re.findall(r"^@scenario\ndef (\w+)", text, re.MULTILINE)
    for places in re.findall(r"^for _place in \((.*?)\):", text, re.MULTILINE | re.DOTALL):
        found += ["hot_" + place for place in re.findall(r'"(\w+)"', places)]
    return [name for name in found if name != "bottomless"]


GROUPS = {
    "generators": "stack: generators", "hot_generator": "stack: generators",
    "delegation": "stack: generators", "hot_delegation": "stack: generators",
    "thrown": "stack: generators",
    "coroutines": "stack: coroutines", "hot_coroutine": "stack: coroutines",
    "event_loop": "stack: coroutines", "async_with": "stack: coroutines",
    "async_generators": "stack: async generators",
    "recursion": "stack: recursion", "deep": "stack: 10,000 deep",
    "execd": "stack: exec'd code", "evaluated": "stack: exec'd code",
    "latin": "stack: unicode", "cyrillic": "stack: unicode", "кириллица": "stack: unicode",
    "emoji": "stack: emoji", "long_names": "stack: long names",
    "long_wide_names": "stack: long names", "surrogates": "stack: surrogates",
    "controls": "stack: hostile names", "markup": "stack: hostile names",
    "empty": "stack: hostile names",
}


def cases(name):
    for scenario in scenarios(name):
        if scenario.startswith("hot_") and scenario not in GROUPS:
            case = "stack: specialised"
        else:
            case = GROUPS.get(scenario, "stack: plain")
        marks = [pytest.mark.case(case)]
        if scenario in ("plain", "deep", "coroutines", "surrogates"):
            marks.append(pytest.mark.quick)
        yield pytest.param(scenario, id=scenario, marks=marks)


def check(spy, python, target, thread=None):
    facts = target.facts
    dump = spy.dump(target.pid)
    stack = dump.main if thread is None else dump.of(dump.thread(thread))
    assert truth.difference(truth.stack_of(python, facts), stack) is None, (
        truth.difference(truth.stack_of(python, facts), stack))
    return dump


@pytest.mark.parametrize("scenario", cases("stacks.py"))
def test_stack(spy, launch, python, scenario):
    target = launch("stacks.py", scenario)
    dump = check(spy, python, target, {"deep": "deep", "local_thread": "local"}.get(scenario))
    assert not any(thread["truncated"] for thread in dump.threads)


@pytest.mark.parametrize("scenario", cases("modern.py"))
@pytest.mark.pythons(since=(3, 6))
def test_modern_stack(spy, launch, python, scenario):
    check(spy, python, launch("modern.py", scenario))


@pytest.mark.case("stack: 10,000 deep")
def test_deep_record(spy, launch):
    """In a recording too, and without taking long."""
    target = launch("stacks.py", "deep")
    profile = spy.record("--idle", pid=target.pid, seconds=0.5, rate=50)
    stacks = [frames for frames, _ in profile.frames()
              if any(frame.name.endswith("descend") for frame in frames)]
    assert len(stacks) == 1
    assert sum(frame.name.endswith("descend") for frame in stacks[0]) == 10001
    assert profile.having("descend") >= 0.9 * profile.certain


@pytest.mark.case("stack: beyond the bound")
@pytest.mark.pythons(only=("3.11", "3.13"))
def test_bound(spy, launch):
    """A stack deeper than the bound is cut at the root end and marked, not dropped."""
    target = launch("stacks.py", "bottomless", 150000)
    thread = spy.dump(target.pid).threads[0]
    names = [frame["name"].split(".")[-1] for frame in thread["frames"]]
    assert len(names) >= 10000 and names[:2] == ["wait", "descend"]
    assert thread["truncated"] == (len(names) < 150000)
    profile = spy.record("--idle", pid=target.pid, seconds=0.3, rate=20)
    assert profile.having("descend") >= 0.9 * profile.certain


@pytest.mark.case("qualified names")
def test_qualified_names(spy, launch, python):
    """Class.method from 3.11 on, plain names when asked for and before 3.11."""
    target = launch("stacks.py", "methods")
    expected = {plain: truth.stack_of(python, target.facts, plain=plain) for plain in (True, False)}
    for option, plain in (([], False), (["--function-names", "qualified"], False),
                          (["--function-names", "plain"], True)):
        stack = spy.dump(target.pid, *option).main
        assert truth.difference(expected[plain], stack) is None
        profile = spy.record("--idle", *option, pid=target.pid, seconds=0.1)
        names = [frame.name for frame in reversed(expected[plain])]
        assert [[frame.name for frame in frames] for frames, _ in profile.frames()] == [names]
    names = {frame.name for frame in expected[False]}
    assert ("Outer.Inner.method" if python.has_qualnames else "method") in names


@pytest.mark.case("stack: unicode")
@pytest.mark.parametrize("name", ["unicode\U0001f4a9.py", "модуль.py", "na\u00efve caf\u00e9.py"])
def test_file_name(spy, start, place, python, name):
    """A program whose own file name is not ASCII."""
    path = place.put(name, "# -*- coding: utf-8 -*-\nimport truth\ndef function1():\n"
                     "    truth.pause()\n\nfunction1()\n")
    target = start([*python.command, path])
    dump = check(spy, python, target)
    assert [(f["name"], f["file"], f["line"]) for f in dump.threads[0]["frames"][2:]] == [
        ("function1", name, 4), ("<module>", name, 6)]


@pytest.mark.case("stack: surrogates")
@pytest.mark.pythons(since=(3, 6))
def test_undecodable_file_name(spy, start, place, python):
    """A file name that is not UTF-8 becomes lone surrogates in Python 3."""
    path = place.put("plain_name.py", "import truth\ntruth.pause()\n")
    raw = (place.host / "targets" / "plain_name.py")
    renamed = bytes(raw.parent) + b"/byte\xff\xfename.py"
    raw.rename(renamed.decode("utf-8", "surrogateescape"))
    target = start([*python.command, path.replace("plain_name.py", "byte\udcff\udcfename.py")],
                   env=environment(PYTHONUTF8="1"))
    dump = check(spy, python, target)
    assert dump.threads[0]["frames"][2]["file"] == "byte\\udcff\\udcfename.py"


@pytest.mark.case("stack: hostile names")
def test_hostile_names_in_outputs(spy, launch):
    """Names with separators and control characters break no format's lines."""
    target = launch("stacks.py", "controls")
    profile = spy.record("--idle", pid=target.pid, seconds=0.1)
    assert len(profile.stacks) == 1
    text = spy.dump_text("-p", target.pid)
    assert "\x1b" not in text and "\x7f" not in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", profile.text)
    frames = [line for line in text.splitlines() if line.startswith("    ")]
    assert len(frames) == len(target.facts["stack"]) + 2


@pytest.mark.case("stack: long names")
def test_long_names_recorded(spy, launch):
    target = launch("stacks.py", "long_names")
    profile = spy.record("--idle", "--full-filenames", pid=target.pid, seconds=0.1)
    names = {frame.name.split(".")[-1]: frame for frames, _ in profile.frames() for frame in frames}
    assert "n" * 5000 in names
    assert names["n" * 5000].file == "/" + "d" * 6000 + "/file.py"
