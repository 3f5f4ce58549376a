"""The profilers that are compared, each behind the same few functions.

`absent(python)` says why a profiler cannot look at such a program, or None. `record` returns a
Recording whose stacks are (frames, count), root first, of kit.spy.Frame, as the judges of
tests/live/kit take them. Times and rates are as each profiler was told; a rate of None means as
fast as it goes.
"""

import contextlib
import math
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import mojo
from kit.spy import Frame, parse_frame, parse_truth
from process import SLACK, Running, run

BENCH = pathlib.Path(__file__).resolve().parent
LONGEST = 600.0


class Failed(Exception):
    """A profiler that did not do what was asked of it."""


# What a measurement may meet; it costs one figure.
PROBLEMS = (Failed, AssertionError, OSError, ValueError, LookupError, subprocess.SubprocessError)


def in_words(error):
    return " ".join(str(error).split())[-200:] or type(error).__name__


def attempt(series, function, *arguments, **more):
    """Adds a figure; where that fails, why. Returns whether it went well."""
    try:
        series.add(function(*arguments, **more))
    except PROBLEMS as error:
        series.note = "failed: " + in_words(error)
        print("   " + series.note, flush=True)
        return False
    return True


def attempt_all(series, function, *arguments, **more):
    """As attempt, of a function that has several figures."""
    def add():
        series.values += function(*arguments, **more)

    return attempt(series, add)


class Recording:
    """What a profiler made of a target: `samples` good stacks of threads, `lost` that it tried.

    Only stacks that were read count as samples: what a profile adds to a late one, for the moments
    that it stands for as well, is in the counts of `stacks` but not in here."""

    def __init__(self, ended, samples, seconds, lost, stacks):
        self.ended = ended
        self.samples = samples
        self.seconds = seconds
        self.lost = lost
        self.cpu = ended.cpu
        self.peak = ended.peak
        self.stacks = stacks
        self.truth = None

    def read(self, count):
        """How many stacks were read for a count of `stacks`, rounded up."""
        return math.ceil(count * min(1, self.samples / max(total(self.stacks), 1)))

    @property
    def rate(self):
        return self.samples / self.seconds

    @property
    def cpu_per_sample(self):
        return self.cpu / max(self.samples, 1)

    @property
    def lost_share(self):
        return self.lost / max(self.samples + self.lost, 1)


def folded(path, frame=parse_frame):
    """The stacks of a file, a line each."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            stack, _, count = line.rstrip("\n").rpartition(" ")
            if stack and count.isdigit() and not line.startswith("#"):
                yield [frame(text) for text in stack.split(";")], int(count)


def total(stacks):
    return sum(count for _, count in stacks)


class Profiler:
    """What they have in common; `folder` is for their files."""

    name = ""
    blocking = ()
    nonblocking = ()
    holds_target = False  # stops all of it to read, so may not be halted itself

    def __init__(self, folder):
        self.folder = folder
        self.files = 0
        self.reason = None  # why it cannot run at all

    def absent(self, _python):
        return self.reason

    def file(self, ending):
        self.files += 1
        return self.folder / ("%s-%d%s" % (self.name, self.files, ending))

    def version(self):
        return self.reason or self.name

    def start(self, target, seconds, rate=None, **options):
        """Starts a recording nobody will read, for what it does to the target."""
        command, out = self.command(target, seconds, rate, **options)
        return Job(command, out, self.folder)

    def record(self, target, seconds, rate=None, memory=False, **options):
        command, out = self.command(target, seconds, rate, **options)
        try:
            ended = run(command, timeout=min(LONGEST, seconds * 12 + SLACK), memory=memory,
                        folder=self.folder)
            if not out.exists():
                raise Failed("%s ended with %d: %s" % (self.name, ended.status, ended.said))
            return self.read(ended, out, seconds)
        finally:
            out.unlink(missing_ok=True)


class Job:
    """A recording that runs beside what is measured."""

    def __init__(self, command, out, folder):
        self.running = Running(command, folder=folder)
        self.out = out

    def runs(self):
        """Whether it has not ended by itself; it is waited for in stop()."""
        with contextlib.suppress(OSError):
            stat = pathlib.Path("/proc/%d/stat" % self.running.pid).read_text(encoding="utf-8")
            return stat.rpartition(")")[2].split()[0] not in "ZX"
        return False

    def halt(self):
        self.running.kill(signal.SIGSTOP)

    def go_on(self):
        self.running.kill(signal.SIGCONT)

    def stop(self, timeout=10):
        self.running.kill(signal.SIGINT)
        ended = self.running.end(timeout)
        self.out.unlink(missing_ok=True)
        return ended


class Pyspyc(Profiler):
    name = "pyspyc"
    blocking, nonblocking = ("--blocking",), ("--nonblocking",)
    FASTEST = 999999

    def __init__(self, folder, path):
        super().__init__(folder)
        self.path = path

    def version(self):
        return run([self.path, "--version"]).out.strip()

    def command(self, target, seconds, rate, more=(), idle=False, threads=False, children=False):
        out = self.file(".folded")
        words = [self.path, "record", "-p", target.pid, "-d", "%g" % seconds, "-r",
                 rate or self.FASTEST, "-f", "folded", "-o", out, "--hideprogress", *more]
        words += ["-i"] * idle + ["-t"] * threads + ["-s"] * children
        return list(map(str, words)), out

    def read(self, ended, out, _seconds):
        if ended.status != 0:
            raise Failed("pyspyc ended with %d: %s" % (ended.status, ended.said))
        truth = parse_truth(ended.error)
        stacks = list(folded(out))
        recording = Recording(ended, truth["samples"], truth["seconds"],
                              truth.get("dropped", 0) + truth.get("unreadable", 0), stacks)
        recording.truth = truth
        return recording

    def dump(self, target):
        return [self.path, "dump", "--pid", str(target.pid)]


class PySpy(Profiler):
    name = "py-spy"
    holds_target = True
    nonblocking = ("--nonblocking",)
    FASTEST = 10000  # it takes that many samples however long they last

    def __init__(self, folder):
        super().__init__(folder)
        self.path = shutil.which("py-spy")
        self.reason = None if self.path else "py-spy: not installed"

    def version(self):
        return self.reason or run([self.path, "--version"]).out.strip()

    def absent(self, python):
        return self.reason or ("free-threaded" if python.free_threaded else None)

    def command(self, target, seconds, rate, more=(), idle=False, threads=False, children=False):
        out = self.file(".folded")
        if rate is None:
            rate, seconds = self.FASTEST, max(0.1, seconds / 5)
        # Whole seconds only: other lengths come about by the rate, which is what counts the samples.
        whole = max(1, round(seconds))
        words = [self.path, "record", "-p", target.pid, "-d", whole, "-r",
                 max(1, round(rate * seconds / whole)), "-f", "raw", "-o", out, *more]
        words += ["-i"] * idle + ["-t"] * threads + ["-s"] * children
        return list(map(str, words)), out

    def read(self, ended, out, _seconds):
        said = re.search(r"Samples: (\d+) Errors: (\d+)", ended.error + ended.out)
        stacks = list(folded(out))
        return Recording(ended, total(stacks), ended.wall, int(said[2]) if said else 0, stacks)

    def dump(self, target):
        return [self.path, "dump", "--pid", str(target.pid)]


def plain_name(path):
    return os.path.basename(path)


class Austin(Profiler):
    """Its stream goes to a file, or through a pipe to mojo.py, which adds it up meanwhile."""

    name = "Austin"

    def __init__(self, folder, chroot=None):
        super().__init__(folder)
        self.path = shutil.which("austin")
        self.chroot = chroot
        self.prefix = []
        self.inside = None
        self.reason = self.find() if self.path else "Austin: not installed"

    def find(self):
        """It needs glibc 2.38: where there is none, that of the chroot's with its own loader."""
        for prefix in ([], self.loader()):
            with contextlib.suppress(OSError):
                if prefix is not None and run([*prefix, self.path, "--version"]).status == 0:
                    self.prefix = prefix
                    return None
        return "Austin: does not run with this C library"

    def loader(self):
        if not self.chroot:
            return None
        found = sorted(pathlib.Path(self.chroot).glob("lib64/ld-linux-*")) or [None]
        libraries = [str(path.parent) for path in
                     pathlib.Path(self.chroot).glob("usr/lib/*-linux-gnu/libc.so.6")]
        return [str(found[0]), "--library-path", ":".join(libraries)] if found[0] else None

    def version(self):
        return self.reason or "%s%s" % (
            run([*self.prefix, self.path, "--version"]).out.strip().splitlines()[0],
            " (started by another C library's loader)" if self.prefix else "")

    def absent(self, python):
        if self.reason:
            return self.reason
        if python.root and not os.path.ismount(python.root + "/proc"):
            return "no /proc in its chroot"
        if python.free_threaded:
            return "free-threaded"
        return None if (3, 9) <= python.version <= (3, 14) else "knows 3.9 to 3.14"

    def program(self, target):
        """What looks at a program with its own root must have that root too."""
        if not target.python.root:
            return [*self.prefix, self.path]
        inside = target.place.host / "austin"
        if not inside.exists():
            shutil.copy(self.path, inside)
        return ["chroot", target.python.root, target.place.inside + "/austin"]

    def command(self, target, seconds, rate, more=(), idle=False, threads=False, children=False,
                piped=False):
        del threads, idle  # told apart always, and idle ones too: its plain mode, and its cheapest
        out = target.place.host / self.file(".mojo").name
        interval = 1 if rate is None else max(1, round(1e6 / rate))
        words = [*self.program(target), "-i", interval, "-x", max(1, round(seconds))]
        words += ["-C"] * children + list(more)
        if not piped:
            words += ["-o", target.place.inside + "/" + out.name]
        return list(map(str, [*words, "-p", target.pid])), out

    def read(self, ended, out, seconds):
        with open(out, "rb") as stream:
            reader = mojo.read(stream)
        stacks = [([Frame("thread %d (%s)" % (int(thread, 16), thread), "", 0)] + [
            Frame(name, plain_name(file), line) for name, file, line in stack], count)
            for (thread, stack), count in reader.samples.items()]
        return Recording(ended, total(stacks), self.duration(ended, seconds),
                         max(reader.invalid, self.errors(ended)), stacks)

    def collected(self, target, seconds):
        """Flat out, with a process that aggregates at the other end of a pipe."""
        command, _ = self.command(target, seconds, None, piped=True)
        out = self.file(".folded")
        collector = subprocess.Popen([sys.executable, str(BENCH / "mojo.py"), str(out)],
                                     stdin=subprocess.PIPE)
        try:
            with collector.stdin as pipe:
                running = Running(command, stdout=pipe, folder=self.folder)
            ended = running.end(seconds + SLACK)
            collector.wait(SLACK)
            stacks = list(folded(out))
        finally:
            collector.kill()
            collector.wait()
            out.unlink(missing_ok=True)
        if not stacks:
            raise Failed("Austin: " + ended.said)
        return Recording(ended, total(stacks), self.duration(ended, seconds), 0, stacks)

    @staticmethod
    def plain(ended):
        return re.sub(r"\x1b\[[\d;]*m", "", ended.out + ended.error)

    def duration(self, ended, seconds):
        found = re.search(r"Total duration[ .]*([\d.]+)(m?s)", self.plain(ended))
        if not found:
            return max(1, round(seconds))
        return float(found[1]) / (1000 if found[2] == "ms" else 1) or seconds

    def errors(self, ended):
        found = re.search(r"Error rate[ .]*(\d+)/(\d+)", self.plain(ended))
        return int(found[1]) if found else 0

    def dump(self, target):
        return [*self.program(target), "-w", str(target.pid)]


class Tachyon(Profiler):
    """CPython 3.15's own, which looks at 3.15 only."""

    name = "Tachyon"
    blocking = ("--blocking",)

    def __init__(self, folder, python):
        super().__init__(folder)
        self.python = python
        self.reason = None if python and not python.missing else "Tachyon: no CPython 3.15"
        self.said = None

    def version(self):
        return self.reason or "Tachyon of CPython " + self.python.full_version

    def absent(self, python):
        if self.reason:
            return self.reason
        if python.root and not os.path.ismount(python.root + "/proc"):
            return "no /proc in its chroot"
        return None if python.id == self.python.id else "its own version only"

    def module(self, *words):
        return [*self.python.command, "-m", "profiling.sampling", *words]

    def command(self, target, seconds, rate, more=(), idle=False, threads=False, children=False):
        out = target.place.host / self.file(".folded").name
        words = self.module("attach", "-r", rate or 1000000, "-d", max(1, round(seconds)),
                            "--collapsed", "-o", target.place.inside + "/" + out.name, *more)
        words += ["-a"] * (threads or idle) + ["--subprocesses"] * children
        return list(map(str, [*words, target.pid])), out

    @staticmethod
    def frame(text):
        if text.startswith("tid:"):
            return Frame("thread %s (%s)" % (text[4:], text[4:]), "", 0)
        file, name, line = ([""] * 2 + text.rsplit(":", 2))[-3:]
        if not line.isdigit():
            return Frame(text, "", 0)
        return Frame(name, plain_name(file), int(line))

    def read(self, ended, out, seconds):
        said = re.search(r"Captured ([\d,]+) samples? in ([\d.]+) seconds\n.*\nError rate: ([\d.]+)",
                         ended.out + ended.error)
        if not said:
            raise Failed("Tachyon: " + ended.said)
        stacks = list(folded(out, self.frame))
        for child in self.children(out):
            stacks += folded(child, self.frame)
            child.unlink()
        lost = int(said[1].replace(",", "")) * float(said[3]) / 100
        return Recording(ended, total(stacks), float(said[2]) or seconds, round(lost), stacks)

    @staticmethod
    def children(out):
        """The files of child processes, which it writes one by one."""
        return list(out.parent.glob(out.stem + "_*" + out.suffix))

    def dump(self, target):
        return self.module("dump", str(target.pid))


def timed(command):
    """Wall seconds of a command; None when it failed."""
    ended = run(command)
    return ended.wall if ended.status == 0 else None
