"""Runs a profiler to its end and tells what it cost."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time

from kit.target import environment

SLACK = 30.0


@dataclasses.dataclass
class Ended:
    """A process that has ended: times in seconds, memory in kilobytes."""

    status: int
    out: str
    error: str
    wall: float
    cpu: float
    peak: int

    @property
    def said(self):
        """Its last words, for a message."""
        lines = (self.error + "\n" + self.out).strip().splitlines()
        return lines[-1].strip()[-200:] if lines else "nothing"


def peak_memory(pid):
    """VmHWM in kilobytes; 0 when the process has none (any more)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = pathlib.Path("/proc/%d/status" % pid).read_text(encoding="ascii", errors="replace")
        return int(text.split("VmHWM:")[1].split()[0])
    return 0


def cpu_seconds(pid):
    """That all threads of a process have had so far."""
    total = 0
    for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


class Running:
    """A process whose output goes to files, so that it never waits for a reader."""

    def __init__(self, command, stdout=None, folder=None):
        self.command = [word if isinstance(word, str) else str(word) for word in command]
        self.streams = [tempfile.TemporaryFile(dir=folder) for _ in range(2)]
        self.begin = time.perf_counter()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=stdout or self.streams[0],
            stderr=self.streams[1], env=environment(), cwd=folder)
        self.pid = self.process.pid
        self.peak = 0

    def watch(self, done, often):
        """Keeps the greatest memory: what the system tells of an ended child includes its parent's
        before exec. Looked at every millisecond, where that disturbs nothing that is timed."""
        while not done.wait(0.001 if often else 0.05):
            self.peak = max(self.peak, peak_memory(self.pid))

    def end(self, timeout, memory=False):
        """Waits; a process that does not end in time is killed, by its pid."""
        done = threading.Event()
        killer = threading.Timer(timeout, self.kill)
        killer.start()
        watcher = threading.Thread(target=self.watch, args=(done, memory)) if memory else None
        if watcher:
            watcher.start()
        try:
            _, status, usage = os.wait4(self.pid, 0)
        except BaseException:
            self.kill()
            raise
        finally:
            wall = time.perf_counter() - self.begin
            killer.cancel()
            done.set()
            if watcher:
                watcher.join()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(self.process.returncode, *map(self.text, self.streams), wall=wall,
                     cpu=usage.ru_utime + usage.ru_stime, peak=self.peak)

    @staticmethod
    def text(stream):
        with stream:
            stream.seek(0)
            return stream.read().decode("utf-8", "replace")

    def kill(self, number=signal.SIGKILL):
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def run(command, timeout=SLACK, **more):
    """Runs a command to its end."""
    memory = more.pop("memory", False)
    return Running(command, **more).end(timeout, memory)
