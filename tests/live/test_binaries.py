"""Interpreters that are hard to find: stripped, deleted, replaced, embedded, in a venv."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from kit import truth
from kit import target as system
from kit.target import TARGETS, environment


def real_file(python, path):
    """The host's path of a file that the interpreter sees as `path`, links followed inside."""
    root = python.root or "/"
    for _ in range(10):
        full = root + path if python.root else path
        if not os.path.islink(full):
            return pathlib.Path(full)
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(full)))
    raise AssertionError("too many links at " + path)


class Copy:
    """A copy of an interpreter's binary and libpython, for as long as it may be tampered with."""

    def __init__(self, python, place, name):
        self.python = python
        self.host = pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir=place.host))
        self.host.chmod(0o755)
        self.inside = "%s/%s" % (place.inside, self.host.name)
        self.files = [self.take(real_file(python, python.executable), "python-copy")]
        self.environment = {"PYTHONHOME": python.facts["prefix"]}
        if python.shared:
            library = os.path.join(python.facts["libdir"], python.facts["soname"])
            self.files.append(self.take(real_file(python, library), python.facts["soname"]))
            self.environment["LD_LIBRARY_PATH"] = self.inside

    def take(self, source, name):
        path = self.host / name
        shutil.copy(source, path)
        path.chmod(0o755)
        return path

    def command(self, script):
        prefix = ["chroot", self.python.root] if self.python.root else []
        return [*prefix, self.inside + "/python-copy", script]

    def remove(self):
        shutil.rmtree(self.host, ignore_errors=True)


@pytest.fixture
def copy(python, place):
    with contextlib.ExitStack() as stack:
        def make(name):
            made = Copy(python, place, name)
            stack.callback(made.remove)
            return made
        yield make


@pytest.fixture
def check(spy, python):
    def checker(target, pid=None):
        dump = spy.dump(pid or target.pid)
        stack = dump.main
        assert truth.difference(truth.stack_of(python, target.facts), stack) is None, (
            truth.difference(truth.stack_of(python, target.facts), stack))
        assert dump.version.startswith(python.full_version)
        return dump
    return checker


def start_copy(copied, start, place):
    return start([*copied.command(place.path("stacks.py")), "plain"],
                 env=environment(**copied.environment))


@pytest.mark.case("stripped")
@pytest.mark.skipif(not shutil.which("strip"), reason="no strip")
def test_stripped(start, place, copy, check):
    copied = copy("stripped")
    for path in copied.files:
        subprocess.run(["strip", "--strip-all", "--remove-section=.comment",
                        "--remove-section=.gnu_debuglink", path], check=True)
    check(start_copy(copied, start, place))


@pytest.mark.case("without section headers")
def test_no_sections(start, place, copy, check):
    """As some packers leave files: only the program headers tell what is where."""
    copied = copy("headless")
    for path in copied.files:
        with open(path, "r+b") as file:
            file.seek(0x28)
            file.write(b"\0" * 8)  # e_shoff
            file.seek(0x3a)
            file.write(b"\0" * 6)  # e_shentsize, e_shnum, e_shstrndx
    check(start_copy(copied, start, place))


@pytest.mark.case("deleted binary")
def test_deleted(start, place, copy, check):
    copied = copy("deleted")
    target = start_copy(copied, start, place)
    copied.remove()
    check(target)


@pytest.mark.case("replaced binary")
def test_replaced(start, place, copy, check):
    """After an upgrade in place: other files, of another layout, have the same names."""
    copied = copy("replaced")
    target = start_copy(copied, start, place)
    for path in copied.files:
        other = path.with_name("other")
        shutil.copy("/bin/ls", other)
        os.replace(other, path)
    check(target)


@pytest.mark.case("replaced: recording")
@pytest.mark.pythons(only=("2.7", "3.8", "3.13", "3.14", "system"))
def test_replaced_record(spy, start, place, copy):
    """Deleted while it is recorded, too."""
    copied = copy("vanishing")
    target = start([*copied.command(place.path("spin.py"))],
                   env=environment(**copied.environment))
    process = spy.start("record", "-f", "folded", "-o", spy.folder / "a.folded", "-r", 200,
                        "-d", 0.5, "-p", target.pid)
    copied.remove()
    assert process.wait(20) == 0
    assert spy.read(spy.folder / "a.folded").having("inner") >= 40


@pytest.mark.case("virtual environment")
@pytest.mark.pythons(since=(3, 6), where=lambda python: not python.debug or python.id == "system-debug")
def test_venv(spy, start, place, python, folder):
    """A venv's symbolic link, and a package installed in it."""
    made = subprocess.run([*python.command, "-m", "venv", "--without-pip", "--symlinks",
                           "%s/venv-%s" % (place.inside, python.id)], stderr=subprocess.PIPE,
                          env=environment(), check=False)
    assert made.returncode == 0, made.stderr.decode()
    host = place.host / ("venv-" + python.id)
    site, = host.glob("lib/python*/site-packages")
    (site / "thirdparty").mkdir()
    (site / "thirdparty" / "__init__.py").write_text("")
    (site / "thirdparty" / "code.py").write_text("def call(function):\n    return function()\n")
    path = place.put("in_venv.py", "import thirdparty.code, truth\n"
                     "thirdparty.code.call(truth.pause)\n")
    prefix = ["chroot", python.root] if python.root else []
    target = start([*prefix, "%s/venv-%s/bin/python" % (place.inside, python.id), path])
    dump = spy.dump(target.pid)
    assert truth.difference(truth.stack_of(python, target.facts), dump.main) is None
    assert [frame["file"] for frame in dump.threads[0]["frames"]][2:] == [
        "thirdparty/code.py", "in_venv.py"]


def compile_host(python, folder):
    """tests/targets/embed.c against the interpreter's libpython; skips where there is none."""
    include, libdir = python.facts["include"], python.facts["libdir"] or ""
    name = "python" + python.facts["ldversion"]
    if not shutil.which("gcc"):
        pytest.skip("no C compiler")
    if python.root or not os.path.exists(os.path.join(include, "Python.h")):
        pytest.skip("no headers of %s" % python.id)
    libraries = [libdir, os.path.join(libdir, os.uname().machine + "-linux-gnu")]
    found = [place for place in libraries if os.path.exists("%s/lib%s.so" % (place, name))]
    if not found:
        pytest.skip("no shared libpython of %s" % python.id)
    subprocess.run(["gcc", "-o", folder / "embedding-server", TARGETS / "embed.c", "-w",
                    "-I" + include, "-L" + found[0], "-Wl,-rpath," + found[0], "-l" + name,
                    "-lpthread", "-ldl", "-lm", "-lutil"], check=True)
    return folder / "embedding-server"


@pytest.mark.case("embedded")
@pytest.mark.pythons(where=lambda python: not python.root)
@pytest.mark.parametrize("where", ["main", "thread"])
def test_embedded(spy, start, place, python, folder, where):
    """In a program of another name, in its main thread or in another."""
    host = compile_host(python, folder)
    place.put("embedded.py", "import truth\n\ndef inside():\n    truth.pause()\n\ninside()\n")
    target = start([host, where, place.path("embedded.py")], env=environment(
        PYTHONPATH=place.inside + "/targets", PYTHONHOME=python.facts["prefix"]))
    dump = spy.dump(target.pid)
    assert truth.difference(truth.stack_of(python, target.facts), dump.main) is None
    assert len(dump.threads) == 1
    assert (dump.threads[0]["tid"] == target.pid) == (where == "main")
    assert dump.version.startswith(python.full_version)
    assert "embedding-server" in dump.record["command"]
    profile = spy.record("--idle", pid=target.pid, seconds=0.2)
    assert profile.having("inside") >= 0.9 * profile.certain


UWSGI_APPLICATION = """
import threading
import time
import uwsgi


def background():
    end = time.time() + 60
    while time.time() < end:
        sum(range(2000))


def begin():
    thread = threading.Thread(target=background, name="busy")
    thread.daemon = True
    thread.start()
    open(uwsgi.opt["marker"].decode() + str(uwsgi.worker_id()), "w").close()


uwsgi.post_fork_hook = begin


def application(environ, start_response):
    start_response("200 OK", [])
    return [b""]
"""


@pytest.mark.case("uwsgi")
@pytest.mark.pythons(only=("system",))
@pytest.mark.skipif(not shutil.which("uwsgi"), reason="no uwsgi")
def test_uwsgi(spy, start, folder):
    """An interpreter inside uwsgi's plugin, forked into workers."""
    (folder / "app.py").write_text(UWSGI_APPLICATION)
    with open(folder / "log", "wb") as log:
        target = start(["uwsgi", "--plugins", "python3", "--socket", folder / "socket", "--master",
                        "--processes", "2", "--enable-threads", "--need-app", "--wsgi-file",
                        folder / "app.py", "--set", "marker=%s/worker-" % folder, "--die-on-term"],
                       ready=False, stderr=log)
    system.wait_until(lambda: target.process.poll() is not None or all(
        (folder / ("worker-%d" % number)).exists() for number in (1, 2)), "uwsgi's workers start")
    assert target.process.poll() is None, (folder / "log").read_text()[-2000:]
    workers = system.children(target.pid)
    assert len(workers) == 2
    dumps = spy.dumps("-s", "-p", target.pid)
    for worker in workers:
        thread = dumps[worker].thread("busy")
        assert "background" in [frame.name for frame in dumps[worker].of(thread)]
    profile = spy.record("-s", pid=target.pid, seconds=0.5)
    busy = [root for root in profile.roots() if int(root.split()[1]) in workers]
    assert len(busy) == 2 and profile.having("background") >= 1.5 * profile.certain
