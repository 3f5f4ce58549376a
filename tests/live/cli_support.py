"""Helpers of the tests of the command line that need no fixtures."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

from kit.target import catches

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PYSPYC = os.path.abspath(os.environ.get("PYSPYC") or REPOSITORY / "build" / "pyspyc")
BUILD = pathlib.Path(os.environ.get("PYSPYC_BUILD") or pathlib.Path(PYSPYC).parent)
NOBODY = 65534
DEADLINE = 20

SLEEPER = "import sys, time\nprint('ready', flush=True)\nwhile True:\n    time.sleep(0.01)\n"
SPINNER = "print('ready', flush=True)\nwhile True:\n    pass\n"


def environment(**more):
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith(("SUDO_", "LC_", "NO_COLOR"))}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "xterm", **more}


class Result:
    def __init__(self, status, out, error):
        self.status = status
        self.out = out
        self.error = error
        self.lines = error.splitlines()

    def __repr__(self):
        return "status %s\nstdout: %s\nstderr: %s" % (self.status, self.out[-2000:],
                                                     self.error[-2000:])


def start(*arguments, program=PYSPYC, prefix=(), **popen):
    popen.setdefault("env", environment())
    popen.setdefault("stdin", subprocess.DEVNULL)
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    return subprocess.Popen([*prefix, program, *map(str, arguments)], **popen)


def finish(process, timeout=DEADLINE):
    try:
        out, error = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, error = process.communicate()
        raise AssertionError("did not end within %d s: %s" % (timeout, error)) from None
    result = Result(process.returncode, (out or b"").decode("utf-8", "backslashreplace"),
                    (error or b"").decode("utf-8", "backslashreplace"))
    assert "Sanitizer" not in result.error and "runtime error:" not in result.error, result
    return result


def run(*arguments, timeout=DEADLINE, **more):
    return finish(start(*arguments, **more), timeout)


def wait_until(condition, what, timeout=DEADLINE):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "not within %d s: %s" % (timeout, what)
        time.sleep(0.005)


def unread(pipe):
    """How many bytes wait in it."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def state(pid):
    with contextlib.suppress(OSError):
        text = pathlib.Path("/proc/%d/stat" % pid).read_text(errors="replace")
        return text.rpartition(")")[2].split()[0]
    return "gone"


@contextlib.contextmanager
def python(code=SLEEPER, executable=sys.executable, **popen):
    """A running Python program that has printed a line."""
    process = subprocess.Popen([executable, "-c", code], stdout=subprocess.PIPE,
                               stdin=subprocess.PIPE, **popen)
    try:
        assert process.stdout.readline()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()


@contextlib.contextmanager
def folder(mode=0o777):
    """An empty folder that everyone may use."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pyspyc-cli-", dir="/tmp"))
    path.chmod(mode)
    try:
        yield path
    finally:
        path.chmod(0o755)
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def program_for_all():
    """A copy of the program where users without rights can run it."""
    with folder(0o755) as place:
        copy = place / "pyspyc"
        shutil.copy(PYSPYC, copy)
        copy.chmod(0o755)
        yield str(copy)


def as_nobody():
    return ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups",
            "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]


def assert_refused(result, status, *parts):
    """One line on standard error that says all of parts; the exit status."""
    assert result.status == status, result
    assert len(result.lines) == 1 and result.error.endswith("\n"), result
    assert result.lines[0].startswith("pyspyc: "), result
    assert all(ord(char) >= 32 and ord(char) != 127 for char in result.lines[0]), result
    for part in parts:
        assert part.lower() in result.lines[0].lower(), (part, result)


def interrupt(process, number=signal.SIGINT):
    """Sends a signal once the program has a handler for it."""
    wait_until(lambda: process.poll() is not None or catches(process.pid, number),
               "a handler for signal %d" % number)
    process.send_signal(number)
