"""A target and its CPU: what its own clocks told, how it had to wait, where it runs."""
import contextlib
import copy
import json
import os
import resource
import signal
import subprocess
import sys

from kit.target import proc, tasks


def told(target):
    """What a target of a known truth tells at its end, which is now."""
    target.signal(signal.SIGTERM)
    return json.loads(target.rest()[-1][len("ready "):])["truth"]


def children_cpu():
    """Seconds that the children which have ended had."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def apart(target):
    """The target on one CPU and what this process starts on the others: both run at once."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(target.pid, {max(before)})
        os.sched_setaffinity(0, before - {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


LOAD = "import os\nos.nice(%d)\nprint('ready', flush=True)\nwhile True:\n    pass\n"


@contextlib.contextmanager
def load(nice=0):
    """Every CPU computes for somebody else."""
    with contextlib.ExitStack() as stack:
        for _ in os.sched_getaffinity(0):
            process = subprocess.Popen([sys.executable, "-c", LOAD % nice], stdout=subprocess.PIPE)
            stack.callback(process.wait)
            stack.callback(process.kill)
            stack.callback(process.stdout.close)
            assert process.stdout.readline()
        yield


WAIT = 0.003  # seconds: as long, about, as a turn of whom one has to wait for


class Waits:
    """From its creation to stop(): how much of its time a process waited for a CPU, how often.

    A thread that has to wait does so in one place. To a sampler, that is a long time in a place
    found by chance, so on a busy machine shares scatter as the number of waits lets them.
    """

    def __init__(self, pid):
        self.pid = pid
        self.before = self._read()
        self.share, self.times = 0.0, 1

    def _read(self):
        sums = [0, 0, 0]  # of /proc/PID/task/TID/schedstat: ns on a CPU, ns waiting, turns
        for tid in tasks(self.pid):
            with contextlib.suppress(OSError):
                values = map(int, proc(self.pid, "task/%d/schedstat" % tid).split())
                sums = [a + b for a, b in zip(sums, values)]
        return sums

    def stop(self):
        ran, waited, turns = (now - then for now, then in zip(self._read(), self.before))
        self.share = waited / max(ran + waited, 1)
        self.times = max(min(turns, waited / (1e9 * WAIT)), 1)  # most turns begin without a wait
        return self

    def part(self, threads):
        """Of one of so many threads that waited as often as each other."""
        one = copy.copy(self)
        one.times = max(self.times / threads, 1)
        return one

    def error(self, share, samples):
        """One standard error, in points, of a share of time found in so many samples."""
        scatter = (1 - self.share) / max(samples, 1) + 2 * self.share ** 2 / self.times
        return 100.0 * (share * (1 - share) * scatter) ** 0.5

    def bound(self, points, share, samples):
        """How far a share may be off: points, and three standard errors."""
        return points + 3 * self.error(share, samples)
