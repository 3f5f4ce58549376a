"""Bad input: one line on standard error, the exit status, and nothing left behind."""
import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys

import cli_support as cli
import pytest

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
pytestmark = pytest.mark.quick

P = ("-p", "1")

# Wrong arguments: what is given, and words that the message must have.
USAGE = [
    ((), None),
    (("nonsense",), "no command 'nonsense'"),
    (("",), "no command"),
    (("--nonsense",), "unknown option '--nonsense'"),
    (("-x",), "unknown option '-x'"),
    (("help", "nonsense"), "no command 'nonsense'"),
    (("help", "record", "dump"), "one command"),
    (("record",), "neither"),
    (("record", "--"), "neither"),
    (("record", "-d", "1"), "neither"),
    (("record", "-p"), "--pid needs a value"),
    (("record", "-p", "abc"), "'abc' is not a process id"),
    (("record", "-p", "0"), "process id"),
    (("record", "-p", "-1"), "process id"),
    (("record", "-p", "0x"), "process id"),
    (("record", "-p", "1.5"), "process id"),
    (("record", "-p", "99999999999999999999"), "process id"),
    (("record", "-p", ""), "empty"),
    (("record", *P, "python3", "x.py"), "contradict"),
    (("record", ""), "empty"),
    (("record", *P, "-r", "0"), "more than 0"),
    (("record", *P, "-r", "-1"), "negative"),
    (("record", *P, "-r", "nan"), "not a number"),
    (("record", *P, "-r", "inf"), "not finite"),
    (("record", *P, "-r", "2m"), "too high"),
    (("record", *P, "-r", "9" * 400), "too high"),
    (("record", *P, "-r", "0.0000001"), "too low"),
    (("record", *P, "-r", "fast"), "not a number"),
    (("record", *P, "-r", "100x"), "rate"),
    (("record", *P, "-r"), "needs a value"),
    (("record", *P, "-r", "1", "--rate=2"), "twice"),
    (("record", *P, "-d", "0"), "more than 0"),
    (("record", *P, "-d", "-5"), "negative"),
    (("record", *P, "-d", "nan"), "not a number"),
    (("record", *P, "-d", "inf"), "not finite"),
    (("record", *P, "-d", "1e300"), "not a time"),
    (("record", *P, "-d", "9" * 400), "too long"),
    (("record", *P, "-d", "10y"), "not a time"),
    (("record", *P, "-d", "30m1h"), "not a time"),
    (("record", *P, "-f", "nonsense"), "flamegraph"),
    (("record", *P, "-f", "nonsense"), "speedscope"),
    (("record", *P, "-o", "a.nonsense"), ".svg"),
    (("record", *P, "-o", "--rate"), "needs a value"),
    (("record", *P, "--output="), "empty"),
    (("record", *P, "-g", "-i"), "--gil and --idle"),
    (("record", *P, "--mode", "wall", "-g"), "--mode and --gil"),
    (("record", *P, "-i", "--mode=cpu"), "--mode and --idle"),
    (("record", *P, "--mode", "nonsense"), "wall, cpu or gil"),
    (("record", *P, "--blocking", "--nonblocking"), "--nonblocking and --blocking"),
    (("record", *P, "--function", "--nolineno"), "--function and --nolineno"),
    (("record", *P, "--function-names", "long"), "qualified or plain"),
    (("record", *P, "--include", "("), "regular expression"),
    (("record", *P, "--exclude", "[a"), "regular expression"),
    (("record", *P, "--idle=yes"), "takes no value"),
    (("record", *P, "--no"), "--nonblocking, --nolineno"),
    (("record", *P, "-\x1b[2Jn"), "unknown option"),
    (("record", *P, "--native"), "not supported"),
    (("record", "-n", *P), "not supported"),
    (("dump",), "--pid"),
    (("dump", "-j"), "--pid"),
    (("dump", "-p"), "needs a value"),
    (("dump", "python3"), "'python3' is not a process id"),
    (("dump", "1", "a\nb\x1b[31m"), "a\\nb\\x1b[31m"),
    (("dump", *P, "--blocking", "--nonblocking"), "cannot be used together"),
    (("dump", *P, "-l"), "not supported"),
    (("dump", *P, "--locals"), "not supported"),
    (("dump", "--core", "file"), "not supported"),
    (("dump", *P, "-o", "x"), "unknown option '-o'"),
]


@pytest.mark.parametrize("arguments, part", USAGE, ids=lambda value: (
    ascii(" ".join(value)[:40]) if isinstance(value, tuple) else ""))
def test_usage(arguments, part, tmp_path):
    result = cli.run(*arguments, cwd=tmp_path)
    if part is None:  # no arguments at all: the help
        assert result.status == 2 and not result.out and "record" in result.error
    else:
        cli.assert_refused(result, 2, part, "--help")
        assert not result.out
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("arguments, part", [
    (("--help",), "record"), (("-h",), "dump"), (("help",), "record"),
    (("record", "--help"), "--rate"), (("r", "-h", "--nonsense"), "flamegraph"),
    (("help", "d"), "--json"), (("dump", "-p", "1", "--help"), "--json"),
    (("--version",), "pyspyc "), (("-V",), "pyspyc "), (("help", "--help"), "COMMAND"),
])
def test_help(arguments, part):
    result = cli.run(*arguments)
    assert result.status == 0 and not result.error and part in result.out, result
    assert max(map(len, result.out.splitlines())) <= 80


# What cannot be written, found out before anything is started or read.
@pytest.mark.parametrize("output, part", [
    ("missing/out.svg", "no directory missing"), (".", "directory"), ("sub", "directory"),
    ("sub/", "directory"), ("file/out.svg", "not a directory"), ("x" * 300 + ".svg", "too long"),
    ("/proc/out.svg", "/proc/out.svg"), ("socket", "neither"),
    ("loop/out.svg", "loop/out.svg"),
])
def test_unwritable(output, part, tmp_path):
    import socket
    (tmp_path / "sub").mkdir()
    (tmp_path / "file").write_text("former")
    (tmp_path / "loop").symlink_to("loop")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(tmp_path / "socket"))
    before = sorted(os.listdir(tmp_path))
    ran = tmp_path / "ran"
    cli.assert_refused(cli.run("record", "-f", "folded", "-o", output, "--", "touch", ran,
                               cwd=tmp_path), 1, part)
    assert sorted(os.listdir(tmp_path)) == before, "something was left behind, or it was started"
    listener.close()


@root
def test_unwritable_for_user():
    """Folders and files of others, the current folder among them."""
    with cli.program_for_all() as program, cli.folder(0o755) as closed, \
            cli.folder(0o1777) as sticky:
        (closed / "own.svg").write_text("former")
        (closed / "own.svg").chmod(0o666)
        (sticky / "theirs.svg").write_text("former")
        (sticky / "theirs.svg").chmod(0o666)
        for output, cwd, part in (
                (closed / "new.svg", "/", "permission denied"),
                (closed / "own.svg", "/", "permission denied"),
                (sticky / "theirs.svg", "/", "another user"),
                (None, closed, "--output")):
            words = ["-o", output] if output else []
            cli.assert_refused(cli.run("record", *words, "--", "true", cwd=cwd, program=program,
                                       prefix=cli.as_nobody()), 1, part)
        (sticky / "fixed.svg").write_text("former")
        (sticky / "fixed.svg").chmod(0o444)
        shutil.chown(sticky / "fixed.svg", cli.NOBODY, cli.NOBODY)
        cli.assert_refused(cli.run("record", "-o", sticky / "fixed.svg", "--", "true",
                                   program=program, prefix=cli.as_nobody()), 1, "permission")
        assert (sticky / "theirs.svg").read_text() == "former"
        assert os.listdir(closed) == ["own.svg"]


@pytest.mark.parametrize("words", [("dump",), ("record", "-d", "0.1", "-o", "a.svg")],
                         ids=("dump", "record"))
class TestTargets:
    """Processes that cannot be read."""

    def check(self, words, pid, tmp_path, *parts, timeout=cli.DEADLINE):
        result = cli.run(*words, "--pid", pid, cwd=tmp_path, timeout=timeout)
        cli.assert_refused(result, 1, str(pid), *parts)
        assert os.listdir(tmp_path) == []

    def test_none(self, words, tmp_path):
        limit = int(pathlib.Path("/proc/sys/kernel/pid_max").read_text())
        self.check(words, limit + 1, tmp_path, "no")

    def test_exited(self, words, tmp_path):
        process = subprocess.Popen(["true"])
        process.wait()
        self.check(words, process.pid, tmp_path)

    def test_zombie(self, words, tmp_path):
        process = subprocess.Popen(["true"])
        cli.wait_until(lambda: cli.state(process.pid) == "Z", "a zombie")
        self.check(words, process.pid, tmp_path)
        process.wait()

    def test_kernel_thread(self, words, tmp_path):
        if not pathlib.Path("/proc/2/stat").exists() or os.path.exists("/proc/2/exe"):
            pytest.skip("no kernel threads to be seen here")
        self.check(words, 2, tmp_path, "kernel")

    def test_not_python(self, words, tmp_path):
        process = subprocess.Popen(["sleep", "1000"])
        try:
            self.check(words, process.pid, tmp_path, "python")
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()

    def test_itself(self, words, tmp_path):
        process = cli.start("-c", 'exec "$0" "$@" --pid $$', cli.PYSPYC, *words, program="/bin/sh",
                            cwd=tmp_path)
        cli.assert_refused(cli.finish(process), 1, str(process.pid), "itself")
        assert os.listdir(tmp_path) == []

    @root
    def test_not_permitted(self, words, tmp_path):
        """Nobody may not read root's process, which is not harmed by the attempt."""
        tmp_path.chmod(0o777)
        with cli.program_for_all() as program, cli.python() as target, cli.folder() as place:
            result = cli.run(*words, "--pid", target.pid, cwd=place, program=program,
                             prefix=cli.as_nobody())
            cli.assert_refused(result, 1, str(target.pid))
            assert "root" in result.error or "CAP_SYS_PTRACE" in result.error, result
            assert os.listdir(place) == []
            assert cli.state(target.pid) in "RS"

    def test_several(self, words, tmp_path):
        """One bad process of two: dump shows the other, record refuses."""
        gone = subprocess.Popen(["true"])
        gone.wait()
        with cli.python() as target:
            result = cli.run(*words, "-p", gone.pid, "-p", target.pid, cwd=tmp_path)
            cli.assert_refused(result, 1, str(gone.pid))
            assert ("Process %d: " % target.pid in result.out) == (words[0] == "dump")
        assert os.listdir(tmp_path) == []


def test_json_tells_errors():
    gone = subprocess.Popen(["true"])
    gone.wait()
    with cli.python() as target:
        result = cli.run("dump", "--json", gone.pid, target.pid)
    cli.assert_refused(result, 1, str(gone.pid))
    data = json.loads(result.out)
    assert data["schema"] == "pyspyc-dump" and data["version"] == 1
    assert [process["pid"] for process in data["processes"]] == [target.pid]
    assert [(error["pid"], error["code"]) for error in data["errors"]] == [(gone.pid, "no-process")]
    assert data["errors"][0]["message"] in result.error


def test_tree_with_pyspyc_in_it():
    """The shell that calls pyspyc, and what else it has started."""
    script = '"$1" -c "$2" | { read ready; "$0" dump -s $$; }'
    process = cli.start("-c", script, cli.PYSPYC, sys.executable,
                        "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(1)",
                        program="/bin/sh")
    result = cli.finish(process)
    assert result.status == 0 and not result.error, result
    assert result.out.count("Process ") == 2 and "Parent Process %d: " % process.pid in result.out


def test_no_program(tmp_path):
    cli.assert_refused(cli.run("record", "no-such-program-here", cwd=tmp_path), 1,
                       "no-such-program-here")
    cli.assert_refused(cli.run("record", "--", "/", cwd=tmp_path), 1)
    cli.assert_refused(cli.run("record", "4194000", cwd=tmp_path), 1, "--pid 4194000")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("form", ["folded", "flamegraph", "speedscope"])
def test_full(form, tmp_path):
    """A device that is full, a file that may not grow, and a small file system."""
    with cli.python(cli.SPINNER) as target:
        words = ("record", "-f", form, "-d", "0.2", "-p", target.pid, "-o")
        cli.assert_refused(cli.run(*words, "/dev/full", cwd=tmp_path), 1, "/dev/full", "no space")
        cli.assert_refused(cli.run(*words, "-", cwd=tmp_path, stdout=open("/dev/full", "wb")), 1,
                           "standard output", "no space")
        cli.assert_refused(cli.run(*words, "a.svg", cwd=tmp_path, prefix=["prlimit", "--fsize=10"]),
                           1, "a.svg", "too large")
        assert os.listdir(tmp_path) == []
        (tmp_path / "a.svg").write_text("former")
        cli.run(*words, "a.svg", cwd=tmp_path, prefix=["prlimit", "--fsize=10"])
        assert (tmp_path / "a.svg").read_text() == "former" and os.listdir(tmp_path) == ["a.svg"]
        assert target.poll() is None


def test_full_dump(tmp_path):
    with cli.python() as target:
        for option in ((), ("--json",)):
            result = cli.run("dump", *option, target.pid, stdout=open("/dev/full", "wb"))
            cli.assert_refused(result, 1, "standard output", "no space")
    cli.assert_refused(cli.run("--help", stdout=open("/dev/full", "wb")), 1, "no space")


@root
def test_full_file_system(tmp_path):
    """The recording is bigger than what is left; a page of it stays free afterwards."""
    script = ('mount -t tmpfs -o size=4k none "$1" && cd "$1" && head -c 4000 /dev/zero >big && '
              '"$2" record -f flamegraph -o a.svg -d 0.2 -p "$3"; echo "status $?"; ls -A')
    with cli.python(cli.SPINNER) as target:
        result = cli.run("-m", "sh", "-c", script, "sh", tmp_path, cli.PYSPYC, target.pid,
                         program="unshare")
    if "mount" in result.error or "unshare" in result.error:
        pytest.skip(result.error)
    assert "status 1\n" in result.out and result.out.endswith("status 1\nbig\n"), result
    assert len(result.lines) == 1 and result.error.startswith("pyspyc: cannot write a.svg"), result


def closed_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_closed_pipe(tmp_path):
    """As of `… | head`: neither a word nor killed by SIGPIPE. Closed before: nothing is sampled."""
    def is_quiet(result):
        return result.status == 1 and not result.error

    with cli.python(cli.SPINNER) as target:
        writer = closed_pipe()
        for words in (("record", "-o", "-", "-p"), ("dump",), ("dump", "-j"), ("gc",), ("gc", "-j"),
                      ("maps",), ("maps", "-j"), ("maps", "-o", "-"), ("mem", "-d", "1", "-p"),
                      ("mem", "-d", "1", "-o", "-", "-p"), ("tracemalloc", "-o", "-")):
            result = cli.run(*words, target.pid, stdout=writer)
            assert is_quiet(result), (words, result)
        assert is_quiet(cli.run("--help", stdout=writer))
        watch = cli.run("gc", "--watch", "-d", "1", target.pid, stdout=writer)
        assert watch.status == 1 and len(watch.lines) == 1 and "collections" in watch.error, watch
        # A pipe of another name is a file that could not be written.
        result = cli.run("record", "-o", "/dev/fd/%d" % writer, "-p", target.pid,
                         pass_fds=[writer])
        cli.assert_refused(result, 1, "/dev/fd", "pipe")
        process = cli.start("record", "-o", "-", "-p", target.pid)
        cli.wait_until(lambda: cli.catches(process.pid, signal.SIGINT), "it records")
        process.stdout.close()
        process.stdout = None
        process.send_signal(signal.SIGINT)
        assert is_quiet(cli.finish(process))
        assert target.poll() is None
        os.close(writer)


def test_closed_streams(tmp_path):
    """Without standard streams nothing is written to where they would be."""
    with cli.python() as target:
        result = cli.run("-c", '"$0" dump "$1" >&-', cli.PYSPYC, target.pid, program="/bin/sh")
        cli.assert_refused(result, 1, "standard output")
        result = cli.run("-c", '"$0" record -o - -d 0.1 -p "$1" >&-', cli.PYSPYC, target.pid,
                         program="/bin/sh")
        cli.assert_refused(result, 1, "standard output")
        process = cli.start("-c", 'exec "$0" record -i -o a.folded -p "$1" <&- >&- 2>&-',
                            cli.PYSPYC, target.pid, program="/bin/sh", cwd=tmp_path)
        cli.wait_until(lambda: cli.catches(process.pid, signal.SIGINT), "it records")
        streams = [os.readlink("/proc/%d/fd/%d" % (process.pid, fd)) for fd in range(3)]
        process.send_signal(signal.SIGINT)
        assert cli.finish(process).status == 0
        assert streams == ["/dev/null"] * 3
        assert "pyspyc:" not in (tmp_path / "a.folded").read_text()


def terminal(*arguments, cwd, act=None, env=None):
    """Runs the program with a terminal as its standard error; what it showed there."""
    master, slave = pty.openpty()
    process = cli.start(*arguments, cwd=cwd, stderr=slave, env=env or cli.environment())
    os.close(slave)
    shown = b""
    try:
        while True:
            shown += os.read(master, 65536)
            if act and act(process, shown):
                act = None
    except OSError:  # the terminal's other end is closed
        pass
    os.close(master)
    process.communicate(timeout=cli.DEADLINE)
    return process.returncode, shown.decode()


def test_progress(tmp_path):
    """A line that is redrawn on a terminal and gone at the end; none when it is not wanted."""
    def stop(process, shown):
        if shown.count(b"recording") < 3:
            return False
        process.send_signal(signal.SIGINT)
        return True

    with cli.python() as target:
        words = ("record", "-i", "-o", "a.svg", "-p", target.pid)
        status, shown = terminal(*words, cwd=tmp_path, act=stop)
        assert status == 0 and "samples" in shown and "errors" in shown
        lines = shown.split("\r\x1b[K")
        assert "recording" not in lines[-1] and "wrote a.svg" in lines[-1]
        for more, env in ((("--hideprogress",), None), ((), cli.environment(TERM="dumb"))):
            status, shown = terminal(*words, "-d", "0.3", *more, cwd=tmp_path, env=env)
            assert status == 0 and "recording" not in shown and "\x1b" not in shown, shown
    status, shown = terminal("record", "-i", "-o", "a.svg", "--", sys.executable, "-c",
                             "import time; time.sleep(0.5)", cwd=tmp_path)
    assert status == 0 and "recording" not in shown and "\x1b" not in shown, shown


def test_colours():
    """On a terminal only, and not against NO_COLOR."""
    def dump(**more):
        master, slave = pty.openpty()
        result = cli.run("dump", target.pid, stdout=slave, env=cli.environment(**more))
        os.close(slave)
        shown = os.read(master, 65536)
        os.close(master)
        assert result.status == 0, result
        return shown

    with cli.python() as target:
        assert b"\x1b[" in dump()
        assert b"\x1b" not in dump(NO_COLOR="1")
        assert b"\x1b" not in dump(TERM="dumb")
        assert "\x1b" not in cli.run("dump", target.pid).out


def test_hostile_names():
    """Names that would act on a terminal are shown as what they are."""
    code = ("import time\nprint('ready', flush=True)\n"
            "exec(compile('import time\\ntime.sleep(1000)', "
            "'a\\x1b[31m\\nProcess 1: x\\u202e', 'exec'))")
    with cli.python(code) as target:
        cli.wait_until(lambda: cli.state(target.pid) == "S", "it sleeps")
        result = cli.run("dump", target.pid)
    assert result.status == 0
    assert "a\\x1b[31m\\nProcess 1: x\\u202e" in result.out
    assert not any(char in result.out for char in "\x1b\u202e")
    assert sum(line.startswith("Process ") for line in result.out.splitlines()) == 1


def test_second_signal(tmp_path):
    """A second signal ends it at once, as the signal does; the program runs on."""
    process = cli.start("record", "-o", "out.txt", "-f", "folded", "--", sys.executable, "-c",
                        "import os, signal, time\nsignal.signal(2, signal.SIG_IGN)\n"
                        "print(os.getpid(), flush=True)\ntime.sleep(1000)", cwd=tmp_path)
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    cli.wait_until((tmp_path / "out.txt").exists, "the file is written")
    assert process.poll() is None, "it waits for the program"
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == -signal.SIGINT
    assert cli.state(child) == "S"
    os.kill(child, signal.SIGKILL)
    cli.finish(process)
    assert os.listdir(tmp_path) == ["out.txt"]


def test_signal_before_recording(tmp_path):
    """While nobody opens the pipe that it is to write to."""
    os.mkfifo(tmp_path / "out.txt")
    process = cli.start("record", "-o", "out.txt", "-f", "folded", "--", "touch", "ran",
                        cwd=tmp_path)
    cli.interrupt(process)
    cli.assert_refused(cli.finish(process), 1, "out.txt")
    assert os.listdir(tmp_path) == ["out.txt"]


def test_program_arguments(tmp_path):
    """Options behind the program are the program's, with -- and without."""
    for dashes in ((), ("--",)):
        result = cli.run("record", "-o", "a.svg", *dashes, sys.executable, "-c",
                         "import sys, time; time.sleep(0.2); print(sys.argv[1:]); sys.exit(4)",
                         "--rate", "-x", "--", "--help", cwd=tmp_path)
        assert result.status == 4, result
        assert result.out == "['--rate', '-x', '--', '--help']\n"


STAND_IN = "process %d is no Python: process %d, below it, is %s"


@contextlib.contextmanager
def shell_of(count):
    """A shell with Pythons below it, and their pids."""
    # In one write(2): there may be two at once.
    program = "import os, time; os.write(1, b\"%d\\n\" % os.getpid()); time.sleep(100)"
    line = "'%s' -c '%s'" % (sys.executable, program)
    shell = subprocess.Popen(["sh", "-c", (line + " & ") * count + "wait"], stdout=subprocess.PIPE,
                             text=True)
    pids = [int(shell.stdout.readline()) for _ in range(count)]
    try:
        yield shell.pid, sorted(pids)
    finally:
        for pid in [*pids, shell.pid]:
            os.kill(pid, signal.SIGKILL)
        shell.communicate()


def test_stand_in(tmp_path):
    """Which process is looked at in place of a shell is said once; with its children all are."""
    output = ("-d", "0.3", "-o", tmp_path / "a.svg", "-p")
    commands = ((("gc",), "shown"), (("gc", "-w", "-d", "0.3"), "watched"),
                (("tracemalloc",), "looked at"), (("record", "-i", *output), "recorded"),
                (("mem", *output), "recorded"), (("mem", "-d", "0.3", "-p"), "recorded"),
                (("top", "--once", "-p"), "looked at"))
    with shell_of(1) as (shell, (python,)):
        for words, done in commands:
            result = cli.run(*words, shell)
            assert result.lines[0] == "pyspyc: " + STAND_IN % (shell, python, done), result
            assert result.error.count("no Python") == 1, result
            assert "no Python" not in cli.run(*words, python).error
    with shell_of(2) as (shell, pythons):
        for words, done in commands:
            result = cli.run(*words, shell)
            match = re.match(r"pyspyc: process %d is no Python: process (\d+), the first of 2 Pythons "
                             r"below it, is %s(.*)$" % (shell, done), result.lines[0])
            assert match and int(match[1]) in pythons, result
            takes_all = words[0] != "tracemalloc"
            assert match[2] == " (--subprocesses takes all)" * takes_all, result
            if takes_all:
                assert "no Python" not in cli.run(words[0], "-s", *words[1:], shell).error
        # Each once, and the shell not at all.
        shown = re.findall(r"(?m)^Process (\d+)", cli.run("gc", "-s", shell).out)
        assert sorted(map(int, shown)) == pythons
