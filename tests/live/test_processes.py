"""The list of the machine's Python processes, and sources read through a target's root."""
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import time

import cli_support as cli
import pytest
from conftest import FEW
from kit.target import TARGETS, environment, proc, state, wait_until
from test_binaries import compile_host, real_file

CLIENT = cli.BUILD / "tests" / "unit" / "list_processes"
SOURCE_MAX = 4 << 20
WORKERS = """
import os, time
for _ in range(500):
    if not os.fork():
        time.sleep(300)
        os._exit(0)
print("ready", flush=True)
time.sleep(300)
"""
few = pytest.mark.pythons(only=FEW)
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def client(*arguments, prefix=(), program=CLIENT):
    if not CLIENT.exists():
        pytest.fail("no program at %s: build it (./dev build)" % CLIENT)
    return subprocess.run([*prefix, program, *map(str, arguments)], capture_output=True, check=False,
                          timeout=30)


def listed(**more):
    """The processes by pid, and how long the list took."""
    done = client(**more)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    took = records.pop()["milliseconds"]
    assert [record["pid"] for record in records] == sorted({record["pid"] for record in records})
    return {record["pid"]: record for record in records}, took


def source(pid, path):
    done = client(pid, path)
    assert done.returncode == 0, done.stderr
    return done.stdout


def no_source(pid, path, part):
    done = client(pid, path)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1 and not done.stdout and len(lines) == 1, done
    assert part in lines[0], lines
    return lines[0]


def said_version(python):
    """As the list says it: builds have their letters put behind."""
    return python.full_version + ("t" if python.free_threaded else "") + ("d" if python.debug else "")


@pytest.mark.case("processes: version and figures")
def test_version_and_figures(launch, python):
    target = launch("sleeper.py")
    before = time.time()
    records, _ = listed()
    record = records[target.pid]
    # A release candidate says so too.
    assert record["version"].startswith(python.full_version)
    assert record["version"].endswith(said_version(python)[len(python.full_version):])
    assert record["readable"] is True
    assert record["uid"] == os.geteuid()
    assert record["parent"] == os.getpid()
    assert record["command"].endswith("sleeper.py")
    pages = int(proc(target.pid, "statm").split()[1])
    assert abs(record["rss"] - pages * os.sysconf("SC_PAGESIZE")) <= 1 << 20
    assert before - 60 < record["started_at"] <= before
    assert not any(record["command"].endswith("list_processes") for record in records.values())


@pytest.mark.case("processes: CPU time")
@few
def test_cpu_time(launch):
    target = launch("spin.py", ready=False)
    first = wait_until(lambda: listed()[0].get(target.pid), "it is in the list")["cpu_ns"]
    wait_until(lambda: listed()[0][target.pid]["cpu_ns"] > first + 3e8, "its CPU time goes up")


@pytest.mark.case("processes: embedded")
@pytest.mark.pythons(where=lambda python: not python.root)
def test_embedding_program(start, place, python, folder):
    host = compile_host(python, folder)
    place.put("embedded.py", "import truth\n\ntruth.pause()\n")
    target = start([host, "main", place.path("embedded.py")], env=environment(
        PYTHONPATH=place.inside + "/targets", PYTHONHOME=python.facts["prefix"]))
    record = listed()[0][target.pid]
    assert record["version"].startswith(python.full_version)
    assert "embedding-server" in record["command"]


@pytest.mark.case("processes: another name")
@pytest.mark.pythons(where=lambda python: not python.root)
def test_another_name(start, place, python, folder):
    """A copy of the executable under a name that says nothing, and one that has been deleted."""
    copy = folder / "worker"
    shutil.copy(real_file(python, python.executable), copy)
    libraries = {"LD_LIBRARY_PATH": python.facts["libdir"]} if python.shared else {}
    env = environment(PYTHONHOME=python.facts["prefix"], **libraries)
    target = start([copy, place.path("sleeper.py")], env=env)
    assert listed()[0][target.pid]["version"].startswith(python.full_version)
    copy.unlink()
    assert listed()[0][target.pid]["version"].startswith(python.full_version)


@pytest.mark.case("processes: none")
def test_others_are_left_out(folder):
    """Programs that are no Python, kernel threads, zombies; names alone do not make one."""
    fake = folder / "python3.12"
    shutil.copy(shutil.which("sleep"), fake)
    others = [subprocess.Popen(["sleep", "100"]), subprocess.Popen([fake, "100"]),
              subprocess.Popen(["sh", "-c", "sleep 100; : python3"])]
    zombie = subprocess.Popen(["/usr/bin/env", "true"])
    try:
        wait_until(lambda: state(zombie.pid) == "Z", "a zombie")
        wait_until(lambda: os.readlink("/proc/%d/exe" % others[1].pid) == str(fake), "its exec")
        pids = listed()[0]
        assert not {process.pid for process in [zombie, *others]} & set(pids)
        assert 2 not in pids or "kthreadd" not in proc(2, "comm")
    finally:
        for process in others:
            process.kill()
        for process in [zombie, *others]:
            process.wait()


@pytest.mark.case("processes: not to be read")
@root
@pytest.mark.pythons(only=("3.12", "3.14"))
def test_unreadable(launch, python):
    """To a user without rights: named by its command line, the version as the name says it."""
    target = launch("sleeper.py")
    with cli.folder(0o755) as place:
        shutil.copy(CLIENT, place / "client")
        records, _ = listed(prefix=cli.as_nobody(), program=place / "client")
    record = records[target.pid]
    assert record["readable"] is False
    assert record["version"] in ("?", "%d.%d" % python.version)
    assert record["uid"] == 0 and record["rss"] > 0


@pytest.mark.case("processes: whose they are")
@root
@pytest.mark.pythons(only=("system",))
def test_user(start, python):
    nobody = pwd.getpwnam("nobody").pw_uid
    target = start(["setpriv", "--reuid=%d" % nobody, "--clear-groups", *python.command, "-c",
                    "print('ready', flush=True); input()"])
    assert listed()[0][target.pid]["uid"] == nobody


@pytest.mark.case("processes: a thousand")
@pytest.mark.pythons(only=("3.12",))
def test_a_thousand(start, python):
    """Half of them a server's workers, half something else: 200 ms at most."""
    workers = start([*python.command, "-c", WORKERS])
    others = start(["sh", "-c", "for i in $(seq 500); do sleep 300 & done; echo ready; wait"])
    records, took = min((listed() for _ in range(5)), key=lambda result: result[1])
    children = [record for record in records.values() if record["parent"] == workers.pid]
    assert len(children) == 500
    assert {record["version"] for record in children} == {python.full_version}
    assert not any(record["parent"] == others.pid for record in records.values())
    assert took <= 200, "%.0f ms" % took


@pytest.mark.case("source: names")
@pytest.mark.pythons(only=("2.7", "3.12", "3.14"))
def test_source_by_name(start, place, python):
    """Whole and relative names, in the root of the target; the chroot's has other files."""
    path = place.path("sleeper.py")
    target = start([*python.command, path])
    text = (TARGETS / "sleeper.py").read_bytes()
    assert source(target.pid, path) == text
    if python.root:
        inside = pathlib.Path(python.root) / "etc/hostname"
        inside_only = pathlib.Path(python.root) / "usr/lib/python3.14/os.py"
        assert source(target.pid, "/usr/lib/python3.14/os.py") == inside_only.read_bytes()
        assert not inside.exists() or source(target.pid, "/etc/hostname") == inside.read_bytes()


@pytest.mark.case("source: as pyspyc sees it")
def test_source_without_a_process(place):
    """What is left when the target has ended."""
    assert source(0, str(TARGETS / "sleeper.py")) == (TARGETS / "sleeper.py").read_bytes()
    no_source(0, place.path("none.py"), "No such file")
    no_source(0, "/dev/zero", "no regular file")


@pytest.mark.case("source: relative to the working directory")
@pytest.mark.pythons(only=("3.12", "3.14"))
def test_source_relative(start, place, python):
    place.put("sub/part.py", "PART = 1\n")
    place.put("above.py", "ABOVE = 1\n")
    code = "import os; os.chdir(%r); print('ready', flush=True); input()" % place.path("sub")
    target = start([*python.command, "-c", code])
    assert source(target.pid, "part.py") == b"PART = 1\n"
    assert source(target.pid, "./../above.py") == b"ABOVE = 1\n"
    no_source(target.pid, "../" * 40 + "none/of/this.py", "No such file")
    (place.host / "targets/sub/part.py").unlink()
    (place.host / "targets/sub").rmdir()
    no_source(target.pid, "part.py", "part.py")


@pytest.mark.case("source: links stay inside")
@pytest.mark.pythons(only=("3.14",), where=lambda python: python.root)
def test_source_links_stay_inside(start, place, python):
    secret = pathlib.Path("/tmp/pyspyc-outside-%d.py" % os.getpid())
    secret.write_text("OUTSIDE = 1\n")
    link = place.host / "targets" / "link.py"
    link.symlink_to(secret)
    climbing = place.host / "targets" / "climbing.py"
    climbing.symlink_to("../" * 30 + str(secret)[1:])
    try:
        target = start([*python.command, place.path("sleeper.py")])
        for name in ("link.py", "climbing.py"):
            no_source(target.pid, place.path(name), "No such file")
        no_source(target.pid, str(secret), "No such file")
    finally:
        secret.unlink()
        link.unlink()
        climbing.unlink()


@pytest.mark.case("source: what is none")
@pytest.mark.pythons(only=("3.12",))
def test_source_refusals(launch, place, folder):
    target = launch("sleeper.py")
    no_source(target.pid, "<string>", "made at run time")
    no_source(target.pid, "", "no file")
    no_source(target.pid, "/dev/null", "regular")
    no_source(target.pid, str(folder), "regular")
    no_source(target.pid, "/proc/%d/root/etc/passwd" % os.getpid(), "cannot open")
    no_source(target.pid, "/no/such\n\x1b[31mfile.py", "No such file")
    os.mkfifo(folder / "pipe.py")
    no_source(target.pid, str(folder / "pipe.py"), "regular")
    gone = subprocess.Popen(["true"])
    gone.wait()
    no_source(gone.pid, "/etc/passwd", str(gone.pid))


@pytest.mark.case("source: size")
@pytest.mark.pythons(only=("3.12",))
def test_source_sizes(launch, folder):
    target = launch("sleeper.py")
    file = folder / "big.py"
    for data in (b"", b"a\0b\n", b"# \xff\n" * 10, b"x" * (SOURCE_MAX - 1), b"y" * SOURCE_MAX):
        file.write_bytes(data)
        assert source(target.pid, file) == data
    with file.open("ab") as more:
        more.truncate(1 << 32)
    assert source(target.pid, file) == b"y" * SOURCE_MAX
