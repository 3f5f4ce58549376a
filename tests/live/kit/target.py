"""Programs to be profiled, and what the system says of them."""
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time

from kit.pythons import REPOSITORY

TARGETS = REPOSITORY / "tests" / "targets"
DEADLINE = 30.0
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}


def environment(**more):
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "SUDO_", "VIRTUAL_ENV"))}
    return {**kept, **ENVIRONMENT, **more}


def wait_until(condition, what, deadline=DEADLINE):
    """The first true value of condition(), which is asked again and again until then."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %g s: %s" % (deadline, what))
        time.sleep(0.005)


def proc(pid, name):
    return pathlib.Path("/proc/%d/%s" % (pid, name)).read_text(errors="replace")


def reads(pid):
    """How often a process has read from a file so far."""
    return int(proc(pid, "io").split("syscr: ")[1].split()[0])


def state(pid, tid=None):
    """The letter of proc(5), or "gone"."""
    try:
        text = proc(pid, "task/%d/stat" % tid if tid else "stat")
    except (FileNotFoundError, ProcessLookupError):
        return "gone"
    return text.rpartition(")")[2].split()[0]


def cpu_ticks(pid):
    fields = proc(pid, "stat").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def computes(pid):
    """Waits until a process has computed for some time from now on."""
    before = cpu_ticks(pid)
    wait_until(lambda: cpu_ticks(pid) > before + 3, "process %d computes" % pid)


def precedes(pid):
    """Lets a process go before others on a busy machine, where we may: for what is timed."""
    with contextlib.suppress(OSError):
        for tid in tasks(pid):
            os.setpriority(os.PRIO_PROCESS, tid, -10)


def hurries(pid):
    """Has a process run as soon as it wakes, where we may: for what is timed and takes little."""
    try:
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        precedes(pid)


def sleeps(pid):
    """Waits until every thread of a process sleeps."""
    wait_until(lambda: all(state(pid, tid) == "S" for tid in tasks(pid)),
               "every thread of %d sleeps" % pid)


def reads_input(pid):
    """Whether one of its threads is blocked in read(0, …), as targets are that wait."""
    number = {"x86_64": 0, "aarch64": 63}[os.uname().machine]
    with contextlib.suppress(OSError):
        return any(proc(pid, "task/%d/syscall" % tid).startswith("%d 0x0 " % number)
                   for tid in tasks(pid))
    return False


def watches_memory(recorder, pid):
    """Whether the process `recorder` has found the interpreter of pid and looked at its memory.

    Events are opened some time after statm; when it sleeps until its next look, all is there.
    """
    with contextlib.suppress(OSError):
        links = [os.readlink(entry.path) for entry in os.scandir("/proc/%d/fd" % recorder)]
        return state(recorder) == "S" and any(
            "perf_event" in link or link.endswith("/%d/statm" % pid) for link in links)
    return False


def naps(pid):
    """Waits until a process sleeps for a time of its own choice, as pyspyc does between looks."""
    number = {"x86_64": 230, "aarch64": 115}[os.uname().machine]  # clock_nanosleep
    wait_until(lambda: proc(pid, "syscall").startswith("%d " % number), "process %d naps" % pid)


def catches(pid, number):
    """Whether a process has a handler for a signal."""
    mask = int(proc(pid, "status").split("SigCgt:")[1].split()[0], 16)
    return bool(mask >> (number - 1) & 1)


def rss(pid):
    """Bytes."""
    return int(proc(pid, "status").split("VmRSS:")[1].split()[0]) * 1024


def tracer(pid):
    return int(proc(pid, "status").split("TracerPid:")[1].split()[0])


def tasks(pid):
    return sorted(int(name) for name in os.listdir("/proc/%d/task" % pid))


def children(pid):
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for tid in tasks(pid):
            found += map(int, proc(pid, "task/%d/children" % tid).split())
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def namespace_pid(pid):
    """The pid that a process has in its innermost PID namespace."""
    return int(proc(pid, "status").split("NSpid:")[1].split("\n")[0].split()[-1])


def host_pid(inner, below):
    """The pid here of the descendant of `below` that calls itself `inner`."""
    def look():
        for pid in descendants(below) + [below]:
            with contextlib.suppress(OSError):
                if namespace_pid(pid) == inner:
                    return pid
        return None
    return wait_until(look, "a descendant of %d that is pid %d to itself" % (below, inner))


def marked(name, mark):
    """The lines of tests/targets/NAME that end in the comment `# @MARK`."""
    lines = (TARGETS / name).read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if line.endswith("# @" + mark)]
    assert found, "%s has no # @%s" % (name, mark)
    return found


class Place:
    """A folder with the targets in it, as an interpreter with its own root sees it too."""

    def __init__(self, root):
        self.root = pathlib.Path(root or "/")
        self.host = pathlib.Path(tempfile.mkdtemp(prefix="pyspyc-", dir=self.root / "tmp"))
        self.host.chmod(0o755)
        shutil.copytree(TARGETS, self.host / "targets", ignore=shutil.ignore_patterns("*.pyc", "__pycache__"))
        self.inside = "/" + str(self.host.relative_to(self.root))

    def path(self, name):
        return "%s/targets/%s" % (self.inside, name)

    def put(self, name, text):
        """Writes a program into the place; returns its path as the interpreter sees it."""
        file = self.host / "targets" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return self.path(name)

    def remove(self):
        shutil.rmtree(self.host, ignore_errors=True)


class Target:
    """A running target. It ends when its test does, by its own pid."""

    def __init__(self, command, **popen):
        popen.setdefault("env", environment())
        self.process = subprocess.Popen([os.fspath(word) for word in command],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, **popen)
        self.pid = self.process.pid
        self.facts = {}
        self._pending = b""

    def line(self, deadline=DEADLINE):
        """The next line of its output as text without the line's end; None at the end."""
        end = time.monotonic() + deadline
        while b"\n" not in self._pending:
            left = end - time.monotonic()
            assert left > 0, "target %d said nothing for %g s" % (self.pid, deadline)
            if not select.select([self.process.stdout], [], [], left)[0]:
                continue
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            if not data:
                rest, self._pending = self._pending, b""
                return rest.decode("utf-8", "surrogateescape") if rest else None
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "surrogateescape")

    def ready(self, deadline=DEADLINE):
        """Waits for the next `ready` line; returns what it tells, which self.facts has too."""
        while True:
            line = self.line(deadline)
            assert line is not None, "target ended with %s before it was ready" % self.process.wait(5)
            if line.startswith("ready"):
                self.facts = json.loads(line[5:] or "{}")
                if isinstance(self.facts, dict) and self.facts.get("waits"):
                    wait_until(lambda: any(map(reads_input, [self.pid] + descendants(self.pid))),
                               "target %d reads its input" % self.pid)
                return self.facts

    def resume(self):
        """Lets it go on from where it waits."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def waits(self):
        """Waits until its main thread sleeps, as it does soon after it said `ready`."""
        wait_until(lambda: state(self.pid) == "S", "target %d waits" % self.pid)

    def rest(self):
        """All that is left of its output, up to its end."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                return lines
            lines.append(line)

    def signal(self, number):
        os.kill(self.pid, number)

    def finish(self, deadline=DEADLINE):
        """Its exit status, once it has ended."""
        return self.process.wait(deadline)

    def stop(self):
        for pid in descendants(self.pid) + [self.pid] if self.process.poll() is None else []:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
