"""Running pyspyc and reading what it writes."""
import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter, namedtuple

from kit.pythons import REPOSITORY
from kit.target import environment

TIMEOUT = 30.0
# A frame of a folded stack, `name (file:line)`.
Frame = namedtuple("Frame", "name file line")
_FRAME = re.compile(r"^(?P<name>.*) \((?P<file>.*?)(?::(?P<line>\d+))?\)$", re.DOTALL)
# A root that is no function: `process 12 "command"`, `thread 12 (name)`.
_ROOT = re.compile(r"^(process|thread) \d+ ")


def parse_frame(text):
    """A frame of a folded stack; of a process, a thread or a marker the text is the name."""
    match = None if _ROOT.match(text) else _FRAME.match(text)
    if not match:
        return Frame(text, "", 0)
    return Frame(match["name"], match["file"], int(match["line"] or 0))


# The last line of a recording: `pyspyc: 99 samples in 1.00 s, 98.7/s of 100/s reached; missed 1, …`
_TRUTH = re.compile(r"^pyspyc: (?P<samples>\d+) samples? in (?P<seconds>[\d.]+) s, "
                    r"(?P<reached>[\d.]+)/s of (?P<rate>[\d.]+)/s reached; (?P<rest>.*)$", re.MULTILINE)


def parse_truth(error):
    """What a recording says of itself: samples, seconds, reached, rate, missed, stopped_ms, …"""
    match = _TRUTH.search(error)
    assert match, "no line of truth: " + error[-500:]
    counts = {name: int(count) for name, count in re.findall(r"(\w+) (\d+)\b", match["rest"])}
    counts.setdefault("waiting", 0)
    counts["stopped_ms"] = float(re.search(r"stopped \d+ \(([\d.]+) ms\)", match["rest"])[1])
    return {**counts, **{name: float(match[name]) for name in ("seconds", "reached", "rate")},
            "samples": int(match["samples"])}


class Folded:
    """A profile in the folded format: stacks (root first, as text) and their counts."""

    def __init__(self, text, truth=None):
        self.text = text
        self.truth = truth  # what the recording said of itself
        self.stacks = Counter()
        for line in text.splitlines():
            assert line, "an empty line in a folded profile"
            stack, _, count = line.rpartition(" ")
            assert count.isdigit() and int(count) > 0, "no count: " + line[-200:]
            self.stacks[tuple(stack.split(";"))] += int(count)

    @property
    def samples(self):
        return sum(self.stacks.values())

    def frames(self):
        """(frames, count) of each stack, root first."""
        for stack, count in self.stacks.items():
            yield [parse_frame(frame) for frame in stack], count

    def count(self, condition):
        return sum(count for frames, count in self.frames() if condition(frames))

    def share(self, condition):
        assert self.samples, "an empty profile"
        return self.count(condition) / self.samples

    def having(self, name):
        """How many samples have a function called name, or Anything.name, in their stack."""
        return self.count(lambda frames: any(
            frame.name == name or frame.name.endswith("." + name) for frame in frames))

    @property
    def moments(self):
        """The moments that samples stand for: a late one stands for those missed before it, too."""
        return self.truth["reached"] * self.truth["seconds"] + self.truth["missed"]

    @property
    def certain(self):
        """Those of them at which no thread waited for a CPU after a stop, as such are left out.

        What waited may stand for some that were missed.
        """
        waiting = self.truth["waiting"]
        return self.moments - waiting - (self.truth["missed"] if waiting else 0)

    def weighs_right(self, threads=1):
        """True when no sample stands for more than itself and what was missed."""
        told = self.truth["samples"]
        return told <= self.samples <= told + threads * self.truth["missed"]

    def seen(self, name):
        """As having(), with all that was missed, but said so, given the benefit of the doubt."""
        found = self.having(name)
        missed = sum(self.truth[kind] for kind in ("missed", "dropped", "unreadable", "waiting"))
        return found + missed if found else 0

    def roots(self):
        found = Counter()
        for stack, count in self.stacks.items():
            found[stack[0]] += count
        return found

    def names(self):
        return {frame.name for frames, _ in self.frames() for frame in frames}


class Timed(Folded):
    """A profile in speedscope's format: the same, and what each sample weighed."""

    def __init__(self, text, truth):
        super().__init__("", truth)
        data = json.loads(text)
        frames = ["%s (%s:%d)" % (frame["name"], frame["file"], frame.get("line", 0))
                  if "file" in frame else frame["name"] for frame in data["shared"]["frames"]]
        self.tracks = data["profiles"]
        for stack, weight in self.weighed():
            self.stacks[tuple(frames[index] for index in stack)] += weight
        self.stacks = Counter({stack: round(weight) for stack, weight in self.stacks.items()})

    def weighed(self, thread=""):
        """(stack, periods of the rate), by thread (or of the one of this name alone) in the order
        of time; equal ones that follow are one."""
        period = 1e9 / self.truth["rate"]
        for track in self.tracks:
            if not thread or track["name"].endswith(" (%s)" % thread):
                for stack, weight in zip(track["samples"], track["weights"]):
                    if stack:  # else nothing is known of this time
                        yield stack, weight / period

    def independent(self, thread=""):
        """So many samples of weight 1 would tell as much: a late one tells a place, not a share."""
        weights = [weight for _, weight in self.weighed(thread)]
        return sum(weights) ** 2 / sum(weight ** 2 for weight in weights)


class Dump:
    """One process of `dump --json`."""

    def __init__(self, record):
        self.record = record
        self.pid = record["pid"]
        self.version = record["version"]
        self.threads = record["threads"]

    def thread(self, name):
        found = [thread for thread in self.threads if thread["name"] == name]
        assert len(found) == 1, "%d threads called %s among %s" % (
            len(found), name, [thread["name"] for thread in self.threads])
        return found[0]

    @property
    def main(self):
        """The stack of the main thread, innermost first."""
        return self.of(self.threads[0])

    @staticmethod
    def of(thread):
        assert not thread.get("error"), thread["error"]
        return [Frame(f["name"], f["path"], f["line"]) for f in thread["frames"]]


class Spy:
    """The program under test."""

    def __init__(self, folder):
        self.path = os.path.abspath(os.environ.get("PYSPYC") or REPOSITORY / "build" / "pyspyc")
        self.folder = folder
        self.started = []
        self.files = 0

    def start(self, *arguments, prefix=(), **popen):
        """Starts pyspyc and returns the process, which ends with the test."""
        popen.setdefault("env", environment())
        popen.setdefault("cwd", self.folder)
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen([*prefix, self.path, *map(os.fspath, map(_word, arguments))],
                                   **popen)
        self.started.append(process)
        return process

    def run(self, *arguments, status=0, timeout=TIMEOUT, text=None, **more):
        """Runs pyspyc to its end, which must have this exit status (None: any)."""
        if text is not None:
            more["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **more)
        try:
            out, error = process.communicate(text, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            out, error = process.communicate(timeout=10)
            raise AssertionError("pyspyc %s did not end within %g s: %s" % (
                " ".join(map(str, arguments)), timeout, _shown(error))) from None
        check_errors(error)
        assert status is None or process.returncode == status, (
            "pyspyc %s ended with %d, not %s; it said: %s" % (
                " ".join(map(str, arguments)), process.returncode, status, _shown(error)))
        return subprocess.CompletedProcess(process.args, process.returncode, out, error)

    def file(self, ending):
        self.files += 1
        return self.folder / ("out-%d%s" % (self.files, ending))

    def record(self, *arguments, pid=None, seconds=None, rate=200, status=0, launch=None,
               timed=False, **more):
        """Records to a folded profile (or Timed), attached to pid or launching a command."""
        form = "speedscope" if timed else "folded"
        output = self.file("." + form)
        words = ["record", "-f", form, "-o", output, "-r", rate, *arguments]
        if seconds is not None:
            words += ["-d", seconds]
        if pid is not None:
            words += ["-p", pid]
        if launch is not None:
            words += ["--", *launch]
        done = self.run(*words, status=status, **more)
        if timed:
            return Timed(output.read_text(encoding="utf-8"),
                         parse_truth(done.stderr.decode("utf-8")))
        return self.read(output, done.stderr.decode("utf-8"))

    @staticmethod
    def read(output, error=None):
        """The folded profile in a file; error is what pyspyc said when it wrote it."""
        return Folded(output.read_text(encoding="utf-8"), parse_truth(error) if error else None)

    def dumps(self, *arguments, **more):
        """Every process of `dump --json`, by pid."""
        done = self.run("dump", "--json", *arguments, **more)
        data = json.loads(done.stdout.decode("utf-8"))
        return {record["pid"]: Dump(record) for record in data["processes"]}

    def dump(self, pid, *arguments, **more):
        return self.dumps("-p", pid, *arguments, **more)[pid]

    def dump_text(self, *arguments, **more):
        return self.run("dump", *arguments, **more).stdout.decode("utf-8")

    def stop(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait(10)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()


def check_errors(error):
    """No sanitizer has found anything in pyspyc itself."""
    text = (error or b"").decode("utf-8", "replace")
    assert "Sanitizer" not in text and "runtime error:" not in text, text


def ended(process, timeout=TIMEOUT):
    """(exit status, standard error) of a pyspyc that was started, once it has ended."""
    begin = time.monotonic()
    try:
        _, error = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise AssertionError("pyspyc still ran after %.1f s" % (time.monotonic() - begin)) from None
    check_errors(error)
    return process.returncode, (error or b"").decode("utf-8", "replace")


def _word(value):
    return value if isinstance(value, (str, bytes, os.PathLike)) else str(value)


def _shown(error):
    return (error or b"").decode("utf-8", "replace").strip()[-2000:] or "nothing"
