"""Fixtures of the live tests: interpreters, targets, and pyspyc itself.

Environment: PYSPYC names the program to test (build/pyspyc); PYSPYC_MATRIX a file that the
table at the end of the run is written to as well.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import tempfile

import pytest
from kit import pythons
from kit.matrix import Matrix
from kit.spy import Spy
from kit.target import Place, Target
from kit.top import Top

# For what does not depend on the interpreter: one per way of finding frames, and a static one.
FEW = ("2.7", "3.8", "3.13", "system")
# One per way of finding frames, objects and line tables, of those that are in use.
FAMILIES = ("3.8", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t")


def pytest_configure(config):
    config.addinivalue_line("markers", "flaky(reruns=): how often a failure is tried again, where "
                            "the runner does so at all")
    config.addinivalue_line("markers", "quick: part of the quick subset")
    config.addinivalue_line("markers", "case(name): the row of the table that a test belongs to")
    config.addinivalue_line(
        "markers", "pythons(since=, until=, only=, where=): the interpreters a test is for; "
        "only is a tuple of their names, where a condition")
    config.pythons = pythons.discover()
    config.pluginmanager.register(Matrix([python.id for python in config.pythons]))


def wanted(python, mark):
    limits = mark.kwargs if mark else {}
    return (python.version >= limits.get("since", (2, 7))
            and python.version <= limits.get("until", (9, 9))
            and python.id in limits.get("only", (python.id,))
            and limits.get("where", lambda _: True)(python))


def pytest_generate_tests(metafunc):
    if "python" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("pythons")
    chosen = []
    for python in metafunc.config.pythons:
        if wanted(python, mark):
            marks = [pytest.mark.skip(reason="%s is not installed" % python.id)] \
                if python.missing else []
            chosen.append(pytest.param(python, id=python.id, marks=marks))
    metafunc.parametrize("python", chosen)


def pytest_collection_modifyitems(items):
    for item in items:
        case = item.get_closest_marker("case")
        if case:
            item.user_properties.append(("case", case.args[0]))
        python = getattr(item, "callspec", None) and item.callspec.params.get("python")
        if python:
            item.user_properties.append(("python", python.id))


@pytest.fixture(scope="session", autouse=True)
def unignored():
    """What a shell or nohup has had us ignore is not ignored in what tests start: it would be
    inherited, other than a handler."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def places():
    """Folders with the targets, one per root directory."""
    found = {}

    def place(python):
        if python.root not in found:
            found[python.root] = Place(python.root)
        return found[python.root]

    yield place
    for each in found.values():
        each.remove()


@pytest.fixture
def place(places, python):
    return places(python)


@pytest.fixture
def folder():
    """An empty folder that every user may enter."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pyspyc-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def spy(folder):
    """pyspyc, with a folder of its own to work in."""
    program = Spy(folder)
    if not os.access(program.path, os.X_OK):
        pytest.fail("no program at %s: build it (./dev build) or set PYSPYC" % program.path)
    yield program
    program.stop()


@pytest.fixture
def start():
    """Starts any command as a target: start(command, **popen)."""
    with contextlib.ExitStack() as stack:
        def run(command, ready=True, **popen):
            target = Target(command, **popen)
            stack.callback(target.stop)
            if ready:
                target.ready()
            return target
        yield run


@pytest.fixture
def launch(python, place, start):
    """Starts a program of tests/targets with the test's interpreter: launch(name, *arguments)."""
    def run(name, *arguments, **more):
        return start([*python.command, place.path(name), *map(str, arguments)], **more)
    return run


@pytest.fixture
def command(python, place):
    """The command that starts a program of tests/targets: command(name, *arguments)."""
    def make(name, *arguments):
        return [*python.command, place.path(name), *map(str, arguments)]
    return make


@pytest.fixture
def top(spy):
    """Starts `pyspyc top` in a terminal: top(*arguments, columns=, lines=, term=, …)."""
    with contextlib.ExitStack() as stack:
        def run(*arguments, **more):
            terminal = Top(spy.path, *arguments, cwd=spy.folder, **more)
            stack.callback(terminal.close)
            return terminal
        yield run
